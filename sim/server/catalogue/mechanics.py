"""From a row of the vehicle table to the mechanics of that vehicle.

CARLA gives nearly every car the same engine, 500 Nm through five gears, whatever it weighs. The Lincoln MKZ 2020 has
been identified by others (see ``docs/vehicle-model.md``) and keeps those numbers; the other vehicles get the same
engine scaled so that they reach 100 km/h in their own time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drivevla.sim.server.catalogue.spec import Gear, VehiclePhysics, WheelPhysics

__all__ = ["Powertrain", "mechanics", "read_powertrain"]

TIRE_FRICTION = 3.5
"""CARLA's own for its cars (carla.WheelPhysicsControl as printed for the Lincoln MKZ 2017 and the Nissan Micra)."""

WHEEL_DAMPING = 0.25
"""Nm s/rad, likewise."""

DRAG_COEFFICIENT = 0.3
"""Likewise."""

_LATERAL_STIFFNESS = (2.0, 17.0, 1000.0)
"""Load at which it saturates, per unit load; the value, per radian and unit load; longitudinal. CARLA's defaults."""

_REFERENCE_MASS_KG = 1750.0
_REFERENCE_RADIUS_M = 0.355
_REFERENCE_TIME_S = 7.5
"""The Lincoln MKZ: mass and wheel radius printed by CARLA; time to 100 km/h from PDM-Lite's identified ego model."""

_PEDAL_ENGINE_SCALE = 0.0075
"""A cyclist: 3.75 Nm at the crank of the car's engine, about 2 m/s2 at most."""

_MASS_CENTRE_AHEAD = 0.03
"""Of the wheelbase, ahead of the middle between the axles: a little understeer, as nose-heavy cars have."""

_MASS_CENTRE_HEIGHT = 0.35
"""Of the height of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Powertrain:
    """What vehicles of one family share: the engine before scaling, gearbox, steering and brakes.

    Attributes:
        braking_mps2: What all four brakes together give at full pedal, before drag and engine.
    """

    torque_curve: tuple[tuple[float, float], ...]
    max_rpm: float
    moi_kgm2: float
    damping_full_throttle: float
    damping_zero_throttle_clutch_engaged: float
    damping_zero_throttle_clutch_disengaged: float
    gears: tuple[Gear, ...]
    final_ratio: float
    gear_switch_time_s: float
    steering_curve: tuple[tuple[float, float], ...]
    max_steer_deg: float
    braking_mps2: float


def read_powertrain(row: Mapping[str, Any]) -> Powertrain:
    """A row of ``powertrains.json``."""
    return Powertrain(
        torque_curve=tuple((float(rpm), float(torque)) for rpm, torque in row["torque_curve"]),
        max_rpm=row["max_rpm"],
        moi_kgm2=row["moi_kgm2"],
        damping_full_throttle=row["damping_full_throttle"],
        damping_zero_throttle_clutch_engaged=row["damping_zero_throttle_clutch_engaged"],
        damping_zero_throttle_clutch_disengaged=row["damping_zero_throttle_clutch_disengaged"],
        gears=tuple(
            Gear(ratio=ratio, down_ratio=row["down_ratio"], up_ratio=row["up_ratio"]) for ratio in row["gear_ratios"]
        ),
        final_ratio=row["final_ratio"],
        gear_switch_time_s=row["gear_switch_time_s"],
        steering_curve=tuple((float(kph), float(fraction)) for kph, fraction in row["steering_curve"]),
        max_steer_deg=row["max_steer_deg"],
        braking_mps2=row["braking_mps2"],
    )


def mechanics(row: Mapping[str, Any], powertrain: Powertrain) -> VehiclePhysics:
    """The mechanics of one vehicle.

    Args:
        row: A row of ``vehicles.json``.
        powertrain: The family that the row names.
    """
    scale = _engine_scale(row)
    middle_x = row["front_axle_x_m"] - 0.5 * row["wheelbase_m"]
    height = 2.0 * row["box"]["half_extent"][2]
    return VehiclePhysics(
        torque_curve=tuple((rpm, torque * scale) for rpm, torque in powertrain.torque_curve),
        max_rpm=powertrain.max_rpm,
        moi_kgm2=powertrain.moi_kgm2 * scale,
        damping_full_throttle=powertrain.damping_full_throttle * scale,
        damping_zero_throttle_clutch_engaged=powertrain.damping_zero_throttle_clutch_engaged * scale,
        damping_zero_throttle_clutch_disengaged=powertrain.damping_zero_throttle_clutch_disengaged * scale,
        use_gear_autobox=True,
        gear_switch_time_s=powertrain.gear_switch_time_s,
        clutch_strength=10.0,
        final_ratio=powertrain.final_ratio,
        forward_gears=powertrain.gears,
        mass_kg=float(row["mass_kg"]),
        drag_coefficient=DRAG_COEFFICIENT,
        center_of_mass_m=(middle_x + _MASS_CENTRE_AHEAD * row["wheelbase_m"], 0.0, _MASS_CENTRE_HEIGHT * height),
        steering_curve=powertrain.steering_curve,
        wheels=_wheels(row, powertrain),
        use_sweep_wheel_collision=False,
    )


def _engine_scale(row: Mapping[str, Any]) -> float:
    if row["powertrain"] == "pedals":
        return _PEDAL_ENGINE_SCALE
    mass, radius = row["mass_kg"] / _REFERENCE_MASS_KG, row["wheel_radius_m"] / _REFERENCE_RADIUS_M
    return float(mass * radius * _REFERENCE_TIME_S / row["zero_to_hundred_s"])


def _wheels(row: Mapping[str, Any], powertrain: Powertrain) -> tuple[WheelPhysics, ...]:
    sides = (-0.5 * row["track_m"], 0.5 * row["track_m"]) if row["track_m"] > 0.0 else (0.0,)
    radius, front_x = row["wheel_radius_m"], row["front_axle_x_m"]
    brake_nm = row["mass_kg"] * powertrain.braking_mps2 * radius / (2 * len(sides))
    axles = ((front_x, powertrain.max_steer_deg, 0.0), (front_x - row["wheelbase_m"], 0.0, 2.0 * brake_nm))
    max_load, lateral, longitudinal = _LATERAL_STIFFNESS
    return tuple(
        WheelPhysics(
            tire_friction=TIRE_FRICTION,
            damping_rate=WHEEL_DAMPING,
            max_steer_deg=max_steer_deg,
            radius_m=radius,
            max_brake_torque_nm=brake_nm,
            max_handbrake_torque_nm=handbrake_nm,
            lat_stiff_max_load=max_load,
            lat_stiff_value=lateral,
            long_stiff_value=longitudinal,
            position_m=(x, side, radius),
        )
        for x, max_steer_deg, handbrake_nm in axles
        for side in sides
    )
