"""Batches: many commands in one call, each with a result of its own.

Commands are numbered as CARLA 0.9.16 numbers them; what a command does is what the call of the same subject does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drivevla.errors import ContractError, DriveVLAError
from drivevla.sim.server.calls import actors, bodies, lights, vehicles, walkers
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.wire import decode
from drivevla.sim.server.wire.decode import Decoder
from drivevla.sim.server.world import spawning
from drivevla.sim.server.world.simulator import Simulator
from drivevla.sim.server.world.spawning import ATTACHMENT_KINDS, RIGID, ActorDescription, Attachment

__all__ = ["CALLS"]

CALLS = CallGroup()

ID = decode.uint32
SPAWN, DRIVE = 0, 2
FUTURE_ACTOR = 0
"""The actor id in a command that is to run on the actor that was just spawned."""


@dataclass(frozen=True, slots=True)
class _Command:
    run: Callable[..., object]
    decoders: tuple[Decoder[Any], ...]


def _notice_autopilot(simulator: Simulator, actor_id: int, _enabled: bool) -> None:
    # The client registers the vehicle with its Traffic Manager by itself.
    simulator.episode.table.get(actor_id)


_COMMANDS: dict[int, _Command] = {
    1: _Command(actors.destroy_actor, (ID,)),
    DRIVE: _Command(vehicles.apply_control_to_vehicle, (ID, vehicles.vehicle_control)),
    3: _Command(vehicles.apply_ackermann_control_to_vehicle, (ID, vehicles.ackermann_control)),
    4: _Command(walkers.apply_control_to_walker, (ID, walkers.walker_control)),
    5: _Command(vehicles.apply_physics_control, (ID, vehicles.physics_control)),
    6: _Command(actors.set_actor_transform, (ID, decode.pose)),
    7: _Command(walkers.set_walker_state, (ID, decode.pose, decode.number)),
    8: _Command(bodies.set_actor_target_velocity, (ID, decode.vector)),
    9: _Command(bodies.set_actor_target_angular_velocity, (ID, decode.vector)),
    10: _Command(bodies.add_actor_impulse, (ID, decode.vector)),
    11: _Command(bodies.add_actor_force, (ID, decode.vector)),
    12: _Command(bodies.add_actor_angular_impulse, (ID, decode.vector)),
    13: _Command(bodies.add_actor_torque, (ID, decode.vector)),
    14: _Command(bodies.set_actor_simulate_physics, (ID, decode.boolean)),
    15: _Command(bodies.set_actor_enable_gravity, (ID, decode.boolean)),
    16: _Command(_notice_autopilot, (ID, decode.boolean)),
    17: _Command(vehicles.show_vehicle_debug_telemetry, (ID, decode.boolean)),
    18: _Command(vehicles.set_light_flags, (ID, decode.uint32)),
    19: _Command(actors.set_actor_location, (ID, decode.vector)),
    21: _Command(lights.set_traffic_light_state, (ID, lights.light_state)),
}


@dataclass(frozen=True, slots=True)
class _Drive:
    """The Traffic Manager's batch: one vehicle's control in each command.

    Attributes:
        actor_ids: Whose.
        controls: Fields of a ``VehicleControl``, one list for each.
    """

    actor_ids: list[int]
    controls: list[list[float]]

    def commands(self) -> list[tuple[int, object]]:
        return [(DRIVE, [actor_id, control]) for actor_id, control in zip(self.actor_ids, self.controls, strict=True)]


_any_commands = decode.sequence(decode.variant_of_one)


def _batch(value: object) -> _Drive | list[tuple[int, object]]:
    """The decoder of a batch, which is taken at a glance when it is the Traffic Manager's."""
    return (_drive(value) if type(value) is list else None) or _any_commands(value)


def _drive(commands: list[Any]) -> _Drive | None:
    actor_ids, controls = [], []
    for command in commands:
        try:
            ((index, (actor_id, control)),) = command
        except (TypeError, ValueError):
            return None
        if index != DRIVE or type(index) is not int or type(actor_id) is not int:
            return None
        if type(control) is not list or tuple(map(type, control)) != vehicles.CONTROL_TYPES:
            return None
        actor_ids.append(actor_id)
        controls.append(control)
    return _Drive(actor_ids, controls)


@CALLS.bare("apply_batch", _batch, decode.boolean)
def apply_batch(simulator: Simulator, batch: _Drive | list[tuple[int, object]], do_tick: bool) -> list[object]:
    """Run every command; one that fails does not stop the others."""
    results = _drive_all(simulator, batch) if isinstance(batch, _Drive) else _run_all(simulator, batch)
    if do_tick:
        simulator.tick_cue()
    return results


def _drive_all(simulator: Simulator, drive: _Drive) -> list[object]:
    try:
        simulator.episode.physics.vehicles.set_controls(drive.actor_ids, drive.controls)
    except DriveVLAError:
        return _run_all(simulator, drive.commands())  # one by one, each with its own result
    return [[[1, actor_id]] for actor_id in drive.actor_ids]


def _run_all(simulator: Simulator, commands: list[tuple[int, object]]) -> list[object]:
    return [_result(simulator, index, fields) for index, fields in commands]


def _result(simulator: Simulator, index: int, fields: object) -> object:
    try:
        if index == SPAWN:
            return [[1, _spawn(simulator, fields)]]
        return [[1, _run(simulator, index, fields)]]
    except DriveVLAError as error:
        return [[0, [str(error)]]]


def _run(simulator: Simulator, index: int, fields: object, new_actor_id: int = FUTURE_ACTOR) -> int:
    command = _COMMANDS.get(index)
    if command is None:
        raise ContractError(f"there is no batch command {index}")
    if type(fields) is not list or len(fields) < len(command.decoders):
        raise ContractError(f"batch command {index} takes {len(command.decoders)} fields")
    actor_id, *rest = [decoder(field) for decoder, field in zip(command.decoders, fields, strict=False)]
    if actor_id == FUTURE_ACTOR:
        actor_id = new_actor_id
    command.run(simulator, actor_id, *rest)
    assert isinstance(actor_id, int)
    return actor_id


@dataclass(frozen=True, slots=True)
class _Spawn:
    description: ActorDescription
    pose: Pose
    parent_id: int | None = None
    attachment: int = 0
    socket_name: str = ""
    do_after: tuple[tuple[int, object], ...] = ()


def _commands(value: object) -> tuple[tuple[int, object], ...]:
    return tuple(decode.sequence(decode.variant_of_one)(value))


_spawn_fields: Decoder[_Spawn] = decode.struct(
    _Spawn, actors.actor_description, decode.pose, decode.optional(ID), decode.integer, decode.text, _commands
)


def _spawn(simulator: Simulator, fields: object) -> int:
    if type(fields) is not list or len(fields) < 2:
        raise ContractError("a spawn command takes a description and a transform")
    asked = _spawn_fields(fields)
    # Unless the program named a kind of attachment, the client leaves it uninitialised: whatever is no kind is rigid.
    kind = asked.attachment if asked.attachment in ATTACHMENT_KINDS else RIGID
    attachment = None if asked.parent_id is None else Attachment(asked.parent_id, kind)
    actor = spawning.spawn(simulator.episode, asked.description, asked.pose, attachment)
    for index, after in asked.do_after:
        _run(simulator, index, after, actor.actor_id)
    return actor.actor_id
