"""A driven track on the map: lane by lane, junction by junction, as the record states it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivevla.language import Side
from drivevla.sim.navigator.passages import Passage, Sort, junction_reader

__all__ = ["LaneCrossed", "Passed", "Sample", "Track"]

_ON_LANE_M = 3.0
_ALONG_DEG = 75.0
_NEAREST = 12


if TYPE_CHECKING:
    import carla


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One step of a record.

    Attributes:
        time_s: Since the episode began.
        pose: x, y, yaw of the ego frame in CARLA's world made right-handed (y left, metres, radians).
        speed_mps: Along the car's x axis.
        refused: Whether the plan's refusal flag is set.
        hindered: Whether a light, traffic, a curve or a limit forbids the speed that was asked for.
        infraction: Whether a collision or another infraction happened at this step.
        speed_limit_mps: What applies here, where it is known.
        vehicles: x, y of every other vehicle by its id, in the frame of ``pose``; None where they are not known.
    """

    time_s: float
    pose: tuple[float, float, float]
    speed_mps: float
    refused: bool = False
    hindered: bool = False
    infraction: bool = False
    speed_limit_mps: float | None = None
    vehicles: Mapping[int, tuple[float, float]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A junction that was driven through.

    Attributes:
        passage: Which, and by which exit.
        entered_m: Distance driven when it was entered.
    """

    passage: Passage
    entered_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneCrossed:
    """A lane change that was driven.

    Attributes:
        side: To which side.
        driven_m: Distance driven when the car's origin came onto the other lane.
    """

    side: Side
    driven_m: float


class Track:
    """Reads driven poses on a map's lanes.

    Inside a junction lanes overlap, so that only the lanes before and behind it decide what was taken.

    Attributes:
        graph: The map's lanes.
        driven_m: How far the car has come.
        point: The point of the graph that the car is at, or None off the lanes.
    """

    def __init__(self, carla_map: "carla.Map") -> None:
        self._reader = junction_reader(carla_map)
        self.graph = self._reader.graph
        self.driven_m = 0.0
        self.point: int | None = None
        self._last_xy: tuple[float, float] | None = None
        self._lane: int | None = None
        self._inside: list[int] = []
        self._entered_m = 0.0

    def update(self, sample: Sample) -> Passed | LaneCrossed | None:
        """Follow the car by one step; what it has just done, if anything."""
        x_m, y_m, yaw_rad = sample.pose
        if self._last_xy is not None:
            self.driven_m += math.dist(self._last_xy, (x_m, y_m))
        self._last_xy = (x_m, y_m)
        self.point = self._point_at(x_m, -y_m, -math.degrees(yaw_rad))
        if self.point is None:
            return None
        lane = int(self.graph.lane_of[self.point])
        if self.graph.lanes[lane].junction >= 0 or lane in self._reader.rings:
            if not self._inside:
                self._entered_m = self.driven_m
            if lane not in self._inside:
                self._inside.append(lane)
            return None
        before, self._lane = self._lane, lane
        inside, self._inside = tuple(self._inside), []
        if before is None or before == lane:
            return None
        if inside:
            passage = self._reader.passage(before, inside, lane)
            return Passed(passage=passage, entered_m=self._entered_m) if passage.sort is not Sort.NONE else None
        side = self._side(before, lane)
        return None if side is None else LaneCrossed(side=side, driven_m=self.driven_m)

    def _point_at(self, x_m: float, y_m: float, yaw_deg: float) -> int | None:
        """The nearest point of a lane that leads the way the car points; CARLA's frame."""
        distances, points = self.graph.tree.query((x_m, y_m), k=_NEAREST)
        for distance, point in zip(np.atleast_1d(distances), np.atleast_1d(points), strict=True):
            off_deg = math.remainder(float(self.graph.yaw_deg[point]) - yaw_deg, 360.0)
            if distance <= _ON_LANE_M and abs(off_deg) <= _ALONG_DEG:
                return int(point)
        return None

    def _side(self, before: int, after: int) -> Side | None:
        lanes = self.graph.lanes
        for step in (before, *lanes[before].successors):  # a change may come with a new section of the road
            if lanes[step].left == after:
                return Side.LEFT
            if lanes[step].right == after:
                return Side.RIGHT
        return None
