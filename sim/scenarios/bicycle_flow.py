"""Cyclists who cross the ego's turn on their own lane.

Source: scenario_runner (94ff3b8a), ``cross_bicycle_flow.py``, ``CrossingBicycleFlow``. There the map must have a
bicycle lane; here cyclists ride at the edge of the driving lane where it has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drivevla.errors import DataError
from drivevla.sim.routes import Interval, Parameter, Place
from drivevla.sim.scenarios.flow import Flow
from drivevla.sim.scenarios.junction_lights import both_green
from drivevla.sim.scenarios.lights import lights_of_junction
from drivevla.sim.scenarios.needs import ANY_RIGHT, Needs, Spot, between
from drivevla.sim.scenarios.path import Path
from drivevla.sim.scenarios.scenario import Play, Scenario, race

if TYPE_CHECKING:
    import carla

__all__ = ["CrossingBicycleFlow"]

BEHIND_M = 40.0
NEAR_M = 10.0
EDGE_SHARE = 0.8
LONGEST_M = 400.0


class CrossingBicycleFlow(Scenario):
    """A flow of cyclists rides straight on over the junction that the ego turns at.

    Parameters: ``start_actor_flow`` (a place on a bicycle lane), ``flow_speed`` 10 m/s, ``source_dist_interval`` 20 to
    50 m. At a junction with lights the ego's turns green 5 s after the trigger.
    """

    blocks_the_way: ClassVar[bool] = True

    needs: ClassVar[Needs] = Needs(manoeuvres=ANY_RIGHT, before_junction_m=(25.0, 50.0), room_m=30.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """Cyclists beside the ego who ride straight on."""
        x, y, z = spot.plan.location_m[spot.index].tolist()
        return {
            "start_actor_flow": Place((x, y, z)),
            "flow_speed": between(3.0, 5.0, spot.difficulty),
            "source_dist_interval": Interval(
                between(30.0, 15.0, spot.difficulty), between(60.0, 40.0, spot.difficulty)
            ),
        }

    def find_places(self) -> None:
        """The bicycle lane through the junction and 40 m on.

        Raises:
            DataError: No lane is there, or it ends before the junction.
        """
        import carla

        self.ego_way = self.crossing()
        start = self.location("start_actor_flow")
        waypoint = self.roads.map.get_waypoint(carla.Location(*start), lane_type=carla.LaneType.Biking)
        self.right_m = 0.0
        if waypoint is None or waypoint.transform.location.distance(carla.Location(*start)) > NEAR_M:
            waypoint = self.roads.waypoint(start)
            self.right_m = EDGE_SHARE * waypoint.lane_width / 2
        self.path = Path.through(self.through_junction(waypoint))
        self.speed_mps = self.number("flow_speed", 10.0)
        self.spacing_m = self.interval("source_dist_interval", (20.0, 50.0))

    def through_junction(self, start: carla.Waypoint) -> list[carla.Waypoint]:
        """Waypoints two metres apart."""
        way = [start]
        inside, left_m = False, BEHIND_M
        while left_m > 0.0 and len(way) < LONGEST_M / 2:
            following = way[-1].next(2.0)
            if not following:
                break
            way.append(following[0])
            inside = inside or following[0].is_junction
            if inside and not following[0].is_junction:
                left_m -= 2.0
        if not inside:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}): the bicycle lane reaches no junction")
        return way

    def play(self) -> Play:
        """Ride from the trigger until the ego is through."""
        yield from self.until_triggered()
        flow = Flow(
            self,
            self.path,
            speed_mps=self.speed_mps,
            spacing_m=self.spacing_m,
            filled=True,
            bicycles=True,
            right_m=self.right_m,
        )
        plays = [self.until_ego_left(self.ego_way), flow.run()]
        if lights_of_junction(self.stage, self.ego_way.junction):
            plays.append(both_green(self, self.ego_way, ()))
        yield from race(*plays)
