"""Height, pitch and roll: springs towards the ground below the wheels that can push but not pull.

A vehicle above the ground falls; one that lands sinks into its springs and comes up again without a bounce; a crest
taken fast is left by the wheels. All with one formula, solved for the end of the step.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.physics.ground import Ground
from drivevla.sim.server.physics.tyres import GRAVITY_MPS2
from drivevla.sim.server.physics.vehicle_rows import VehicleRows

__all__ = ["ride"]

Floats = NDArray[np.float64]

SPRING_RADPS = 15.0
"""Natural frequency of the body on its springs, 2.4 Hz, critically damped."""

BUMP_STOP_M = 0.12
"""A body never sinks deeper than this below where it stands."""

_NOWHERE_M = -1e6


def ride(rows: VehicleRows, ground: Ground, lean_rad: Floats, forward_mps: Floats, dt_s: float) -> None:
    """Move height, pitch and roll of all vehicles by one step, and note what their tyres carry.

    Args:
        rows: Vehicles; their x, y and yaw are those at the end of the step.
        ground: What they stand on.
        lean_rad: (N,) roll that two-wheelers lean by.
        forward_mps: (N,) speed along the vehicle, which carries it up slopes.
        dt_s: Length of the step.
    """
    target = _stand(rows, ground)
    grounded = target[:, 0] > 0.5 * _NOWHERE_M
    target[:, 2] += lean_rad
    now = np.stack([rows.location_m[:, 2], *np.radians(rows.rotation_deg[:, ::2]).T], axis=1)
    target_rate = np.zeros_like(now)
    target_rate[:, 0] = np.where(grounded, forward_mps * np.tan(target[:, 1]), 0.0)
    stiff, damp = SPRING_RADPS**2, 2.0 * SPRING_RADPS
    gap = target - now + (target_rate - rows.ride_rate) * dt_s
    acceleration = (stiff * gap + damp * (target_rate - rows.ride_rate)) / (1.0 + damp * dt_s + stiff * dt_s**2)
    gravity = np.where(rows.falling, GRAVITY_MPS2, 0.0)
    lift = np.maximum(acceleration[:, 0], -gravity)
    in_air = lift > acceleration[:, 0]
    acceleration[:, 0] = lift
    acceleration[in_air, 1:] = 0.0
    rows.ride_rate += acceleration * dt_s
    rows.ride_rate[in_air, 1:] *= 0.9
    now += rows.ride_rate * dt_s
    floor = target[:, 0] - BUMP_STOP_M
    struck = now[:, 0] < floor
    now[:, 0] = np.where(struck, floor, now[:, 0])
    rows.ride_rate[:, 0] = np.where(struck, np.maximum(rows.ride_rate[:, 0], target_rate[:, 0]), rows.ride_rate[:, 0])
    rows.load = np.where(in_air, 0.0, np.minimum(1.0 + lift / GRAVITY_MPS2, 3.0))
    rows.location_m[:, 2] = now[:, 0]
    rows.rotation_deg[:, ::2] = np.degrees(now[:, 1:])


def _stand(rows: VehicleRows, ground: Ground) -> Floats:
    yaw = np.radians(rows.rotation_deg[:, 1])
    cos, sin = np.cos(yaw), np.sin(yaw)
    half = 0.5 * rows.track_m
    ahead = np.concatenate([rows.axle_x_m, rows.axle_x_m], axis=1)
    aside = np.stack([-half, -half, half, half], axis=1)
    x = rows.location_m[:, 0:1] + cos[:, None] * ahead - sin[:, None] * aside
    y = rows.location_m[:, 1:2] + sin[:, None] * ahead + cos[:, None] * aside
    slope = np.tan(np.radians(rows.rotation_deg[:, ::2]))
    near = rows.location_m[:, 2:3] + slope[:, 0:1] * ahead
    z, _ = ground.query(np.stack([x.ravel(), y.ravel()], axis=1), near.ravel())
    z = z.reshape(-1, 4)
    missing = np.isnan(z)
    if missing.any():
        z = _from_the_other_wheels(z, missing)
    left, right = z[:, :2], z[:, 2:]
    middle = 0.5 * (left + right)
    pitch_slope = (middle[:, 0] - middle[:, 1]) / (rows.axle_x_m[:, 0] - rows.axle_x_m[:, 1])
    height = middle[:, 1] - pitch_slope * rows.axle_x_m[:, 1]
    roll = np.arctan2(0.5 * (left - right).sum(axis=1), rows.track_m)
    return np.stack([height, np.arctan(pitch_slope), roll], axis=1)


def _from_the_other_wheels(z_m: Floats, missing: NDArray[np.bool_]) -> Floats:
    found = (~missing).sum(axis=1)
    mean = np.where(missing, 0.0, z_m).sum(axis=1) / np.maximum(found, 1)
    filled: Floats = np.where(missing, np.where(found > 0, mean, _NOWHERE_M)[:, None], z_m)
    return filled
