"""What evaluators give in their own words: routes, and where on Earth their maps lie."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.harness.geodesy import map_of_reference, reference_of_point
from drivevla.harness.given_route import dense_plan, sparse_plan
from drivevla.sim.maps import find_map
from drivevla.sim.routes import RoadOption

carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")

Fix = Callable[[tuple[float, float], float, float], tuple[float, float]]


@given(
    latitude=st.floats(-70.0, 70.0),
    longitude=st.floats(-179.0, 179.0),
    x_m=st.floats(-3000.0, 3000.0),
    y_m=st.floats(-3000.0, 3000.0),
)
def test_a_map_s_origin_follows_from_one_point_of_the_plan(
    leaderboard_fix: Fix, latitude: float, longitude: float, x_m: float, y_m: float
) -> None:
    fix = leaderboard_fix((latitude, longitude), x_m, y_m)
    found = reference_of_point(latitude_deg=fix[0], longitude_deg=fix[1], x_m=x_m, y_m=y_m)
    assert found == pytest.approx((latitude, longitude), abs=1e-8)  # a millimetre


@pytest.mark.parametrize("name", ["Gen_grid_1", "Gen_highway_1"])
def test_without_the_map_a_fix_means_the_same_place_as_with_it(name: str) -> None:
    source = find_map(name)
    town = carla.Map(source.name, source.opendrive)
    origin = town.transform_to_geolocation(carla.Location(0.0, 0.0, 0.0))
    bare = map_of_reference(origin.latitude, origin.longitude)
    for x, y in ((0.0, 0.0), (400.0, -250.0), (-300.0, 700.0)):
        place = bare.geolocation_to_transform(town.transform_to_geolocation(carla.Location(x, y, 0.0)))
        assert (place.x, place.y) == pytest.approx((x, y), abs=0.01)


def two_lanes() -> tuple[Any, Any, Any]:
    """A map, and waypoints side by side on a straight stretch of it, the right one first."""
    source = find_map("Gen_multilane_1")
    town = carla.Map(source.name, source.opendrive)
    for waypoint in town.generate_waypoints(5.0):
        left, ahead = waypoint.get_left_lane(), waypoint.next(45.0)
        if left is None or left.lane_id * waypoint.lane_id < 0 or left.lane_type != carla.LaneType.Driving:
            continue
        if len(ahead) == 1 and ahead[0].road_id == waypoint.road_id:
            return town, waypoint, left
    raise AssertionError("the town has no two lanes side by side")


def test_a_leap_between_lanes_becomes_a_line_that_can_be_driven() -> None:
    town, right, left = two_lanes()
    change = RoadOption.CHANGELANELEFT
    given_route = [(right.next(float(s) + 0.01)[0].transform, RoadOption.LANEFOLLOW) for s in range(15)]
    given_route += [(right.next(15.0)[0].transform, change), (left.next(20.0)[0].transform, change)]
    given_route += [(left.next(float(s))[0].transform, RoadOption.LANEFOLLOW) for s in range(21, 45)]
    plan = dense_plan(given_route, town)

    steps = np.diff(plan.location_m[:, :2], axis=0)
    assert np.linalg.norm(steps, axis=1).max() < 1.5
    turned = np.degrees(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0])))
    assert np.abs(turned - turned[0]).max() < 25.0  # 3.5 m to the side over 15 m is at most 19 degrees of heading
    assert plan.location_m[0] == pytest.approx(_place(given_route[0]), abs=1e-6)
    assert plan.location_m[-1] == pytest.approx(_place(given_route[-1]), abs=1e-6)
    assert [plan.lane[0, 2], plan.lane[-1, 2]] == [right.lane_id, left.lane_id]
    changing = np.flatnonzero(plan.option == change)
    assert np.array_equal(changing, np.arange(changing[0], changing[-1] + 1))
    assert 15.0 < plan.distance_m[changing[-1]] - plan.distance_m[changing[0]] < 22.0


def test_a_route_within_a_lane_keeps_its_points() -> None:
    town, right, _ = two_lanes()
    points = [(right.next(float(s) + 0.01)[0].transform, RoadOption.LANEFOLLOW) for s in range(20)]
    plan = dense_plan([points[0], *points], town)  # the first point twice, as joined key points have it
    assert plan.location_m == pytest.approx(np.array([_place(point) for point in points]))
    assert plan.length_m == pytest.approx(19.0, abs=0.1)
    assert sparse_plan(points).option.tolist() == [int(RoadOption.LANEFOLLOW)] * 20


def _place(point: tuple[Any, RoadOption]) -> list[float]:
    location = point[0].location
    return [location.x, location.y, location.z]
