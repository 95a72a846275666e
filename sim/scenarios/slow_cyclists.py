"""Slow cyclists at the lane's edge.

Source: scenario_runner (94ff3b8a), ``route_obstacles.py``, ``HazardAtSideLane`` and ``HazardAtSideLaneTwoWays``. There
``frequency`` thins out the background's oncoming traffic; here oncoming cars of our own come so far apart.
"""

from __future__ import annotations

from typing import ClassVar

from drivevla.sim.routes import Parameter
from drivevla.sim.scenarios.movers import Car
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.oncoming import OncomingTraffic
from drivevla.sim.scenarios.path import Path, place_of
from drivevla.sim.scenarios.scenario import Play, Scenario, race

__all__ = ["HazardAtSideLane", "HazardAtSideLaneTwoWays"]

BETWEEN_M = 9.0
SHIFT = 0.55
NEAR_M = 50.0
END_M = 50.0
PATIENCE_S = 5.0


class HazardAtSideLane(Scenario):
    """Two cyclists ride on the right half of the lane, then stop.

    Parameters: ``distance`` 100 m, ``bicycle_speed`` 10 **km/h**, ``bicycle_drive_distance`` 50 m.
    """

    blocks_the_way: ClassVar[bool] = True
    two_ways: ClassVar[bool] = False

    needs: ClassVar[Needs] = Needs(room_m=150.0, lead_in_m=30.0, turn_deg=30.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the faster they ride."""
        spot.check_way_round(oncoming=cls.two_ways)
        return {
            "distance": 50.0,
            "bicycle_speed": between(8.0, 12.0, spot.difficulty),
            "bicycle_drive_distance": between(30.0, 60.0, spot.difficulty),
            **({"frequency": between(140.0, 100.0, spot.difficulty)} if cls.two_ways else {}),
        }

    def find_places(self) -> None:
        """Where the cyclists begin and how far they ride."""
        distance = self.number("distance", 100.0)
        first = self.on_this_road(self.trigger, distance)
        ride_m = self.number("bicycle_drive_distance", 50.0)
        self.begin = place_of(first.transform)
        self.path = Path.through(self.roads.ahead(first, BETWEEN_M + ride_m, plan=self.plan))
        self.stops_m = (ride_m, BETWEEN_M + ride_m)
        self.speed_mps = self.number("bicycle_speed", 10.0) / 3.6
        self.right_m = SHIFT * first.lane_width / 2
        self.oncoming = None
        if self.two_ways:
            spacing = self.number("frequency", 100.0)
            self.oncoming = OncomingTraffic(self, first, (spacing, 1.5 * spacing))

    def play(self) -> Play:
        """They ride from the trigger on; it ends 50 m after the ego passed the second."""
        riders = [self.bicycle(self.path, along, right_m=self.right_m) for along in (0.0, BETWEEN_M)]
        reach_m = self.along(self.begin) - self.trigger_along_m + self.path.length_m
        self.keep_free(Path.through(self.roads.ahead(self.trigger, reach_m, plan=self.plan)))
        yield from self.until_triggered()
        yield from race(self.until_passed(riders[-1]), self.ride(riders), self.give_room(riders[0]))

    def ride(self, riders: list[Car]) -> Play:
        """To where they stop, and stand there."""
        while True:
            for rider, stop_m in zip(riders, self.stops_m, strict=True):
                rider.drive(self.speed_mps if rider.along_m < stop_m - 1.0 else 0.0)
            yield

    def until_passed(self, last: Car) -> Play:
        """Wait for the ego to be ahead of the last rider, and then 50 m more."""
        route = self.stage.route
        end_m = self.plan.length_m - 3.0
        while (state := last.state) is None or (
            self.stage.ego.along_m
            < min(route.project(state.location_m, near_m=self.stage.ego.along_m)[0] + last.half_length_m, end_m)
        ):
            yield
        goal_m = min(self.stage.ego.along_m + END_M, end_m)
        yield from self.until(lambda: self.stage.ego.along_m >= goal_m)

    def give_room(self, first: Car) -> Play:
        """When the ego has been near for a while, let it use the oncoming lane, between oncoming cars."""
        yield from self.until(lambda: first.distance_to_ego_m() < NEAR_M)
        yield from self.wait(PATIENCE_S)
        if self.oncoming is None:
            yield from self.until(lambda: False)
        else:
            self.excuses_wrong_lane = True
            yield from self.oncoming.run()


class HazardAtSideLaneTwoWays(HazardAtSideLane):
    """Cyclists that can only be passed on the oncoming lane. Also: ``frequency``, 100 m between oncoming cars."""

    two_ways = True
