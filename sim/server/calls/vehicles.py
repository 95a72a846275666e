"""Vehicles: control, mechanics, lamps, doors, instruments."""

import math
from dataclasses import astuple, fields, replace

from drivevla.errors import ContractError, SimulatorError
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.catalogue import Gear, VehiclePhysics, WheelPhysics
from drivevla.sim.server.physics import AckermannControl, AckermannSettings, VehicleControl
from drivevla.sim.server.wire import decode, encode
from drivevla.sim.server.wire.decode import Decoder, Vector
from drivevla.sim.server.world.actors import Actor
from drivevla.sim.server.world.simulator import Simulator

__all__ = [
    "CALLS",
    "ackermann_control",
    "apply_ackermann_control_to_vehicle",
    "apply_control_to_vehicle",
    "apply_physics_control",
    "physics_control",
    "set_light_flags",
    "show_vehicle_debug_telemetry",
    "vehicle_control",
]

CALLS = CallGroup()

ID = decode.uint32
CM_PER_M = 100.0

CONTROL_TYPES = (float, float, float, bool, bool, bool, int)
_any_vehicle_control: Decoder[VehicleControl] = decode.struct(
    VehicleControl,
    decode.number,
    decode.number,
    decode.number,
    decode.boolean,
    decode.boolean,
    decode.boolean,
    decode.integer,
)


def vehicle_control(value: object) -> VehicleControl:
    """The decoder of a VehicleControl.

    Raises:
        ContractError: A field has the wrong type, or is no finite number.
    """
    # What the client sends is taken at a glance: the Traffic Manager sends one for every vehicle and step.
    if type(value) is list and tuple(map(type, value)) == CONTROL_TYPES:
        throttle, steer, brake = value[:3]
        if abs(throttle) <= 1.0 and abs(steer) <= 1.0 and abs(brake) <= 1.0:  # false for what is no number
            return VehicleControl(*value)
    return _any_vehicle_control(value)


ackermann_control: Decoder[AckermannControl] = decode.struct(
    AckermannControl, *[decode.number] * len(fields(AckermannControl))
)
ackermann_settings: Decoder[AckermannSettings] = decode.struct(
    AckermannSettings, *[decode.number] * len(fields(AckermannSettings))
)


@CALLS.nothing("apply_control_to_vehicle", ID, vehicle_control)
def apply_control_to_vehicle(simulator: Simulator, actor_id: int, control: VehicleControl) -> None:
    """Press the pedals."""
    simulator.episode.physics.vehicles.set_control(actor_id, control)


@CALLS.nothing("apply_ackermann_control_to_vehicle", ID, ackermann_control)
def apply_ackermann_control_to_vehicle(simulator: Simulator, actor_id: int, control: AckermannControl) -> None:
    """Drive by speed and steering angle."""
    simulator.episode.physics.vehicles.set_ackermann_control(actor_id, control)


@CALLS.value("get_ackermann_controller_settings", ID)
def get_ackermann_controller_settings(simulator: Simulator, actor_id: int) -> list[float]:
    """Gains of the Ackermann controller."""
    return list(astuple(simulator.episode.physics.vehicles.ackermann_settings(actor_id)))


@CALLS.nothing("apply_ackermann_controller_settings", ID, ackermann_settings)
def apply_ackermann_controller_settings(simulator: Simulator, actor_id: int, settings: AckermannSettings) -> None:
    """Change the gains of the Ackermann controller."""
    simulator.episode.physics.vehicles.set_ackermann_settings(actor_id, settings)


@CALLS.value("get_vehicle_light_state", ID)
def get_vehicle_light_state(simulator: Simulator, actor_id: int) -> list[int]:
    """Which lamps are on."""
    return [_vehicle(simulator, actor_id).light_flags]


@CALLS.nothing("set_vehicle_light_state", ID, decode.struct(lambda flags=0: flags, decode.uint32))
def set_light_flags(simulator: Simulator, actor_id: int, flags: int) -> None:
    """Switch lamps."""
    _vehicle(simulator, actor_id).light_flags = flags


@CALLS.value("get_vehicle_light_states")
def get_vehicle_light_states(simulator: Simulator) -> list[object]:
    """Which lamps are on, of every vehicle."""
    return [[actor.actor_id, actor.light_flags] for actor in simulator.episode.table.of_kind("vehicle")]


@CALLS.nothing("open_vehicle_door", ID, decode.integer)
def open_vehicle_door(simulator: Simulator, actor_id: int, door: int) -> None:
    """Open a door."""
    vehicle = _vehicle(simulator, actor_id)
    vehicle.open_doors |= _doors(door)


