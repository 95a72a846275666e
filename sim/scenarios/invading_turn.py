"""Oncoming traffic that cuts into the ego's lane.

Source: scenario_runner (94ff3b8a), ``invading_turn.py``, ``InvadingTurn`` and ``InvadingActorFlow``.
"""

from __future__ import annotations

from typing import ClassVar

from drivevla.errors import DataError
from drivevla.sim.routes import Parameter
from drivevla.sim.scenarios.flow import Flow
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.path import Path, place_of
from drivevla.sim.scenarios.scenario import Play, Scenario, beside_lane, race, raised

__all__ = ["InvadingTurn"]

SOURCE_M = 30.0
SPACING_M = 40.0
CAR_SHARE_M = 0.7
CONES_FROM_M, CONE_EVERY_M = 10.0, 5.0
CONE_SHARE = 0.8


class InvadingTurn(Scenario):
    """Cones narrow the oncoming lane, and its traffic drives partly on the ego's.

    Parameters: ``distance`` 100 m, ``offset`` 0.25 m: how far cars reach over the middle line beyond 0.7 m less than
    half a lane.
    """

    blocks_the_way: ClassVar[bool] = True

    needs: ClassVar[Needs] = Needs(room_m=120.0, lead_in_m=30.0, turn_deg=180.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the further over the middle line."""
        return {"distance": 80.0, "offset": between(0.1, 0.4, spot.difficulty)}

    def find_places(self) -> None:
        """The oncoming lane along the ego's, and the cones on its far side.

        Raises:
            DataError: There is no oncoming lane.
        """
        distance = self.number("distance", 100.0)
        forward = self.lane_ahead(distance + SOURCE_M)
        source = self.roads.oncoming_beside(forward)
        sink = self.roads.oncoming_beside(self.trigger)
        if source is None or sink is None:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}) needs an oncoming lane on the left")
        self.end = place_of(forward.transform)
        self.path = self.roads.way(place_of(source.transform).location_m, place_of(sink.transform).location_m)
        self.left_m = self.number("offset", 0.25) + sink.lane_width / 2 - CAR_SHARE_M
        cones = self.roads.ahead(source, CONES_FROM_M + 0.5 * distance)
        picked = cones[int(CONES_FROM_M + CONE_EVERY_M) :: int(CONE_EVERY_M)]
        self.cones = [beside_lane(each, CONE_SHARE * each.lane_width / 2) for each in picked]

    def play(self) -> Play:
        """Flow from the trigger until the ego has passed all of it."""
        for cone in self.cones:
            self.prop("static.prop.constructioncone", raised(cone, 0.3))
        yield from self.until_triggered()
        self.keep_free(Path(self.path.location_m))
        flow = Flow(
            self,
            self.path,
            speed_mps=self.stage.ego.speed_limit_mps,
            spacing_m=(SPACING_M, SPACING_M),
            right_m=-self.left_m,
        )
        yield from race(self.until_ego_passes(self.end), flow.run())
