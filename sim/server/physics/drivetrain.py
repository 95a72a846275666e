"""Pedals, engine, gearbox and brakes: from commands to forces along the vehicle.

The engine is PhysX's (NVIDIA PhysX 3.4, vehicle guide, "engine"): the throttle times the full-throttle torque curve,
less a damping that grows as the throttle closes, times the revolutions. That damping is why a CARLA car hardly moves
below 0.3 throttle. The clutch is taken as stiff; the engine's inertia weighs on the wheels through the gear.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.physics.curves import evaluate
from drivevla.sim.server.physics.rows import columns
from drivevla.sim.server.physics.vehicle_rows import VehicleRows

__all__ = ["Drive", "brakes", "drive", "move_pedals", "shift", "suited_gear"]

Floats = NDArray[np.float64]

PEDAL_RISE_PER_S = np.array([6.0, 6.0, 2.5])
PEDAL_FALL_PER_S = np.array([10.0, 10.0, 5.0])
"""Throttle, brake, steering: Unreal Engine 4's input rates of wheeled vehicles (WheeledVehicleMovementComponent)."""

INERTIA_SHARE = 0.5
"""Of the engine's inertia that weighs on the wheels; identified. At full throttle in first gear the MKZ pulls with
5.9 m/s2 under the whole of it, with 11.7 under none, with 7.9 under half; PDM-Lite's identified model has 7.6."""

FULL_THROTTLE_UP, FULL_THROTTLE_DOWN = 0.65, 0.33
"""Shares of the highest revolutions between which the gearbox keeps at full throttle (up: Unreal Engine 4's default).
Below half throttle it keeps to the vehicle's own ratios; between, it goes from one to the other."""

SHIFT_LATENCY_S = 1.0
"""Least time between two gear changes: Unreal Engine 4's default."""


class Drive:
    """What the drivetrain does in one step: a force ``push_n`` less ``drag`` times the speed, on ``inertia_kg``."""

    __slots__ = ("drag", "inertia_kg", "push_n")

    def __init__(self, push_n: Floats, drag: Floats, inertia_kg: Floats) -> None:
        self.push_n, self.drag, self.inertia_kg = push_n, drag, inertia_kg


def move_pedals(rows: VehicleRows, dt_s: float) -> None:
    """Let throttle, brake and steering follow their commands at a finite rate."""
    change = columns(rows.throttle, rows.brake, rows.steer) - rows.pedal
    rate = np.where(change * rows.pedal >= 0.0, PEDAL_RISE_PER_S, PEDAL_FALL_PER_S) * dt_s
    rows.pedal += np.minimum(np.maximum(change, -rate), rate)


def shift(rows: VehicleRows, speed_mps: Floats, dt_s: float) -> None:
    """Change gears: by hand, into and out of reverse, or automatically with the revolutions."""
    np.maximum(rows.switching_s - dt_s, 0.0, out=rows.switching_s)
    np.maximum(rows.latency_s - dt_s, 0.0, out=rows.latency_s)
    each = np.arange(len(rows.gear))
    turning = np.abs(speed_mps * rows.ratio[each, rows.gear + 1]) / rows.max_omega
    hard = np.minimum(np.maximum(2.0 * rows.pedal[:, 0] - 1.0, 0.0), 1.0)
    up, down = rows.up_at[each, rows.gear + 1], rows.down_at[each, rows.gear + 1]
    up = up + hard * np.maximum(FULL_THROTTLE_UP - up, 0.0)
    down = down + hard * np.maximum(FULL_THROTTLE_DOWN - down, 0.0)
    ready = (rows.latency_s <= 0.0) & (rows.gear > 0)
    step = (ready & (turning > up)).astype(np.int64) - (ready & (turning < down))
    automatic = np.minimum(np.maximum(rows.gear + step, 1), np.maximum(rows.last_gear, 1))
    chosen = np.where(rows.manual | ~rows.autobox, rows.manual_gear, automatic)
    chosen = np.where(rows.reverse, -1, np.minimum(chosen, rows.last_gear))
    changed = chosen != rows.gear
    if changed.any():
        between_forward = changed & (chosen > 0) & (rows.gear > 0)
        rows.switching_s = np.where(between_forward, rows.switch_time_s, rows.switching_s)
        rows.latency_s = np.where(between_forward, SHIFT_LATENCY_S, rows.latency_s)
        rows.gear = chosen


def suited_gear(rows: VehicleRows, row: int, speed_mps: float) -> int:
    """The lowest forward gear that the gearbox would not leave upwards at that speed."""
    turning = np.abs(speed_mps * rows.ratio[row, 2:]) / rows.max_omega[row]
    suited = np.flatnonzero(turning <= rows.up_at[row, 2:])
    last = int(rows.last_gear[row])
    return min(int(suited[0]) + 1, last) if len(suited) else last


def engaged_ratio(rows: VehicleRows) -> Floats:
    """Turns of the engine in radians per metre along the road, signed; 0 while the clutch is open."""
    ratio = rows.ratio[np.arange(len(rows.gear)), rows.gear + 1]
    result: Floats = np.where(rows.switching_s > 0.0, 0.0, ratio)
    return result


def drive(rows: VehicleRows, speed_mps: Floats) -> Drive:
    """What the engine and the wheels' bearings do to the vehicle."""
    ratio = engaged_ratio(rows)
    throttle = rows.pedal[:, 0]
    omega = speed_mps * ratio
    torque = evaluate(rows.torque_curve, omega * (30.0 / np.pi))
    torque = np.where(omega < rows.max_omega, torque, 0.0)
    damping = rows.damping[:, 1] + throttle * (rows.damping[:, 0] - rows.damping[:, 1])
    damping = np.where(omega < 0.0, np.maximum(damping, rows.clutch), damping)
    squared = ratio * ratio
    return Drive(
        push_n=throttle * torque * ratio,
        drag=damping * squared + rows.wheel_drag,
        inertia_kg=rows.mass_kg + rows.wheel_inertia_kg + INERTIA_SHARE * rows.engine_inertia * squared,
    )


def brakes(rows: VehicleRows) -> Floats:
    """What the brakes of each axle hold at most, (N, 2) newtons."""
    force = rows.pedal[:, 1:2] * rows.brake_n
    force[:, 1] += np.where(rows.hand_brake, rows.hand_brake_n, 0.0)
    return force
