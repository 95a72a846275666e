"""The layer between a plan and the wheels: what the car cannot do or must not hit is changed, and said.

It knows the observation alone: speed and LiDAR, no map and no truth. Each change is named in the plan's diagnostics
under ``safety.``, so that a report can count how often a policy was saved.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter

from drivevla.geometry import cumulative_length_m, interpolate_poses, invert_se2, transform_points_se2
from drivevla.planner.control import BicycleModel, VehicleLimits
from drivevla.types import LidarSweep, Observation, Plan

__all__ = ["SafetyLayer", "SafetyLimits", "raised_points"]

_CELL_M = 1.0
_REACH_M = 60.0
_POINT_M = 0.05
"""Two waypoints nearer to each other than this are one place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyLimits:
    """What counts as impossible, and as an obstacle; the car is CARLA's Lincoln MKZ 2020, the usual ego.

    Attributes:
        acceleration_mps2: Most that the car speeds up.
        braking_mps2: Most that it slows down; emergency stops use it.
        lateral_mps2: Most acceleration to the side.
        curvature_per_m: Sharpest bend.
        tolerance_m: A plan that the limits move by less is left as it is.
        front_m: Front bumper ahead of the rear axle.
        rear_m: Rear bumper behind it.
        half_width_m: Half the body's width, and a little air.
        stop_gap_m: Where the car stops before an obstacle.
        least_height_m: What rises less above the ground around it is driven over.
        clearance_m: What hangs higher is driven under.
        least_points: Fewer LiDAR returns than these are noise.
    """

    acceleration_mps2: float = 5.0
    braking_mps2: float = 8.0
    lateral_mps2: float = 6.0
    curvature_per_m: float = 0.2
    tolerance_m: float = 0.5
    front_m: float = 3.85
    rear_m: float = 1.05
    half_width_m: float = 1.05
    stop_gap_m: float = 2.0
    least_height_m: float = 0.4
    clearance_m: float = 2.3
    least_points: int = 3


