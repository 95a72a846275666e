"""Landmarks stand beside the roads, as the map's text says."""

import math
from collections import Counter
from collections.abc import Callable

import pytest
import shapely
from shapely.geometry import Polygon

from drivevla.sim.maps import landmarks
from drivevla.sim.towns.kinds import TOWN_KINDS
from drivevla.sim.towns.landmark_kinds import BUILDING_COLORS, CAR_COLORS, LANDMARK_KINDS
from drivevla.sim.towns.network import Network
from drivevla.sim.towns.outlines import lane_outlines

NetworkOf = Callable[[str, int], Network]
TextOf = Callable[[str, int], str]
TOWNS = [pytest.param(kind, 1, id=kind) for kind in TOWN_KINDS] + [
    pytest.param(kind, seed, id=f"{kind}-{seed}", marks=pytest.mark.slow) for kind in TOWN_KINDS for seed in range(2, 9)
]


def footprint(location_m: tuple[float, float, float], yaw_deg: float, size_m: tuple[float, float, float]) -> Polygon:
    """The ground under a landmark in OpenDRIVE's frame, from CARLA's."""
    x, y, heading = location_m[0], -location_m[1], -math.radians(yaw_deg)
    cos, sin = math.cos(heading), math.sin(heading)
    corners = [(u * size_m[0] / 2, v * size_m[1] / 2) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return Polygon([(x + u * cos - v * sin, y + u * sin + v * cos) for u, v in corners])


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_landmarks_keep_off_lanes_sidewalks_and_each_other(
    text_of: TextOf, network_of: NetworkOf, kind: str, seed: int
) -> None:
    boxes = [footprint(mark.location_m, mark.yaw_deg, mark.size_m) for mark in landmarks(text_of(kind, seed))]
    lanes = [
        outline
        for road in network_of(kind, seed).roads
        for lane, outline in lane_outlines(road, step_m=1.0)
        if lane.kind != "parking"
    ]
    tree = shapely.STRtree(lanes)
    for box in boxes:
        assert all(lanes[i].intersection(box).area < 0.01 for i in tree.query(box))
    crowd = shapely.STRtree(boxes)
    assert all(
        boxes[i].distance(boxes[j]) > 1.0 for i, j in crowd.query(boxes, predicate="dwithin", distance=1.0).T if i != j
    )


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_a_town_has_something_to_speak_of(text_of: TextOf, kind: str, seed: int) -> None:
    found = landmarks(text_of(kind, seed))
    counts = Counter(mark.kind for mark in found)
    assert {"church", "petrol_station", "building", "parked_car"} <= set(counts) <= set(LANDMARK_KINDS)
    assert counts["building"] >= 6
    assert counts["bus"] == counts["bus_stop"]
    assert len({mark.color for mark in found if mark.kind == "building"}) >= 3
    for mark in found:
        colors = {"building": BUILDING_COLORS, "parked_car": CAR_COLORS}.get(mark.kind)
        assert (mark.color in colors) if colors else mark.color is None
        assert mark.name == {"building": f"{mark.color} building", "parked_car": f"parked {mark.color} car"}.get(
            mark.kind, mark.kind.replace("_", " ")
        )


def test_a_bus_waits_on_the_road_side_of_its_stop(text_of: TextOf) -> None:
    pairs = 0
    for kind, seed in (("mixed", 1), ("mixed", 2), ("stop", 1), ("stop", 2), ("grid", 2)):
        found = landmarks(text_of(kind, seed))
        stops = [mark for mark in found if mark.kind == "bus_stop"]
        for bus in (mark for mark in found if mark.kind == "bus"):
            stop = min(stops, key=lambda stop: math.dist(stop.location_m, bus.location_m))
            assert stop.road_id == bus.road_id
            assert stop.s_m == bus.s_m
            assert 0 < bus.t_m / stop.t_m < 1
            pairs += 1
    assert pairs > 3
