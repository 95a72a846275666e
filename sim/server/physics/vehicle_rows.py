"""The columns of the vehicle table, and how a vehicle's mechanics fill them."""

from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.catalogue import VehiclePhysics, VehicleSpec
from drivevla.sim.server.physics.curves import KNOTS, curve_row
from drivevla.sim.server.physics.rows import Flags, Integers, Numbers, Pairs, Row, Table, Vectors

__all__ = ["GEARS", "VehicleRows", "mechanics_row"]

GEARS = 12
"""Columns of a gear table: reverse, neutral, then the forward gears."""

REVERSE_RATIO = -4.0
"""Unreal Engine 4's default, which CARLA keeps (PhysX vehicle transmission setup)."""

AIR_DENSITY_KGPM3 = 1.25
"""Unreal Engine 4's wheeled vehicles; drag area is the width times the height of the body, as there."""

WHEEL_MASS_KG = 20.0
"""Unreal Engine 4's default wheel, a solid cylinder."""

_TWO_WHEELER_TRACK_M = 0.3

Curves: TypeAlias = Annotated[NDArray[np.float64], Row((2, KNOTS))]
GearTables: TypeAlias = Annotated[NDArray[np.float64], Row((GEARS,))]


class VehicleRows(Table):
    """Vehicles in order of creation.

    State:
        location_m, rotation_deg (pitch, yaw, roll), velocity_mps (of the centre of mass), angular_velocity_dps,
        acceleration_mps2: as the world message carries them. yaw_rate_radps: about z, positive to the right.
        ride_rate: rates of height, pitch and roll, m/s and rad/s. load: force on all tyres over the weight.
        sliding: whether an axle was beyond its grip in the last step, or something else than
        the tyres has changed the motion since.
    Commands: the last ``VehicleControl``, and what steering, throttle and brake have reached on the way to it; turns of
        the engine in radians per metre along the road, 0 while the clutch is open; angle of the inner front wheel.
    Mechanics: from ``VehiclePhysics``; axle 0 is the front. arm_m: from the centre of mass to the axles; share: of the
        weight on them; inverse: of mass and inertia.
    """

    location_m: Vectors
    rotation_deg: Vectors
    velocity_mps: Vectors
    angular_velocity_dps: Vectors
    acceleration_mps2: Vectors
    yaw_rate_radps: Numbers
    ride_rate: Vectors
    load: Numbers
    sliding: Flags
    axle_forward_n: Pairs
    axle_side_n: Pairs
    force_n: Vectors
    torque_nm: Numbers
    constant_velocity_mps: Vectors

    simulated: Flags
    colliding: Flags
    falling: Flags
    has_constant_velocity: Flags

    throttle: Numbers
    brake: Numbers
    steer: Numbers
    hand_brake: Flags
    reverse: Flags
    manual: Flags
    manual_gear: Integers
    pedal: Vectors
    gear: Integers
    switching_s: Numbers
    latency_s: Numbers
    engaged_ratio: Numbers
    inner_steer_rad: Numbers

    mass_kg: Numbers
    inertia_kgm2: Numbers
    center_x_m: Numbers
    axle_x_m: Pairs
    arm_m: Pairs
    base_m: Numbers
    share: Pairs
    inverse: Pairs
    track_m: Numbers
    leans: Flags
    radius_m: Numbers
    wheel_inertia_kg: Numbers
    wheel_drag: Numbers
    air_drag: Numbers
    max_steer_rad: Numbers
    steering_curve: Curves
    tire_friction: Numbers
    cornering: Numbers
    brake_n: Pairs
    hand_brake_n: Numbers
    torque_curve: Curves
    max_omega: Numbers
    engine_inertia: Numbers
    damping: Pairs
    clutch: Numbers
    ratio: GearTables
    up_at: GearTables
    down_at: GearTables
    last_gear: Integers
    switch_time_s: Numbers
    autobox: Flags

    body_center_m: Vectors
    body_half_m: Vectors


