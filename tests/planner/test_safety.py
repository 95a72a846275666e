"""What the safety layer leaves alone, what it changes, and what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla.errors import UserError
from drivevla.planner.safety import SafetyLayer, SafetyLimits, raised_points
from drivevla.policies import ConstantVelocity, Guarded, StandStill
from drivevla.policies.loading import load_policy
from drivevla.testing import check_policy
from drivevla.types import EgoState, LidarSweep, Observation, Plan

TIMES_S = np.arange(1, 17) * 0.25


def seen(speed_mps: float, points_m: NDArray[np.float64] | None = None) -> Observation:
    lidar = None
    if points_m is not None:
        lidar = LidarSweep(points_m=points_m.astype(np.float32), timestamp_s=0.0)
    return Observation(timestamp_s=0.0, ego=EgoState(speed_mps=speed_mps), lidar=lidar)


def straight(speed_mps: float, acceleration_mps2: float = 0.0) -> Plan:
    way = np.zeros((16, 3))
    way[:, 0] = speed_mps * TIMES_S + 0.5 * acceleration_mps2 * TIMES_S**2
    return Plan(waypoints=way)


def road(slope: float = 0.0) -> NDArray[np.float64]:
    x, y = np.meshgrid(np.arange(-20.0, 50.0, 0.5), np.arange(-15.0, 15.0, 0.5))
    return np.column_stack([x.ravel(), y.ravel(), slope * x.ravel()])


def wall(x_m: float, *, y_m: float = 0.0, width_m: float = 2.0, base_m: float = 0.0) -> NDArray[np.float64]:
    y, z = np.meshgrid(np.linspace(y_m - width_m / 2, y_m + width_m / 2, 9), np.linspace(0.1, 1.5, 6))
    return np.column_stack([np.full(y.size, x_m), y.ravel(), base_m + z.ravel()])


@given(speed=st.floats(0.0, 15.0), acceleration=st.floats(-2.0, 2.0), bend=st.floats(-0.05, 0.05))
def test_a_plan_that_a_car_can_drive_is_handed_through_untouched(
    speed: float, acceleration: float, bend: float
) -> None:
    stop_s = speed / -acceleration if acceleration < 0 else np.inf
    time = np.minimum(TIMES_S, stop_s)
    length = speed * time + 0.5 * acceleration * time**2
    bend = float(np.clip(bend, -2.0 / max(speed + 4 * abs(acceleration), 1.0) ** 2, 2.0 / max(speed + 8.0, 1.0) ** 2))
    turn = bend * length
    chord = length * np.sinc(turn / (2 * np.pi))
    plan = Plan(waypoints=np.column_stack([chord * np.cos(turn / 2), chord * np.sin(turn / 2), turn]))
    assert SafetyLayer().guard(plan, seen(speed)) is plan


def test_a_leap_becomes_full_throttle_and_says_by_how_much() -> None:
    guarded = SafetyLayer().guard(straight(30.0), seen(0.0))
    assert guarded.waypoints[-1, 0] == pytest.approx(0.5 * 5.0 * 4.0**2, rel=1e-6)
    assert guarded.diagnostics["safety.kinematics_m"] == pytest.approx(120.0 - 40.0, abs=0.01)


@given(
    st.lists(st.tuples(st.floats(-30.0, 60.0), st.floats(-40.0, 40.0)), min_size=16, max_size=16), st.floats(0.0, 15.0)
)
def test_whatever_is_planned_what_comes_out_can_be_driven(points: list[tuple[float, float]], speed_mps: float) -> None:
    plan = Plan(waypoints=np.column_stack([np.array(points), np.zeros(16)]))
    guarded = SafetyLayer().guard(plan, seen(speed_mps))
    steps = np.linalg.norm(np.diff(np.vstack([[0.0, 0.0], guarded.waypoints[:, :2]]), axis=0), axis=1)
    assert steps.max() <= (speed_mps + 5.0 * 4.0) * 0.25 + 1e-6
    assert abs(steps[0] / 0.25 - speed_mps) <= 8.0 * 0.25 + 1e-6


def test_the_car_stops_two_metres_before_a_wall() -> None:
    cloud = np.vstack([road(), wall(20.0)])
    guarded = SafetyLayer().guard(straight(8.0), seen(8.0, cloud))
    bumper_m = guarded.waypoints[-1, 0] + SafetyLimits().front_m
    assert bumper_m == pytest.approx(18.0, abs=1.0)
    assert guarded.diagnostics["safety.obstacle_m"] == pytest.approx(20.0 - SafetyLimits().front_m, abs=1.0)
    assert np.ptp(guarded.waypoints[-2:, 0]) < 0.3  # and stands


def test_an_obstacle_too_near_to_stop_for_is_braked_for_as_hard_as_the_car_can() -> None:
    guarded = SafetyLayer().guard(straight(12.0), seen(12.0, np.vstack([road(), wall(6.0)])))
    assert guarded.waypoints[-1, 0] == pytest.approx(12.0**2 / (2 * 8.0), abs=0.2)


@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.1])
def test_a_free_road_is_free_on_a_slope_too(slope: float) -> None:
    plan = straight(8.0)
    assert SafetyLayer().guard(plan, seen(8.0, road(slope))) is plan


def test_what_stands_beside_the_way_or_hangs_above_it_is_let_be() -> None:
    sign = wall(20.0, base_m=4.0)
    cloud = np.vstack([road(), wall(20.0, y_m=3.5), sign])
    plan = straight(8.0)
    assert SafetyLayer().guard(plan, seen(8.0, cloud)) is plan


def test_a_stray_return_is_no_obstacle_and_the_cars_own_roof_is_none_either() -> None:
    cloud = np.vstack([road(), [[15.0, 0.0, 1.0]], wall(1.0, width_m=1.6)])
    plan = straight(8.0)
    assert SafetyLayer().guard(plan, seen(8.0, cloud)) is plan


def test_a_plan_that_stops_in_time_by_itself_is_left_alone() -> None:
    way = np.zeros((16, 3))
    time = np.minimum(TIMES_S, 3.0)
    way[:, 0] = 6.0 * time - time**2
    plan = Plan(waypoints=way)
    assert SafetyLayer().guard(plan, seen(6.0, np.vstack([road(), wall(20.0)]))) is plan


def test_raised_points_are_those_above_their_own_ground() -> None:
    cloud = np.vstack([road(0.1), wall(20.0, base_m=2.0)]).astype(np.float32)
    raised = raised_points(cloud, SafetyLimits())
    assert len(raised) > 0
    assert (raised[:, 0] == 20.0).all()


def test_a_guarded_policy_is_a_policy() -> None:
    check_policy(Guarded(StandStill()), [seen(0.0, road())])


def test_a_command_line_guards_a_policy_by_its_name() -> None:
    guarded = load_policy("guarded", options={"policy": "constant_velocity"})
    assert isinstance(guarded, Guarded)
    assert isinstance(guarded.policy, ConstantVelocity)
    with pytest.raises(UserError, match="expert is told the truth"):
        load_policy("guarded", options={"policy": "expert"})
