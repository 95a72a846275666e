import numpy as np
import pytest

from drivevla.errors import ContractError
from drivevla.sim.routes import DensePlan, RoadOption, TargetTracker, downsample_route

FOLLOW, LEFT, CHANGE = RoadOption.LANEFOLLOW, RoadOption.LEFT, RoadOption.CHANGELANELEFT


def along_x(*runs: tuple[RoadOption, int]) -> DensePlan:
    """Points one metre apart along x."""
    option = np.concatenate([np.full(count, option, dtype=np.int8) for option, count in runs])
    count = len(option)
    distance = np.arange(count, dtype=np.float64)
    return DensePlan(
        location_m=np.stack([distance, np.zeros(count), np.zeros(count)], axis=-1),
        yaw_deg=np.zeros(count),
        option=option,
        lane=np.tile(np.array([[1, 0, -1]], dtype=np.int32), (count, 1)),
        junction=np.full(count, -1, dtype=np.int32),
        distance_m=distance,
        key=np.array([0, count - 1]),
    )


def test_a_long_straight_keeps_a_point_each_time_the_gap_is_exceeded() -> None:
    # the distance counts from the point after a kept one: 201 m are travelled at point 201, and point 202 is kept
    assert downsample_route(along_x((FOLLOW, 451))).index.tolist() == [0, 202, 404, 450]


def test_every_change_of_option_is_kept() -> None:
    sparse = downsample_route(along_x((FOLLOW, 30), (LEFT, 20), (FOLLOW, 30)))
    assert sparse.index.tolist() == [0, 30, 50, 79]
    assert sparse.option.tolist() == [FOLLOW, LEFT, FOLLOW, FOLLOW]
    assert sparse.location_m[1].tolist() == [30.0, 0.0, 0.0]


def test_a_lane_change_keeps_both_ends_and_not_the_point_after_it() -> None:
    assert downsample_route(along_x((FOLLOW, 30), (CHANGE, 15), (FOLLOW, 30))).index.tolist() == [0, 30, 44, 74]


def test_a_gap_of_leaderboard_1_keeps_more() -> None:
    assert downsample_route(along_x((FOLLOW, 120)), max_gap_m=50.0).index.tolist() == [0, 52, 104, 119]


@pytest.mark.parametrize("gap", [0.0, -1.0, float("nan")])
def test_a_gap_must_be_positive(gap: float) -> None:
    with pytest.raises(ContractError, match="max_gap_m"):
        downsample_route(along_x((FOLLOW, 3)), max_gap_m=gap)


def test_targets_advance_as_the_vehicle_reaches_them() -> None:
    tracker = TargetTracker(downsample_route(along_x((FOLLOW, 30), (LEFT, 20), (FOLLOW, 30))))  # at 0, 30, 50, 79
    first, second = tracker.update(0.0, 0.0)
    assert (first.location_m[0], first.option, second.location_m[0]) == (30.0, LEFT, 50.0)
    assert tracker.update(22.0, 0.0)[0].location_m[0] == 30.0  # 8 m before: not yet reached
    assert tracker.update(23.0, 0.0)[0].location_m[0] == 50.0  # 7 m before
    assert tracker.update(10.0, 0.0)[0].location_m[0] == 50.0  # a passed point stays passed
    last = tracker.update(44.0, 0.0)
    assert [each.location_m[0] for each in last] == [79.0, 79.0]
    assert tracker.update(79.0, 0.0)[0].location_m[0] == 79.0  # the last point remains the target


def test_targets_look_no_farther_than_told() -> None:
    # back at the start of a loop the end is near too, but 60 m along the way
    plan = along_x((FOLLOW, 20), (LEFT, 20), (FOLLOW, 21))
    plan.location_m[:, 0] = np.concatenate([np.arange(31.0), np.arange(29.0, -1.0, -1.0)])
    sparse = downsample_route(plan)
    assert TargetTracker(sparse, lookahead_m=15.0).update(0.0, 0.0)[0].location_m[0] == 20.0
    assert TargetTracker(sparse, lookahead_m=50.0).update(0.0, 0.0)[0].location_m[0] == 0.0


def test_the_trackers_distances_must_be_positive() -> None:
    with pytest.raises(ContractError, match="reached_m"):
        TargetTracker(downsample_route(along_x((FOLLOW, 3))), reached_m=0.0)
