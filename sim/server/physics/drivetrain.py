"""Pedals, engine, gearbox and brakes: from commands to forces along the vehicle.

The engine is PhysX's (NVIDIA PhysX 3.4, vehicle guide, "engine"): the throttle times the full-throttle torque curve,
less a damping that grows as the throttle closes, times the revolutions. That damping is why a CARLA car hardly moves
below 0.3 throttle. The clutch is taken as stiff; the engine's inertia weighs on the wheels through the gear.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import kernel
from drivevla.sim.server.physics.curves import evaluate
from drivevla.sim.server.physics.tyres import clipped
from drivevla.sim.server.physics.vehicle_rows import VehicleRows

__all__ = ["brake_n", "drive", "move_pedals", "press_pedals", "shift", "suited_gear"]

PEDAL_RISE_PER_S = (6.0, 6.0, 2.5)
PEDAL_FALL_PER_S = (10.0, 10.0, 5.0)
"""Throttle, brake, steering: Unreal Engine 4's input rates of wheeled vehicles (WheeledVehicleMovementComponent)."""

INERTIA_SHARE = 0.5
"""Of the engine's inertia that weighs on the wheels; identified. At full throttle in first gear the MKZ pulls with
5.9 m/s2 under the whole of it, with 11.7 under none, with 7.9 under half; PDM-Lite's identified model has 7.6."""

FULL_THROTTLE_UP, FULL_THROTTLE_DOWN = 0.65, 0.33
"""Shares of the highest revolutions between which the gearbox keeps at full throttle (up: Unreal Engine 4's default).
Below half throttle it keeps to the vehicle's own ratios; between, it goes from one to the other."""

SHIFT_LATENCY_S = 1.0
"""Least time between two gear changes: Unreal Engine 4's default."""


@kernel
def press_pedals(vehicles: Any, rows: NDArray[np.intp], controls: NDArray[np.float64]) -> bool:
    """Take commands; of several for one vehicle the last one holds.

    Args:
        vehicles: Records of ``VehicleRows``.
        rows: (C,) whose.
        controls: (C, 7) fields of a ``VehicleControl`` in order; what is out of range is limited.

    Returns:
        False, and nothing is taken, if a throttle, a steering or a brake is not a number.
    """
    for number in range(len(rows)):
        for field in range(3):
            if not np.isfinite(controls[number, field]):
                return False
    for number in range(len(rows)):
        v, control = vehicles[rows[number]], controls[number]
        v.throttle, v.steer, v.brake = (
            min(max(control[0], 0.0), 1.0),
            min(max(control[1], -1.0), 1.0),
            min(max(control[2], 0.0), 1.0),
        )
        v.hand_brake, v.reverse, v.manual = control[3] != 0.0, control[4] != 0.0, control[5] != 0.0
        v.manual_gear = int(min(max(control[6], -1.0), float(v.last_gear)))
    return True


@kernel
def move_pedals(v: Any, dt_s: float) -> None:
    """Let throttle, brake and steering follow their commands at a finite rate."""
    commands = (v.throttle, v.brake, v.steer)
    for k in range(3):
        change = commands[k] - v.pedal[k]
        rate = PEDAL_RISE_PER_S[k] if change * v.pedal[k] >= 0.0 else PEDAL_FALL_PER_S[k]
        v.pedal[k] += clipped(change, rate * dt_s)


@kernel
def shift(v: Any, speed_mps: float, dt_s: float) -> None:
    """Change gears, by hand, into and out of reverse, or automatically with the revolutions; work the clutch."""
    v.switching_s = max(v.switching_s - dt_s, 0.0)
    v.latency_s = max(v.latency_s - dt_s, 0.0)
    if v.reverse:
        chosen = -1
    elif v.manual or not v.autobox:
        chosen = min(v.manual_gear, v.last_gear)
    else:
        chosen = _automatic_gear(v, speed_mps)
    if chosen != v.gear:
        if chosen > 0 and v.gear > 0:
            v.switching_s, v.latency_s = v.switch_time_s, SHIFT_LATENCY_S
        v.gear = chosen
    v.engaged_ratio = 0.0 if v.switching_s > 0.0 else v.ratio[v.gear + 1]


@kernel
def _automatic_gear(v: Any, speed_mps: float) -> int:
    turning = abs(speed_mps * v.ratio[v.gear + 1]) / v.max_omega
    hard = min(max(2.0 * v.pedal[0] - 1.0, 0.0), 1.0)
    up, down = v.up_at[v.gear + 1], v.down_at[v.gear + 1]
    up += hard * max(FULL_THROTTLE_UP - up, 0.0)
    down += hard * max(FULL_THROTTLE_DOWN - down, 0.0)
    gear = v.gear
    if v.latency_s <= 0.0 and gear > 0:
        gear += int(turning > up) - int(turning < down)
    return min(max(gear, 1), v.last_gear)


def suited_gear(rows: VehicleRows, row: int, speed_mps: float) -> int:
    """The lowest forward gear that the gearbox would not leave upwards at that speed."""
    turning = np.abs(speed_mps * rows.ratio[row, 2:]) / rows.max_omega[row]
    suited = np.flatnonzero(turning <= rows.up_at[row, 2:])
    last = int(rows.last_gear[row])
    return min(int(suited[0]) + 1, last) if len(suited) else last


@kernel
def drive(v: Any, speed_mps: float) -> tuple[float, float, float]:
    """What the engine and the wheels' bearings do to the vehicle: a force less a drag times the speed, on an inertia.

    Returns:
        Push in N, drag in N s/m, inertia in kg.
    """
    ratio, throttle = v.engaged_ratio, v.pedal[0]
    omega = speed_mps * ratio
    torque = evaluate(v.torque_curve, omega * (30.0 / math.pi)) if omega < v.max_omega else 0.0
    damping = v.damping[1] + throttle * (v.damping[0] - v.damping[1])
    if omega < 0.0:
        damping = max(damping, v.clutch)
    squared = ratio * ratio
    inertia_kg = v.mass_kg + v.wheel_inertia_kg + INERTIA_SHARE * v.engine_inertia * squared
    return throttle * torque * ratio, damping * squared + v.wheel_drag, inertia_kg


@kernel
def brake_n(v: Any) -> tuple[float, float]:
    """What the brakes of the front and of the rear axle hold at most."""
    hand_n = v.hand_brake_n if v.hand_brake else 0.0
    return v.pedal[1] * v.brake_n[0], v.pedal[1] * v.brake_n[1] + hand_n
