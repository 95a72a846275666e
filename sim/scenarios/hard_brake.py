"""A leader that brakes hard.

Source: scenario_runner (94ff3b8a), ``hard_break.py``, ``HardBreakRoute``: the vehicles in front stop for 10 s. There
they are the background's; here a leader of our own comes along, so that there is one at any density of traffic.
"""

from typing import ClassVar

from drivevla.sim.scenarios.casting import CAR_WITH_LIGHTS
from drivevla.sim.scenarios.movers import Car
from drivevla.sim.scenarios.needs import Needs
from drivevla.sim.scenarios.scenario import Play, Scenario

__all__ = ["HardBreakRoute"]

STOP_S = 10.0
END_M = 15.0
LEAD_AHEAD_M = 28.0
DECELERATION_MPS2 = 6.0
LEAD_TIME_S = 1.2
LEAD_GAP_M = 10.0
"""The leader keeps this gap and so many seconds of driving ahead of the ego until it brakes."""


class HardBreakRoute(Scenario):
    """A car drives ahead of the ego, stops as hard as cars do, stands for 10 s and drives on."""

    build_ahead_m = 60.0

    needs: ClassVar[Needs] = Needs(room_m=70.0)

    def find_places(self) -> None:
        """Nothing but the route is needed."""

    def play(self) -> Play:
        """Lead, brake, stand, go on, and leave."""
        begin_m = min(self.stage.ego.along_m + LEAD_AHEAD_M, self.stage.route.length_m)
        self.keep_free(self.stage.route.part(self.stage.ego.along_m + 5.0, begin_m + 20.0))
        leader = self.car(CAR_WITH_LIGHTS, self.stage.route, begin_m, speed_mps=max(self.stage.ego.speed_mps, 3.0))
        for _ in self.until_triggered():
            self._lead(leader)
            yield
        while leader.speed_mps > 0.0:
            leader.drive(0.0, slower_mps2=DECELERATION_MPS2)
            yield
        for _ in self.wait(STOP_S):
            leader.drive(0.0)
            yield
        for _ in self.until_ego_drove(END_M):
            self._go_on(leader, self.stage.ego.speed_limit_mps)
            yield
        for _ in self.until(lambda: leader.at_end or leader.distance_to_ego_m() > 70.0):
            self._go_on(leader, self.stage.ego.speed_limit_mps + 3.0)
            yield

    def _lead(self, leader: Car) -> None:
        ego = self.stage.ego
        gap = leader.along_m - ego.along_m - leader.half_length_m - self.stage.ego_half_length_m
        wanted = LEAD_GAP_M + LEAD_TIME_S * ego.speed_mps
        leader.drive(max(ego.speed_mps + 0.5 * (wanted - gap), 0.0), faster_mps2=5.0, slower_mps2=3.0)

    def _go_on(self, leader: Car, target_mps: float) -> None:
        """Drive on; an ego that has passed it meanwhile is followed."""
        leader.drive_behind(target_mps, leader.gap_to_ego_m(), self.stage.ego.speed_mps)