class SafetyLayer:
    """Keeps plans within what the car can do, and stops it before what its LiDAR sees in the way.

    Args:
        limits: The bounds.
    """

    def __init__(self, limits: SafetyLimits | None = None) -> None:
        self.limits = limits or SafetyLimits()
        self._model = BicycleModel(VehicleLimits())

    def guard(self, plan: Plan, observation: Observation) -> Plan:
        """The plan itself where it is sound, else the nearest that is; diagnostics say what was done.

        ``safety.kinematics_m`` is how far the limits moved it, ``safety.obstacle_m`` the distance along the way to
        what it would have hit.
        """
        plan = self._possible(plan, observation.ego.speed_mps)
        if observation.lidar is not None:
            plan = self._clear(plan, observation.ego.speed_mps, observation.lidar)
        return plan

    def _possible(self, plan: Plan, speed_mps: float) -> Plan:
        """Drive from waypoint to waypoint with pedals and a wheel that have ends."""
        limits = self.limits
        state, driven = np.array([0.0, 0.0, 0.0, speed_mps]), []
        for waypoint in plan.waypoints:
            state = self._model.step(state, self._towards(state, waypoint[:2], plan.dt_s), plan.dt_s)
            driven.append(state[:3])
        poses = np.stack(driven)
        moved_m = float(np.linalg.norm(poses[:, :2] - plan.waypoints[:, :2], axis=1).max())
        if moved_m <= limits.tolerance_m:
            return plan
        return replace(
            plan,
            waypoints=poses,
            path_m=None,
            target_speed_mps=None,
            modes=None,
            diagnostics={**plan.diagnostics, "safety.kinematics_m": round(moved_m, 3)},
        )

    def _towards(self, state: NDArray[np.float64], xy_m: NDArray[np.float64], dt_s: float) -> NDArray[np.float64]:
        """(2,) acceleration and curvature of the arc that ends at a point after a step, within the limits."""
        limits, speed_mps = self.limits, float(state[3])
        ahead, aside = transform_points_se2(invert_se2(state[:3]), xy_m[None])[0]
        chord = float(np.hypot(ahead, aside))
        if chord < _POINT_M:
            bend, arc = 0.0, 0.0
        else:
            half_turn = float(np.arctan2(aside, abs(ahead)))
            arc = chord / float(np.sinc(half_turn / np.pi)) * np.sign(ahead)
            bend = 2.0 * aside / chord**2
        sharpest = min(limits.curvature_per_m, limits.lateral_mps2 / max(speed_mps, 1.0) ** 2)
        acceleration = 2.0 * (arc - speed_mps * dt_s) / dt_s**2
        return np.array(
            [
                np.clip(acceleration, -limits.braking_mps2, limits.acceleration_mps2),
                np.clip(bend, -sharpest, sharpest),
            ]
        )

    def _clear(self, plan: Plan, speed_mps: float, sweep: LidarSweep) -> Plan:
        """Stop on the way where it leads into something."""
        way, along_m = _dense_way(plan)
        hit_m = self._first_hit(way, along_m, raised_points(sweep.points_m, self.limits))
        if hit_m is None:
            return plan
        room_m = max(hit_m - self.limits.stop_gap_m, 0.0)
        waypoints = self._braked(plan, way, along_m, room_m, speed_mps)
        return replace(
            plan,
            waypoints=waypoints,
            target_speed_mps=None,
            modes=None,
            diagnostics={**plan.diagnostics, "safety.obstacle_m": round(hit_m, 3)},
        )

    def _first_hit(
        self, way: NDArray[np.float64], along_m: NDArray[np.float64], points_m: NDArray[np.float64]
    ) -> float | None:
        """How far along the way the body first meets enough points; None when it never does."""
        limits = self.limits
        if len(points_m) < limits.least_points:
            return None
        delta = points_m[None, :, :2] - way[:, None, :2]
        cos, sin = np.cos(way[:, 2])[:, None], np.sin(way[:, 2])[:, None]
        ahead, aside = cos * delta[..., 0] + sin * delta[..., 1], cos * delta[..., 1] - sin * delta[..., 0]
        inside = (ahead < limits.front_m) & (ahead > -limits.rear_m) & (np.abs(aside) < limits.half_width_m)
        inside &= ~inside[0]  # what is within the body now is the body
        hit = np.flatnonzero(inside.sum(axis=1) >= limits.least_points)
        return float(along_m[hit[0]]) if len(hit) else None

    def _braked(
        self,
        plan: Plan,
        way: NDArray[np.float64],
        along_m: NDArray[np.float64],
        room_m: float,
        speed_mps: float,
    ) -> NDArray[np.float64]:
        """The same way, slowed down evenly so as to end before the obstacle, or as hard as the car can."""
        speed_mps = max(speed_mps, 0.0)
        needed = min(speed_mps**2 / (2 * max(room_m, 1e-3)), self.limits.braking_mps2)
        stopped_s = speed_mps / needed if needed > 0 else 0.0
        time_s = np.minimum(plan.times_s, stopped_s)
        slowed_m = speed_mps * time_s - 0.5 * needed * time_s**2
        planned_m = np.interp(plan.times_s, np.linspace(0.0, plan.horizon_s, len(along_m)), along_m)
        return interpolate_poses(*_strictly_increasing(along_m, way), np.minimum(slowed_m, planned_m))


def raised_points(points_m: NDArray[np.float32], limits: SafetyLimits) -> NDArray[np.float64]:
    """(M, 3) the returns that stand out from the ground around them: on a slope as on the flat.

    The ground is the lowest return among the neighbouring metres.
    """
    near = points_m[np.abs(points_m[:, :2]).max(axis=1, initial=0.0) < _REACH_M].astype(np.float64)
    cells = np.floor((near[:, :2] + _REACH_M) / _CELL_M).astype(np.int64)
    size = int(2 * _REACH_M / _CELL_M)
    lowest = np.full((size, size), np.inf)
    np.minimum.at(lowest, (cells[:, 0], cells[:, 1]), near[:, 2])
    ground = minimum_filter(lowest, size=3, mode="nearest")
    height = near[:, 2] - ground[cells[:, 0], cells[:, 1]]
    return near[(height > limits.least_height_m) & (height < limits.clearance_m)]


def _dense_way(plan: Plan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(M, 3) poses ten a second from now on, and (M,) how far along each lies."""
    times_s = np.linspace(0.0, plan.horizon_s, max(2, round(plan.horizon_s / 0.1) + 1))
    way = plan.at(times_s)
    return way, cumulative_length_m(way[:, :2])


def _strictly_increasing(
    along_m: NDArray[np.float64], way: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The way without the places where it stands still, so that it can be asked by distance."""
    kept = np.concatenate([[True], np.diff(along_m) > 1e-6])
    if kept.sum() == 1:  # a plan that never moves
        return np.array([0.0, 1.0]), np.stack([way[0], way[0]])
    return along_m[kept], way[kept]
