"""What scenarios ask a map: lanes ahead and beside, kerbs, junctions and the ways through them. CARLA's frame."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from drivevla.errors import DataError
from drivevla.sim.maps import landmarks
from drivevla.sim.routes import DensePlan, Location, plan_points
from drivevla.sim.routes.lanes import Lane, LaneGraph, lane_graph
from drivevla.sim.scenarios.path import Path, turned_deg

if TYPE_CHECKING:
    import carla

__all__ = ["Crossing", "Entry", "From", "Roads", "Side", "comes_from", "crossing_ahead"]

Side = Literal["left", "right"]
_OTHER_SIDE: dict[Side, Side] = {"left": "right", "right": "left"}
From = Literal["behind", "left", "right", "opposite"]

_CLEARANCE_M = 6.5
_STRAIGHT_DEG = 40.0
"""A way through a junction that turns less than this goes straight on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The ego's way through the next junction.

    Attributes:
        junction: The junction's id.
        enter: First point of the plan in it.
        leave: First point of the plan behind it.
    """

    junction: int
    enter: int
    leave: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A lane that leads into a junction.

    Attributes:
        lane: Its index in the lane graph.
        yaw_deg: Heading at its end.
        coming_from: Seen by somebody who enters by another lane.
    """

    lane: int
    yaw_deg: float
    coming_from: From


