"""Cars that cut in ahead of the ego: from a parking lane, from a standing queue, from a slip road.

Source: scenario_runner (94ff3b8a), ``parking_cut_in.py``, ``ParkingCutIn``; ``cut_in_with_static_vehicle.py``,
``StaticCutIn``; ``highway_cut_in.py``, ``HighwayCutIn``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from drivevla.errors import DataError
from drivevla.sim.routes import Parameter, Place
from drivevla.sim.scenarios.casting import CAR_WITH_LIGHTS, PARKED_CAR
from drivevla.sim.scenarios.movers import Car
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.path import Path, place_of
from drivevla.sim.scenarios.roads import Side, crossing_ahead
from drivevla.sim.scenarios.scenario import Play, Scenario, beside_lane

if TYPE_CHECKING:
    import carla

__all__ = ["HighwayCutIn", "ParkingCutIn", "StaticCutIn", "changing_lane"]


def changing_lane(begin: Place, lane: Path, *, over_m: float) -> Path:
    """From a place over to a path that runs beside it, in a smooth change, and along that.

    Args:
        begin: Where the change starts.
        lane: Where it leads; it must reach beyond the change.
        over_m: How long the change is.
    """
    start_m, right_m = lane.project(begin.location_m)
    reach = np.arange(start_m, lane.length_m, 1.0)
    share = np.clip((reach - start_m) / over_m, 0.0, 1.0)
    offset = right_m * (1.0 - share**2 * (3.0 - 2.0 * share))
    points = [
        lane.place(float(each), right_m=float(right)).location_m for each, right in zip(reach, offset, strict=True)
    ]
    return Path(points)


class ParkingCutIn(Scenario):
    """A parked car pulls out in front of the ego. Parameter: ``direction`` right."""

    blocker_m, cut_in_m, end_m = 28.0, 35.0, 30.0
    reaction_s, least_m = 2.35, 10.0
    speed_mps = 20.0 / 3.6

    needs: ClassVar[Needs] = Needs(room_m=100.0, turn_deg=20.0)

    def find_places(self) -> None:
        """Two parking places, 28 and 35 m ahead.

        Raises:
            DataError: Nothing lies beside the lane there.
        """
        self.side: Side = "left" if self.word("direction", "right", ("left", "right")) == "left" else "right"
        self.lane = self.roads.ahead(self.trigger, self.cut_in_m + 2 * self.end_m, plan=self.plan)
        blocker, self.collision = (self.lane[int(each)] for each in (self.blocker_m, self.cut_in_m))
        self.places = [self.slot(blocker), self.slot(self.collision)]

    def slot(self, waypoint: carla.Waypoint) -> carla.Waypoint:
        """The parking lane beside."""
        beside = self.roads.beside(waypoint, self.side)
        if beside is None:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}) needs a lane to park on to the {self.side}")
        self.roads.check_free(beside)
        return beside

    def play(self) -> Play:
        """Park; pull out when the ego is about to arrive; drive 30 m."""
        blocker, slot = (
            beside_lane(each, (each.lane_width - 0.95) / 4 * (-1.0 if self.side == "left" else 1.0))
            for each in self.places
        )
        self.parked(PARKED_CAR, blocker)
        lane = Path.through(self.lane[int(self.cut_in_m) - 5 :])
        pulling_out = changing_lane(slot, lane, over_m=11.0)
        car = self.car(PARKED_CAR, pulling_out, 0.0)
        self.keep_free(Path.through(self.lane[: int(self.cut_in_m) + 10]))
        for _ in self.until_triggered():
            car.hold()
            yield
        for _ in self.until_ego_arrives(
            place_of(self.collision.transform), time_s=self.reaction_s, distance_m=self.least_m
        ):
            car.hold()
            yield
        car.show(_indicator(self.side))
        while car.along_m < self.end_m:
            car.drive(self.speed_mps)
            yield


class StaticCutIn(Scenario):
    """A car leaves a standing queue on the lane beside, into the ego's lane.

    Parameters: ``distance`` 100 m, ``direction`` right: the side the queue stands on.
    """

    gap_m = 11.0
    behind, ahead = 2, 3
    reaction_s, least_m = 2.7, 15.0
    change_s, end_m, limit_s = 3.0, 70.0, 30.0
    speed_mps = 60.0 / 3.6

    needs: ClassVar[Needs] = Needs(room_m=200.0, lead_in_m=30.0, turn_deg=25.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the nearer."""
        return {"distance": between(70.0, 50.0, spot.difficulty), "direction": str(spot.rng.choice(["left", "right"]))}

    def find_places(self) -> None:
        """The queue on the lane beside.

        Raises:
            DataError: No lane leads the same way there.
        """
        self.side: Side = "left" if self.word("direction", "right", ("left", "right")) == "left" else "right"
        distance = self.number("distance", 100.0)
        count = self.behind + 1 + self.ahead
        whole = distance + max(count * self.gap_m, self.behind * self.gap_m + self.end_m)
        self.lane = self.roads.ahead(self.trigger, whole, plan=self.plan)
        queue = [self.lane[int(distance + number * self.gap_m)] for number in range(count)]
        beside = [self.roads.same_way_beside(each, self.side) for each in queue]
        if None in beside:
            raise DataError(
                f"scenario {self.spec.name} ({self.spec.type}) needs a second lane to the {self.side} of the first"
            )
        self.queue = [each for each in beside if each is not None]
        self.collision = place_of(queue[self.behind].transform)
        self.begin = int(distance + self.behind * self.gap_m)

    def play(self) -> Play:
        """Stand in the queue; one pulls out when the ego is about to arrive."""
        line = Path.through(self.queue)
        lane = Path.through(self.lane[self.begin - 5 :])
        self.keep_free(Path.through(self.lane[: self.begin + 30]))
        self.keep_free(line)
        places = [place_of(each.transform) for each in self.queue]
        for number, place in enumerate(places):
            if number != self.behind:
                self.parked(CAR_WITH_LIGHTS, place, hand_brake=False)
        own = Path([places[self.behind].location_m, places[self.behind + 1].location_m])
        car = self.car(CAR_WITH_LIGHTS, own, 0.0)
        for _ in self.until_triggered():
            car.hold()
            yield
        for _ in self.until_ego_arrives(self.collision, time_s=self.reaction_s, distance_m=self.least_m):
            car.hold()
            yield
        # The change has to clear the queue's next car, a gap away, whatever the ego's speed.
        car.follow(changing_lane(places[self.behind], lane, over_m=self.gap_m))
        car.show(_indicator(self.side))
        end_s = self.stage.time_s + self.limit_s
        while not car.at_end and self.stage.time_s < end_s:
            changing = car.along_m < self.gap_m
            car.drive(5.0 if changing else self.speed_mps, faster_mps2=3.0)
            yield


