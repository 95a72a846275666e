"""Ways over a map from where a car is, and one that does what a goal asks for.

A learned policy never sees these: they tell whether a sentence can be obeyed at a place, and lead privileged policies,
which take a route and no sentence.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from drivevla.errors import DataError
from drivevla.geometry.carla import yaw_from_carla
from drivevla.language import (
    AvoidExit,
    Goal,
    JunctionRef,
    ReachObject,
    ReachPoint,
    TakeExit,
    TakeRoundaboutExit,
    TakeTurning,
)
from drivevla.sim.maps import Landmark
from drivevla.sim.navigator import GoalMonitor, Sample, Verdict
from drivevla.sim.navigator.beside import SEEN_WITHIN_M, Name, name_of, sights_along, thing_of
from drivevla.sim.navigator.decisions import Crossing, read_roadbook
from drivevla.sim.navigator.passages import Arm, JunctionReader, Sort, junction_reader
from drivevla.sim.navigator.track import Track
from drivevla.sim.routes import DensePlan, Location, plan_points

if TYPE_CHECKING:
    import carla

__all__ = ["ROUTE_GOALS", "Way", "WayFinder"]

ROUTE_GOALS = (TakeExit, AvoidExit, TakeTurning, TakeRoundaboutExit, ReachObject, ReachPoint)
"""Goals that only some ways over a map reach."""

_JUNCTIONS = 4
"""So many junctions ahead are looked at: ordinals go up to three, and a landmark may stand behind the third."""
_ROAM_M = 250.0
"""A way goes on so far behind what was asked for."""
_INTO_M = 8
"""Points behind a junction at which a way holds on to the road that it leaves by."""
_AT_JUNCTION_M = 45.0
"""A landmark this near to a junction's middle stands at it, as for the navigator."""
_PACE_MPS = 8.0
_BACK_DEG = 145.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """A way ahead.

    Attributes:
        plan: The way, point by point.
        junctions: The map's id of the junction that is meant, or None, for each goal.
    """

    plan: DensePlan
    junctions: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """Key points that lead to a goal, and the junction that is meant."""

    keys: tuple[int, ...]
    junction: int | None = None


