"""Unreal's components, bones and sockets: actors here are single bodies and have none."""

from drivevla.errors import SimulatorError
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.wire import decode
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["CALLS"]

CALLS = CallGroup()

EMPTY_LISTS = (
    "get_actor_component_names",
    "get_actor_bone_names",
    "get_actor_socket_names",
    "get_actor_bone_world_transforms",
    "get_actor_bone_relative_transforms",
    "get_actor_socket_world_transforms",
    "get_actor_socket_relative_transforms",
    "get_vehicle_bone_world_transforms",
)


def _none_of(simulator: Simulator, actor_id: int) -> list[object]:
    """Always empty: actors here are single bodies."""
    simulator.episode.table.get(actor_id)
    return []


def _no_such(simulator: Simulator, actor_id: int, name: str) -> None:
    """Always an error: actors here have no components."""
    actor = simulator.episode.table.get(actor_id)
    raise SimulatorError(f"actor {actor_id} ({actor.type_id}) has no component {name!r}")


for _name in EMPTY_LISTS:
    CALLS.value(_name, decode.uint32)(_none_of)
for _name in ("get_actor_component_world_transform", "get_actor_component_relative_transform"):
    CALLS.value(_name, decode.uint32, decode.text)(_no_such)
