"""Pedestrians."""

from collections.abc import Sequence
from dataclasses import dataclass

from drivevla.errors import SimulatorError
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.physics import WalkerControl
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.wire import decode, encode
from drivevla.sim.server.wire.decode import Decoder
from drivevla.sim.server.world.actors import Actor
from drivevla.sim.server.world.simulator import Simulator
from drivevla.sim.server.world.skeleton import Skeleton

__all__ = ["CALLS", "apply_control_to_walker", "set_walker_state", "walker_control"]

CALLS = CallGroup()

ID = decode.uint32


@dataclass(frozen=True, slots=True)
class Bone:
    """BoneTransformDataIn: a bone and its pose relative to its parent."""

    name: str
    pose: Pose


@dataclass(frozen=True, slots=True)
class Bones:
    """WalkerBoneControlIn: the bones to pose."""

    bones: Sequence[Bone] = ()


bones_in: Decoder[Bones] = decode.struct(Bones, decode.sequence(decode.struct(Bone, decode.text, decode.pose)))

walker_control: Decoder[WalkerControl] = decode.struct(WalkerControl, decode.vector, decode.number, decode.boolean)


@CALLS.nothing("apply_control_to_walker", ID, walker_control)
def apply_control_to_walker(simulator: Simulator, actor_id: int, control: WalkerControl) -> None:
    """Say where to walk."""
    simulator.episode.physics.walkers.set_control(actor_id, control)


def set_walker_state(simulator: Simulator, actor_id: int, pose: Pose, speed_mps: float) -> None:
    """Place a walker where the client's pedestrian navigation has it."""
    simulator.episode.physics.walkers.set_state(actor_id, pose, speed_mps)


@CALLS.value("get_bones_transform", ID)
def get_bones_transform(simulator: Simulator, actor_id: int) -> list[object]:
    """Every bone: name, in the world, from the feet, from its parent."""
    walker = _walker(simulator, actor_id)
    x, y, z = simulator.episode.table.pose(walker).location_m
    rotation_deg = simulator.episode.table.pose(walker).rotation_deg
    world_from_feet = Pose((x, y, z + walker.center_m[2] - walker.half_extent_m[2]), rotation_deg).matrix()
    return [
        [
            [
                bone.name,
                encode.transform(Pose.from_matrix(world_from_feet @ bone.component.matrix())),
                encode.transform(bone.component),
                encode.transform(bone.relative),
            ]
            for bone in _skeleton(walker).bones()
        ]
    ]


@CALLS.nothing("set_bones_transform", ID, bones_in)
def set_bones_transform(simulator: Simulator, actor_id: int, chosen: Bones) -> None:
    """Pose bones relative to their parents; `blend_pose` says how much of it counts."""
    _skeleton(_walker(simulator, actor_id)).set({bone.name: bone.pose for bone in chosen.bones})


@CALLS.nothing("blend_pose", ID, decode.number)
def blend_pose(simulator: Simulator, actor_id: int, blend: float) -> None:
    """How much of the posed bones counts, 0 to 1."""
    if not 0.0 <= blend <= 1.0:
        raise SimulatorError(f"a blend lies between 0 and 1, got {blend:g}")
    _skeleton(_walker(simulator, actor_id)).blend = blend


@CALLS.nothing("get_pose_from_animation", ID)
def get_pose_from_animation(simulator: Simulator, actor_id: int) -> None:
    """Take the standing animation as the pose to start from."""
    _skeleton(_walker(simulator, actor_id)).take_animation()


def _walker(simulator: Simulator, actor_id: int) -> Actor:
    simulator.episode.physics.walkers.row(actor_id)  # refuses whatever is no walker
    return simulator.episode.table.get(actor_id)


def _skeleton(walker: Actor) -> Skeleton:
    if walker.skeleton is None:
        walker.skeleton = Skeleton(2.0 * walker.half_extent_m[2])
    return walker.skeleton
