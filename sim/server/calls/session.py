"""Who the server is, the episode, its settings, and the tick."""

from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.process import BACKEND
from drivevla.sim.server.wire import decode
from drivevla.sim.server.world.settings import EpisodeSettings, settings_from_wire
from drivevla.sim.server.world.simulator import WORLD_STREAM, Simulator

__all__ = ["CALLS", "PROTOCOL_VERSION"]

PROTOCOL_VERSION = "0.9.16"
CALLS = CallGroup()


@CALLS.value("version", locks=False)
def version(_: Simulator) -> str:
    """The protocol that is spoken."""
    return PROTOCOL_VERSION


@CALLS.value("drivevla_backend", locks=False)
def drivevla_backend(_: Simulator) -> str:
    """DriveVLA's own call: which backend this is."""
    return BACKEND


@CALLS.value("get_episode_info")
def get_episode_info(simulator: Simulator) -> list[object]:
    """Episode id, and where the world stream is."""
    return [simulator.episode.episode_id, [simulator.token(WORLD_STREAM)]]


@CALLS.value("get_sensor_token", decode.uint32, locks=False)
def get_sensor_token(simulator: Simulator, stream_id: int) -> list[object]:
    """Where a stream is."""
    return [simulator.token(stream_id)]


@CALLS.value("get_episode_settings", locks=False)
def get_episode_settings(simulator: Simulator) -> list[object]:
    """The settings."""
    return simulator.settings.to_wire()


@CALLS.value("set_episode_settings", settings_from_wire)
def set_episode_settings(simulator: Simulator, settings: EpisodeSettings) -> int:
    """Change the settings."""
    simulator.settings = settings
    return simulator.frame


@CALLS.value("tick_cue")
def tick_cue(simulator: Simulator) -> int:
    """Step the world, when it is synchronous."""
    return simulator.tick_cue()


@CALLS.value("drivevla_ignored_calls")
def drivevla_ignored_calls(simulator: Simulator) -> list[object]:
    """DriveVLA's own call: name, count and last reason of fire-and-forget requests that were ignored."""
    return [[name, count, reason] for name, (count, reason) in simulator.ignored.items()]