@CALLS.nothing("close_vehicle_door", ID, decode.integer)
def close_vehicle_door(simulator: Simulator, actor_id: int, door: int) -> None:
    """Close a door."""
    vehicle = _vehicle(simulator, actor_id)
    vehicle.open_doors -= _doors(door)


@CALLS.value("get_physics_control", ID)
def get_physics_control(simulator: Simulator, actor_id: int) -> list[object]:
    """The mechanics; wheel positions in the world and in centimetres, as CARLA gives them."""
    physics = simulator.episode.physics.vehicles.physics(actor_id)
    return _physics_to_wire(
        physics, simulator.episode.table.world_points(_vehicle(simulator, actor_id), _hubs(physics))
    )


def physics_control(value: object) -> list[object]:
    """The decoder of a VehiclePhysicsControl; its parts are read when the vehicle that it is for is known.

    Raises:
        ContractError: Something else came.
    """
    if type(value) is not list or len(value) != PHYSICS_FIELDS:
        raise ContractError(f"a VehiclePhysicsControl of {PHYSICS_FIELDS} fields is needed")
    return value


PHYSICS_FIELDS = 17


@CALLS.nothing("apply_physics_control", ID, physics_control)
def apply_physics_control(simulator: Simulator, actor_id: int, wire: list[object]) -> None:
    """Change the mechanics; where the wheels are does not change."""
    vehicles = simulator.episode.physics.vehicles
    vehicles.set_physics(actor_id, _physics_from_wire(wire, vehicles.physics(actor_id)))


@CALLS.value("get_telemetry_data", ID)
def get_telemetry_data(simulator: Simulator, actor_id: int) -> list[object]:
    """What the instruments show."""
    telemetry = simulator.episode.physics.vehicles.telemetry(actor_id)
    *instruments, wheels = astuple(telemetry)
    return [*instruments, [list(wheel) for wheel in wheels]]


@CALLS.nothing("show_vehicle_debug_telemetry", ID, decode.boolean)
def show_vehicle_debug_telemetry(simulator: Simulator, actor_id: int, _shown: bool) -> None:
    """There is no screen to show it on."""
    _vehicle(simulator, actor_id)


@CALLS.value("get_wheel_steer_angle", ID, decode.integer)
def get_wheel_steer_angle(simulator: Simulator, actor_id: int, wheel: int) -> float:
    """Angle of a wheel in degrees; the rear ones never turn."""
    _wheel(simulator, actor_id, wheel)
    vehicles = simulator.episode.physics.vehicles
    posed = _vehicle(simulator, actor_id).posed_steer_deg
    if wheel in posed and not vehicles.rows.simulated[vehicles.row(actor_id)]:
        return posed[wheel]
    is_front = wheel in (0, 1) if len(vehicles.physics(actor_id).wheels) > 2 else wheel == 0
    return float(vehicles.wheel_steer_deg()[vehicles.row(actor_id)]) if is_front else 0.0


@CALLS.value("get_wheel_pitch_angle", ID, decode.integer)
def get_wheel_pitch_angle(simulator: Simulator, actor_id: int, wheel: int) -> float:
    """How far a wheel is turned about its axle, in degrees: the way driven over the radius."""
    radius_m = _wheel(simulator, actor_id, wheel).radius_m
    vehicles, posed = simulator.episode.physics.vehicles, _vehicle(simulator, actor_id).posed_roll_deg
    if wheel in posed and not vehicles.rows.simulated[vehicles.row(actor_id)]:
        return posed[wheel]
    travelled_m = float(simulator.episode.table.travelled_m[_vehicle(simulator, actor_id).row])
    return math.degrees(travelled_m / radius_m) % 360.0


@CALLS.nothing("set_wheel_steer_direction", ID, decode.integer, decode.number)
def set_wheel_steer_direction(simulator: Simulator, actor_id: int, wheel: int, degrees: float) -> None:
    """Turn a wheel of a vehicle whose physics is off; with physics the steering decides."""
    _wheel(simulator, actor_id, wheel)
    _vehicle(simulator, actor_id).posed_steer_deg[wheel] = degrees


@CALLS.nothing("set_wheel_pitch_angle", ID, decode.integer, decode.number)
def set_wheel_pitch_angle(simulator: Simulator, actor_id: int, wheel: int, degrees: float) -> None:
    """Roll a wheel of a vehicle whose physics is off; with physics the way driven decides."""
    _wheel(simulator, actor_id, wheel)
    _vehicle(simulator, actor_id).posed_roll_deg[wheel] = degrees


def _vehicle(simulator: Simulator, actor_id: int) -> Actor:
    actor = simulator.episode.table.get(actor_id)
    if actor.kind != "vehicle":
        raise SimulatorError(f"actor {actor_id} is a {actor.type_id}, no vehicle")
    return actor


