"""Whom the expert lets go first where somebody joins its lane, and what it learns while it waits."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from drivevla.sim.expert.conflicts import Crossings, yield_to_others
from drivevla.sim.expert.following import FollowingModel, Leader
from drivevla.sim.expert.forecast import LaneMap
from drivevla.sim.expert.habits import Habits
from drivevla.sim.expert.profile import Profile, drive_profile
from drivevla.sim.expert.scene import read_others
from drivevla.sim.expert.way import way_of
from drivevla.types import LaneTruth, ObjectTruth, Truth

Road = Callable[..., Truth]
Body = Callable[..., ObjectTruth]

MERGE_M = 30.0
"""Where the side road comes onto the ego's, at 45 degrees from the right."""


def lane(name: str, *successors: str, in_junction: bool = False) -> LaneTruth:
    return LaneTruth(
        lane_id=name,
        centerline_m=np.array([[0.0, 0.0], [1.0, 0.0]]),
        width_m=3.5,
        in_junction=in_junction,
        left_id="",
        right_id="",
        successors=successors,
    )


LANES = {
    each.lane_id: each
    for each in (
        lane("in", "straight", "right"),
        lane("straight", "onward", in_junction=True),
        lane("right", "aside", in_junction=True),
        lane("onward"),
        lane("aside"),
    )
}


def pass_through(habits: Habits, name: str, *lanes: str) -> None:
    for each in lanes:
        habits.watch([name], [each], LANES)


def test_two_who_went_the_same_way_make_a_habit() -> None:
    habits = Habits()
    pass_through(habits, "1", "in", "straight", "onward")
    assert habits.ways == {}
    pass_through(
        habits, "2", "in", "in", "right", "onward"
    )  # on "right" only by a wrong match: it comes out on "onward"
    assert habits.ways == {"in": "straight"}


def test_one_who_goes_another_way_ends_the_habit() -> None:
    habits = Habits()
    for name in "123":
        pass_through(habits, name, "in", "straight", "onward")
    pass_through(habits, "4", "in", "right", "aside")
    assert habits.ways == {}


def test_a_car_is_followed_along_the_way_that_is_known_and_else_along_all() -> None:
    ahead = np.stack([np.arange(0.0, 21.0, 5.0), np.zeros(5)], axis=-1)
    turn = np.array([[20.0, 0.0], [25.0, -3.0], [27.0, -20.0]])
    lanes = LaneMap.of(
        (
            replace(lane("in", "straight", "right"), centerline_m=ahead),
            replace(lane("straight"), centerline_m=ahead + np.array([20.0, 0.0])),
            replace(lane("right"), centerline_m=turn),
        )
    )
    place, reach = np.array([[1.0, 0.0]]), np.array([35.0])
    nearest = lanes.nearest(place, np.zeros(1))
    assert len(lanes.futures(place, nearest, reach, [{}])[0]) == 2
    (line,) = lanes.futures(place, nearest, reach, [{"in": "straight"}])[0]
    np.testing.assert_allclose(line[:, 1], 0.0)


def test_one_at_the_end_of_the_lanes_that_are_known_has_no_line() -> None:
    ahead = np.stack([np.arange(0.0, 21.0, 5.0), np.zeros(5)], axis=-1)
    lanes = LaneMap.of((replace(lane("in"), centerline_m=ahead),))
    places, reach = np.array([[19.6, 0.0], [12.0, 0.0]]), np.array([35.0, 35.0])
    none, some = lanes.futures(places, lanes.nearest(places, np.zeros(2)), reach, [{}, {}])
    assert none == []
    assert [len(line) for line in some] == [9]


