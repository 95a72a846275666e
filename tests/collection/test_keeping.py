"""Which captures become frames, and what pushes at the wheel do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.collection.disturbing import Disturbance
from drivevla.collection.keeping import LAG_S, Keeper, lag_at_the_end_s
from drivevla.planner.control import BicycleModel, VehicleControl
from drivevla.types import Plan

STANDING = Plan(waypoints=np.zeros((16, 3)))
MOVING = Plan(waypoints=np.stack([np.arange(1, 17) * 1.25, np.zeros(16), np.zeros(16)], axis=-1))


def test_every_second_capture_of_a_moving_car_is_kept() -> None:
    keeper = Keeper(every=2, standing_every=5)
    assert [keeper.keeps(MOVING, speed_mps=5.0) for _ in range(6)] == [False, True] * 3


def test_of_a_stand_the_first_and_then_every_fifth_is_kept() -> None:
    keeper = Keeper(every=1, standing_every=5)
    assert [keeper.keeps(STANDING, speed_mps=0.0) for _ in range(11)] == [n % 5 == 0 for n in range(11)]


def test_a_car_that_stands_but_is_about_to_go_is_kept() -> None:
    keeper = Keeper(every=1, standing_every=5)
    assert all(keeper.keeps(MOVING, speed_mps=0.0) for _ in range(5))


@given(seed=st.integers(0, 1000), speed_mps=st.floats(2.5, 20.0))
def test_a_push_turns_the_car_a_little_and_never_hard(seed: int, speed_mps: float) -> None:
    disturbance = Disturbance(every_s=0.05, rng=np.random.default_rng(seed))
    model, state, turned_rad = BicycleModel(), np.array([0.0, 0.0, 0.0, speed_mps]), 0.0
    straight = VehicleControl(throttle=0.3)
    for _ in range(20):
        control = disturbance.over(straight, speed_mps=speed_mps, room=True, tick_s=0.05)
        if turned_rad and not disturbance.is_on:
            break
        angle_rad = control.steering * model.limits.steer_range_rad(speed_mps)
        bend_per_m = np.tan(angle_rad) / model.limits.wheelbase_m
        assert abs(bend_per_m) * speed_mps**2 < 4.1
        state = model.step(state, np.array([0.0, bend_per_m]), 0.05)
        turned_rad = float(state[2])
    assert abs(turned_rad) < np.radians(14.0)


def test_nobody_is_pushed_where_there_is_no_room_or_hardly_any_speed() -> None:
    disturbance = Disturbance(every_s=0.05, rng=np.random.default_rng(0))
    straight = VehicleControl(throttle=0.3)
    for _ in range(50):
        assert disturbance.over(straight, speed_mps=8.0, room=False, tick_s=0.05) == straight
        assert disturbance.over(straight, speed_mps=1.0, room=True, tick_s=0.05) == straight


def test_no_pushes_at_all_can_be_asked_for() -> None:
    disturbance = Disturbance(every_s=0.0, rng=np.random.default_rng(0))
    straight = VehicleControl(throttle=0.3)
    assert all(disturbance.over(straight, speed_mps=8.0, room=True, tick_s=0.05) == straight for _ in range(500))


@pytest.mark.parametrize(
    ("how", "student_drives", "lag_s"),
    [("arrived", False, 0.0), ("blocked", True, 0.0), ("collided", False, LAG_S), ("collided", True, 0.5)],
)
def test_the_seconds_before_a_collision_are_kept_only_where_the_student_causes_it(
    how: str, student_drives: bool, lag_s: float
) -> None:
    assert lag_at_the_end_s(how, student_drives=student_drives) == lag_s
