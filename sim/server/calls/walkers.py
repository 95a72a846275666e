"""Pedestrians."""

from drivevla.errors import SimulatorError
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.physics import WalkerControl
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.wire import decode
from drivevla.sim.server.wire.decode import Decoder
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["CALLS", "apply_control_to_walker", "set_walker_state", "walker_control"]

CALLS = CallGroup()

ID = decode.uint32

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
    """No bones: walkers here have limbs that move with their gait, and no skeleton."""
    simulator.episode.physics.walkers.row(actor_id)
    return [[]]


@CALLS.nothing("set_bones_transform", ID, decode.anything)
def set_bones_transform(simulator: Simulator, actor_id: int, _bones: object) -> None:
    """Not supported: there are no bones to set."""
    _refuse_skeleton(simulator, actor_id, "set_bones_transform")


@CALLS.nothing("blend_pose", ID, decode.number)
def blend_pose(simulator: Simulator, actor_id: int, _blend: float) -> None:
    """Not supported: there is no pose to blend."""
    _refuse_skeleton(simulator, actor_id, "blend_pose")


@CALLS.nothing("get_pose_from_animation", ID)
def get_pose_from_animation(simulator: Simulator, actor_id: int) -> None:
    """Not supported: there is no animation to take a pose from."""
    _refuse_skeleton(simulator, actor_id, "get_pose_from_animation")


def _refuse_skeleton(simulator: Simulator, actor_id: int, call: str) -> None:
    simulator.episode.physics.walkers.row(actor_id)
    raise SimulatorError(f"{call} is not supported by DriveVLA's embedded simulator: its walkers have no skeleton")