class HighwayCutIn(Scenario):
    """A car comes from a slip road beside the ego, and changes into its lane just ahead of it.

    Parameter: ``other_actor_location``, where it begins.
    """

    ahead_m, end_dist_m = 10.0, 5.0
    speed_share, change_s, other_lane_s = 0.8, 2.0, 3.0

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("straight_none", "straight_signs", "follow", "merge"),
        before_junction_m=(60.0, 110.0),
        room_m=60.0,
        lead_out_m=60.0,
    )

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """A slip road that joins beside the ego."""
        crossing = crossing_ahead(spot.plan, spot.index)
        start = spot.roads.joining_lane(crossing, spot.plan, before_m=between(70.0, 90.0, spot.difficulty))
        return {"other_actor_location": Place(start)}

    def find_places(self) -> None:
        """The other car's way, and where both are to arrive at once.

        Raises:
            DataError: The other car's lane does not come out beside the route.
        """
        start = self.roads.waypoint(self.location("other_actor_location"))
        way = self.roads.ahead(start, 300.0, plan=self.plan)
        inside = [number for number, each in enumerate(way) if each.is_junction]
        if not inside:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}): the other car's lane leads to no junction")
        out = next((number for number in range(inside[0], len(way)) if not way[number].is_junction), inside[-1])
        self.target_m = min(float(out) + self.ahead_m, float(len(way) - 1))
        self.path = Path.through(way)
        crossing = self.crossing()
        self.meet_along_m = float(self.plan.distance_m[crossing.leave])

    def play(self) -> Play:
        """Arrive together with the ego, slip in ahead of it, stay there for a while."""
        yield from self.until_triggered()
        self.keep_free(self.path)
        ego = self.stage.ego
        car = self.car(CAR_WITH_LIGHTS, self.path, 0.5, speed_mps=ego.speed_mps)
        while car.along_m < self.target_m - self.end_dist_m and self.stage.ego.along_m < self.meet_along_m + 40.0:
            car.drive(self.pace(car), faster_mps2=6.0, slower_mps2=6.0)
            yield
        speed = max(self.speed_share * self.stage.ego.speed_mps, 3.0)
        route = self.stage.route
        ahead = route.part(self.stage.ego.along_m, min(self.stage.ego.along_m + 300.0, route.length_m))
        car.follow(changing_lane(car.path.place(car.along_m), ahead, over_m=max(self.change_s * speed, 10.0)))
        car.show(_indicator("right"))
        end_s = self.stage.time_s + self.change_s + self.other_lane_s
        while not car.at_end and self.stage.time_s < end_s:
            car.drive(speed)
            yield

    def pace(self, car: Car) -> float:
        """The speed that brings it to its target when the ego comes to the junction's end."""
        ego = self.stage.ego
        left_m = self.meet_along_m - ego.along_m
        if left_m <= 1.0 or ego.speed_mps < 0.1:
            return max(ego.speed_mps, 5.0) if left_m <= 1.0 else 0.0
        return min((self.target_m - car.along_m) * ego.speed_mps / left_m, 40.0)


def _indicator(side: Side) -> carla.VehicleLightState:
    """The one that shows a change away from a side."""
    import carla

    return carla.VehicleLightState.LeftBlinker if side == "right" else carla.VehicleLightState.RightBlinker
