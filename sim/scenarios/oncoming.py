"""Cars on the lane beside an obstacle, towards the ego.

Source: scenario_runner (94ff3b8a), ``OppositeActorFlow``: at the speed limit, from 30 m and 1.5 h/1000 of driving (in
metres per km/h of the limit) beyond the obstacle to as far before it; they brake for whom they meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivevla.errors import DataError
from drivevla.sim.scenarios.flow import Flow
from drivevla.sim.scenarios.path import Path

if TYPE_CHECKING:
    import carla

    from drivevla.sim.scenarios.scenario import Play, Scenario

__all__ = ["OncomingTraffic", "oncoming_path"]

BASE_M = 30.0
PER_KMH_M = 1.5


class OncomingTraffic:
    """The oncoming lane beside a waypoint.

    Args:
        scenario: Whose cars they are.
        waypoint: On the ego's lane.
        spacing_m: Between two cars.

    Raises:
        DataError: There is no oncoming lane.
    """

    def __init__(self, scenario: Scenario, waypoint: carla.Waypoint, spacing_m: tuple[float, float]) -> None:
        self._scenario, self._waypoint, self._spacing = scenario, waypoint, spacing_m
        self.path = oncoming_path(scenario, waypoint, BASE_M)

    def run(self) -> Play:
        """Flow for ever."""
        stage = self._scenario.stage
        limit_kmh = stage.ego.speed_limit_mps * 3.6
        self.path = oncoming_path(self._scenario, self._waypoint, BASE_M + PER_KMH_M * limit_kmh)
        self._scenario.keep_free(self.path)
        flow = Flow(
            self._scenario,
            self.path,
            speed_mps=stage.ego.speed_limit_mps,
            spacing_m=self._spacing,
            stops_for_oncoming=True,
        )
        yield from flow.run()


def oncoming_path(scenario: Scenario, waypoint: carla.Waypoint, reach_m: float) -> Path:
    """The oncoming lane from so far beyond a waypoint of the ego's lane to as far before it, within its road.

    Raises:
        DataError: There is no oncoming lane.
    """
    beside = scenario.roads.oncoming_beside(waypoint)
    if beside is None:
        raise DataError(f"scenario {scenario.spec.name} ({scenario.spec.type}) needs an oncoming lane on the left")
    before = scenario.roads.behind(beside, reach_m)
    after = scenario.roads.ahead(beside, reach_m, stop_at_junction=True)
    return Path.through([*reversed(before), *after[1:]])
