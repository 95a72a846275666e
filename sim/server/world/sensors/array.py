"""All sensors of an episode: who is due, who is listened to, and where the measurements go."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivevla.sim.server.wire.streams import StreamServer

if TYPE_CHECKING:
    from drivevla.sim.server.world.episode import Episode
    from drivevla.sim.server.world.simulator import Simulator

__all__ = ["SensorArray"]


class SensorArray:
    def __init__(self, streams: StreamServer, *, seed: int) -> None:
        self._streams, self._seed = streams, seed

    def capture(self, episode: "Episode", simulator: "Simulator", step_s: float) -> None:
        pass
