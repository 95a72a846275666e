"""A door that opens.

Source: scenario_runner (94ff3b8a), ``vehicle_opens_door.py``, ``VehicleOpensDoorTwoWays``.
"""

from __future__ import annotations

from typing import ClassVar

from drivevla.errors import DataError
from drivevla.sim.routes import Interval, Parameter
from drivevla.sim.scenarios.casting import CAR_WITH_DOORS
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.oncoming import OncomingTraffic
from drivevla.sim.scenarios.path import Path, place_of
from drivevla.sim.scenarios.scenario import Play, Scenario, beside_lane, race

__all__ = ["VehicleOpensDoorTwoWays"]

REACTION_S = 3.0
LEAST_M = 10.0
PATIENCE_S = 5.0
END_M = 50.0


class VehicleOpensDoorTwoWays(Scenario):
    """A car that is parked beside the lane opens a door when the ego comes; it can be passed on the oncoming lane.

    Parameters: ``distance`` 50 m, ``direction`` right, ``frequency`` 20 to 100 m between oncoming cars.
    """

    blocks_the_way: ClassVar[bool] = True

    needs: ClassVar[Needs] = Needs(room_m=110.0, lead_in_m=30.0, turn_deg=20.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the closer oncoming cars follow each other."""
        return {
            "distance": 50.0,
            "frequency": Interval(between(120.0, 80.0, spot.difficulty), between(180.0, 120.0, spot.difficulty)),
        }

    def find_places(self) -> None:
        """The parking place ahead, and the oncoming lane.

        Raises:
            DataError: Nothing lies beside the lane.
        """
        self.side = self.word("direction", "right", ("left", "right"))
        self.front = self.lane_ahead(self.number("distance", 50.0))
        beside = self.roads.beside(self.front, "left" if self.side == "left" else "right")
        if beside is None:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}) needs a lane to park on to the {self.side}")
        self.roads.check_free(beside)
        self.parking = beside
        self.end = place_of(self.on_this_road(self.front, END_M).transform)
        self.oncoming = OncomingTraffic(self, self.front, self.interval("frequency", (20.0, 100.0)))

    def play(self) -> Play:
        """Park near the lane; open the door; later, oncoming cars."""
        # As near to the driving lane as scenario_runner parks it: a quarter of what the car leaves of the width.
        towards = (
            -(self.parking.lane_width - 0.95) / 4 if self.side == "right" else (self.parking.lane_width - 0.95) / 4
        )
        car = self.parked(CAR_WITH_DOORS, beside_lane(self.parking, towards))
        self.keep_free(
            Path.through(self.roads.ahead(self.trigger, self.number("distance", 50.0) + 20.0, plan=self.plan))
        )
        yield from self.until_triggered()
        yield from race(self.until_ego_passes(self.end), self.open(car))

    def open(self, car: object) -> Play:
        """The door towards the lane."""
        import carla

        assert isinstance(car, carla.Vehicle)
        yield from self.until_ego_arrives(place_of(self.front.transform), time_s=REACTION_S, distance_m=LEAST_M)
        car.open_door(carla.VehicleDoor.FR if self.side == "left" else carla.VehicleDoor.FL)
        self.open_doors.add(car.id)
        yield from self.wait(PATIENCE_S)
        self.excuses_wrong_lane = True
        yield from self.oncoming.run()
