"""The planner on roads small enough to work out by hand, and its properties on generated towns."""

import itertools
import math
from functools import cache

import carla
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivevla.errors import DataError
from drivevla.sim.maps import find_map
from drivevla.sim.routes import DensePlan, RoadOption, plan_points
from drivevla.sim.routes.lanes import LaneGraph, lane_graph
from drivevla.sim.routes.plan import behind_and_ahead

LANE = '<lane id="{id}" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>{mark}</lane>'
MARK = '<roadMark sOffset="{s}" type="{type}" weight="standard" color="white" width="0.12" laneChange="{change}"/>'


def straight_road(*marks: tuple[float, str]) -> carla.Map:
    """200 m towards +x, lanes -1 (y 1.75) and -2 (y 5.25); the line between them changes its kind at each s."""
    between = "".join(MARK.format(s=s, type=kind, change="both" if kind == "broken" else "none") for s, kind in marks)
    edge = MARK.format(s=0, type="solid", change="none")
    text = (
        '<OpenDRIVE><header revMajor="1" revMinor="4" name="" version="1" north="0" south="0" east="0" west="0"/>'
        '<road name="a" length="200" id="1" junction="-1">'
        '<planView><geometry s="0" x="0" y="0" hdg="0" length="200"><line/></geometry></planView>'
        '<lanes><laneSection s="0"><center><lane id="0" type="none" level="false">'
        + edge
        + "</lane></center><right>"
        + LANE.format(id=-1, mark=between)
        + LANE.format(id=-2, mark=edge)
        + "</right></laneSection></lanes></road></OpenDRIVE>"
    )
    return carla.Map("straight", text)


@cache
def town(name: str) -> carla.Map:
    return carla.Map(name, find_map(name).opendrive)


def test_a_straight_lane_is_followed_in_steps_of_a_metre() -> None:
    plan = plan_points(straight_road((0, "broken")), [(10.0, 1.75, 0.0), (110.0, 1.75, 0.0)])
    assert plan.length_m == pytest.approx(100.0, abs=0.05)
    np.testing.assert_allclose(np.diff(plan.distance_m), 1.0, atol=1e-3)
    np.testing.assert_allclose(plan.location_m[:, 1], 1.75, atol=1e-4)
    np.testing.assert_allclose(plan.yaw_deg, 0.0, atol=1e-3)
    assert set(plan.options()) == {RoadOption.LANEFOLLOW}
    assert set(map(tuple, plan.lane.tolist())) == {(1, 0, -1)}
    assert plan.key.tolist() == [0, len(plan.distance_m) - 1]


def test_a_plan_goes_on_as_another_from_where_it_begins() -> None:
    road = straight_road((0, "broken"))
    driven = plan_points(road, [(10.0, 1.75, 0.0), (60.0, 1.75, 0.0), (110.0, 1.75, 0.0)])
    onward = plan_points(road, [(80.0, 1.75, 0.0), (150.0, 5.25, 0.0)])
    joined = behind_and_ahead(driven, 30, 70, onward)
    assert joined.location_m[0].tolist() == driven.location_m[30].tolist()
    assert joined.location_m[40:].tolist() == onward.location_m.tolist()
    assert joined.length_m == pytest.approx(onward.length_m + 40.0, abs=0.05)
    assert (np.diff(joined.distance_m) > 0.0).all()
    assert joined.key.tolist() == [20, 40, 40 + len(onward.distance_m) - 1]


def test_a_lane_change_takes_fifteen_metres_and_comes_early() -> None:
    plan = plan_points(straight_road((0, "broken")), [(10.0, 1.75, 0.0), (110.0, 5.25, 0.0)])
    changing = np.flatnonzero(plan.option == RoadOption.CHANGELANERIGHT)
    assert changing.tolist() == list(range(changing[0], changing[-1] + 1))
    x = plan.location_m[:, 0]
    assert x[changing[-1]] - x[changing[0] - 1] == pytest.approx(15.0, abs=0.1)
    assert x[changing[0]] < 20.0
    # 3.5 m aside over 15 m by an S-shaped line: a little longer than 15.4
    assert plan.length_m == pytest.approx(100.0 + 0.5, abs=0.2)
    assert (np.diff(plan.location_m[:, 1]) > -1e-6).all()
    assert plan.lane[0].tolist() == [1, 0, -1]
    assert plan.lane[-1].tolist() == [1, 0, -2]


