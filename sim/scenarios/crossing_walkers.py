"""Pedestrians who cross the ego's lane: from behind something, from between parked cars, at a junction.

Source: scenario_runner (94ff3b8a), ``object_crash_vehicle.py``, ``DynamicObjectCrossing`` and
``ParkingCrossingPedestrian``; ``pedestrian_crossing.py``, ``PedestrianCrossing``. There walkers are kept under the
ground until the trigger; here they wait where they begin.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from drivevla.errors import DataError
from drivevla.sim.routes import Parameter, Place
from drivevla.sim.scenarios.casting import PARKED_CAR
from drivevla.sim.scenarios.movers import Walker
from drivevla.sim.scenarios.needs import ANY_STRAIGHT, ANY_TURN, Needs, Spot, between
from drivevla.sim.scenarios.path import Path, place_of
from drivevla.sim.scenarios.roads import Side
from drivevla.sim.scenarios.scenario import Play, Scenario, beside_lane, moved

if TYPE_CHECKING:
    import carla

__all__ = ["DynamicObjectCrossing", "ParkingCrossingPedestrian", "PedestrianCrossing"]

SPEED_MPS = 2.0
LEAST_M = 6.0
END_M = 40.0
REACH_M = (3.0, 5.2)
"""From the lane's middle to where the pedestrian begins: 2.1 s at 2 m/s, give or take the ego's size."""


class _Crossing(Scenario):
    """Somebody walks across, and the ego drives on."""

    speed_mps = SPEED_MPS

    def read_side(self) -> None:
        """Read side and angle.

        Raises:
            DataError: The angle would not lead across the road.
        """
        self.side: Side = "left" if self.word("direction", "right", ("left", "right")) == "left" else "right"
        self.sign = -1.0 if self.side == "left" else 1.0
        self.angle_deg = self.number("crossing_angle", 0.0)
        if abs(self.angle_deg) > 90.0:
            raise DataError(
                f"scenario {self.spec.name}: crossing_angle must lie between -90 and 90, got {self.angle_deg}"
            )

    def heading_deg(self) -> float:
        """Across the road from the side, turned by the angle, against the lane's heading."""
        return -self.sign * (90.0 + self.angle_deg)

    def cross(self, walker: Walker, collision: Place, *, reaction_s: float, distance_m: float) -> Play:
        """Wait for the ego, walk, vanish on the other side."""
        yield from self.until_triggered()
        yield from self.until_ego_arrives(collision, time_s=reaction_s, distance_m=LEAST_M)
        yield from self.walk(walker, distance_m)
        yield from self.until_ego_drove(END_M)

    def walk(self, walker: Walker, distance_m: float) -> Play:
        """So far at the crossing's speed, or for as long as that takes."""
        end_s = self.stage.time_s + distance_m / self.speed_mps + 0.5
        while walker.walked_m < distance_m and self.stage.time_s < end_s:
            walker.walk(self.speed_mps)
            yield
        self.dismiss(walker.actor)


