"""CARLA's own client reads the towns: lanes, topology, lane changes, signals, crosswalks."""

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from drivevla.sim.towns.kinds import TOWN_KINDS
from drivevla.sim.towns.network import Network

carla = pytest.importorskip("carla")

NetworkOf = Callable[[str, int], Network]
TextOf = Callable[[str, int], str]
TOWNS = [pytest.param(kind, 1, id=kind) for kind in TOWN_KINDS] + [
    pytest.param(kind, seed, id=f"{kind}-{seed}", marks=pytest.mark.slow) for kind in TOWN_KINDS for seed in range(2, 9)
]
STEP_M = 3.1
Key = tuple[int, int, int]


def key(waypoint: Any) -> Key:
    return waypoint.road_id, waypoint.section_id, waypoint.lane_id


def neighbours(waypoint: Any) -> list[Any]:
    """Lanes of the same direction that the paint allows to change to."""
    sides = []
    if waypoint.lane_change in (carla.LaneChange.Left, carla.LaneChange.Both):
        sides.append(waypoint.get_left_lane())
    if waypoint.lane_change in (carla.LaneChange.Right, carla.LaneChange.Both):
        sides.append(waypoint.get_right_lane())
    return [side for side in sides if side is not None]


def lane_graph(carla_map: Any) -> dict[Key, set[Key]]:
    graph: dict[Key, set[Key]] = defaultdict(set)
    for waypoint in carla_map.generate_waypoints(3.0):
        ahead = waypoint.next(STEP_M)
        assert ahead, f"lane {key(waypoint)} is a dead end"
        for other in (*ahead, *neighbours(waypoint)):
            graph[key(waypoint)].add(key(other))
    return graph


def reached_from(start: Key, graph: dict[Key, set[Key]]) -> set[Key]:
    seen, frontier = {start}, [start]
    while frontier:
        for other in graph[frontier.pop()] - seen:
            seen.add(other)
            frontier.append(other)
    return seen


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_every_lane_leads_to_every_lane(text_of: TextOf, kind: str, seed: int) -> None:
    graph = lane_graph(carla.Map("town", text_of(kind, seed)))
    backwards: dict[Key, set[Key]] = defaultdict(set)
    for lane, others in list(graph.items()):
        for other in others:
            backwards[other].add(lane)
    lanes = set(graph)
    start = min(lanes)
    assert lanes - reached_from(start, graph) == set()
    assert lanes - reached_from(start, backwards) == set()


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_topology_junctions_and_lane_changes(text_of: TextOf, network_of: NetworkOf, kind: str, seed: int) -> None:
    carla_map = carla.Map("town", text_of(kind, seed))
    junctions = {waypoint.junction_id for waypoint in carla_map.generate_waypoints(2.0) if waypoint.is_junction}
    assert junctions == {junction.id for junction in network_of(kind, seed).junctions}
    topology = carla_map.get_topology()
    assert all(begin.lane_type == end.lane_type == carla.LaneType.Driving for begin, end in topology)
    # what is the end of one segment is the beginning of another
    assert {key(end) for _, end in topology} <= {key(begin) for begin, _ in topology}
    for waypoint in carla_map.generate_waypoints(5.0):
        for side in neighbours(waypoint):
            assert side.lane_type == carla.LaneType.Driving
            assert side.lane_id * waypoint.lane_id > 0, "paint lets cars into the oncoming lane"


def test_lanes_are_changed_on_avenues_but_not_at_their_ends(text_of: TextOf) -> None:
    carla_map = carla.Map("town", text_of("multilane", 1))
    waypoints = [w for w in carla_map.generate_waypoints(4.0) if not w.is_junction]
    free = [w for w in waypoints if w.lane_change != carla.LaneChange.NONE]
    assert len(free) > len(waypoints) / 2
    assert {w.lane_change for w in free} >= {carla.LaneChange.Left, carla.LaneChange.Right}
    for waypoint in waypoints:
        if any(ahead.is_junction for ahead in waypoint.next(10.0)):
            assert waypoint.lane_change == carla.LaneChange.NONE
    marks = {(w.left_lane_marking.type, w.left_lane_marking.color) for w in waypoints}
    assert (carla.LaneMarkingType.Broken, carla.LaneMarkingColor.White) in marks
    assert (carla.LaneMarkingType.Solid, carla.LaneMarkingColor.Yellow) in marks


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_traffic_keeps_to_the_right(text_of: TextOf, kind: str, seed: int) -> None:
    carla_map = carla.Map("town", text_of(kind, seed))
    met = 0
    for waypoint in carla_map.generate_waypoints(10.0):
        across = waypoint.get_left_lane()
        if across is None or across.lane_id * waypoint.lane_id > 0 or across.lane_type != carla.LaneType.Driving:
            continue
        aside = across.transform.location - waypoint.transform.location
        right = waypoint.transform.get_right_vector()
        assert aside.x * right.x + aside.y * right.y < -2.5
        met += 1
    assert met > 10 or kind == "multilane"


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_signals_and_crosswalks_are_where_they_were_put(
    text_of: TextOf, network_of: NetworkOf, kind: str, seed: int
) -> None:
    carla_map, network = carla.Map("town", text_of(kind, seed)), network_of(kind, seed)
    found = {mark.id: mark for mark in carla_map.get_all_landmarks()}
    signals = [(road, signal) for road in network.roads for signal in road.signals]
    assert len(signals) == len(found)
    for road, signal in signals:
        mark = found[str(signal.id)]
        assert (mark.road_id, mark.type) == (road.id, signal.type)
        assert mark.get_lane_validities() == [signal.lanes]
        where = mark.transform.location
        stands = (signal.stands.x_m, -signal.stands.y_m, signal.ground_m)
        assert math.dist((where.x, where.y, where.z), stands) < 0.02
    lights = [signal for _, signal in signals if signal.type == "1000001"]
    assert len(carla_map.get_all_landmarks_of_type("1000001")) == len(lights)

    corners = carla_map.get_crosswalks()
    polygons = [corners[i : i + 5] for i in range(0, len(corners), 5)]
    middles = [(sum(p.x for p in polygon[:4]) / 4, sum(p.y for p in polygon[:4]) / 4) for polygon in polygons]
    crosswalks = [(road, thing) for road in network.roads for thing in road.objects if thing.type == "crosswalk"]
    assert len(crosswalks) == len(polygons)
    for road, thing in crosswalks:
        place = road.curve.at(thing.s_m, thing.t_m)
        nearest = min(range(len(middles)), key=lambda i: math.dist(middles[i], (place.x_m, -place.y_m)))
        assert math.dist(middles[nearest], (place.x_m, -place.y_m)) < 0.05
        # the long side runs across the road
        first, second = polygons[nearest][0], polygons[nearest][1]
        along = (second.x - first.x, -(second.y - first.y))
        length = math.hypot(*along)
        share = (along[0] * math.cos(place.heading_rad) + along[1] * math.sin(place.heading_rad)) / length
        across = length > 3.6
        assert abs(share) == pytest.approx(0.0 if across else 1.0, abs=0.02)


def test_the_geo_reference_is_read(text_of: TextOf, network_of: NetworkOf) -> None:
    del network_of
    first, second = (
        carla.Map("town", text_of("grid", seed)).transform_to_geolocation(carla.Location()) for seed in (1, 2)
    )
    assert abs(first.latitude - second.latitude) > 1e-3