def test_a_change_back_is_to_the_left() -> None:
    plan = plan_points(straight_road((0, "broken")), [(10.0, 5.25, 0.0), (110.0, 1.75, 0.0)])
    assert set(plan.options()) == {RoadOption.LANEFOLLOW, RoadOption.CHANGELANELEFT}


def test_where_there_is_little_room_the_change_is_as_short_as_carlas() -> None:
    plan = plan_points(straight_road((0, "broken")), [(10.0, 1.75, 0.0), (17.0, 5.25, 0.0)])
    changing = np.flatnonzero(plan.option == RoadOption.CHANGELANERIGHT)
    assert plan.location_m[changing[-1], 0] - plan.location_m[changing[0] - 1, 0] == pytest.approx(5.0, abs=0.1)
    assert np.diff(plan.distance_m).max() <= 1.5


def test_the_change_waits_for_the_broken_line() -> None:
    plan = plan_points(straight_road((0, "solid"), (100, "broken")), [(10.0, 1.75, 0.0), (190.0, 5.25, 0.0)])
    changing = plan.location_m[plan.option == RoadOption.CHANGELANERIGHT, 0]
    assert 99.0 < changing.min() < 110.0


def test_a_line_that_is_solid_all_along_is_not_crossed() -> None:
    with pytest.raises(DataError, match=r"no lanes lead from point 0 at .* to point 1"):
        plan_points(straight_road((0, "solid")), [(10.0, 1.75, 0.0), (190.0, 5.25, 0.0)])


def test_a_point_just_behind_counts_as_reached() -> None:
    plan = plan_points(
        straight_road((0, "broken")), [(10.0, 1.75, 0.0), (50.0, 1.75, 0.0), (47.0, 1.75, 0.0), (90.0, 1.75, 0.0)]
    )
    assert plan.length_m == pytest.approx(80.0, abs=0.1)
    assert plan.key[1] == plan.key[2]


def test_a_route_does_not_begin_by_having_passed_its_second_point() -> None:
    with pytest.raises(DataError, match="no lanes lead"):
        plan_points(straight_road((0, "broken")), [(50.0, 1.75, 0.0), (30.0, 1.75, 0.0)])


