"""The shortest way over a network through a row of key points.

A key point may lie where lanes overlap, as in junctions: each has several candidates, and the choice among them is
part of the search, so that a point inside a junction does not send the route round the block.
"""

import heapq
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from drivevla.errors import DataError
from drivevla.sim.routes.lanes import LaneGraph
from drivevla.sim.routes.network import Change, Network, network_of
from drivevla.sim.routes.route import Location

__all__ = ["MAX_OFFSET_M", "Step", "find_way"]

MAX_OFFSET_M = 10.0
"""Key points farther from every lane's centre are off the map; official ones lie within 9.35 m."""
_OVERLAP_M = 1.0
"""Lanes this much farther away than the nearest are candidates too."""
_START_ON_ROAD_M = 2.0
"""A route that begins where road and junction meet begins on the road, or it would have no command for the turn."""
_SLACK_M = 15.0
"""How much longer than the shortest way to a key point the way to another candidate of it may be."""
_BEHIND_M = 50.0
"""A key point at most so far behind on the same lane, at the start or after a lane change, counts as reached: CARLA's
planner compares lanes, not places on them, and some official routes have such points. Farther is a drive round the
block."""
_BEHIND_START_M = 5.0
"""The same for the second key point: no route begins by having passed it."""
_BEHIND_COST = 5.0
"""Per metre behind: where lanes overlap, driving to the point on another lane is the better reading."""
_NEAR_M = 40.0
"""So close to a key point every point is looked at; elsewhere only those where there is a choice."""
_LATE = 0.01
"""What a change costs more per metre since the key point before: of equal ways the one that changes early is taken."""


@dataclass(frozen=True, slots=True)
class Step:
    """One point of a way, and the lane change that led to it, if one did."""

    point: int
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class _Reached:
    cost_m: float
    before: int | None  # the candidate of the key point before
    way: tuple[Step, ...]  # from just after that candidate


def find_way(graph: LaneGraph, key_points_m: Sequence[Location]) -> tuple[tuple[Step, ...], tuple[int, ...]]:
    """The shortest way through all key points in their order.

    Args:
        graph: Of the map.
        key_points_m: At least two, CARLA's frame; each within ``MAX_OFFSET_M`` of a lane's centre.

    Returns:
        The points of the way, and for every key point its place among them.

    Raises:
        DataError: A key point is off the map, or no lanes lead from one to the next.
    """
    network = network_of(graph)
    candidates = [_candidates(graph, number, point) for number, point in enumerate(key_points_m)]
    starts = {point: cost + _START_ON_ROAD_M * _in_junction(graph, point) for point, cost in candidates[0].items()}
    stages: list[dict[int, _Reached]] = [{point: _Reached(cost, None, ()) for point, cost in starts.items()}]
    for number, goals in enumerate(candidates[1:], start=1):
        behind_m = _BEHIND_M if number > 1 else _BEHIND_START_M
        reached = _stage(network, stages[-1], goals, key_points_m[number], behind_m=behind_m)
        if not reached:
            start, goal = (tuple(round(value, 1) for value in key_points_m[each]) for each in (number - 1, number))
            raise DataError(f"no lanes lead from point {number - 1} at {start} to point {number} at {goal}")
        stages.append(reached)
    return _trace(stages)


def _trace(stages: Sequence[Mapping[int, _Reached]]) -> tuple[tuple[Step, ...], tuple[int, ...]]:
    here: int | None = min(stages[-1], key=lambda point: stages[-1][point].cost_m)
    legs: list[tuple[Step, ...]] = []
    for stage in reversed(stages):
        assert here is not None  # only the first stage has nothing before it
        reached = stage[here]
        legs.append(reached.way if reached.before is not None else (Step(here),))
        here = reached.before
    legs.reverse()
    places = itertools.accumulate(len(leg) for leg in legs)
    return tuple(itertools.chain.from_iterable(legs)), tuple(place - 1 for place in places)


def _in_junction(graph: LaneGraph, point: int) -> bool:
    return graph.lanes[graph.lane_of[point]].junction >= 0


