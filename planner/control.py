"""From plan to pedals and steering wheel: the bicycle model, and the controllers that follow a plan at every tick.

The controllers know the plan, where the car is in the plan's frame, and its speed; nothing of any simulator. Steering
is positive to the left, as everything here; the session turns the sign for CARLA.

Sources: kinematic bicycle at the rear axle and pure pursuit as in Coulter, "Implementation of the Pure Pursuit Path
Tracking Algorithm" (CMU-RI-TR-92-01, 1992); inverse by differences as in nuPlan's ``kinematic_bicycle`` description.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.geometry import cumulative_length_m, invert_se2, resample_path, transform_points_se2, wrap_angle
from drivevla.types import Plan

__all__ = ["BicycleModel", "PlanTracker", "TrackerGains", "VehicleControl", "VehicleLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleControl:
    """What the driver's hands and feet do.

    Attributes:
        throttle: 0 to 1.
        brake: 0 to 1.
        steering: -1 to 1, positive to the left.
        reverse: Whether the reverse gear is in.
    """

    throttle: float = 0.0
    brake: float = 0.0
    steering: float = 0.0
    reverse: bool = False

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ContractError: A pedal is outside 0 to 1 or the steering outside -1 to 1, NaN included.
        """
        for name, low in (("throttle", 0.0), ("brake", 0.0), ("steering", -1.0)):
            value = getattr(self, name)
            if not low <= value <= 1.0:
                raise ContractError(f"{name} must lie between {low:g} and 1, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleLimits:
    """What the car can do; the defaults are those of CARLA's Lincoln MKZ 2020, the usual ego.

    Attributes:
        wheelbase_m: Between the axles.
        max_steer_rad: Road-wheel angle at full steering and no speed.
        steering_curve: Pairs of speed and the share of ``max_steer_rad`` left there; linear between, constant beyond.
        full_throttle_mps2: Acceleration at full throttle and moderate speed.
        full_brake_mps2: Deceleration at full brake.
    """

    wheelbase_m: float = 2.85
    max_steer_rad: float = float(np.radians(70.0))
    steering_curve: tuple[tuple[float, float], ...] = ((0.0, 1.0), (20 / 3.6, 0.9), (60 / 3.6, 0.8), (120 / 3.6, 0.7))
    full_throttle_mps2: float = 5.0
    full_brake_mps2: float = 8.0

    def steer_range_rad(self, speed_mps: float) -> float:
        """Largest road-wheel angle at a speed."""
        speeds, shares = zip(*self.steering_curve, strict=True)
        return self.max_steer_rad * float(np.interp(abs(speed_mps), speeds, shares))


class BicycleModel:
    """Kinematic bicycle at the rear axle, integrated along exact arcs; any batch prefix.

    A state is (..., 4): x, y, yaw, speed. An action is (..., 2): acceleration [m/s2] and curvature [1/m].
    """

    def __init__(self, limits: VehicleLimits | None = None) -> None:
        self.limits = limits or VehicleLimits()

    def step(self, state: ArrayLike, action: ArrayLike, dt_s: float) -> NDArray[np.float64]:
        """The state after ``dt_s`` of constant acceleration and curvature. Braking never ends in reverse."""
        s, a = np.asarray(state, dtype=np.float64), np.asarray(action, dtype=np.float64)
        speed = s[..., 3] + a[..., 0] * dt_s
        stops = (s[..., 3] >= 0) & (speed < 0)
        stopped_after_s = np.where(stops, -s[..., 3] / np.where(stops, a[..., 0], -1.0), dt_s)
        distance = (s[..., 3] + 0.5 * a[..., 0] * stopped_after_s) * stopped_after_s
        turn = distance * a[..., 1]
        # The chord of an arc points halfway between its end directions and is shorter by sinc(half the turn).
        chord = distance * np.sinc(turn / (2 * np.pi))
        heading = s[..., 2] + turn / 2
        x, y = s[..., 0] + chord * np.cos(heading), s[..., 1] + chord * np.sin(heading)
        return np.stack([x, y, wrap_angle(s[..., 2] + turn), np.where(stops, 0.0, speed)], axis=-1)

    def roll_out(self, state: ArrayLike, actions: ArrayLike, dt_s: float) -> NDArray[np.float64]:
        """States (..., T, 4) after each of the actions (..., T, 2)."""
        steps = np.moveaxis(np.asarray(actions, dtype=np.float64), -2, 0)
        states, current = [], np.asarray(state, dtype=np.float64)
        for action in steps:
            current = self.step(current, action, dt_s)
            states.append(current)
        return np.stack(states, axis=-2)

    def actions_between(self, states: ArrayLike, dt_s: float) -> NDArray[np.float64]:
        """The actions (..., T, 2) that lead through states (..., T + 1, 4); the inverse of ``roll_out``.

        Where the car does not move there is no curvature to see, and it is 0.
        """
        s = np.asarray(states, dtype=np.float64)
        acceleration = np.diff(s[..., 3], axis=-1) / dt_s
        distance = 0.5 * (s[..., 1:, 3] + s[..., :-1, 3]) * dt_s
        turn = wrap_angle(np.diff(s[..., 2], axis=-1))
        moves = np.abs(distance) > 1e-6
        curvature = np.where(moves, turn / np.where(moves, distance, 1.0), 0.0)
        return np.stack([acceleration, curvature], axis=-1)

    def steer_from_curvature(self, curvature_per_m: float) -> float:
        """Road-wheel angle, radians, positive to the left."""
        return float(np.arctan(self.limits.wheelbase_m * curvature_per_m))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerGains:
    """How the tracker reacts.

    Attributes:
        preview_s: Pure pursuit aims this far ahead in time...
        min_preview_m: ... and at least this far in space.
        speed_window_s: The plan's speed is its mean over this time from now, its acceleration the change to the next
            such window: wide enough that a network's jitter does not reach the pedals.
        speed_gain_per_s: Acceleration asked for a metre per second of speed error.
        speed_integral_per_s2: The same for the error's integral, which learns slopes and drag.
        hold_below_mps: A target slower than this is a standstill: full stop and hold.
        hard_stop_mps2: A standstill that takes more than this to reach is braked for by the way that is left.
    """

    preview_s: float = 0.6
    min_preview_m: float = 3.0
    speed_window_s: float = 0.5
    speed_gain_per_s: float = 1.5
    speed_integral_per_s2: float = 0.3
    hold_below_mps: float = 0.25
    hard_stop_mps2: float = 3.5


class PlanTracker:
    """Follows one plan after another: pure pursuit for the wheel, a PI controller for the pedals."""

    def __init__(self, limits: VehicleLimits | None = None, gains: TrackerGains | None = None) -> None:
        self.limits, self.gains = limits or VehicleLimits(), gains or TrackerGains()
        self._model = BicycleModel(self.limits)
        self.reset()

    def reset(self) -> None:
        """Forget the past, at the start of an episode."""
        self._speed_integral_m = 0.0
        self._steering = 0.0

    def step(
        self, plan: Plan, *, plan_from_ego: ArrayLike, elapsed_s: float, speed_mps: float, dt_s: float
    ) -> VehicleControl:
        """The control for the coming tick.

        Args:
            plan: What to follow.
            plan_from_ego: (3,) x, y, yaw: where the ego frame is now, in the frame of the plan.
            elapsed_s: Time since the plan's present; beyond its horizon the car is brought to a stop.
            speed_mps: How fast the car is.
            dt_s: Length of a tick.
        """
        target_mps, planned_mps2 = self._target(plan, elapsed_s)
        acceleration = planned_mps2 + self._correction(target_mps, speed_mps, dt_s)
        if target_mps < self.gains.hold_below_mps:
            acceleration = min(acceleration, self._hard_stop(plan, elapsed_s, speed_mps))
        # A plan that moves off gently begins at no speed, too; what it wants shows in its acceleration.
        standing = target_mps + max(planned_mps2, 0.0) * self.gains.speed_window_s < self.gains.hold_below_mps
        if standing and speed_mps < 0.5:
            return VehicleControl(brake=1.0, steering=self._steering)
        self._steering = self._steer(plan, np.asarray(plan_from_ego, dtype=np.float64), speed_mps)
        throttle = np.clip(acceleration / self.limits.full_throttle_mps2, 0.0, 1.0)
        brake = np.clip(-acceleration / self.limits.full_brake_mps2, 0.0, 1.0)
        return VehicleControl(throttle=float(throttle), brake=float(brake), steering=self._steering)

    def _target(self, plan: Plan, elapsed_s: float) -> tuple[float, float]:
        """Speed to reach now and the acceleration that the plan goes through."""
        if elapsed_s > plan.horizon_s:
            return 0.0, 0.0
        if plan.target_speed_mps is not None:
            return plan.target_speed_mps, 0.0
        window = self.gains.speed_window_s
        start = float(np.clip(elapsed_s, 0.0, max(plan.horizon_s - 2 * window, 0.0)))
        marks = np.minimum(start + window * np.arange(3), plan.horizon_s)
        spans = np.diff(marks)
        if spans.min() < 1e-6:  # a plan shorter than two windows has one speed
            return max(float(plan.waypoints[-1, 0]) / plan.horizon_s, 0.0), 0.0
        poses = plan.at(marks)
        steps, yaw = np.diff(poses[:, :2], axis=0), poses[:-1, 2]
        # Along the heading: a place that was passed already is behind, and means stop, not drive on.
        along = steps[:, 0] * np.cos(yaw) + steps[:, 1] * np.sin(yaw)
        now_mps, later_mps = np.maximum(along, 0.0) / spans
        acceleration = float(later_mps - now_mps) / window
        # The first window's mean is the speed in its middle; lead it back to its beginning.
        return max(float(now_mps) - acceleration * window / 2, 0.0), acceleration

    def _hard_stop(self, plan: Plan, elapsed_s: float, speed_mps: float) -> float:
        """The braking to stand where the plan ends, where that is hard (else infinite): an error in speed fades."""
        if elapsed_s >= plan.horizon_s:
            return np.inf
        marks = np.linspace(elapsed_s, plan.horizon_s, 9)
        left_m = float(cumulative_length_m(plan.at(marks)[:, :2])[-1])
        needed = speed_mps**2 / (2.0 * max(left_m, 0.1))
        return -needed if needed > self.gains.hard_stop_mps2 else np.inf

    def _correction(self, target_mps: float, speed_mps: float, dt_s: float) -> float:
        error = target_mps - speed_mps
        wanted = self.gains.speed_gain_per_s * error + self.gains.speed_integral_per_s2 * self._speed_integral_m
        saturated = not -self.limits.full_brake_mps2 < wanted < self.limits.full_throttle_mps2
        if target_mps < self.gains.hold_below_mps:
            self._speed_integral_m = 0.0
        elif not saturated:  # an integral that grows against a pedal at its stop overshoots later
            self._speed_integral_m = float(np.clip(self._speed_integral_m + error * dt_s, -5.0, 5.0))
        return wanted

    def _steer(self, plan: Plan, plan_from_ego: NDArray[np.float64], speed_mps: float) -> float:
        path = plan.path_m
        if path is None:
            path = np.concatenate([np.zeros((1, 2)), plan.waypoints[:, :2]], axis=0)
        preview_m = max(self.gains.min_preview_m, self.gains.preview_s * speed_mps)
        in_ego = transform_points_se2(invert_se2(plan_from_ego), path)
        if cumulative_length_m(in_ego)[-1] < 0.5:
            return self._steering
        fine = resample_path(in_ego, spacing_m=0.25)
        nearest = int(np.argmin(np.linalg.norm(fine, axis=1)))
        ahead = resample_path(fine[nearest:], spacing_m=preview_m, count=2) if nearest < len(fine) - 1 else fine[-1:]
        x, y = ahead[-1]
        curvature = 2.0 * y / max(x * x + y * y, 1.0)
        angle = self._model.steer_from_curvature(curvature)
        return float(np.clip(angle / self.limits.steer_range_rad(speed_mps), -1.0, 1.0))
