"""A straight road whose every score can be worked out by hand, for tests of criteria and rule books.

World frame: x along the road, y left. Lanes -1 (y = 0) and -2 (y = -3.5) run along x, lane 1 (y = 3.5) against it; from
100 to 120 m they cross a junction with a light, and at 60 m there is a stop sign.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from drivevla.evaluation.driving_score import (
    ActorPose,
    Collision,
    LanePoint,
    Point,
    ScoredRoute,
    StopSign,
    Tick,
    TrafficEvent,
    TrafficLight,
)
from drivevla.evaluation.driving_score.criteria import Criterion

__all__ = [
    "CAR", "JUNCTION_FROM_M", "JUNCTION_TO_M", "LANE_MIDDLES_M", "LANE_WIDTH_M", "LIGHT", "PAVEMENT", "SIGN", "WALL",
    "Placement", "RoadPoint", "StraightRoad", "beside_traffic", "drive", "observed", "on_red", "route", "tick",
]  # fmt: skip

LANE_WIDTH_M = 3.5
LANE_MIDDLES_M = {-1: 0.0, -2: -LANE_WIDTH_M, 1: LANE_WIDTH_M}
JUNCTION_FROM_M, JUNCTION_TO_M = 100.0, 120.0


CAR = Collision(actor_id=7, type_id="vehicle.audi.tt")
WALL = Collision(actor_id=0, type_id="static.building")
PAVEMENT = Collision(actor_id=0, type_id="static.sidewalk")


LIGHT = TrafficLight(
    light_id=5,
    position_m=(JUNCTION_FROM_M, -9.0, 0.0),
    yaw_rad=math.pi / 2,
    trigger_center_m=(JUNCTION_FROM_M - 3.0, -1.75, 0.0),
    trigger_half_width_m=LANE_WIDTH_M,
)


SIGN = StopSign(
    sign_id=9, position_m=(60.0, -4.0, 0.0), trigger_center_m=(60.0, 0.0, 0.0), trigger_half_size_m=(2.0, 1.5)
)


@dataclass(frozen=True)
class Placement:
    """Where the straight road lies in the world: moved, then turned about the origin."""

    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0

    def out(self, x: float, y: float, z: float = 0.0) -> Point:
        """A place of the road in the world."""
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return c * x - s * y + self.x_m, s * x + c * y + self.y_m, z

    def back(self, point: Point) -> Point:
        """A place of the world on the road."""
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        x, y = point[0] - self.x_m, point[1] - self.y_m
        return c * x + s * y, -s * x + c * y, point[2]

    def pose(self, x: float, y: float, yaw_rad: float = 0.0) -> ActorPose:
        """A car on the road, in the world."""
        return ActorPose(position_m=self.out(x, y), yaw_rad=yaw_rad + self.yaw_rad)


@dataclass(frozen=True)
class RoadPoint:
    """A lane point: lanes -1 (y = 0) and -2 (y = -3.5) run along x, lane 1 (y = 3.5) against it."""

    place: Placement
    x_m: float
    lane_id: int

    @property
    def road_id(self) -> int:
        """1 before the junction, 2 in it, 3 behind it."""
        return 1 if self.x_m < JUNCTION_FROM_M else 2 if self.x_m < JUNCTION_TO_M else 3

    @property
    def is_junction(self) -> bool:
        """Whether it lies in the junction."""
        return self.road_id == 2

    @property
    def width_m(self) -> float:
        """The same everywhere."""
        return LANE_WIDTH_M

    @property
    def position_m(self) -> Point:
        """On the middle of the lane."""
        return self.place.out(self.x_m, LANE_MIDDLES_M[self.lane_id])

    @property
    def yaw_rad(self) -> float:
        """The way the lane leads."""
        return self.place.yaw_rad + (math.pi if self.lane_id > 0 else 0.0)

    @property
    def forward(self) -> Point:
        """The unit vector along it."""
        return math.cos(self.yaw_rad), math.sin(self.yaw_rad), 0.0

    def ahead(self, distance_m: float) -> LanePoint | None:
        """Further along the lane."""
        return replace(self, x_m=self.x_m + (distance_m if self.lane_id < 0 else -distance_m))


@dataclass(frozen=True)
class StraightRoad:
    """The road as a lane map."""

    place: Placement = Placement()

    def nearest_driving(self, position_m: Point) -> LanePoint:
        """The lane whose middle is nearest."""
        x, y, _ = self.place.back(position_m)
        return RoadPoint(self.place, x, min(LANE_MIDDLES_M, key=lambda lane: abs(y - LANE_MIDDLES_M[lane])))

    def nearest_parking(self, position_m: Point) -> LanePoint | None:
        """There is none."""
        return None


def route(length_m: int = 200, place: Placement = Placement()) -> ScoredRoute:
    """Along lane -1, a point a metre."""
    forward = (math.cos(place.yaw_rad), math.sin(place.yaw_rad), 0.0)
    return ScoredRoute([place.out(x, 0.0) for x in range(length_m + 1)], [forward] * (length_m + 1))


def tick(
    index: int, x: float, y: float = 0.0, *, speed: float = 10.0, yaw: float = 0.0, place: Placement = Placement()
) -> Tick:
    """A car at a place of the road."""
    ego = place.pose(x, y, yaw)
    velocity = (speed * ego.forward[0], speed * ego.forward[1], 0.0)
    return Tick(index=index, time_s=1.0 + 0.05 * index, ego=ego, velocity_mps=velocity, speed_limit_mps=10.0)


def drive(to_m: float, *, step_m: float = 0.5, y: float = 0.0, place: Placement = Placement()) -> list[Tick]:
    """Along the road at an even speed, a tick each 0.05 s."""
    steps = range(round(to_m / step_m) + 1)
    return [tick(i, i * step_m, y, speed=step_m / 0.05, place=place) for i in steps]


def observed(criterion: Criterion, ticks: Iterable[Tick]) -> tuple[TrafficEvent, ...]:
    """What a criterion notes until it ends the route."""
    for one in ticks:
        criterion.observe(one)
        if criterion.ends_route:
            break
    criterion.finish()
    return criterion.events


def on_red(ticks: Iterable[Tick]) -> list[Tick]:
    """The same, with the light red."""
    return [replace(one, red_lights=frozenset({LIGHT.light_id})) for one in ticks]


def beside_traffic(ticks: Iterable[Tick], *speeds: float) -> list[Tick]:
    """The same, with background vehicles at these speeds."""
    return [replace(one, background_speeds_mps=speeds) for one in ticks]