def mechanics_row(spec: VehicleSpec, physics: VehiclePhysics) -> dict[str, Any]:
    """The mechanics columns of one vehicle.

    Args:
        spec: For the size of its body.
        physics: As spawned, or as a client has changed it.
    """
    front, rear = _axle(physics, first=True), _axle(physics, first=False)
    wheels = physics.wheels
    half = spec.body.half_extent_m
    center_x = min(max(physics.center_of_mass_m[0], rear + 0.1), front - 0.1)
    inertia = physics.mass_kg * ((2 * half[0]) ** 2 + (2 * half[1]) ** 2) / 12.0
    gears = physics.forward_gears[: GEARS - 2]
    padding = [gears[-1].ratio if gears else 1.0] * (GEARS - 2 - len(gears))
    ratios = [REVERSE_RATIO, 0.0, *(gear.ratio for gear in gears), *padding]
    radius = float(np.mean([wheel.radius_m for wheel in wheels]))
    return {
        "mass_kg": physics.mass_kg,
        "inertia_kgm2": inertia,
        "center_x_m": center_x,
        "axle_x_m": (front, rear),
        "arm_m": (front - center_x, rear - center_x),
        "base_m": front - rear,
        "share": ((center_x - rear) / (front - rear), (front - center_x) / (front - rear)),
        "inverse": (1.0 / physics.mass_kg, 1.0 / inertia),
        "track_m": max(abs(wheels[-1].position_m[1] - wheels[0].position_m[1]), _TWO_WHEELER_TRACK_M),
        "leans": spec.number_of_wheels == 2,
        "radius_m": radius,
        "wheel_inertia_kg": 0.5 * WHEEL_MASS_KG * len(wheels) if spec.base_type != "bicycle" else 2.0,
        "wheel_drag": sum(wheel.damping_rate / wheel.radius_m**2 for wheel in wheels)
        * (1.0 if spec.base_type != "bicycle" else 0.1),
        "air_drag": 0.5 * AIR_DENSITY_KGPM3 * physics.drag_coefficient * 4.0 * half[1] * half[2],
        "max_steer_rad": np.radians(max(wheel.max_steer_deg for wheel in wheels)),
        "steering_curve": curve_row(physics.steering_curve),
        "tire_friction": float(np.mean([wheel.tire_friction for wheel in wheels])),
        "cornering": float(np.mean([wheel.lat_stiff_value for wheel in wheels])),
        "brake_n": (_brakes(physics, front), _brakes(physics, rear)),
        "hand_brake_n": sum(wheel.max_handbrake_torque_nm / wheel.radius_m for wheel in wheels),
        "torque_curve": curve_row(physics.torque_curve),
        "max_omega": physics.max_rpm * np.pi / 30.0,
        "engine_inertia": physics.moi_kgm2,
        "damping": (physics.damping_full_throttle, physics.damping_zero_throttle_clutch_engaged),
        "clutch": physics.clutch_strength * physics.moi_kgm2,
        "ratio": np.array(ratios) * physics.final_ratio / radius,
        "up_at": [0.0, 0.0, *(gear.up_ratio for gear in gears), *padding],
        "down_at": [0.0, 0.0, *(gear.down_ratio for gear in gears), *padding],
        "last_gear": len(gears),
        "switch_time_s": physics.gear_switch_time_s,
        "autobox": physics.use_gear_autobox,
        "body_center_m": spec.body.center_m,
        "body_half_m": half,
    }


def _axle(physics: VehiclePhysics, *, first: bool) -> float:
    places = [wheel.position_m[0] for wheel in physics.wheels]
    return max(places) if first else min(places)


def _brakes(physics: VehiclePhysics, axle_x_m: float) -> float:
    return sum(
        wheel.max_brake_torque_nm / wheel.radius_m
        for wheel in physics.wheels
        if abs(wheel.position_m[0] - axle_x_m) < 0.5
    )
