"""Where scenarios are, worked out from a map alone: geometry by hand, triggers, parameters, what is left out."""

import itertools
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla import registry
from drivevla.errors import ConfigError, ContractError
from drivevla.sim.maps import find_map
from drivevla.sim.routes import DensePlan, Interval, Place, Route, Scenario, generate_routes, load_routes, plan_route
from drivevla.sim.scenarios import find_scenarios, place_scenarios, start_place
from drivevla.sim.scenarios.construction import ConstructionObstacle
from drivevla.sim.scenarios.cut_ins import changing_lane
from drivevla.sim.scenarios.path import Path
from drivevla.sim.scenarios.roads import Roads, comes_from

carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")

ROUTES = FilePath(__file__).parents[3] / "../shared/real/carla_routes/leaderboard_2/routes_training.xml"


@pytest.fixture(scope="module")
def grid() -> Any:
    source = find_map("Gen_grid_1")
    return carla.Map(source.name, source.opendrive)


@pytest.fixture(scope="module")
def route(grid: Any) -> Route:
    return generate_routes(grid, count=1, seed=1, length_m=(200.0, 300.0), manoeuvres=["follow"])[0]


@pytest.fixture(scope="module")
def plan(grid: Any, route: Route) -> DensePlan:
    return plan_route(grid, route)


def _at(plan: DensePlan, along_m: float, kind: str, **parameters: object) -> Scenario:
    index = int(np.searchsorted(plan.distance_m, along_m))
    x, y, z = plan.location_m[index].tolist()
    trigger = Place((x, y, z), float(plan.yaw_deg[index]))
    return Scenario(name=f"{kind}_1", type=kind, trigger=trigger, parameters=parameters)  # type: ignore[arg-type]


def test_kerbs_are_found_on_every_lane_of_roads_with_a_median() -> None:
    source = find_map("Gen_multilane_1")
    roads = Roads(carla.Map(source.name, source.opendrive))
    lanes = [lane for lane in roads.map.generate_waypoints(10.0) if not lane.is_junction]
    # On a road with a median the search once went back and forth between it and the lane beside it for ever.
    assert {str(roads.kerb(lane, "left").lane_type) for lane in lanes} == {"Median"}
    for lane in lanes:
        near, far = roads.kerb(lane, "right"), roads.far_kerb(lane)
        assert (str(near.lane_type), str(far.lane_type)) == ("Sidewalk", "Sidewalk")
        assert near.lane_id * far.lane_id < 0


def test_a_place_beside_a_path_lies_to_its_right() -> None:
    path = Path([(0.0, 0.0, 0.0), (10.0, 0.0, 1.0), (10.0, 10.0, 1.0)])
    assert path.length_m == 20.0
    assert path.place(5.0, right_m=2.0).location_m == pytest.approx((5.0, 2.0, 0.5))  # y grows to the right
    assert path.place(15.0).location_m == pytest.approx((10.0, 5.0, 1.0))
    assert path.place(15.0).yaw_deg == pytest.approx(90.0)
    assert path.place(-3.0).location_m == pytest.approx((-3.0, 0.0, -0.3))
    with pytest.raises(ContractError, match="two different points"):
        Path([(1.0, 1.0, 0.0), (1.0, 1.0, 5.0)])


@given(along=st.floats(1.0, 99.0), right=st.floats(-3.0, 3.0))
def test_a_place_on_a_bend_is_found_again(along: float, right: float) -> None:
    angle = np.linspace(0.0, 1.0, 101)
    path = Path(np.stack([100 * np.sin(angle), 100 * (1 - np.cos(angle)), np.zeros(101)], axis=-1))
    found = path.project(path.place(along, right_m=right).location_m)
    assert found == pytest.approx((along, right), abs=0.08)


def test_a_lane_change_leads_from_the_one_lane_to_the_other() -> None:
    lane = Path([(float(x), 0.0, 0.0) for x in range(101)])
    change = changing_lane(Place((10.0, 3.5, 0.0), 0.0), lane, over_m=20.0)
    assert change.location_m[0] == pytest.approx((10.0, 3.5, 0.0))
    assert change.place(change.project((20.0, 1.75))[0]).location_m[1] == pytest.approx(1.75, abs=0.05)  # half way
    assert change.project((30.0, 0.0))[1] == pytest.approx(0.0, abs=1e-6)
    assert change.location_m[-1] == pytest.approx((99.0, 0.0, 0.0))


@pytest.mark.parametrize(("yaw", "side"), [(0.0, "behind"), (90.0, "left"), (180.0, "opposite"), (-90.0, "right")])
def test_who_heads_to_the_right_comes_from_the_left(yaw: float, side: str) -> None:
    assert comes_from(yaw, 0.0) == side


