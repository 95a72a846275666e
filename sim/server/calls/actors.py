"""Actors of any kind: what can be spawned, who lives, coming and going, moving by decree."""

from collections.abc import Sequence

from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.catalogue import Blueprint, catalogue
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.wire import decode, encode
from drivevla.sim.server.wire.decode import Vector
from drivevla.sim.server.world import spawning
from drivevla.sim.server.world.actors import Actor
from drivevla.sim.server.world.simulator import Simulator
from drivevla.sim.server.world.spawning import ActorDescription, Attachment

__all__ = ["CALLS", "actor_description", "attach", "destroy_actor", "spawn_actor"]

CALLS = CallGroup()

ID = decode.uint32


def actor_description(value: object) -> ActorDescription:
    """The decoder of an ActorDescription.

    Raises:
        ContractError: Something else came.
    """
    return _description(value)


def _attribute_value(name: str = "", _type: int = 0, value: str = "") -> tuple[str, str]:
    return name, value


def _new_description(uid: int = 0, type_id: str = "", attributes: Sequence[tuple[str, str]] = ()) -> ActorDescription:
    return ActorDescription(uid, type_id, dict(attributes))


_description = decode.struct(
    _new_description,
    decode.integer,
    decode.text,
    decode.sequence(decode.struct(_attribute_value, decode.text, decode.integer, decode.text)),
)


@CALLS.value("get_actor_definitions")
def get_actor_definitions(simulator: Simulator) -> list[object]:
    """The blueprint library."""
    simulator.episode.stage.prepare()  # who asks for blueprints mostly wants cameras next
    return [_definition(blueprint) for blueprint in catalogue().blueprints.values()]


@CALLS.value("get_actors_by_id", decode.sequence(ID))
def get_actors_by_id(simulator: Simulator, actor_ids: list[int]) -> list[object]:
    """Descriptions of living actors."""
    table = simulator.episode.table
    return [to_wire(simulator, actor) for actor_id in actor_ids if (actor := table.find(actor_id)) is not None]


@CALLS.value("get_spectator")
def get_spectator(simulator: Simulator) -> list[object]:
    """The spectator."""
    return to_wire(simulator, simulator.episode.spectator)


@CALLS.value("spawn_actor", actor_description, decode.pose)
def spawn_actor(simulator: Simulator, description: ActorDescription, pose: Pose) -> list[object]:
    """Create an actor."""
    return to_wire(simulator, spawning.spawn(simulator.episode, description, pose))


@CALLS.value("spawn_actor_with_parent", actor_description, decode.pose, ID, decode.integer, decode.text)
def attach(
    simulator: Simulator, description: ActorDescription, pose: Pose, parent_id: int, kind: int, _socket: str
) -> list[object]:
    """Create an actor that follows another."""
    actor = spawning.spawn(simulator.episode, description, pose, Attachment(parent_id, kind))
    return to_wire(simulator, actor)


@CALLS.value("destroy_actor", ID)
def destroy_actor(simulator: Simulator, actor_id: int) -> bool:
    """End an actor and what is attached to it."""
    episode = simulator.episode
    spawning.destroy(episode, episode.table.get(actor_id))
    return True


@CALLS.value("get_actor_bounding_box", ID)
def get_actor_bounding_box(simulator: Simulator, actor_id: int) -> list[object]:
    """Box in the actor's frame; for lights and signs the trigger volume."""
    # Never an error: the Traffic Manager asks from a thread in which an exception ends the client's process.
    actor = simulator.episode.table.find(actor_id)
    if actor is None:
        return NO_BOX
    return encode.bounding_box(actor.center_m, actor.half_extent_m, actor_id=actor_id)


NO_BOX = encode.bounding_box((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


@CALLS.nothing("set_actor_location", ID, decode.vector)
def set_actor_location(simulator: Simulator, actor_id: int, location_m: Vector) -> None:
    """Put an actor somewhere."""
    episode = simulator.episode
    actor = episode.table.get(actor_id)
    episode.move(actor, Pose(location_m, episode.table.pose(actor).rotation_deg))


@CALLS.nothing("set_actor_transform", ID, decode.pose)
def set_actor_transform(simulator: Simulator, actor_id: int, pose: Pose) -> None:
    """Put an actor somewhere."""
    episode = simulator.episode
    episode.move(episode.table.get(actor_id), pose)


def to_wire(simulator: Simulator, actor: Actor) -> list[object]:
    """The Actor struct as a client reads it."""
    return actor.to_wire(simulator.token(actor.stream_id) if actor.stream_id else b"")


def _definition(blueprint: Blueprint) -> list[object]:
    attributes = [
        [a.id, int(a.type), a.value, list(a.recommended), a.modifiable, a.restricted] for a in blueprint.attributes
    ]
    return [blueprint.uid, blueprint.id, ",".join(blueprint.tags), attributes]
