"""From a client's description to a living actor, and back to nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drivevla.errors import ContractError, SimulatorError
from drivevla.sim.server.catalogue import AI_WALKER, FRICTION_TRIGGER, AttributeType, Blueprint, catalogue
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.world.actors import ZERO, Actor, ActorKind, Mount, Spec
from drivevla.sim.server.world.episode import Episode

__all__ = ["ATTACHMENT_KINDS", "RIGID", "ActorDescription", "Attachment", "destroy", "spawn"]

SPAWN_COLLISION = "Spawn failed because of collision at spawn position"
"""CARLA's words; programs look for them."""

ATTACHMENT_KINDS = (0, 1, 2)
RIGID = 0
"""``carla.AttachmentType``: rigid, spring arm, spring arm that passes through walls."""

INDESTRUCTIBLE: frozenset[ActorKind] = frozenset({"spectator", "light", "sign"})


@dataclass(frozen=True, slots=True)
class ActorDescription:
    """What a client wants: a blueprint and its attributes' texts."""

    uid: int
    type_id: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Attachment:
    """To what and how a new actor is attached.

    Attributes:
        parent_id: The actor it follows.
        kind: One of ``ATTACHMENT_KINDS``.
    """

    parent_id: int
    kind: int

    def mount(self, relative: Pose) -> Mount:
        """How the child follows.

        Raises:
            ContractError: No such kind of attachment.
        """
        if self.kind not in ATTACHMENT_KINDS:
            raise ContractError(f"attachment must be 0 (rigid), 1 or 2 (spring arm), got {self.kind}")
        return Mount(relative, level=self.kind != RIGID)


def spawn(episode: Episode, description: ActorDescription, pose: Pose, attachment: Attachment | None = None) -> Actor:
    """Create an actor.

    Args:
        episode: Where it shall live.
        description: What it shall be.
        pose: In the world, or in the parent's frame when attached.
        attachment: What it shall follow.

    Raises:
        UnknownName: No such blueprint.
        SimulatorError: An attribute is out of range, the parent does not live, or something is in the way.
    """
    blueprint = catalogue().blueprint(description.type_id)
    attributes = blueprint.values(_whole_numbers(blueprint, description.attributes))
    parent = episode.table.get(attachment.parent_id) if attachment else None
    actor = _new_actor(episode, blueprint, attributes)
    if parent is not None and attachment is not None:
        actor.parent, actor.mount = parent, attachment.mount(pose)
        pose = episode.table.mounted_pose(parent, actor.mount)
    if actor.spec is not None and parent is None and episode.physics.overlaps(pose, actor.spec.box):
        raise SimulatorError(SPAWN_COLLISION)
    episode.add(actor, pose)
    return actor


def destroy(episode: Episode, actor: Actor) -> None:
    """End an actor and everything attached to it.

    Raises:
        SimulatorError: The spectator, lights and signs stay as long as the map.
    """
    if actor.kind in INDESTRUCTIBLE:
        raise SimulatorError(f"actor {actor.actor_id} ({actor.type_id}) belongs to the map and cannot be destroyed")
    for child in tuple(actor.children):
        destroy(episode, child)
    episode.remove(actor)


def _whole_numbers(blueprint: Blueprint, chosen: Mapping[str, str]) -> dict[str, str]:
    """What was chosen, with whole numbers as such: programs write "64.0" too, and CARLA reads 64 from it."""
    whole = {attribute.id for attribute in blueprint.attributes if attribute.type is AttributeType.INT}
    return {
        name: match["whole"] if name in whole and (match := _WHOLE.fullmatch(text)) else text
        for name, text in chosen.items()
    }


_WHOLE = re.compile(r"(?P<whole>[+-]?\d+)\.0*")


def _new_actor(episode: Episode, blueprint: Blueprint, attributes: dict[str, str]) -> Actor:
    kind, spec = _kind_and_spec(blueprint.id)
    box = spec.box if spec else None
    extent_m = _trigger_extent_m(attributes) if kind == "trigger" else ZERO
    return episode.new_actor(
        type_id=blueprint.id,
        kind=kind,
        blueprint=blueprint,
        attributes=attributes,
        spec=spec,
        center_m=box.center_m if box else ZERO,
        half_extent_m=box.half_extent_m if box else extent_m,
        label=spec.label if spec else Label.NONE,
    )


def _kind_and_spec(type_id: str) -> tuple[ActorKind, Spec | None]:
    known = catalogue()
    if type_id in known.vehicles:
        return "vehicle", known.vehicles[type_id]
    if type_id in known.walkers:
        return "walker", known.walkers[type_id]
    if type_id in known.props:
        return "prop", known.props[type_id]
    if type_id == FRICTION_TRIGGER:
        return "trigger", None
    if type_id == AI_WALKER:
        return "controller", None
    return "sensor", None


def _trigger_extent_m(attributes: Mapping[str, str]) -> tuple[float, float, float]:
    x, y, z = (abs(float(attributes[f"extent_{axis}"])) / 100.0 for axis in "xyz")  # CARLA's triggers are in cm
    return x, y, z