def test_against_the_direction_of_a_one_way_road_there_is_no_way() -> None:
    with pytest.raises(DataError, match="no lanes lead"):
        plan_points(straight_road((0, "broken")), [(150.0, 1.75, 0.0), (50.0, 1.75, 0.0)])


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        ([(10.0, 1.75, 0.0)], "at least two points, got 1"),
        ([(10.0, 1.75, 0.0), (10.0, 1.75, 0.0)], "no length"),
        ([(10.0, 1.75, 0.0), (50.0, 40.0, 0.0)], r"point 1 .* lies 34\.\d m from the nearest driving lane"),
        ([(10.0, 1.75, 0.0), (math.inf, 1.75, 0.0)], "finite"),
    ],
)
def test_points_that_make_no_route_are_refused(points: list[tuple[float, float, float]], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        plan_points(straight_road((0, "broken")), points)


def test_a_route_that_begins_at_a_junction_has_the_command_for_its_turn() -> None:
    graph = lane_graph(town("Gen_grid_1"))
    lane = next(each for each in graph.lanes if each.junction < 0 and len(each.successors) == 3)
    for number in lane.successors:
        inside = graph.lanes[number]
        after = graph.lanes[inside.successors[0]]
        road, entry, goal = graph.location_m[[lane.end - 1, inside.first, after.first + 10]]
        start = 0.3 * road + 0.7 * entry  # nearer to the junction's first point than to the road's last
        ends = [(float(x), float(y), float(z)) for x, y, z in (start, goal)]
        option = plan_points(town("Gen_grid_1"), ends).options()[3]
        assert option in (RoadOption.LEFT, RoadOption.RIGHT, RoadOption.STRAIGHT)


def test_the_lanes_of_a_map_are_sampled_once() -> None:
    assert lane_graph(town("Gen_grid_1")) is lane_graph(town("Gen_grid_1"))


@pytest.mark.parametrize("name", ["Gen_grid_1", "Gen_multilane_1", "Gen_highway_1"])
def test_sampled_points_lie_where_carla_says(name: str) -> None:
    graph = lane_graph(town(name))
    for number in range(0, len(graph.lane_of), 97):
        lane = graph.lanes[graph.lane_of[number]]
        waypoint = town(name).get_waypoint_xodr(lane.key[0], lane.key[2], float(graph.s_m[number]))
        location = waypoint.transform.location
        np.testing.assert_allclose(
            (location.x, location.y, location.z), graph.location_m[number], atol=0.05
        )  # a metre of a bend of 6 m radius is 2 cm off its chord
        assert math.remainder(waypoint.transform.rotation.yaw - graph.yaw_deg[number], 360.0) == pytest.approx(0, abs=2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["Gen_grid_1", "Gen_multilane_1", "Gen_roundabout_1"]), st.integers(0, 10**6), st.integers(0, 10**6)
)
def test_every_plan_is_connected_and_its_options_agree_with_the_heading(name: str, first: int, second: int) -> None:
    graph = lane_graph(town(name))
    roads = np.flatnonzero(graph.junction_of[graph.lane_of] < 0)  # in junctions lanes overlap: a point may mean several
    ends = [tuple(graph.location_m[roads[number % len(roads)]].tolist()) for number in (first, second)]
    if math.dist(*ends) < 60.0:  # nearer, the second may lie just behind the first
        return
    plan = plan_points(town(name), ends)
    steps = np.diff(plan.distance_m)
    assert steps.max() <= 1.5
    assert steps.min() > 0.0
    assert math.dist(plan.location_m[0], ends[0]) < 1.0
    assert_lanes_connect(graph, plan)
    assert_options_agree(plan)


def assert_lanes_connect(graph: LaneGraph, plan: DensePlan) -> None:
    number_of = {lane.key: number for number, lane in enumerate(graph.lanes)}
    lanes = [number_of[key] for key in map(tuple, plan.lane.tolist())]
    for (before, after), option in zip(itertools.pairwise(lanes), plan.options()[1:], strict=True):
        if before == after:
            continue
        lane = graph.lanes[before]
        if option is RoadOption.CHANGELANELEFT:
            assert after in (lane.left, *lane.successors) or lane.left in successors_into(graph, after)
        elif option is RoadOption.CHANGELANERIGHT:
            assert after in (lane.right, *lane.successors) or lane.right in successors_into(graph, after)
        else:
            assert after in lane.successors


def successors_into(graph: LaneGraph, lane: int) -> list[int]:
    return [number for number, each in enumerate(graph.lanes) if lane in each.successors]


def assert_options_agree(plan: DensePlan) -> None:
    for option, group in itertools.groupby(range(len(plan.option)), key=lambda point: int(plan.option[point])):
        points = list(group)
        if points[0] == 0 or points[-1] == len(plan.option) - 1:
            continue  # a turn that is cut off by the route's end
        turned = math.remainder(float(plan.yaw_deg[points[-1] + 1] - plan.yaw_deg[points[0] - 1]), 360.0)
        if option == RoadOption.STRAIGHT:
            assert abs(turned) < 40.0
        elif option in (RoadOption.LEFT, RoadOption.RIGHT):
            assert abs(turned) > 30.0
            if abs(turned) > 60.0:  # milder ones are told from the other ways out of the junction
                assert (turned > 0) == (option == RoadOption.RIGHT)  # CARLA's yaw grows to the right
        if option == RoadOption.LANEFOLLOW:
            assert (plan.junction[points] < 0).all() or plan.junction[0] >= 0
