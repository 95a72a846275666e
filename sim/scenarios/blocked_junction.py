"""Junctions that are blocked, and junctions where nothing happens but that others have to wait.

Source: scenario_runner (94ff3b8a), ``blocked_intersection.py``, ``BlockedIntersection``; ``green_traffic_light.py``,
``PriorityAtJunction``.
"""

from __future__ import annotations

from typing import ClassVar

from drivevla.sim.routes import Place
from drivevla.sim.scenarios.casting import CAR_WITH_LIGHTS
from drivevla.sim.scenarios.junction_lights import ego_green
from drivevla.sim.scenarios.needs import ANY_STRAIGHT, ANY_TURN, Needs
from drivevla.sim.scenarios.scenario import Play, Scenario, race

__all__ = ["BlockedIntersection", "PriorityAtJunction"]

BEHIND_M = 5.0
NEAR_M = 13.0
STOP_S = 10.0


class BlockedIntersection(Scenario):
    """A car stands 5 m behind the next junction until the ego has waited for it for 10 s."""

    blocks_the_way: ClassVar[bool] = True
    build_ahead_m: ClassVar[float] = 30.0

    needs: ClassVar[Needs] = Needs(manoeuvres=(*ANY_STRAIGHT, *ANY_TURN), before_junction_m=(15.0, 40.0), room_m=30.0)

    def find_places(self) -> None:
        """Where it stands, on the ego's way."""
        self.ego_way = self.crossing()
        along = float(self.plan.distance_m[self.ego_way.leave]) + BEHIND_M
        index = min(int((self.plan.distance_m < along).sum()), len(self.plan.distance_m) - 1)
        x, y, z = self.plan.location_m[index].tolist()
        self.place = Place((x, y, z), float(self.plan.yaw_deg[index]))

    def play(self) -> Play:
        """Stand; leave when the ego has waited near by."""
        import carla

        yield from self.until_triggered()
        self.parked(CAR_WITH_LIGHTS, self.place, carla.VehicleLightState.Brake, hand_brake=False)
        yield from self.until(lambda: self.stage.ego.distance_m(self.place.location_m) < NEAR_M)
        yield from self.wait(STOP_S)


class PriorityAtJunction(Scenario):
    """The ego has green at the next junction, everybody else red."""

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("straight_lights", "left_lights", "right_lights"), before_junction_m=(25.0, 50.0), room_m=30.0
    )

    def find_places(self) -> None:
        """The junction."""
        self.ego_way = self.crossing()

    def play(self) -> Play:
        """Hold the lights until the ego is through."""
        yield from self.until_triggered()
        with ego_green(self, self.ego_way):
            yield from race(self.until_ego_left(self.ego_way))