def _candidates(graph: LaneGraph, number: int, location_m: Location) -> dict[int, float]:
    """The nearest point of every lane that may be meant, and how much worse than the best it fits."""
    nearest_m, _ = graph.tree.query(location_m[:2])
    if not nearest_m <= MAX_OFFSET_M:
        place = tuple(round(value, 1) for value in location_m)
        raise DataError(
            f"point {number} at {place} lies {nearest_m:.1f} m from the nearest driving lane; at most {MAX_OFFSET_M} m "
            "are accepted. Does the route belong to this map?"
        )
    points = np.array(graph.tree.query_ball_point(location_m[:2], nearest_m + _OVERLAP_M))
    # Roads may lie above each other; files often state a height of 0, so that the misfit is a hint, not a rule.
    misfit = np.linalg.norm(graph.location_m[points] - np.asarray(location_m), axis=1)
    best: dict[int, tuple[float, int]] = {}
    for point, distance in zip(points.tolist(), misfit.tolist(), strict=True):
        lane = int(graph.lane_of[point])
        best[lane] = min(best.get(lane, (math.inf, -1)), (distance, point))
    least = min(distance for distance, _ in best.values())
    return {point: distance - least for distance, point in sorted(best.values())}


def _stage(
    network: Network,
    starts: Mapping[int, _Reached],
    goals: Mapping[int, float],
    goal_m: Location,
    *,
    behind_m: float,
) -> dict[int, _Reached]:
    """A* from all candidates of one key point to those of the next."""
    radius = max(math.dist(goal_m[:2], (network.x_m[goal], network.y_m[goal])) for goal in goals)
    goal_of = {network.lane_of[goal]: goal for goal in goals}
    cost = {point: each.cost_m for point, each in starts.items()}
    came: dict[int, tuple[int, Change | None]] = {}
    origin = min(cost.values())

    def ahead_m(point: int) -> float:
        distance = math.hypot(network.x_m[point] - goal_m[0], network.y_m[point] - goal_m[1]) - radius
        return distance if distance > 0 else 0.0

    queue = [(value + ahead_m(point), value, point) for point, value in cost.items()]
    heapq.heapify(queue)
    reached: dict[int, _Reached] = {}
    waiting = set(goals)
    limit = math.inf
    while queue and waiting:
        bound, travelled, point = heapq.heappop(queue)
        if bound > limit:
            break
        if travelled > cost[point]:
            continue
        goal = goal_of.get(network.lane_of[point])
        if goal is not None and (late_m := _late_cost_m(network, point, goal, came, behind_m)) is not None:
            waiting.discard(goal)
            start, way = _way(network, came, point)
            reached[point] = _Reached(travelled + late_m + goals[goal], start, way)
            limit = min(limit, travelled + late_m + _SLACK_M)
        near = goal is not None or bound - travelled < _NEAR_M
        for target, length, change in _onward(network, point, near=near):
            value = travelled + length + (_LATE * (travelled - origin) if change else 0.0)
            if value < cost.get(target, math.inf):
                cost[target] = value
                came[target] = (point, change)
                heapq.heappush(queue, (value + ahead_m(target), value, target))
    return reached


def _late_cost_m(
    network: Network, point: int, goal: int, came: Mapping[int, tuple[int, Change | None]], most_m: float
) -> float | None:
    """What it costs that the goal lies behind a point of its lane, if it counts as reached there."""
    if point == goal:
        return 0.0
    by_following = point in came and came[point][1] is None
    behind_m = network.along_m[point] - network.along_m[goal]
    most_m = _BEHIND_M if point in came else most_m
    return None if by_following or not 0 <= behind_m <= most_m else behind_m * _BEHIND_COST


def _onward(network: Network, point: int, *, near: bool) -> list[tuple[int, float, Change | None]]:
    hop = network.hop[point]
    if hop >= 0:
        target = point + 1 if near else hop
        ways: list[tuple[int, float, Change | None]] = [
            (target, network.along_m[target] - network.along_m[point], None)
        ]
    else:
        ways = [(entry, length, None) for entry, length in network.onward[point]]
    for each in (network.changes, network.near_changes) if near else (network.changes,):
        ways += [(change.target, change.cost_m, change) for change in each.get(point, ())]
    return ways


def _way(network: Network, came: Mapping[int, tuple[int, Change | None]], point: int) -> tuple[int, tuple[Step, ...]]:
    steps = []
    while point in came:
        before, change = came[point]
        steps.append(Step(point, change))
        if change is None and before < point and network.lane_of[before] == network.lane_of[point]:
            # what a hop along the lane left out
            steps.extend(Step(each) for each in range(point - 1, before, -1))
        point = before
    return point, tuple(reversed(steps))
