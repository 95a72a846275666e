"""The bicycle model and the plan tracker: hand-worked arcs, inverses, and tracking errors on the model itself."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.geometry import compose_se2, invert_se2
from drivevla.planner.control import BicycleModel, PlanTracker, VehicleControl, VehicleLimits
from drivevla.types import Plan

MODEL = BicycleModel()


def test_a_quarter_circle_by_hand() -> None:
    radius = 10.0
    after = MODEL.step([0.0, 0.0, 0.0, 5.0 * np.pi], [0.0, 1.0 / radius], 1.0)
    np.testing.assert_allclose(after, [radius, radius, np.pi / 2, 5.0 * np.pi], atol=1e-12)


def test_braking_ends_at_standstill_after_v_squared_over_two_a() -> None:
    after = MODEL.step([0.0, 0.0, 0.0, 4.0], [-8.0, 0.0], 1.0)
    np.testing.assert_allclose(after, [1.0, 0.0, 0.0, 0.0])


def test_two_half_steps_are_one_step() -> None:
    start, action = [1.0, 2.0, 0.3, 8.0], [1.5, 0.05]
    halves = MODEL.step(MODEL.step(start, action, 0.1), action, 0.1)
    np.testing.assert_allclose(halves, MODEL.step(start, action, 0.2), atol=1e-12)


@given(st.integers(0, 2**31))
def test_actions_come_back_from_the_states_they_lead_through(seed: int) -> None:
    rng = np.random.default_rng(seed)
    actions = np.stack([rng.uniform(-1.0, 2.0, (3, 12)), rng.uniform(-0.1, 0.1, (3, 12))], axis=-1)
    start = np.concatenate([rng.normal(size=(3, 3)), rng.uniform(8.0, 15.0, (3, 1))], axis=-1)
    states = np.concatenate([start[:, None], MODEL.roll_out(start, actions, 0.25)], axis=1)
    np.testing.assert_allclose(MODEL.actions_between(states, 0.25), actions, atol=1e-9)


@given(st.floats(-3.0, 3.0), st.floats(-50.0, 50.0), st.floats(-50.0, 50.0))
def test_motion_is_the_same_wherever_the_car_starts(yaw: float, x: float, y: float) -> None:
    pose, action = np.array([x, y, yaw]), [0.5, 0.08]
    local = MODEL.step([0.0, 0.0, 0.0, 9.0], action, 0.5)
    moved = MODEL.step([*pose, 9.0], action, 0.5)
    np.testing.assert_allclose(moved[:2], compose_se2(pose, local[:3])[:2], atol=1e-9)


def test_steering_shrinks_with_speed_and_turns_left_for_positive_curvature() -> None:
    limits = VehicleLimits()
    assert limits.steer_range_rad(0.0) == pytest.approx(np.radians(70.0))
    assert limits.steer_range_rad(60 / 3.6) == pytest.approx(0.8 * np.radians(70.0))
    assert MODEL.steer_from_curvature(1.0 / 2.85) == pytest.approx(np.pi / 4)


@pytest.mark.parametrize("bad", [{"throttle": 1.1}, {"brake": -0.1}, {"steering": float("nan")}])
def test_controls_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ContractError, match=next(iter(bad))):
        VehicleControl(**bad)  # type: ignore[arg-type]


def follow(
    reference: Callable[[float], NDArray[np.float64]], *, speed_mps: float, duration_s: float, replan_s: float = 0.2
) -> tuple[NDArray[np.float64], PlanTracker]:
    """Drive the bicycle model along a reference of time, with a fresh plan every 0.2 s; returns states over ticks."""
    limits, tracker, dt = VehicleLimits(), PlanTracker(), 0.05
    state = np.array([*reference(0.0), speed_mps])
    states, times = [state], np.arange(1, 17) * 0.25
    for tick in range(round(duration_s / dt)):
        now = tick * dt
        if tick % round(replan_s / dt) == 0:
            planned_at, plan_pose = now, state[:3]
            ahead = np.stack([reference(now + t) for t in times])
            plan = Plan(waypoints=compose_se2(invert_se2(plan_pose), ahead))
        control = tracker.step(
            plan,
            plan_from_ego=compose_se2(invert_se2(plan_pose), state[:3]),
            elapsed_s=now - planned_at,
            speed_mps=float(state[3]),
            dt_s=dt,
        )
        acceleration = control.throttle * limits.full_throttle_mps2 - control.brake * limits.full_brake_mps2
        angle = control.steering * limits.steer_range_rad(float(state[3]))
        state = MODEL.step(state, [acceleration, np.tan(angle) / limits.wheelbase_m], dt)
        states.append(state)
    return np.stack(states), tracker


def test_a_straight_at_constant_speed_is_held() -> None:
    states, _ = follow(lambda t: np.array([10.0 * t, 0.0, 0.0]), speed_mps=10.0, duration_s=10.0)
    assert np.abs(states[:, 1]).max() < 1e-6
    assert np.abs(states[20:, 3] - 10.0).max() < 0.05


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_curve_is_cut_by_less_than_twenty_centimetres(side: float) -> None:
    radius, speed = 20.0, 6.0

    def circle(t: float) -> NDArray[np.float64]:
        angle = speed * t / radius
        return np.array([radius * np.sin(angle), side * radius * (1 - np.cos(angle)), side * angle])

    states, _ = follow(circle, speed_mps=speed, duration_s=12.0)
    off = np.hypot(states[:, 0], states[:, 1] - side * radius) - radius
    assert np.abs(off).max() < 0.2
    assert np.abs(states[40:, 3] - speed).max() < 0.1


def test_left_and_right_are_mirror_images() -> None:
    def bend(sign: float) -> Callable[[float], NDArray[np.float64]]:
        return lambda t: np.array([8.0 * t, sign * 0.05 * t**2, sign * np.arctan(0.1 * t / 8.0)])

    left, _ = follow(bend(1.0), speed_mps=8.0, duration_s=5.0)
    right, _ = follow(bend(-1.0), speed_mps=8.0, duration_s=5.0)
    np.testing.assert_allclose(left[:, 1], -right[:, 1], atol=1e-9)


def test_a_stop_ends_within_half_a_metre_and_holds() -> None:
    deceleration, start = 2.5, 10.0
    stop_m = start**2 / (2 * deceleration)

    def braking(t: float) -> NDArray[np.float64]:
        moved = start * t - 0.5 * deceleration * t**2 if t < start / deceleration else stop_m
        return np.array([moved, 0.0, 0.0])

    states, _ = follow(braking, speed_mps=start, duration_s=8.0)
    assert abs(states[-1, 0] - stop_m) < 0.5
    assert states[-1, 3] == 0.0


def test_a_plan_that_stands_soon_is_braked_for_by_the_way_that_is_left() -> None:
    # From 4 m/s to rest in 1 m: v^2 / 2 s = 8 m/s2, all that the brakes do; an error of 4 m/s alone would ask for 6.
    times = np.arange(1, 17) * 0.25
    x = np.where(times < 0.5, 4.0 * times - 4.0 * times**2, 1.0)
    plan = Plan(waypoints=np.stack([x, np.zeros(16), np.zeros(16)], axis=-1), target_speed_mps=0.0)
    control = PlanTracker().step(plan, plan_from_ego=np.zeros(3), elapsed_s=0.0, speed_mps=4.0, dt_s=0.05)
    assert control.brake == pytest.approx(1.0)
    gentle = Plan(waypoints=np.stack([4.0 * (1 - np.exp(-times)), np.zeros(16), np.zeros(16)], axis=-1))
    assert PlanTracker().step(gentle, plan_from_ego=np.zeros(3), elapsed_s=0.0, speed_mps=4.0, dt_s=0.05).brake < 0.6


def test_a_plan_that_ran_out_brings_the_car_to_a_stop() -> None:
    plan = Plan(waypoints=np.stack([8.0 * np.arange(1, 17) * 0.25, np.zeros(16), np.zeros(16)], axis=-1))
    control = PlanTracker().step(plan, plan_from_ego=[36.0, 0.0, 0.0], elapsed_s=4.5, speed_mps=8.0, dt_s=0.05)
    assert control.throttle == 0.0
    assert control.brake > 0.5


def test_a_standing_plan_keeps_the_wheel_where_it_is() -> None:
    tracker = PlanTracker()
    curve = np.stack([np.linspace(0.5, 8, 16), np.linspace(0.0, 3.0, 16), np.zeros(16)], axis=-1)
    moving = tracker.step(Plan(waypoints=curve), plan_from_ego=np.zeros(3), elapsed_s=0.0, speed_mps=2.0, dt_s=0.05)
    standing = tracker.step(
        Plan(waypoints=np.zeros((16, 3))), plan_from_ego=np.zeros(3), elapsed_s=0.0, speed_mps=0.0, dt_s=0.05
    )
    assert moving.steering > 0
    assert standing == VehicleControl(brake=1.0, steering=moving.steering)


@pytest.mark.parametrize("acceleration_mps2", [0.8, 1.5, 3.0])
def test_a_plan_that_moves_off_gently_moves_the_car(acceleration_mps2: float) -> None:
    times = np.arange(1, 17) * 0.25
    x = 0.5 * acceleration_mps2 * times**2
    plan = Plan(waypoints=np.stack([x, np.zeros(16), np.zeros(16)], axis=-1))
    control = PlanTracker().step(plan, plan_from_ego=np.zeros(3), elapsed_s=0.0, speed_mps=0.0, dt_s=0.05)
    assert control.throttle > 0.1
    assert control.brake == 0.0
