"""Height, pitch and roll: springs towards the ground below the wheels that can push but not pull.

A vehicle above the ground falls; one that lands sinks into its springs and comes up again without a bounce; a crest
taken fast is left by the wheels. All with one formula, solved for the end of the step.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.physics.ground import Ground
from drivevla.sim.server.physics.rows import columns
from drivevla.sim.server.physics.tyres import GRAVITY_MPS2
from drivevla.sim.server.physics.vehicle_rows import VehicleRows

__all__ = ["Heading", "ride"]

Floats = NDArray[np.float64]

SPRING_RADPS = 15.0
"""Natural frequency of the body on its springs, 2.4 Hz, critically damped."""

BUMP_STOP_M = 0.12
"""A body never sinks deeper than this below where it stands."""

_NOWHERE_M = -1e6
_MOST_LOAD = 3.0


class Heading:
    """Speed along the vehicle, cosine and sine of its yaw, (N,) each."""

    __slots__ = ("cos", "forward_mps", "sin")

    def __init__(self, forward_mps: Floats, cos: Floats, sin: Floats) -> None:
        self.forward_mps, self.cos, self.sin = forward_mps, cos, sin


def ride(rows: VehicleRows, ground: Ground, heading: Heading, lean_rad: Floats, dt_s: float) -> None:
    """Move height, pitch and roll of all vehicles by one step, and note what their tyres carry.

    Args:
        rows: Vehicles; their x, y and yaw are those at the end of the step.
        ground: What they stand on.
        heading: At the end of the step; the speed carries vehicles up slopes.
        lean_rad: (N,) roll that two-wheelers lean by.
        dt_s: Length of the step.
    """
    now = np.radians(rows.rotation_deg)
    now = columns(rows.location_m[:, 2], now[:, 0], now[:, 2])
    target, pitch_slope = _stand(rows, ground, heading, now[:, 1])
    target[:, 2] += lean_rad
    behind = -rows.ride_rate
    behind[:, 0] += np.where(target[:, 0] > 0.5 * _NOWHERE_M, heading.forward_mps * pitch_slope, 0.0)
    stiff, damp = SPRING_RADPS**2, 2.0 * SPRING_RADPS
    wanted = (stiff * (target - now) + (damp + stiff * dt_s) * behind) / (1.0 + damp * dt_s + stiff * dt_s**2)
    gravity = GRAVITY_MPS2 * rows.falling
    lift = np.maximum(wanted[:, 0], -gravity)
    in_air = lift > wanted[:, 0]
    wanted[:, 0] = lift
    rows.load = np.minimum(1.0 + lift / GRAVITY_MPS2, _MOST_LOAD)
    if in_air.any():
        wanted[in_air, 1:] = 0.0
        rows.load[in_air] = 0.0
    rows.ride_rate += wanted * dt_s
    now += rows.ride_rate * dt_s
    struck = now[:, 0] < target[:, 0] - BUMP_STOP_M
    if struck.any():
        now[struck, 0] = target[struck, 0] - BUMP_STOP_M
        rows.ride_rate[struck, 0] = np.maximum(rows.ride_rate[struck, 0], 0.0)
    rows.location_m[:, 2] = now[:, 0]
    angles = np.degrees(now)
    rows.rotation_deg[:, 0], rows.rotation_deg[:, 2] = angles[:, 1], angles[:, 2]


def _stand(rows: VehicleRows, ground: Ground, heading: Heading, pitch_rad: Floats) -> tuple[Floats, Floats]:
    """Height, pitch and roll (N, 3) on the ground below the wheels, and the tangent of the pitch."""
    front, rear = rows.axle_x_m[:, 0], rows.axle_x_m[:, 1]
    ahead, half = columns(front, rear, front, rear), 0.5 * rows.track_m
    aside = columns(-half, -half, half, half)
    cos, sin = heading.cos[:, None], heading.sin[:, None]
    places = np.empty((len(front), 4, 2))
    places[:, :, 0] = rows.location_m[:, 0:1] + cos * ahead - sin * aside
    places[:, :, 1] = rows.location_m[:, 1:2] + sin * ahead + cos * aside
    near = rows.location_m[:, 2:3] + np.tan(pitch_rad)[:, None] * ahead
    z, _ = ground.query(places.reshape(-1, 2), near.reshape(-1))
    z = z.reshape(-1, 4)
    missing = np.isnan(z)
    if missing.any():
        z = _from_the_other_wheels(z, missing)
    left, right = z[:, :2], z[:, 2:]
    both, tilt = left + right, left - right
    slope = 0.5 * (both[:, 0] - both[:, 1]) / rows.base_m
    roll = np.arctan2(0.5 * (tilt[:, 0] + tilt[:, 1]), rows.track_m)
    return columns(0.5 * both[:, 1] - slope * rear, np.arctan(slope), roll), slope


def _from_the_other_wheels(z_m: Floats, missing: NDArray[np.bool_]) -> Floats:
    found = (~missing).sum(axis=1)
    mean = np.where(missing, 0.0, z_m).sum(axis=1) / np.maximum(found, 1)
    filled: Floats = np.where(missing, np.where(found > 0, mean, _NOWHERE_M)[:, None], z_m)
    return filled
