"""The expert's parts, by hand-worked numbers."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.sim.expert.boxes import boxes_touch
from drivevla.sim.expert.following import FollowingModel, Leader
from drivevla.sim.expert.obstacles import find_block
from drivevla.sim.expert.profile import Stop, drive_profile, speed_envelope
from drivevla.sim.expert.scene import read_others
from drivevla.sim.expert.shifts import Hold, Shift
from drivevla.sim.expert.way import way_of
from drivevla.types import ObjectTruth, Truth


@given(speed_mps=st.floats(0.5, 9.0))
def test_at_the_equilibrium_gap_idm_keeps_its_speed(speed_mps: float) -> None:
    model = FollowingModel()
    gap = model.equilibrium_gap_m(speed_mps, 10.0)
    free = model.free(speed_mps, 10.0)
    # IDM: a (1 - (v / v0)^4 - (s* / s)^2) = 0; the two parts meet in "behind" without the free term.
    interaction = model.acceleration_mps2 - model.behind(speed_mps, gap, speed_mps)
    assert free - interaction == pytest.approx(0.0, abs=1e-9)


def test_behind_a_standing_leader_it_comes_to_rest_before_it() -> None:
    leader = Leader(gap_m=40.0, speed_mps=0.0)
    profile = drive_profile(
        10.0, np.full(200, 10.0), leaders=[leader], stops=[], model=FollowingModel(), horizon_s=30.0
    )
    assert profile.speed_mps[-1] < 0.2
    assert 33.0 < profile.along_m[-1] < 36.5  # 4 m of least gap


def test_a_braking_leader_is_reckoned_with_until_it_stands() -> None:
    leader = Leader(gap_m=10.0, speed_mps=8.0, acceleration_mps2=-4.0)
    assert leader.moved(1.0) == pytest.approx((6.0, 4.0))
    assert leader.moved(5.0) == pytest.approx((8.0, 0.0))  # 8^2 / 8


@given(distance_m=st.floats(0.2, 80.0), speed_mps=st.floats(0.0, 15.0))
def test_no_profile_passes_its_stop_where_the_brakes_suffice(distance_m: float, speed_mps: float) -> None:
    if speed_mps**2 / 12.0 > distance_m:
        return
    profile = drive_profile(
        speed_mps, np.full(200, 15.0), leaders=[], stops=[Stop(distance_m=distance_m, key="x")], model=FollowingModel()
    )
    assert profile.along_m[-1] <= distance_m + 0.15


def test_a_bend_is_approached_at_the_speed_it_allows() -> None:
    bends = np.zeros(60)
    bends[40:] = 0.1  # sqrt(2.5 / 0.1) = 5 m/s
    envelope = speed_envelope(bends, 12.0)
    assert envelope[40] == pytest.approx(5.0)
    assert envelope[30] == pytest.approx(np.sqrt(25.0 + 2 * 2.0 * 10.0))
    assert envelope[0] == pytest.approx(12.0)


def test_a_shift_goes_out_and_comes_back() -> None:
    shift = Shift(left_m=3.0, begin_m=10.0, full_m=20.0, back_m=40.0, end_m=50.0)
    np.testing.assert_allclose(
        shift.at(np.array([0.0, 10.0, 15.0, 20.0, 40.0, 45.0, 50.0, 90.0])), [0, 0, 1.5, 3, 3, 1.5, 0, 0]
    )


def test_a_hold_keeps_the_old_lane_until_it_is_released() -> None:
    hold = Hold(left_m=-3.5, change_m=100.0, changed_m=115.0)
    np.testing.assert_allclose(hold.at(np.array([90.0, 100.0, 107.5, 115.0, 200.0])), [0, 0, -1.75, -3.5, -3.5])
    released = Hold(left_m=-3.5, change_m=100.0, changed_m=115.0, released_m=120.0, settled_m=140.0)
    np.testing.assert_allclose(released.at(np.array([120.0, 130.0, 140.0])), [-3.5, -1.75, 0])


def test_boxes_touch_as_worked_out_by_hand() -> None:
    half = np.array([2.0, 1.0])
    origin = np.zeros(3)
    assert boxes_touch(origin, half, np.array([3.9, 0.0, 0.0]), half)
    assert not boxes_touch(origin, half, np.array([4.1, 0.0, 0.0]), half)
    assert boxes_touch(origin, half, np.array([2.9, 0.0, np.pi / 2]), half)  # 2 + 1
    assert not boxes_touch(origin, half, np.array([3.1, 0.0, np.pi / 2]), half)
    # Two squares, one on its corner: half diagonal sqrt(2).
    square = np.array([1.0, 1.0])
    assert boxes_touch(origin, square, np.array([2.40, 0.0, np.pi / 4]), square)
    assert not boxes_touch(origin, square, np.array([2.42, 0.0, np.pi / 4]), square)


@given(
    x=st.floats(-6, 6),
    y=st.floats(-6, 6),
    yaw=st.floats(-3, 3),
    turn=st.floats(-3, 3),
    shift=st.floats(-100, 100),
)
def test_touching_does_not_depend_on_the_frame(x: float, y: float, yaw: float, turn: float, shift: float) -> None:
    one, other = np.array([0.0, 0.0, 0.3]), np.array([x, y, yaw])
    half = np.array([2.3, 1.0])
    gap = boxes_touch(one, half * 1.001, other, half) == boxes_touch(one, half * 0.999, other, half)
    if not gap:
        return  # too close to call
    cos, sin = np.cos(turn), np.sin(turn)
    moved = [np.array([p[0] * cos - p[1] * sin + shift, p[0] * sin + p[1] * cos, p[2] + turn]) for p in (one, other)]
    assert boxes_touch(moved[0], half, moved[1], half) == boxes_touch(one, half, other, half)


def test_cones_along_the_edge_of_roadworks_belong_to_them(
    road: Callable[..., Truth], body: Callable[..., ObjectTruth]
) -> None:
    warning = body(30.0, 0.0, category="static.prop.trafficwarning", size_m=(1.2, 2.4, 2.0), name="1")
    cone = body(33.0, 1.7, category="static.prop.constructioncone", size_m=(0.4, 0.4, 0.7), name="2")
    truth = road(warning, cone)
    others, way = read_others(truth), way_of(truth)
    block = find_block(others, way.places(others.xy_m, others.yaw_rad, others.half_m), others.will_stay)
    assert block is not None
    assert block.rows == (0,)  # the cone alone would not be in the way ...
    assert block.left_edge_m == pytest.approx(1.9)  # ... but there is no room between it and the warning
    assert block.right_edge_m == pytest.approx(-1.2)
    assert block.left_to_m == pytest.approx(33.2)
    assert block.right_to_m == pytest.approx(30.6)
    assert block.from_m == pytest.approx(29.4)
