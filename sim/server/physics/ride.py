"""Height, pitch and roll: springs towards the ground below the wheels that can push but not pull.

A vehicle above the ground falls; one that lands sinks into its springs and comes up again without a bounce; a crest
taken fast is left by the wheels. All with one formula, solved for the end of the step.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import kernel
from drivevla.sim.server.physics.tyres import GRAVITY_MPS2

__all__ = ["ride", "wheel_places"]

SPRING_RADPS = 15.0
"""Natural frequency of the body on its springs, 2.4 Hz, critically damped."""

BUMP_STOP_M = 0.12
"""A body never sinks deeper than this below where it stands."""

_NOWHERE_M = -1e6
_MOST_LOAD = 3.0


@kernel
def wheel_places(v: Any, place_m: NDArray[np.float64], near_m: NDArray[np.float64]) -> None:
    """Write where a vehicle's wheels are, (4, 2) front left, rear left, front right, rear right, and how high, (4,)."""
    yaw, slope = math.radians(v.rotation_deg[1]), math.tan(math.radians(v.rotation_deg[0]))
    cos, sin = math.cos(yaw), math.sin(yaw)
    for wheel in range(4):
        ahead = v.axle_x_m[wheel % 2]
        aside = 0.5 * v.track_m if wheel >= 2 else -0.5 * v.track_m
        place_m[wheel, 0] = v.location_m[0] + cos * ahead - sin * aside
        place_m[wheel, 1] = v.location_m[1] + sin * ahead + cos * aside
        near_m[wheel] = v.location_m[2] + slope * ahead


@kernel
def ride(v: Any, forward_mps: float, ground_m: NDArray[np.float64], dt_s: float) -> None:
    """Move height, pitch and roll of a vehicle by one step, and note what its tyres carry.

    Args:
        v: A record of ``VehicleRows``; its x, y and yaw are those at the end of the step.
        forward_mps: Its speed, which carries it up slopes.
        ground_m: (4,) heights of the ground below the wheels, as ``wheel_places`` orders them; overwritten.
        dt_s: Length of the step.
    """
    stands = _fill_missing(ground_m)
    rear_m = 0.5 * (ground_m[1] + ground_m[3])
    slope = (0.5 * (ground_m[0] + ground_m[2]) - rear_m) / v.base_m
    tilt_m = 0.5 * (ground_m[0] + ground_m[1] - ground_m[2] - ground_m[3])
    lean = math.atan(forward_mps * v.yaw_rate_radps / GRAVITY_MPS2) if v.leans else 0.0
    height = _accelerated(v.location_m[2], rear_m - slope * v.axle_x_m[1], v.ride_rate[0], dt_s)
    if stands:
        height += _carried(forward_mps * slope, dt_s)
    pitch_now, roll_now = math.radians(v.rotation_deg[0]), math.radians(v.rotation_deg[2])
    pitch = _accelerated(pitch_now, math.atan(slope), v.ride_rate[1], dt_s)
    roll = _accelerated(roll_now, math.atan2(tilt_m, v.track_m) + lean, v.ride_rate[2], dt_s)
    lift = max(height, -GRAVITY_MPS2 if v.falling else 0.0)
    v.load = min(1.0 + lift / GRAVITY_MPS2, _MOST_LOAD)
    if lift > height:  # in the air: springs push, they do not pull
        pitch = roll = v.load = 0.0
    v.ride_rate[0] += lift * dt_s
    v.ride_rate[1] += pitch * dt_s
    v.ride_rate[2] += roll * dt_s
    v.location_m[2] += v.ride_rate[0] * dt_s
    bottom_m = rear_m - slope * v.axle_x_m[1] - BUMP_STOP_M
    if v.location_m[2] < bottom_m:
        v.location_m[2] = bottom_m
        v.ride_rate[0] = max(v.ride_rate[0], 0.0)
    v.rotation_deg[0] = math.degrees(pitch_now + v.ride_rate[1] * dt_s)
    v.rotation_deg[2] = math.degrees(roll_now + v.ride_rate[2] * dt_s)


@kernel
def _accelerated(now: float, target: float, rate: float, dt_s: float) -> float:
    """What a critically damped spring does to something that is off its target, solved for the end of the step."""
    stiff, damp = SPRING_RADPS**2, 2.0 * SPRING_RADPS
    return (stiff * (target - now) - (damp + stiff * dt_s) * rate) / (1.0 + damp * dt_s + stiff * dt_s**2)


@kernel
def _carried(rate: float, dt_s: float) -> float:
    """What the spring does more where its target moves at a rate."""
    return _accelerated(0.0, 0.0, -rate, dt_s)


@kernel
def _fill_missing(ground_m: NDArray[np.float64]) -> bool:
    """Let wheels without ground below them stand as high as the others; false where no wheel has ground."""
    found, total = 0, 0.0
    for height in ground_m:
        if not math.isnan(height):
            found, total = found + 1, total + height
    for wheel in range(4):
        if math.isnan(ground_m[wheel]):
            ground_m[wheel] = total / found if found else _NOWHERE_M
    return found > 0