def joined(
    road: Road, other: ObjectTruth, speed_mps: float, waited_s: float = 0.0, merge_m: float = MERGE_M
) -> Crossings:
    """What the ego at the origin is asked when somebody comes along the side road."""
    truth = road(other, crossing_m=merge_m)
    back = np.arange(60.0, 0.0, -2.0)[:, None] * np.array([-np.sqrt(0.5), -np.sqrt(0.5)])
    side = np.concatenate(
        [np.array([merge_m, 0.0]) + back, np.stack([(x := np.arange(merge_m, 121.0, 2.0)), np.zeros_like(x)], axis=-1)]
    )
    own = truth.lanes[0] if truth.lanes else None
    assert own is not None
    truth = replace(truth, lanes=(own, replace(own, lane_id="side", centerline_m=side)))
    way, others = way_of(truth), read_others(truth)
    places = way.places(others.xy_m, others.yaw_rad, others.half_m)

    def drive(leaders: Sequence[Leader]) -> Profile:
        return drive_profile(speed_mps, np.full(120, 10.0), leaders=leaders, stops=[], model=FollowingModel())

    assert truth.lanes is not None
    return yield_to_others(way, others, places, drive, LaneMap.of(truth.lanes), Habits(), truth, waited_s=waited_s)


def beside(
    body: Body, before_merge_m: float, speed_mps: float, acceleration_mps2: float = 0.0, merge_m: float = MERGE_M
) -> ObjectTruth:
    """On the side road, so far before the merge."""
    x, y = np.array([merge_m, 0.0]) - before_merge_m * np.sqrt(0.5)
    made = body(float(x), float(y), yaw_rad=float(np.pi / 4), speed_mps=speed_mps)
    return replace(made, acceleration_mps2=np.full(2, acceleration_mps2 * np.sqrt(0.5)))


def test_it_goes_before_somebody_who_is_far_enough_behind(road: Road, body: Body) -> None:
    # At 10 m/s both: the other's front is 70 - 30 - 2 - 1 = 37 m behind the ego's rear, 3.7 s.
    assert joined(road, beside(body, 70.0, 10.0), 10.0) == Crossings()


@pytest.mark.parametrize("before_merge_m", [38.0, 33.0])
def test_it_waits_for_somebody_who_would_come_too_close_behind(road: Road, body: Body, before_merge_m: float) -> None:
    # 38 - 30 - 2 - 1.03 = 5 m behind, half a second.
    crossings = joined(road, beside(body, before_merge_m, 10.0), 10.0)
    assert [stop.key for stop in crossings.stops] == ["joining"]


def test_nobody_is_waited_for_who_is_far_enough_ahead_by_then(road: Road, body: Body) -> None:
    # At 10 m/s both: the other's rear is 30 - 15 - 2 - 3.87 = 9.1 m ahead of the ego's front, along the lanes.
    assert joined(road, beside(body, 15.0, 10.0), 10.0) == Crossings()


def test_it_falls_in_behind_somebody_slower_who_is_first(road: Road, body: Body) -> None:
    crossings = joined(road, beside(body, 15.0, 8.0), 10.0)
    assert crossings.stops == ()
    (leader,) = crossings.leaders
    assert leader.gap_m == pytest.approx(9.1, abs=1.5)
    assert leader.speed_mps == pytest.approx(8.0)


def test_somebody_behind_who_slows_down_is_expected_slower(road: Road, body: Body) -> None:
    # 5 m behind at 10 m/s it would come too close (above); braking with 1 m/s2 for half a second it comes at 9.5.
    assert joined(road, beside(body, 38.0, 10.0, -1.0), 10.0) == Crossings()


@pytest.mark.parametrize(("braking_mps2", "expected_mps2"), [(-1.0, 0.0), (-3.0, -3.0)])
def test_who_slows_down_for_a_bend_is_not_expected_to_stop(
    road: Road, body: Body, braking_mps2: float, expected_mps2: float
) -> None:
    # 3 m/s2 take 10.7 m from 8 m/s, past where it would stop for the merge.
    (leader,) = joined(road, beside(body, 15.0, 8.0, braking_mps2), 10.0).leaders
    assert leader.acceleration_mps2 == pytest.approx(expected_mps2)


@pytest.mark.parametrize(("speed_mps", "asked"), [(1.0, (1, 0)), (3.0, (0, 1))])
def test_rolling_it_follows_somebody_who_draws_away_instead_of_stopping(
    road: Road, body: Body, speed_mps: float, asked: tuple[int, int]
) -> None:
    # The other's rear is 11 - 4 - 2 - 3.87 = 1.1 m ahead of the ego's front: less than the 2.5 m to join behind.
    crossings = joined(road, beside(body, 4.0, 7.0, merge_m=11.0), speed_mps, merge_m=11.0)
    assert (len(crossings.stops), len(crossings.leaders)) == asked