def test_every_type_of_leaderboard_2_is_there() -> None:
    assert len(registry.names("scenarios")) >= 48
    for name in registry.names("scenarios"):
        assert registry.load("scenarios", name).__name__ == name


@pytest.mark.real_data
def test_no_type_of_the_training_routes_is_lacking() -> None:
    if not ROUTES.exists():
        pytest.skip("the official route files are not here")
    types = {scenario.type for route in load_routes(ROUTES) for scenario in route.scenarios}
    assert len(types) == 38
    assert types <= set(registry.names("scenarios"))


def test_what_cannot_be_played_is_left_out_with_its_reason(grid: Any, route: Route, plan: DensePlan) -> None:
    beside = replace(_at(plan, 60.0, "HardBreakRoute"), trigger=Place((5000.0, 0.0, 0.0), 0.0))
    backwards = _at(plan, 60.0, "HardBreakRoute")
    backwards = replace(backwards, trigger=Place(backwards.trigger.location_m, (backwards.trigger.yaw_deg or 0) + 180))
    wrong = _at(plan, 60.0, "ParkingCutIn", direction="up")
    scenarios = (_at(plan, 60.0, "HardBreakRoute"), beside, backwards, wrong, _at(plan, 60.0, "AlienLanding"))
    found, left_out = find_scenarios(grid, plan, replace(route, scenarios=scenarios), seed=0)
    assert [each.spec.type for each in found] == ["HardBreakRoute"]
    assert found[0].trigger_along_m == pytest.approx(60.0, abs=1.0)
    reasons = [each.reason for each in left_out]
    assert "from the route" in reasons[0]
    assert "from the route" in reasons[1]
    assert "'direction' must be one of right, left" in reasons[2].replace("left, right", "right, left")
    assert "AlienLanding" in reasons[3]


def test_cones_stand_along_the_passing_side_and_across_the_far_end(grid: Any, route: Route, plan: DensePlan) -> None:
    spec = _at(plan, 60.0, "ConstructionObstacle", distance=50.0)
    found, _ = find_scenarios(grid, plan, replace(route, scenarios=(spec,)), seed=0)
    site = found[0]
    assert isinstance(site, ConstructionObstacle)
    cones = [np.array(each.location_m[:2]) for each in site.cones()]
    gaps = [float(np.linalg.norm(after - before)) for before, after in itertools.pairwise(cones)]
    assert gaps == pytest.approx([2.0, 2.0, 2.0, 1.0, 1.0, 1.0])
    begin = plan.distance_m[site.index] + 50.0
    along, right = np.array([Path(plan.location_m).project(each) for each in cones]).T
    half = site.standing[0].lane_width / 2
    assert along[0] == pytest.approx(begin + 2.0, abs=1.0)
    assert right[0] == pytest.approx(-0.85 * half, abs=0.2)  # traffic passes on the left
    assert np.diff(right[3:]) == pytest.approx([1.0, 1.0, 1.0], abs=0.1)


def test_the_ego_begins_in_the_parking_lane_for_a_parking_exit(grid: Any, route: Route, plan: DensePlan) -> None:
    free = start_place(grid, plan, route)
    assert free.location_m == pytest.approx(tuple(plan.location_m[0]))
    source = find_map("Gen_highway_1")
    highway = carla.Map(source.name, source.opendrive)
    placed = place_scenarios(highway, ["ParkingExit"], seed=1)[0]
    start = start_place(highway, plan_route(highway, placed), placed).location_m
    along, right = Path(plan_route(highway, placed).location_m).project(start)
    assert along == pytest.approx(0.0, abs=0.6)
    assert 2.5 < right < 4.0
    lane = highway.get_waypoint(carla.Location(*start), lane_type=carla.LaneType.Parking)
    assert lane.transform.location.distance(carla.Location(*start)) < 0.5 * lane.lane_width


def test_placing_is_repeatable_and_parameters_follow_the_difficulty(grid: Any) -> None:
    easy, again, hard = (
        place_scenarios(grid, ["AccidentTwoWays"], seed=3, difficulty=difficulty)[0] for difficulty in (0.0, 0.0, 1.0)
    )
    assert easy == again
    assert easy.scenarios[0].parameters["frequency"] == Interval(120.0, 180.0)
    assert hard.scenarios[0].parameters["frequency"] == Interval(80.0, 120.0)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        place_scenarios(grid, ["AccidentTwoWays"], seed=3, difficulty=2.0)
