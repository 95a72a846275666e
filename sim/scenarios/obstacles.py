"""Standing obstacles on the ego's lane: a parked car, an accident, on one-way and on two-way roads.

Source: scenario_runner (94ff3b8a), ``route_obstacles.py``, ``Accident``, ``AccidentTwoWays``, ``ParkedObstacle`` and
``ParkedObstacleTwoWays``. Their parameter ``speed`` limits scenario_runner's own background traffic and has no effect
here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

from drivevla.errors import DataError
from drivevla.sim.routes import Interval, Parameter, Place
from drivevla.sim.scenarios.casting import PARKED_CAR
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.oncoming import OncomingTraffic
from drivevla.sim.scenarios.path import Path, place_of
from drivevla.sim.scenarios.roads import Side
from drivevla.sim.scenarios.scenario import Play, Scenario, beside_lane, race

if TYPE_CHECKING:
    import carla

__all__ = ["Accident", "AccidentTwoWays", "Obstacle", "ParkedObstacle", "ParkedObstacleTwoWays"]

logger = logging.getLogger(__name__)

POLICE = "vehicle.dodge.charger_police_2020"
END_M = 50.0
NEAR_M = 50.0
PATIENCE_S = 5.0
"""After the ego has been near for so long, oncoming traffic follows the scenario's intervals."""


class Obstacle(Scenario):
    """Something stands on the trigger's lane until the ego is 50 m past it."""

    blocks_the_way: ClassVar[bool] = True
    two_ways: ClassVar[bool] = False
    shift: ClassVar[float] = 0.7
    """To the lane's edge, in halves of its width."""
    default_m: ClassVar[float] = 120.0
    sign: ClassVar[str] = "static.prop.warningaccident"
    near_m: ClassVar[float] = NEAR_M

    needs: ClassVar[Needs] = Needs(room_m=130.0, lead_in_m=30.0, turn_deg=30.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the nearer, and the closer oncoming cars follow each other."""
        spot.check_way_round(oncoming=cls.two_ways)
        return {
            "distance": between(70.0, 50.0, spot.difficulty),
            **(
                {"frequency": Interval(between(120.0, 80.0, spot.difficulty), between(180.0, 120.0, spot.difficulty))}
                if cls.two_ways
                else {}
            ),
        }

    def find_places(self) -> None:
        """The obstacle ahead on the trigger's lane, a sign at the trigger, and where it is over."""
        self.side: Side = "left" if self.word("direction", "right", ("left", "right")) == "left" else "right"
        start = self.on_this_road(self.trigger, self.number("distance", self.default_m))
        self.standing = self.find_obstacle(start)
        self.end = place_of(self.on_this_road(self.standing[-1], END_M).transform)
        self.oncoming = None
        if self.two_ways:
            self.oncoming = OncomingTraffic(self, self.standing[-1], self.interval("frequency", (20.0, 100.0)))

    def find_obstacle(self, start: carla.Waypoint) -> list[carla.Waypoint]:
        """The waypoints at which something stands, nearest first."""
        return [start]

    def set_up(self) -> None:
        """Bring what stands there."""
        import carla

        lamps = carla.VehicleLightState
        self.parked(PARKED_CAR, self.shifted(self.standing[0]), lamps.RightBlinker, lamps.LeftBlinker, lamps.Position)

    def play(self) -> Play:
        """Stand there until the ego has passed."""
        first = place_of(self.standing[0].transform)
        self.warn()
        self.set_up()
        self.keep_free(Path.through(self.roads.ahead(self.trigger, self.reserved_m(), plan=self.plan)))
        yield from self.until_triggered()
        yield from race(self.until_ego_passes(self.end), self.hold_up(first))

    def hold_up(self, first: Place) -> Play:
        """When the ego has been near for a while, let it use the oncoming lane, between oncoming cars."""
        yield from self.until(lambda: self.stage.ego.distance_m(first.location_m) < self.near_m)
        yield from self.wait(PATIENCE_S)
        if self.oncoming is None:
            yield from self.until(lambda: False)
        else:
            self.excuses_wrong_lane = True
            yield from self.oncoming.run()

    def reserved_m(self) -> float:
        """How far ahead of the trigger background traffic is kept away."""
        return max(self.along(place_of(self.standing[-1].transform)) - self.trigger_along_m, 10.0)

    def shifted(self, waypoint: carla.Waypoint) -> Place:
        """Where on the lane a vehicle stands: towards the edge."""
        right = self.shift * waypoint.lane_width / 2
        return beside_lane(waypoint, -right if self.side == "left" else right)

    def warn(self) -> None:
        """Put the sign beside the road at the trigger."""
        edge = self.roads.edge(self.trigger, self.side)
        beyond = self.roads.beside(edge, self.side)
        right = 0.3 * edge.lane_width if beyond is not None else 0.8 * edge.lane_width
        place = beside_lane(beyond or edge, -right if self.side == "left" else right, up_m=0.2, turned_by_deg=90.0)
        try:
            self.prop(self.sign, place)
        except DataError as error:
            logger.info("scenario %s has no sign: %s", self.spec.name, error)


class ParkedObstacle(Obstacle):
    """A car is parked half on the lane, hazard lights on. Parameters: ``distance`` 120 m, ``direction`` right."""


class ParkedObstacleTwoWays(ParkedObstacle):
    """A parked car, passed on the oncoming lane. Also: ``frequency``, 20 to 100 m between oncoming cars."""

    two_ways = True


class Accident(Obstacle):
    """A police car, 10 m behind it one and 6 m further another crashed car. Parameters as of ``ParkedObstacle``."""

    shift = 0.6

    def find_obstacle(self, start: carla.Waypoint) -> list[carla.Waypoint]:
        """Police, first and second car."""
        first = self.on_this_road(start, 10.0)
        return [start, first, self.on_this_road(first, 6.0)]

    def set_up(self) -> None:
        """Bring all three."""
        import carla

        lamps = carla.VehicleLightState
        police, *crashed = self.standing
        self.parked(POLICE, self.shifted(police), lamps.Special1, lamps.Special2, lamps.Position)
        for each in crashed:
            self.parked(PARKED_CAR, self.shifted(each))


class AccidentTwoWays(Accident):
    """An accident that can only be passed on the oncoming lane. Also: ``frequency``."""

    two_ways = True