class DynamicObjectCrossing(_Crossing):
    """A pedestrian steps out from behind something.

    Parameters: ``distance`` 12 m, ``blocker_model`` ``static.prop.vendingmachine``, ``crossing_angle`` 0 degrees,
    ``direction`` right.
    """

    needs: ClassVar[Needs] = Needs(room_m=50.0, turn_deg=25.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the later the pedestrian is seen."""
        x, y, z = spot.plan.location_m[spot.index].tolist()
        lane = spot.roads.waypoint((x, y, z))
        kerb = spot.roads.kerb(lane, "right")
        reach = lane.transform.location.distance(kerb.transform.location)
        if not REACH_M[0] <= reach <= REACH_M[1]:
            raise DataError(f"the kerb is {reach:.1f} m away: the pedestrian would not meet an ego at an even speed")
        return {
            "distance": between(30.0, 16.0, spot.difficulty),
            "blocker_model": str(spot.rng.choice(["static.prop.vendingmachine", "static.prop.container"])),
            "crossing_angle": float(spot.rng.integers(-2, 3)),
        }

    def find_places(self) -> None:
        """What hides the pedestrian, ahead at the kerb, and the pedestrian behind it."""
        self.read_side()
        distance = self.number("distance", 12.0)
        model = self.spec.parameters.get("blocker_model", "static.prop.vendingmachine")
        self.model = str(model)
        self.reaction_s = 2.1 + 0.1 * math.floor(self.angle_deg / 5)
        lane = self.roads.ahead(self.trigger, distance, plan=self.plan)[-1]
        self.collision = place_of(lane.transform)
        self.kerb = self.roads.kerb(lane, self.side)

    def at_kerb(self, waypoint: carla.Waypoint, beyond_m: float, turned_by_deg: float) -> Place:
        """On the sidewalk, or where there is none so far beyond the outermost lane."""
        import carla

        right = 0.0 if waypoint.lane_type == carla.LaneType.Sidewalk else self.sign * beyond_m
        return beside_lane(waypoint, right, turned_by_deg=turned_by_deg)

    def play(self) -> Play:
        """Hide; step out when the ego is about to arrive."""
        hides = "vehicle" in self.model
        place = self.at_kerb(self.kerb, 1.5, 0.0 if hides else 90.0)
        blocker = self.parked(self.model, place) if hides else self.prop(self.model, place)
        behind = self.roads.ahead(self.kerb, 1.0)[-1]
        step_m = float(blocker.bounding_box.extent.x) + 0.5 - 1.0
        walker = self.walker(moved(self.at_kerb(behind, 1.2, 0.0), step_m))
        walker.start = Place(walker.start.location_m, float(behind.transform.rotation.yaw) + self.heading_deg())
        reach = math.dist(self.collision.location_m[:2], walker.start.location_m[:2])
        self.keep_free(
            Path.through(self.roads.ahead(self.trigger, self.number("distance", 12.0) + 10.0, plan=self.plan))
        )
        yield from self.cross(walker, self.collision, reaction_s=self.reaction_s, distance_m=2.0 * reach)


class ParkingCrossingPedestrian(_Crossing):
    """A pedestrian steps out from behind a parked car.

    Parameters: ``distance`` 12 m, ``crossing_angle`` 0 degrees, ``direction`` right.
    """

    needs: ClassVar[Needs] = Needs(room_m=50.0, turn_deg=20.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the later the pedestrian is seen."""
        return {"distance": between(30.0, 16.0, spot.difficulty)}

    def find_places(self) -> None:
        """The parked car, one lane's width beside the lane."""
        self.read_side()
        self.reaction_s = 2.15 + 0.1 * math.floor(self.angle_deg / 5)
        self.lane = self.roads.ahead(self.trigger, self.number("distance", 12.0) + 5.0, plan=self.plan)
        beside = self.roads.beside(self.lane[-6], self.side)
        if beside is not None:
            self.roads.check_free(beside)

    def play(self) -> Play:
        """Hide; step out when the ego is about to arrive."""
        at = self.lane[-6]
        side_m = self.sign * at.lane_width
        blocker = self.parked(PARKED_CAR, beside_lane(at, side_m))
        behind = moved(beside_lane(at, side_m), float(blocker.bounding_box.extent.x) + 0.5)
        collision = moved(place_of(at.transform), float(blocker.bounding_box.extent.x) + 0.5)
        walker = self.walker(Place(behind.location_m, float(at.transform.rotation.yaw) + self.heading_deg()))
        self.keep_free(Path.through(self.lane))
        yield from self.cross(walker, collision, reaction_s=self.reaction_s, distance_m=8.0)


class PedestrianCrossing(Scenario):
    """Three pedestrians cross at the mouth of the next junction, each at a pace and a moment of their own."""

    needs: ClassVar[Needs] = Needs(manoeuvres=(*ANY_STRAIGHT, *ANY_TURN), before_junction_m=(25.0, 50.0), room_m=20.0)

    def find_places(self) -> None:
        """The end of the lane before the junction, and the sidewalk to its right.

        Raises:
            DataError: There is no sidewalk.
        """
        import carla

        crossing = self.crossing()
        reach = float(self.plan.distance_m[crossing.enter] - self.trigger_along_m)
        way = self.roads.ahead(self.trigger, reach + 20.0, plan=self.plan, stop_at_junction=True)
        self.collision = place_of(way[-1].transform)
        self.kerb = self.roads.kerb(way[-1], "right")
        if self.kerb.lane_type != carla.LaneType.Sidewalk:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}) needs a sidewalk to the right of the lane")
        self.lane = way
        self.pace_mps = [float(self.rng.uniform(1.3, 2.0)) for _ in range(3)]
        self.idle_s = [float(self.rng.uniform(0.0, 1.5)) for _ in range(3)]

    def play(self) -> Play:
        """Wait for the ego, cross, vanish."""
        yaw = float(self.kerb.transform.rotation.yaw)
        starts = [
            Place(moved(beside_lane(self.kerb, right), ahead).location_m, yaw + 270.0)
            for ahead, right in ((0.4, 1.5), (1.0, 2.5), (1.6, 0.5))
        ]
        walkers = [self.walker(each) for each in starts]
        if len(self.lane) > 1:
            self.keep_free(Path.through(self.lane))
        yield from self.until_triggered()
        yield from self.until_ego_arrives(self.collision, time_s=3.5, distance_m=12.0)
        begun_s = self.stage.time_s
        left = dict(enumerate(walkers))
        while left:
            for number, walker in list(left.items()):
                reach = 2.3 * math.dist(walker.start.location_m[:2], self.collision.location_m[:2])
                walked_s = self.stage.time_s - begun_s - self.idle_s[number]
                if walked_s >= 0.0:
                    walker.walk(self.pace_mps[number])
                if walker.walked_m >= reach or walked_s > reach / self.pace_mps[number] + 0.5:
                    self.dismiss(left.pop(number).actor)
            yield
        yield from self.until_ego_drove(END_M)