class Roads:
    """A map, asked in the words of scenarios.

    Args:
        carla_map: ``carla.Map``.
    """

    def __init__(self, carla_map: carla.Map) -> None:
        self.map = carla_map
        self.graph: LaneGraph = lane_graph(carla_map)
        self._standing_m = [
            (float(each.location_m[0]), float(each.location_m[1])) for each in landmarks(carla_map.to_opendrive())
        ]
        self._before: dict[int, list[int]] = {}
        for number, lane in enumerate(self.graph.lanes):
            for following in lane.successors:
                self._before.setdefault(following, []).append(number)

    def waypoint(self, location_m: Location) -> carla.Waypoint:
        """The nearest waypoint of a driving lane."""
        import carla

        return self.map.get_waypoint(carla.Location(*location_m))

    def check_free(self, waypoint: carla.Waypoint) -> None:
        """Make sure that nothing that the map holds stands on a lane's place, such as a parked car.

        Raises:
            DataError: Something does.
        """
        place = waypoint.transform.location
        for x, y in self._standing_m:
            if math.hypot(x - place.x, y - place.y) < _CLEARANCE_M:
                raise DataError(f"something stands on the parking place at {_at(waypoint)}")

    def ahead(
        self, start: carla.Waypoint, length_m: float, *, plan: DensePlan | None = None, stop_at_junction: bool = False
    ) -> list[carla.Waypoint]:
        """Waypoints along the lane, a metre apart, from one waypoint on.

        Args:
            start: The first.
            length_m: How far.
            plan: Where lanes part, the way nearest to this plan is taken; else the first.
            stop_at_junction: End before the next junction, however short that is.

        Raises:
            DataError: The lane ends before.
        """
        way = [start]
        while len(way) <= length_m:
            following = way[-1].next(1.0)
            if not following:
                raise DataError(f"the lane ends {len(way) - 1} m ahead of {_at(start)}, and {length_m:g} m are needed")
            nearest = following[0] if plan is None else min(following, key=lambda each: _off(plan, each))
            if stop_at_junction and nearest.is_junction:
                break
            way.append(nearest)
        return way

    def behind(self, start: carla.Waypoint, length_m: float, *, stop_at_junction: bool = True) -> list[carla.Waypoint]:
        """Waypoints back along the lane, a metre apart, nearest first; fewer where the lane or its road begins."""
        way = [start]
        while len(way) <= length_m:
            before = way[-1].previous(1.0)
            if not before or (stop_at_junction and before[0].is_junction):
                break
            way.append(before[0])
        return way

    def beside(self, waypoint: carla.Waypoint, side: Side) -> carla.Waypoint | None:
        """The lane beside, of any kind and direction."""
        return waypoint.get_left_lane() if side == "left" else waypoint.get_right_lane()

    def same_way_beside(self, waypoint: carla.Waypoint, side: Side) -> carla.Waypoint | None:
        """The driving lane beside that leads the same way."""
        other = self.beside(waypoint, side)
        return other if other is not None and _drives(other) and other.lane_id * waypoint.lane_id > 0 else None

    def same_way_lanes(self, waypoint: carla.Waypoint) -> list[carla.Waypoint]:
        """A driving lane and all beside it that lead the same way, from the outermost on the right."""
        outermost = waypoint
        while (other := self.same_way_beside(outermost, "right")) is not None:
            outermost = other
        lanes = [outermost]
        while (other := self.same_way_beside(lanes[-1], "left")) is not None:
            lanes.append(other)
        return lanes

    def oncoming_beside(self, waypoint: carla.Waypoint) -> carla.Waypoint | None:
        """The driving lane on the left that leads the other way."""
        other = waypoint.get_left_lane()
        return other if other is not None and _drives(other) and other.lane_id * waypoint.lane_id < 0 else None

    def kerb(self, waypoint: carla.Waypoint, side: Side) -> carla.Waypoint:
        """The sidewalk on a side, or, where there is none, the outermost lane."""
        import carla

        outermost = waypoint
        while outermost.lane_type != carla.LaneType.Sidewalk:
            # Beyond the middle of the road lanes face the other way, and so do their sides.
            faces_back = outermost.lane_id * waypoint.lane_id < 0
            other = self.beside(outermost, _OTHER_SIDE[side] if faces_back else side)
            if other is None or (side == "left" and other.lane_id * waypoint.lane_id < 0 and _drives(other)):
                break
            outermost = other
        return outermost

    def far_kerb(self, waypoint: carla.Waypoint) -> carla.Waypoint:
        """The sidewalk on the far side of the road: beyond the oncoming lanes, or, on a one-way road, on the left."""
        innermost = waypoint
        while (other := innermost.get_left_lane()) is not None and other.lane_id * waypoint.lane_id > 0:
            innermost = other
        while other is not None and not _drives(other):  # a median, which faces back as the lanes beyond it do
            other = other.get_right_lane()
        return self.kerb(innermost, "left") if other is None else self.kerb(other, "right")

    def edge(self, waypoint: carla.Waypoint, side: Side) -> carla.Waypoint:
        """The outermost lane on a side that cars drive or park on."""
        import carla

        outermost = waypoint
        while (other := self.beside(outermost, side)) is not None:
            if other.lane_type not in (carla.LaneType.Driving, carla.LaneType.Parking):
                break
            if other.lane_id * waypoint.lane_id < 0:
                break
            outermost = other
        return outermost

    def way(self, start_m: Location, end_m: Location) -> Path:
        """The lanes that lead from one place to another.

        Raises:
            DataError: None do.
        """
        return Path(plan_points(self.map, [start_m, end_m]).location_m)

    def entries(self, crossing: Crossing, plan: DensePlan) -> list[Entry]:
        """The lanes into a junction but the ego's road's, in a fixed order.

        Directions are those of scenario_runner, ``filter_junction_wp_direction``.
        """
        yaw_deg = float(plan.yaw_deg[max(crossing.enter - 1, 0)])
        found = []
        for number, lane in enumerate(self.graph.lanes):
            if lane.junction == crossing.junction:
                continue
            if any(self.graph.lanes[each].junction == crossing.junction for each in lane.successors):
                coming = comes_from(lane.exit_yaw_deg, yaw_deg)
                if coming != "behind":
                    found.append(Entry(lane=number, yaw_deg=lane.exit_yaw_deg, coming_from=coming))
        return found

    def straight_through(
        self, entry: Entry, crossing: Crossing, *, before_m: float, after_m: float
    ) -> tuple[Path, float]:
        """A way straight through a junction.

        Args:
            entry: The lane it comes by.
            crossing: The junction.
            before_m: How much of it lies before the junction, as far as the road reaches without another junction.
            after_m: How much behind.

        Returns:
            The way, and how far along it the junction begins.

        Raises:
            DataError: Nothing leads straight on.
        """
        lanes = self.graph.lanes
        inside = [each for each in lanes[entry.lane].successors if lanes[each].junction == crossing.junction]
        through = min(inside, key=lambda each: abs(turned_deg(lanes[each].exit_yaw_deg - entry.yaw_deg)))
        if abs(turned_deg(lanes[through].exit_yaw_deg - entry.yaw_deg)) > _STRAIGHT_DEG:
            raise DataError(f"no way leads straight through junction {crossing.junction} from there")
        return self._through(entry.lane, through, before_m=before_m, after_m=after_m)

    def turning_right(self, entry: Entry, crossing: Crossing, *, before_m: float, after_m: float) -> Path:
        """A way that turns right at a junction; as ``straight_through``.

        Raises:
            DataError: Nothing leads to the right.
        """
        lanes = self.graph.lanes
        inside = [each for each in lanes[entry.lane].successors if lanes[each].junction == crossing.junction]
        through = max(inside, key=lambda each: turned_deg(lanes[each].exit_yaw_deg - entry.yaw_deg))
        if turned_deg(lanes[through].exit_yaw_deg - entry.yaw_deg) < _STRAIGHT_DEG:
            raise DataError(f"no way leads to the right at junction {crossing.junction} from there")
        return self._through(entry.lane, through, before_m=before_m, after_m=after_m)[0]

    def crossing_way(
        self, crossing: Crossing, plan: DensePlan, coming_from: From, *, before_m: float, after_m: float
    ) -> Path:
        """A way straight through a junction for somebody who comes from a side.

        Raises:
            DataError: There is none.
        """
        return self.crossing_entry(crossing, plan, coming_from, before_m=before_m, after_m=after_m)[1]

    def crossing_entry(
        self, crossing: Crossing, plan: DensePlan, coming_from: From, *, before_m: float, after_m: float
    ) -> tuple[Entry, Path]:
        """As ``crossing_way``, with the lane that it comes by.

        Raises:
            DataError: There is none.
        """
        for entry in self.entries(crossing, plan):
            if entry.coming_from == coming_from:
                try:
                    return entry, self.straight_through(entry, crossing, before_m=before_m, after_m=after_m)[0]
                except DataError:
                    continue
        raise DataError(f"nobody comes from {coming_from} and goes straight through junction {crossing.junction}")

    def joining_way(self, crossing: Crossing, plan: DensePlan, *, before_m: float, after_m: float) -> Path:
        """A way through a junction that comes out on the ego's lane, from another road, turning as little as possible.

        Raises:
            DataError: There is none.
        """
        lanes = self.graph.lanes
        own = tuple(plan.lane[max(crossing.enter - 1, 0)].tolist())
        out = tuple(plan.lane[crossing.leave].tolist())
        ways = [
            (abs(turned_deg(lanes[each].exit_yaw_deg - lane.exit_yaw_deg)), number, each)
            for number, lane in enumerate(lanes)
            if lane.junction != crossing.junction and lane.key != own
            for each in lane.successors
            if lanes[each].junction == crossing.junction
            and any(lanes[after].key == out for after in lanes[each].successors)
        ]
        if not ways:
            raise DataError(f"no other road leads onto the ego's lane at junction {crossing.junction}")
        _, number, through = min(ways)
        return self._through(number, through, before_m=before_m, after_m=after_m)[0]

    def joining_lane(self, crossing: Crossing, plan: DensePlan, *, before_m: float) -> Location:
        """A place on a road that joins the ego's beside it or on its lane, so far before the junction.

        Raises:
            DataError: None joins.
        """
        x, y, z = plan.location_m[crossing.leave].tolist()
        lanes = self.same_way_lanes(self.waypoint((x, y, z)))
        own = int(plan.lane[max(crossing.enter - 1, 0)][0])
        outs = {(each.road_id, each.section_id, each.lane_id) for each in lanes}
        for number, lane in enumerate(self.graph.lanes):
            for each in lane.successors:
                inside = self.graph.lanes[each]
                if lane.key[0] == own or inside.junction != crossing.junction or lane.junction == crossing.junction:
                    continue
                if abs(turned_deg(lane.exit_yaw_deg - inside.exit_yaw_deg)) > _STRAIGHT_DEG:
                    continue
                if any(self.graph.lanes[after].key in outs for after in inside.successors):
                    return self._through(number, each, before_m=before_m, after_m=5.0)[0].place(0.0).location_m
        raise DataError(f"no slip road joins at junction {crossing.junction}")

    def _through(self, lane: int, through: int, *, before_m: float, after_m: float) -> tuple[Path, float]:
        """A way along a lane, through a junction's lane and on, and how far along it the junction begins."""
        approach, onward = self._back(lane, before_m), self._onward(through, after_m)
        path = Path(np.concatenate([self._points(approach), self._points(onward)]))
        junction_m = Path(self._points([*approach, through])[: sum(map(self._size, approach)) + 1]).length_m
        begin = max(junction_m - before_m, 0.0)
        end = min(junction_m + self._length_m([through]) + after_m, path.length_m)
        return path.part(begin, end), junction_m - begin

    def _back(self, lane: int, length_m: float) -> list[int]:
        chain = [lane]
        while self._length_m(chain) < length_m:
            before = [each for each in self._before.get(chain[0], []) if self.graph.lanes[each].junction == -1]
            before = [each for each in before if each not in chain]
            if not before:
                break
            chain.insert(0, before[0])
        return chain

    def _onward(self, through: int, after_m: float) -> list[int]:
        lanes = self.graph.lanes
        chain = [through]
        while self._length_m(chain[1:]) < after_m:
            following = [each for each in lanes[chain[-1]].successors if each not in chain]
            if not following:
                break
            yaw = lanes[chain[-1]].exit_yaw_deg
            chain.append(min(following, key=lambda each: abs(turned_deg(lanes[each].exit_yaw_deg - yaw))))
        return chain

    def _points(self, chain: Sequence[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        pieces = [self.graph.location_m[self.graph.lanes[each].first : self.graph.lanes[each].end] for each in chain]
        return np.concatenate(pieces)

    def _size(self, lane: int) -> int:
        return self.graph.lanes[lane].end - self.graph.lanes[lane].first

    def _length_m(self, chain: Sequence[int]) -> float:
        return float(sum(_length_m(self.graph, self.graph.lanes[each]) for each in chain))


def crossing_ahead(plan: DensePlan, index: int) -> Crossing:
    """The first junction that the plan enters behind a point.

    Raises:
        DataError: It enters none.
    """
    inside = np.flatnonzero(plan.junction[index:] != -1)
    if not len(inside):
        raise DataError("the route enters no junction behind the trigger")
    enter = index + int(inside[0])
    junction = int(plan.junction[enter])
    leave = enter + len(list(itertools.takewhile(lambda each: each == junction, plan.junction[enter:].tolist())))
    return Crossing(junction=junction, enter=enter, leave=min(leave, len(plan.junction) - 1))


def comes_from(yaw_deg: float, reference_deg: float) -> From:
    """From where somebody comes who heads a way, seen by somebody who heads another."""
    turned = (yaw_deg - reference_deg) % 360.0
    if 225.0 < turned <= 330.0:
        return "right"
    if 135.0 < turned <= 225.0:
        return "opposite"
    return "left" if 30.0 < turned <= 135.0 else "behind"


def _drives(waypoint: carla.Waypoint) -> bool:
    import carla

    return bool(waypoint.lane_type == carla.LaneType.Driving)


def _off(plan: DensePlan, waypoint: carla.Waypoint) -> float:
    location = waypoint.transform.location
    return float(np.min(np.hypot(plan.location_m[:, 0] - location.x, plan.location_m[:, 1] - location.y)))


def _at(waypoint: carla.Waypoint) -> str:
    location = waypoint.transform.location
    return f"({location.x:.1f}, {location.y:.1f})"


def _length_m(graph: LaneGraph, lane: Lane) -> float:
    points = graph.location_m[lane.first : lane.end, :2]
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum()) + 1.0 if len(points) > 1 else 1.0
