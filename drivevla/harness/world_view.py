"""The truth for privileged policies inside an evaluator, through a client of our own beside the evaluator's."""

from __future__ import annotations

import time
from typing import Any

from drivevla.errors import SimulatorError, SimulatorLost, require
from drivevla.harness.given_route import GivenRoute, dense_plan
from drivevla.harness.sensor_list import ACTOR_FROM_EGO
from drivevla.sim.truth import TruthMaker
from drivevla.types import Truth

__all__ = ["WorldView"]

_TIMEOUT_S = 30.0
_POLL_S = 0.0005


class WorldView:
    """A second client's view of the evaluator's world. It never ticks and never changes anything.

    Make it before the evaluator's last ticks before the first step: a client hears of a synchronous world only with
    the next tick.

    Args:
        host: Where the simulator is.
        port: Its port.
        route: The evaluator's dense route.

    Raises:
        SimulatorLost: Nothing answers there.
    """

    def __init__(self, host: str, port: int, route: GivenRoute) -> None:
        carla = require("carla", "sim")
        client = carla.Client(host, port, worker_threads=2)
        client.set_timeout(_TIMEOUT_S)
        try:
            self._world = client.get_world()
        except RuntimeError as error:
            raise SimulatorLost(f"no CARLA server answers at {host}:{port}: {error}") from error
        self._client, self._route = client, route
        self._maker: TruthMaker | None = None

    def truth(self, *, frame: int, timestamp_s: float) -> Truth:
        """What is true after a tick that the evaluator made.

        Raises:
            SimulatorLost: The tick's world state does not come.
            SimulatorError: There is no ego.
            DataError: The route leaves the map.
        """
        self._wait_for(frame)
        if self._maker is None:
            carla_map = self._world.get_map()
            plan = dense_plan(self._route, carla_map)
            self._maker = TruthMaker(self._world, self._ego(), carla_map, plan, actor_from_ego=ACTOR_FROM_EGO)
        return self._maker.read(timestamp_s=timestamp_s)

    def _wait_for(self, frame: int) -> None:
        """The evaluator's client has the tick; ours hears of it by its own connection, a moment sooner or later."""
        deadline_s = time.monotonic() + _TIMEOUT_S
        while self._world.get_snapshot().frame < frame:
            if time.monotonic() > deadline_s:
                raise SimulatorLost(f"the state of frame {frame} did not come within {_TIMEOUT_S:g} s")
            time.sleep(_POLL_S)

    def _ego(self) -> Any:
        heroes = [a for a in self._world.get_actors().filter("vehicle.*") if a.attributes.get("role_name") == "hero"]
        if len(heroes) != 1:
            raise SimulatorError(f"the evaluator's world must hold one vehicle of role hero, it holds {len(heroes)}")
        return heroes[0]
