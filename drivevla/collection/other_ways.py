"""The ways that a route does not take at its next junction or the one after, each planned and told like a route."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from drivevla.errors import DataError
from drivevla.evaluation.closed_loop.town import Town
from drivevla.geometry import invert_rigid, transform_points
from drivevla.language import Direction, Instruction, goal_of
from drivevla.sim.maps import landmarks
from drivevla.sim.navigator.beside import Sight, sights_along
from drivevla.sim.navigator.decisions import Crossing, Roadbook, read_roadbook
from drivevla.sim.navigator.passages import STRAIGHT_DEG, Exit, Sort, junction_reader
from drivevla.sim.routes import DensePlan
from drivevla.sim.routes.plan import behind_and_ahead, plan_points
from drivevla.sim.routes.route import Location
from drivevla.sim.truth.route import RouteTracker
from drivevla.sim.truth.signals import SignalsOnRoute
from drivevla.types import Truth

__all__ = ["MEMORY_M", "OtherWay", "OtherWays"]

_REACH_M = 120.0
"""As far as ``TruthMaker`` tells the route."""
_WITHIN_M = 60.0
"""A junction that is farther away does not show in the next seconds."""
_LEAST_M = 2.0
_BEHIND_M = 3.0
"""A way parts from the route a little behind the car, so that the car is on it."""
MEMORY_M = 120.0
"""So much of what was driven belongs to a way: what was said there may still be in force."""
_BEYOND_M = 110.0
_LATER_M = 150.0
"""The junction after the next one is spoken of if the road to it is no longer."""
_INTO_EXIT_M = 6
_ROOM_FOR_CHANGE_M = 35.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OtherWay:
    """A way that leaves the route at a junction.

    Attributes:
        book: Its plan and what that meets, what was driven before it included.
        sights: Landmarks along it.
        begin_m: Where on the route the book begins.
        from_m: Where on the route the way ahead begins.
        leaves_m: Where on the route it is left, or must be, for this way.
        tracker: Follows the car along the way ahead.
        signals: Lights and signs as they concern it.
    """

    book: Roadbook
    sights: Sequence[Sight]
    begin_m: float
    from_m: float
    leaves_m: float
    tracker: RouteTracker
    signals: SignalsOnRoute

    def seen(self, truth: Truth, instruction: Instruction) -> Truth:
        """The truth of an instant as it is for somebody who goes this way because of an instruction.

        Distances along the way count like those along the route, so that what an expert remembers of it holds here.
        """
        ego_from_world = invert_rigid(truth.world_from_ego)
        ahead = self.tracker.ahead(truth.world_from_ego[:3, 3])
        route_m = transform_points(ego_from_world, ahead.points_m)[:, :2]
        heading = route_m[1] - route_m[0]
        to_first_m = float(route_m[0] @ heading / max(float(np.linalg.norm(heading)), 1e-6))
        along_m = ahead.distance_m - to_first_m
        return replace(
            truth,
            lights=self.signals.lights(ego_from_world, distance_m=along_m),
            signs=self.signals.signs(ego_from_world, distance_m=along_m),
            route_m=route_m,
            route_commands=ahead.commands,
            route_lane_ids=ahead.lane_ids,
            route_in_junction=ahead.in_junction,
            route_distance_m=ahead.distance_m + self.from_m,
            route_left_m=ahead.left_m,
            instruction=instruction,
            goal=goal_of(instruction),
        )


class OtherWays:
    """Finds the other ways at the junctions of a route; those of a junction once.

    Args:
        town: The map.
        plan: The route.
        actors: ``carla.Actor`` of the world, its lights and signs among them.
    """

    def __init__(self, town: Town, plan: DensePlan, actors: Sequence[Any]) -> None:
        self._map, self._plan, self._actors = town.carla_map, plan, actors
        self._landmarks = landmarks(town.opendrive)
        self._reader = junction_reader(town.carla_map)
        self.book = read_roadbook(town.carla_map, plan)
        self.sights = sights_along(plan, self._landmarks)
        self._found: dict[Crossing, tuple[OtherWay, ...]] = {}

    def at(self, position_m: float) -> tuple[OtherWay, ...]:
        """The other ways at the junction that is next from a place of the route, if it is near."""
        ahead = (each for each in self.book.crossings if each.begin_m > position_m)
        crossing = next(ahead, None)
        if crossing is None or not _LEAST_M < crossing.begin_m - position_m < _WITHIN_M:
            return ()
        if crossing not in self._found:
            self._found[crossing] = tuple(self._ways(crossing, position_m))
        return tuple(way for way in self._found[crossing] if position_m < way.leaves_m - _LEAST_M)

    def is_near_turn(self, position_m: float, *, within_m: float) -> bool:
        """Whether the route turns off, or takes a roundabout, near a place of it."""
        return any(
            each.begin_m - within_m < position_m < each.end_m + within_m
            for each in self.book.crossings
            if each.passage.sort is Sort.ROUNDABOUT or each.passage.taken.direction is not Direction.STRAIGHT
        )

    def _ways(self, crossing: Crossing, position_m: float) -> list[OtherWay]:
        if crossing.passage.sort is not Sort.PLAIN:
            return []
        before = int(self.book.lanes[max(self.book.point_at(crossing.begin_m) - 1, 0)])
        ways = []
        for exit_ in crossing.passage.exits:
            after = self._lane_into(before, exit_)
            if after is None:
                continue
            turns: list[int | None] = [] if exit_.arm == crossing.passage.taken.arm else [None]
            if exit_.direction is Direction.STRAIGHT:
                turns += self._turns_later(after)
            ways += [self._way(crossing, exit_, self._onward(after, turn), position_m) for turn in turns]
        return [way for way in ways if way is not None]

    def _way(self, crossing: Crossing, exit_: Exit, onward: Sequence[Location], position_m: float) -> OtherWay | None:
        begin, here = (self.book.point_at(max(position_m - each, 0.0)) for each in (MEMORY_M, _BEHIND_M))
        x, y, z = self._plan.location_m[here].tolist()
        try:
            ahead = plan_points(self._map, [(x, y, z), *onward])
        except DataError:
            return None
        plan = behind_and_ahead(self._plan, begin, here, ahead)
        book = read_roadbook(self._map, plan)
        begin_m, from_m = self._plan.distance_m[[begin, here]].tolist()
        leaves_m = _leaves_m(book, crossing, exit_, begin_m=begin_m, from_m=from_m)
        if leaves_m is None:
            return None
        tracker = RouteTracker(ahead, reach_m=_REACH_M)
        signals = SignalsOnRoute(
            self._actors,
            points_m=tracker.points_m,
            distance_m=tracker.distance_m,
            in_junction=ahead.junction >= 0,
            reach_m=_REACH_M,
        )
        return OtherWay(
            book=book,
            sights=sights_along(plan, self._landmarks),
            begin_m=begin_m,
            from_m=from_m,
            leaves_m=leaves_m,
            tracker=tracker,
            signals=signals,
        )

    def _lane_into(self, before: int, exit_: Exit) -> int | None:
        """The first lane of an exit, by the lane that the route is on if that leads there, else by one beside it."""
        lanes = self._reader.graph.lanes
        for lane in (before, *self._reader.beside(before)):
            for after in self._reader.ways_out(lane):
                road, _, number = lanes[after].key
                if (road, 1 if number > 0 else -1) == exit_.arm:
                    return after
        return None

    def _turns_later(self, lane: int) -> list[int]:
        """The lanes that turn off at the first junction that is met straight ahead from a lane."""
        lanes, length_m = self._reader.graph.lanes, 0.0
        while length_m < _LATER_M and lanes[lane].successors:
            length_m += float(lanes[lane].end - lanes[lane].first)
            inside = [each for each in lanes[lane].successors if lanes[each].junction >= 0]
            if inside:
                return [each for each in inside if _turn_deg(lanes[each]) > STRAIGHT_DEG]
            lane = self._straight_on(lane)
        return []

    def _straight_on(self, lane: int) -> int:
        lanes = self._reader.graph.lanes
        return min(lanes[lane].successors, key=lambda number: _turn_deg(lanes[number]))

    def _onward(self, lane: int, turn: int | None) -> list[Location]:
        """Key points from the beginning of a lane on, straight ahead where there is a choice but for one turn."""
        graph = self._reader.graph
        points, length_m = [min(graph.lanes[lane].first + _INTO_EXIT_M, graph.lanes[lane].end - 1)], 0.0
        while turn is not None or length_m < _BEYOND_M:
            each = graph.lanes[lane]
            length_m += float(each.end - each.first)
            if each.junction < 0:
                points.append(each.end - 1)
            if not each.successors:
                break
            if turn in each.successors:
                lane, turn, length_m = turn, None, 0.0
            else:
                lane = self._straight_on(lane)
        places = graph.location_m[list(dict.fromkeys(points))].tolist()
        return [(x, y, z) for x, y, z in places]


def _turn_deg(lane: Any) -> float:
    return abs((lane.exit_yaw_deg - lane.entry_yaw_deg + 180.0) % 360.0 - 180.0)


def _leaves_m(book: Roadbook, crossing: Crossing, exit_: Exit, *, begin_m: float, from_m: float) -> float | None:
    """Where on the route a plan has to part from it: at the junction, or where it changes lanes before.

    None where it does not go to the junction and out of it as it should, or lacks the room for its change of lanes.
    """
    first = next((each for each in book.crossings if each.begin_m > from_m - begin_m), None)
    if first is None or first.passage.taken.arm != exit_.arm or abs(first.begin_m + begin_m - crossing.begin_m) > 5.0:
        return None
    moves_m = [move.begin_m for move in book.moves if from_m - begin_m <= move.begin_m < first.begin_m]
    if moves_m and crossing.begin_m - from_m <= _ROOM_FOR_CHANGE_M:
        return None
    return begin_m + min([first.begin_m, *moves_m])
