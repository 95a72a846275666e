"""Lanes and routes of the truth, on maps without a simulator."""

from functools import cache

import carla
import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.geometry import invert_rigid, matrix_from_yaw, rigid
from drivevla.geometry.carla import points_from_carla
from drivevla.sim.maps import find_map
from drivevla.sim.routes import DensePlan, generate_routes, plan_route
from drivevla.sim.truth.lanes import NearLanes
from drivevla.sim.truth.route import RouteTracker
from drivevla.types import LaneTruth

TOWN = "Gen_multilane_9"


@cache
def town() -> carla.Map:
    source = find_map(TOWN)
    return carla.Map(source.name, source.opendrive)


@cache
def plan() -> DensePlan:
    (route,) = generate_routes(town(), count=1, seed=9, length_m=(200.0, 500.0))
    return plan_route(town(), route)


def pose_at(index: int) -> NDArray[np.float64]:
    place = points_from_carla(plan().location_m[index])
    return rigid(matrix_from_yaw(-np.radians(plan().yaw_deg[index])), place)


def lanes_at(index: int) -> dict[str, LaneTruth]:
    near = NearLanes(town(), reach_m=50.0)
    pose = pose_at(index)
    return {lane.lane_id: lane for lane in near.around(invert_rigid(pose), pose[:3, 3])}


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_lane_of_the_route_passes_the_ego_in_its_own_direction(share: float) -> None:
    index = int(share * len(plan().location_m))
    tracker = RouteTracker(plan(), reach_m=60.0)
    for step in range(index + 1):
        ahead = tracker.ahead(points_from_carla(plan().location_m[step]))
    own = lanes_at(index)[ahead.lane_ids[0]]
    away = np.linalg.norm(own.centerline_m, axis=1)
    nearest = int(np.argmin(away))
    assert away[nearest] < 1.5
    after = min(nearest + 1, len(own.centerline_m) - 1)
    heading = own.centerline_m[after] - own.centerline_m[after - 1]
    assert heading[0] > 0.8 * np.linalg.norm(heading)


def test_neighbours_lie_on_the_side_that_they_are_named_for() -> None:
    lanes = lanes_at(len(plan().location_m) // 3)
    checked = 0
    for lane in lanes.values():
        if lane.in_junction or len(lane.centerline_m) < 3:
            continue
        middle = len(lane.centerline_m) // 2
        ahead = lane.centerline_m[middle + 1] - lane.centerline_m[middle]
        ahead = ahead / np.linalg.norm(ahead)
        for other_id, side, same in ((lane.left_id, 1.0, lane.left_same_direction), (lane.right_id, -1.0, True)):
            if not other_id or other_id not in lanes:
                continue
            other = lanes[other_id].centerline_m
            nearest = int(np.argmin(np.linalg.norm(other - lane.centerline_m[middle], axis=1)))
            offset = other[nearest] - lane.centerline_m[middle]
            across = side * (ahead[0] * offset[1] - ahead[1] * offset[0])
            assert across == pytest.approx((lane.width_m + lanes[other_id].width_m) / 2, abs=0.5)
            low = max(nearest - 1, 0)
            theirs = other[low + 1] - other[low]
            assert bool(theirs @ ahead > 0) == same
            checked += 1
    assert checked >= 4


def test_successors_begin_where_their_lane_ends() -> None:
    lanes = lanes_at(int(np.argmax(plan().junction >= 0)))
    pairs = [(lane, lanes[name]) for lane in lanes.values() for name in lane.successors or () if name in lanes]
    assert pairs
    for lane, onward in pairs:
        assert np.linalg.norm(lane.centerline_m[-1] - onward.centerline_m[0]) < 1.0


def test_places_are_told_their_lane_and_places_off_the_road_none() -> None:
    near = NearLanes(town(), reach_m=50.0)
    place = points_from_carla(plan().location_m[len(plan().location_m) // 3])
    road, section, lane = plan().lane[len(plan().location_m) // 3].tolist()
    on, above, off = near.lanes_at(place + np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 30.0], [2000.0, 0.0, 0.0]]))
    assert on == f"{road}.{section}.{lane}"
    assert off is None
    assert above is None


def test_the_route_ahead_begins_at_the_ego_and_counts_down() -> None:
    tracker = RouteTracker(plan(), reach_m=60.0)
    begin = tracker.ahead(points_from_carla(plan().location_m[0]))
    assert begin.distance_m == 0.0
    assert begin.left_m == pytest.approx(plan().length_m)
    later = tracker.ahead(points_from_carla(plan().location_m[12]))
    assert later.distance_m == pytest.approx(plan().distance_m[12])
    assert later.distance_m + later.left_m == pytest.approx(plan().length_m)
    np.testing.assert_allclose(later.points_m[0], points_from_carla(plan().location_m[12]))
    assert len(later.commands) == len(later.lane_ids) == len(later.in_junction) == len(later.points_m)