def _wheel(simulator: Simulator, actor_id: int, wheel: int) -> WheelPhysics:
    wheels = simulator.episode.physics.vehicles.physics(actor_id).wheels
    if not 0 <= wheel < len(wheels):
        raise ContractError(f"actor {actor_id} has wheels 0 to {len(wheels) - 1}, got {wheel}")
    return wheels[wheel]


ALL_DOORS = 6


def _doors(door: int) -> set[int]:
    if not 0 <= door <= ALL_DOORS:
        raise ContractError(f"a door is 0 to {ALL_DOORS}, got {door}")
    return set(range(ALL_DOORS)) if door == ALL_DOORS else {door}


def _hubs(physics: VehiclePhysics) -> list[Vector]:
    return [wheel.position_m for wheel in physics.wheels]


def _physics_to_wire(physics: VehiclePhysics, hubs_m: list[Vector]) -> list[object]:
    wheels = [
        [
            wheel.tire_friction,
            wheel.damping_rate,
            wheel.max_steer_deg,
            wheel.radius_m * CM_PER_M,
            wheel.max_brake_torque_nm,
            wheel.max_handbrake_torque_nm,
            wheel.lat_stiff_max_load,
            wheel.lat_stiff_value,
            wheel.long_stiff_value,
            [value * CM_PER_M for value in hub_m],
        ]
        for wheel, hub_m in zip(physics.wheels, hubs_m, strict=True)
    ]
    return [
        [list(point) for point in physics.torque_curve],
        physics.max_rpm,
        physics.moi_kgm2,
        physics.damping_full_throttle,
        physics.damping_zero_throttle_clutch_engaged,
        physics.damping_zero_throttle_clutch_disengaged,
        physics.use_gear_autobox,
        physics.gear_switch_time_s,
        physics.clutch_strength,
        physics.final_ratio,
        [[gear.ratio, gear.down_ratio, gear.up_ratio] for gear in physics.forward_gears],
        physics.mass_kg,
        physics.drag_coefficient,
        encode.vector(physics.center_of_mass_m),
        [list(point) for point in physics.steering_curve],
        wheels,
        physics.use_sweep_wheel_collision,
    ]


_curve = decode.sequence(decode.struct(lambda x=0.0, y=0.0: (x, y), decode.number, decode.number))
_gears = decode.sequence(
    decode.struct(
        lambda ratio=1.0, down=0.5, up=0.65: Gear(ratio=ratio, down_ratio=down, up_ratio=up),
        decode.number,
        decode.number,
        decode.number,
    )
)
_wheel_numbers = decode.sequence(decode.struct(lambda *numbers: numbers, *[decode.number] * 9))


def _physics_from_wire(wire: list[object], before: VehiclePhysics) -> VehiclePhysics:
    numbers = [decode.number(wire[index]) for index in (1, 2, 3, 4, 5, 7, 8, 9, 11, 12)]
    max_rpm, moi, full, engaged, disengaged, switch_s, clutch, final, mass, drag = numbers
    return VehiclePhysics(
        torque_curve=tuple(_curve(wire[0])),
        max_rpm=max_rpm,
        moi_kgm2=moi,
        damping_full_throttle=full,
        damping_zero_throttle_clutch_engaged=engaged,
        damping_zero_throttle_clutch_disengaged=disengaged,
        use_gear_autobox=decode.boolean(wire[6]),
        gear_switch_time_s=switch_s,
        clutch_strength=clutch,
        final_ratio=final,
        forward_gears=tuple(_gears(wire[10])),
        mass_kg=mass,
        drag_coefficient=drag,
        center_of_mass_m=decode.vector(wire[13]),
        steering_curve=tuple(_curve(wire[14])),
        wheels=_wheels_from_wire(wire[15], before.wheels),
        use_sweep_wheel_collision=decode.boolean(wire[16]),
    )


def _wheels_from_wire(value: object, before: tuple[WheelPhysics, ...]) -> tuple[WheelPhysics, ...]:
    given = _wheel_numbers(value)
    if len(given) != len(before) or any(len(numbers) != 9 for numbers in given):
        raise ContractError(f"this vehicle has {len(before)} wheels of 10 fields each")
    return tuple(
        replace(
            wheel,
            tire_friction=friction,
            damping_rate=damping,
            max_steer_deg=max_steer,
            radius_m=radius_cm / CM_PER_M,
            max_brake_torque_nm=brake,
            max_handbrake_torque_nm=hand_brake,
            lat_stiff_max_load=max_load,
            lat_stiff_value=lateral,
            long_stiff_value=longitudinal,
        )
        for wheel, (friction, damping, max_steer, radius_cm, brake, hand_brake, max_load, lateral, longitudinal) in zip(
            before, given, strict=True
        )
    )