class WayFinder:
    """Finds ways on one map.

    Args:
        carla_map: The map; one object for all that read it, since lanes are sampled once for an object.
        landmarks: Of that map.
    """

    def __init__(self, carla_map: carla.Map, landmarks: Sequence[Landmark]) -> None:
        self.carla_map, self.landmarks = carla_map, tuple(landmarks)
        self._reader: JunctionReader = junction_reader(carla_map)
        self.graph = self._reader.graph

    def point_near(self, x_m: float, y_m: float, *, yaw_deg: float) -> int | None:
        """The nearest point of a lane that leads the way a car at a place points, CARLA's frame; None off the lanes."""
        track = Track(self.carla_map)
        track.update(Sample(time_s=0.0, pose=(x_m, -y_m, float(yaw_from_carla(yaw_deg))), speed_mps=0.0))
        return track.point

    def onward(self, point: int) -> Way:
        """Straight on wherever there is a choice, as far as a car without a wish is planned for.

        Args:
            point: Of the lane graph.

        Raises:
            DataError: The road ends there.
        """
        keys = self._roam(int(self.graph.lane_of[point]))
        return Way(plan=self._plan([point, *keys]))

    def towards(self, goals: Sequence[Goal], point: int) -> Way | None:
        """A way on which every goal is reached, one after the other, and straight on behind them; None without one.

        Args:
            goals: Those of ``ROUTE_GOALS``, in order.
            point: Of the lane graph, where the way begins.
        """
        keys, junctions = [point], list[int | None]()
        for goal in goals:
            found = self._reach(goal, keys[-1])
            if found is None:
                return None
            keys += found.keys
            junctions.append(found.junction)
        keys += self._roam(int(self.graph.lane_of[keys[-1]]))
        try:
            return Way(plan=self._plan(keys), junctions=tuple(junctions))
        except DataError:
            return None

    def passes(self, name: Name, point: int) -> bool:
        """Whether a thing of that name stands beside the way straight on."""
        way = cKDTree(self.onward(point).plan.location_m[:, :2])
        places = [mark.location_m[:2] for mark in self.landmarks if thing_of(mark) == name]
        return any(way.query(place)[0] <= SEEN_WITHIN_M for place in places)

    def _reach(self, goal: Goal, point: int) -> _Found | None:
        if isinstance(goal, ReachObject):
            return self._to_object(goal, point)
        for junctions in range(1, _JUNCTIONS + 1):
            for keys in self._ways(int(self.graph.lane_of[point]), junctions, frozenset()):
                try:
                    plan = self._plan([point, *keys])
                except DataError:
                    continue  # no lanes lead there: the lane for this turn cannot be reached any more
                junction = self._meant(goal, plan)
                if self._is_reached(goal, plan, junction):
                    return _Found(keys, junction)
        return None

    def _to_object(self, goal: ReachObject, point: int) -> _Found | None:
        """To the nearest of the things of that name, by the shortest way."""
        name = (goal.thing.landmark, goal.thing.colour)
        found: list[tuple[float, int]] = []
        for mark in self.landmarks:
            if name_of(mark) != name:
                continue
            _, near = self.graph.tree.query(mark.location_m[:2], k=8)
            for each in np.atleast_1d(near).tolist():
                try:
                    found.append((self._plan([point, each]).length_m, each))
                except DataError:
                    continue
        if not found:
            return None
        return _Found((min(found)[1],))

    def _is_reached(self, goal: Goal, plan: DensePlan, junction: int | None) -> bool:
        """Whether a car that drives the plan reaches the goal, by the judge's own measure."""
        ref = _junction_of(goal)
        if ref is not None and (ref.at or ref.after) and junction is None:
            return False
        monitor = GoalMonitor(goal, self.carla_map, self.landmarks, junctions=() if junction is None else (junction,))
        yaw = yaw_from_carla(plan.yaw_deg)
        for (x, y), heading, distance in zip(
            plan.location_m[:, :2].tolist(), yaw.tolist(), plan.distance_m.tolist(), strict=True
        ):
            verdict = monitor.update(Sample(time_s=distance / _PACE_MPS, pose=(x, -y, heading), speed_mps=_PACE_MPS))
            if verdict is not Verdict.PENDING:
                return verdict is Verdict.REACHED
        return False

    def _meant(self, goal: Goal, plan: DensePlan) -> int | None:
        """The junction that a landmark names on a plan."""
        ref = _junction_of(goal)
        if ref is None or not (thing := ref.at or ref.after):
            return None
        crossings = [each for each in read_roadbook(self.carla_map, plan).crossings if each.passage.sort is Sort.PLAIN]
        sights = [
            sight
            for sight in sights_along(plan, self.landmarks)
            if sight.name == (thing.landmark, thing.colour) and sight.passed_m > 0.0
        ]
        if not sights:
            return None
        if ref.at is not None:
            return _nearest(crossings, sights[0].location_m)
        behind = [each for each in crossings if each.begin_m > sights[0].passed_m]
        return behind[ref.ordinal - 1].passage.junction if len(behind) >= ref.ordinal else None

    def _ways(self, lane: int, junctions: int, seen: frozenset[int]) -> Iterator[tuple[int, ...]]:
        """Key points of ways that pass so many junctions, straight on but at the last; round a ring every exit."""
        exits = self._exits(lane)
        for after in exits if junctions == 1 or lane in self._reader.rings else exits[:1]:
            if after in seen:
                continue
            key, on_ring = self._key_point(after), after in self._reader.rings
            if junctions == 1 and not on_ring:
                yield (key,)
                continue
            rest = junctions if on_ring else junctions - 1
            for onward in self._ways(after, rest, seen | {after}):
                yield (key, *onward)

    def _roam(self, lane: int) -> tuple[int, ...]:
        """Key points straight on from a lane, to the end of the road behind the last junction."""
        keys: list[int] = []
        seen = {lane}
        length_m = self._left_m(lane)
        while length_m < _ROAM_M and (exits := [each for each in self._exits(lane) if each not in seen]):
            # A ring is left by the exit that leads on most nearly straight; going round it leads nowhere.
            lane = next((each for each in exits if each not in self._reader.rings), exits[0])
            seen.add(lane)
            keys.append(self._key_point(lane))
            length_m += self._left_m(lane)
        last = self._last_lane(lane)
        return (*keys, self.graph.lanes[last].end - 1)

    def _exits(self, lane: int) -> list[int]:
        """First lanes behind the next junction, one for each road, the straightest first; not the way back."""
        last = self._last_lane(lane)
        found: dict[Arm, tuple[float, int]] = {}
        for beside in self._reader.beside(last):
            for after in self._reader.ways_out(beside):
                turn = self.graph.lanes[after].entry_yaw_deg - self.graph.lanes[beside].exit_yaw_deg
                key = self.graph.lanes[after].key
                found.setdefault((key[0], 1 if key[2] > 0 else -1), (abs(math.remainder(turn, 360.0)), after))
        onward = [each for each in found.values() if each[0] < _BACK_DEG] or list(found.values())
        return [after for _, after in sorted(onward)]

    def _last_lane(self, lane: int) -> int:
        """The last lane before the next junction; for a lane inside one, of the road behind it."""
        lanes, seen = self.graph.lanes, {lane}
        inside = lanes[lane].junction >= 0
        while onward := [each for each in lanes[lane].successors if each not in seen]:
            if not inside and lanes[onward[0]].junction >= 0:
                break
            lane = onward[0]
            inside = inside and lanes[lane].junction >= 0
            seen.add(lane)
        return lane

    def _left_m(self, lane: int) -> float:
        """About how long it is from the beginning of a lane to the next junction: points are a metre apart."""
        lanes, length = self.graph.lanes, 0
        last = self._last_lane(lane)
        for _ in range(len(lanes)):
            length += lanes[lane].end - lanes[lane].first
            if lane == last:
                break
            lane = lanes[lane].successors[0]
        return float(length)

    def _key_point(self, lane: int) -> int:
        first, end = self.graph.lanes[lane].first, self.graph.lanes[lane].end
        return first + min(_INTO_M, (end - first) // 2)

    def _plan(self, points: Sequence[int]) -> DensePlan:
        places: list[Location] = []
        for each in points:
            x, y, z = self.graph.location_m[each].tolist()
            places.append((x, y, z))
        return plan_points(self.carla_map, [each for each, _ in itertools.groupby(places)])


def _junction_of(goal: Goal) -> JunctionRef | None:
    return goal.junction if isinstance(goal, TakeExit | AvoidExit) else None


def _nearest(crossings: Sequence[Crossing], place_m: tuple[float, float]) -> int | None:
    off = [(math.dist(each.location_m, place_m), each.passage.junction) for each in crossings]
    near = [each for each in off if each[0] <= _AT_JUNCTION_M]
    return min(near)[1] if near else None
