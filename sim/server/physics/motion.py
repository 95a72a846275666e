"""One step of all vehicles, in two halves: what the tyres do, and what the springs do on the ground that was found.

The equations, the constants with their sources and what they give are in ``docs/vehicle-model.md``.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import kernel
from drivevla.sim.server.physics.curves import evaluate
from drivevla.sim.server.physics.drivetrain import brake_n, drive, move_pedals, shift
from drivevla.sim.server.physics.ride import ride, wheel_places
from drivevla.sim.server.physics.tyres import GRAVITY_MPS2, SURFACE_FRICTION, clipped, side_impulses

__all__ = ["roll_on", "settle"]

Pair = tuple[float, float]
Triple = tuple[float, float, float]

STEERING_SHARE = 0.73
"""Of the wheels' nominal angle that turns the vehicle. CARLA's 70 degrees alone would give 0.38 per metre of curvature
for full steering at 25 km/h; the vehicle model that World on Rails identified in CARLA (and TransFuser++ and PDM-Lite
forecast with) gives 0.28."""

_MOST_TURN_RAD = 0.5


@kernel
def roll_on(
    vehicles: Any,
    friction: NDArray[np.float64],
    dt_s: float,
    place_m: NDArray[np.float64],
    near_m: NDArray[np.float64],
    before_mps: NDArray[np.float64],
) -> None:
    """Move x, y and yaw of all vehicles, and write where their wheels are then.

    Args:
        vehicles: (N,) records of ``VehicleRows``.
        friction: (N,) of the tyres, where each vehicle stands.
        dt_s: Length of the step.
        place_m: (N, 4, 2) x, y of the wheels; written.
        near_m: (N, 4) their heights; written.
        before_mps: (N, 3) velocities before the step; written.
    """
    for row in range(len(vehicles)):
        v = vehicles[row]
        for axis in range(3):
            before_mps[row, axis] = v.velocity_mps[axis]
        move_pedals(v, dt_s)
        if v.simulated:
            _planar(v, friction[row], dt_s)
        wheel_places(v, place_m[row], near_m[row])


@kernel
def settle(
    vehicles: Any, ground_m: NDArray[np.float64], before_mps: NDArray[np.float64], dt_s: float, last: bool
) -> None:
    """Move height, pitch and roll of all vehicles, and sum up how they moved.

    Args:
        vehicles: (N,) records of ``VehicleRows``.
        ground_m: (N, 4) heights of the ground below the wheels; overwritten.
        before_mps: (N, 3) velocities before the step.
        dt_s: Length of the step.
        last: Whether outer forces end with this step.
    """
    for row in range(len(vehicles)):
        v = vehicles[row]
        if v.simulated:
            yaw = math.radians(v.rotation_deg[1])
            cos, sin = math.cos(yaw), math.sin(yaw)
            forward = cos * v.velocity_mps[0] + sin * v.velocity_mps[1]
            ride(v, forward, ground_m[row], dt_s)
            v.velocity_mps[2] = v.ride_rate[0]
            for axis in range(3):
                v.acceleration_mps2[axis] = (v.velocity_mps[axis] - before_mps[row, axis]) / dt_s
            # In CARLA's left-handed frame pitch and roll turn against y and x.
            about_x, about_y = -v.ride_rate[2], -v.ride_rate[1]
            v.angular_velocity_dps[0] = math.degrees(cos * about_x - sin * about_y)
            v.angular_velocity_dps[1] = math.degrees(sin * about_x + cos * about_y)
            v.angular_velocity_dps[2] = math.degrees(v.yaw_rate_radps)
        if last:
            v.force_n[:] = 0.0
            v.torque_nm = 0.0


@kernel
def _planar(v: Any, friction: float, dt_s: float) -> None:
    yaw = math.radians(v.rotation_deg[1])
    turn = clipped(v.yaw_rate_radps * dt_s, _MOST_TURN_RAD)
    cos, sin = math.cos(yaw + 0.5 * turn), math.sin(yaw + 0.5 * turn)
    forward = cos * v.velocity_mps[0] + sin * v.velocity_mps[1]
    aside = cos * v.velocity_mps[1] - sin * v.velocity_mps[0]
    if not v.sliding:
        # Rolling tyres turn the velocity without taking from it what a straight step would cut off.
        forward /= math.cos(turn)
    whole_n = friction * v.load * v.mass_kg * (SURFACE_FRICTION * GRAVITY_MPS2)
    grip_n = v.share[0] * whole_n, v.share[1] * whole_n
    forward, aside, rate = _pushed(v, forward, aside, (cos, sin), grip_n, dt_s)
    forward, aside, rate = _steered(v, forward, aside, rate, grip_n, dt_s)
    if v.has_constant_velocity:
        forward, aside = v.constant_velocity_mps[0], v.constant_velocity_mps[1]
    new_yaw = yaw + rate * dt_s
    v.velocity_mps[0], v.velocity_mps[1] = cos * forward - sin * aside, sin * forward + cos * aside
    v.location_m[0] += v.velocity_mps[0] * dt_s + v.center_x_m * (math.cos(yaw) - math.cos(new_yaw))
    v.location_m[1] += v.velocity_mps[1] * dt_s + v.center_x_m * (math.sin(yaw) - math.sin(new_yaw))
    v.yaw_rate_radps = rate
    v.rotation_deg[1] = (math.degrees(new_yaw) + 180.0) % 360.0 - 180.0


@kernel
def _pushed(v: Any, forward: float, aside: float, heading: Pair, grip_n: Pair, dt_s: float) -> Triple:
    """Everything but side forces: engine, brakes, drag, slope, outer forces; forward, aside and turning speed."""
    shift(v, forward, dt_s)
    push, drag, inertia_kg = drive(v, forward)
    most = grip_n[0] + grip_n[1]
    speed = abs(forward)
    dragged = min(drag, most / max(speed, 1e-3))
    along_n = across_n = 0.0
    if v.load > 0.0:
        push = clipped(push, most)
        weight = 0.5 * GRAVITY_MPS2 * v.mass_kg
        along_n = push - weight * math.sin(math.radians(2.0 * v.rotation_deg[0]))
        across_n = 0.0 if v.leans else weight * math.sin(math.radians(2.0 * v.rotation_deg[2]))
    else:
        push = 0.0
    along_n += heading[0] * v.force_n[0] + heading[1] * v.force_n[1]
    across_n += heading[0] * v.force_n[1] - heading[1] * v.force_n[0]
    moved = (forward * inertia_kg + dt_s * along_n) / (inertia_kg + dt_s * (dragged + v.air_drag * speed))
    front_n, rear_n = brake_n(v)
    hold_front = min(front_n, max(grip_n[0] - 0.5 * dragged * speed, 0.0))
    hold_rear = min(rear_n, max(grip_n[1] - 0.5 * dragged * speed, 0.0))
    slowing = dt_s * (hold_front + hold_rear) / inertia_kg
    used = clipped(moved / max(slowing, 1e-9), 1.0)
    each_n = 0.5 * (push - dragged * forward)
    v.axle_forward_n[0], v.axle_forward_n[1] = each_n - hold_front * used, each_n - hold_rear * used
    rate = v.yaw_rate_radps + dt_s * v.torque_nm * v.inverse[1]
    return moved - used * slowing, aside + dt_s * across_n * v.inverse[0], rate


@kernel
def _steered(v: Any, forward: float, aside: float, rate: float, grip_n: Pair, dt_s: float) -> Triple:
    """Side forces of the tyres; forward, aside and turning speed."""
    v.inner_steer_rad = v.pedal[2] * evaluate(v.steering_curve, abs(forward) * 3.6) * v.max_steer_rad
    inner = math.tan(STEERING_SHARE * v.inner_steer_rad)
    # Ackermann: the inner wheel stands at the nominal angle, the middle of the axle turns about the same point.
    tangent = v.base_m * inner / (v.base_m + 0.5 * v.track_m * abs(inner))
    cos_turn = 1.0 / math.sqrt(1.0 + tangent * tangent)
    sin_turn = tangent * cos_turn
    slip = (aside + v.arm_m[0] * rate) * cos_turn - forward * sin_turn, aside + v.arm_m[1] * rate
    weight_ns = v.load * v.mass_kg * (GRAVITY_MPS2 * dt_s) * v.cornering
    stiffness = v.share[0] * weight_ns, v.share[1] * weight_ns
    limit = _left_n(v, 0, slip[0], forward, grip_n[0]) * dt_s, _left_n(v, 1, slip[1], forward, grip_n[1]) * dt_s
    front, rear, v.sliding = side_impulses(v, slip, forward, cos_turn, stiffness, limit)
    v.axle_side_n[0], v.axle_side_n[1] = front / dt_s, rear / dt_s
    across = front * cos_turn
    return (
        forward - front * sin_turn * v.inverse[0],
        aside + (across + rear) * v.inverse[0],
        rate + (v.arm_m[0] * across + v.arm_m[1] * rear) * v.inverse[1],
    )


@kernel
def _left_n(v: Any, axle: int, slip_mps: float, forward_mps: float, grip_n: float) -> float:
    """The grip of an axle that engine and brakes leave for side forces."""
    size = abs(slip_mps)
    sideways = grip_n * size / (size + abs(forward_mps) + 0.1)
    return math.sqrt(max(grip_n * grip_n - v.axle_forward_n[axle] ** 2, sideways * sideways))
