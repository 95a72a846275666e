"""What the search walks on: from every point of a lane graph, where one may go next and at what cost.

Besides following the lane one may change to the lane beside it where the marking permits it. CARLA's planner jumps to
a point 5 m ahead on the other lane, at the beginning of the section, and counts nothing for it. Here a change takes
``GENTLE_M`` where there is room and ``ABRUPT_M`` (CARLA's) where there is none, and costs a few metres, so that a route
does not weave between lanes of equal length.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.routes.lanes import Lane, LaneGraph
from drivevla.sim.routes.once import once
from drivevla.sim.routes.road_options import RoadOption

__all__ = ["GENTLE_M", "Change", "Network", "chain", "network_of"]

GENTLE_M = 15
ABRUPT_M = 5
_HURRIED_M = 2
"""For several changes in a row just before a junction, where CARLA's planner takes no room at all."""
_COST_M = {GENTLE_M: 10.0, ABRUPT_M: 15.0, _HURRIED_M: 20.0}
_BARRED_COST_M = 60.0
"""For crossing a line that is solid here but broken elsewhere in the section. CARLA's planner asks no more than that it
be broken somewhere, and some official routes have points that are reached in no other way."""
_GENTLE_EVERY_M = 5
"""Gentle changes begin at every fifth point: more would slow the search and change nothing that can be seen."""
_LATE_M, _HURRIED_WITHIN_M = 20, 12
"""Only this close to a lane's end, or to the goal, are the abrupt and the hurried ones looked at."""


class Change(NamedTuple):
    """A lane change from a point.

    Attributes:
        target: The point where it ends.
        cost_m: Its length and what is added for changing at all.
        option: To the left or to the right.
        steps: Points of the first lane that it runs beside.
    """

    target: int
    cost_m: float
    option: RoadOption
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Ways on from every point of a lane graph; plain lists, which Python's search loop reads faster than arrays.

    Attributes:
        x_m: x of every point.
        y_m: y of every point.
        lane_of: The lane of every point.
        along_m: Length from some origin to every point; differences within one lane mean something.
        hop: The next point of the same lane where there is a choice, or its last point; -1 at a lane's last point.
        onward: From a lane's last point: the entries of its successors, and how far they are.
        changes: From a point: the lane changes that are always looked at.
        near_changes: From a point: those looked at only near the goal.
    """

    x_m: list[float]
    y_m: list[float]
    lane_of: list[int]
    along_m: list[float]
    hop: list[int]
    onward: dict[int, list[tuple[int, float]]]
    changes: dict[int, list[Change]]
    near_changes: dict[int, list[Change]]


def chain(graph: LaneGraph, lane: Lane, count: int) -> NDArray[np.int64]:
    """The points of a lane and at least ``count`` more, as far as the way on is unique and outside junctions."""
    parts = [np.arange(lane.first, lane.end)]
    while count > 0 and len(lane.successors) == 1:
        lane = graph.lanes[lane.successors[0]]
        if lane.junction >= 0:
            break
        parts.append(np.arange(lane.first, lane.end))
        count -= lane.end - lane.first
    return np.concatenate(parts)


@once
def network_of(graph: LaneGraph) -> Network:
    """The network of a lane graph; built once."""
    points = graph.location_m
    steps = np.append(np.linalg.norm(np.diff(points, axis=0), axis=1), 0.0)
    onward = {}
    for lane in graph.lanes:
        here = points[lane.end - 1]
        entries = [graph.lanes[each].first for each in lane.successors]
        onward[lane.end - 1] = [(entry, float(np.linalg.norm(points[entry] - here))) for entry in entries]
    changes: dict[int, list[Change]] = {}
    near_changes: dict[int, list[Change]] = {}
    for lane in graph.lanes:
        if lane.junction < 0:
            for point, change in _changes(graph, lane):
                late = change.steps == GENTLE_M or point >= lane.end - _LATE_M
                (changes if late else near_changes).setdefault(point, []).append(change)
    return Network(
        x_m=points[:, 0].tolist(),
        y_m=points[:, 1].tolist(),
        lane_of=graph.lane_of.tolist(),
        along_m=np.concatenate([[0.0], np.cumsum(steps)[:-1]]).tolist(),
        hop=_hops(graph, list(changes)),
        onward=onward,
        changes=changes,
        near_changes=near_changes,
    )


def _hops(graph: LaneGraph, choices: list[int]) -> list[int]:
    last = np.array([lane.end - 1 for lane in graph.lanes])
    stops = np.unique(np.concatenate([last, np.array(choices, dtype=np.int64)]))
    # Every lane's last point is a stop, so that the next stop never lies beyond it.
    hop = np.append(stops, -1)[np.searchsorted(stops, np.arange(len(graph.lane_of)), side="right")]
    hop[last] = -1
    return hop.tolist()


def _changes(graph: LaneGraph, lane: Lane) -> Iterator[tuple[int, Change]]:
    sides = (
        (lane.left, graph.may_change_left, RoadOption.CHANGELANELEFT),
        (lane.right, graph.may_change_right, RoadOption.CHANGELANERIGHT),
    )
    for number, permitted, option in sides:
        if number is None or not permitted[lane.first : lane.end].any():
            continue
        beside = graph.lanes[number]
        ahead = chain(graph, beside, GENTLE_M)
        level = _level(graph, lane, beside)
        free = _free_points(permitted[lane.first : lane.end])
        for start, kind in _starts(lane.end - lane.first):
            # CARLA's planner too shortens a change at the end of a section.
            steps = min(kind, len(ahead) - 1 - level[start]) if kind == ABRUPT_M else kind
            barred = free[start] < steps
            if steps < _HURRIED_M or level[start] + steps >= len(ahead) or (barred and kind != ABRUPT_M):
                continue
            point, end = lane.first + start, int(ahead[level[start] + steps])
            length = math.dist(graph.location_m[end], graph.location_m[point])
            cost = _BARRED_COST_M if barred else _COST_M[kind]
            yield point, Change(end, length + cost, option, steps)


def _starts(count: int) -> Iterator[tuple[int, int]]:
    yield from ((start, GENTLE_M) for start in range(0, count, _GENTLE_EVERY_M))
    yield from ((start, ABRUPT_M) for start in range(count))
    yield from ((start, _HURRIED_M) for start in range(max(count - _HURRIED_WITHIN_M, 0), count))


def _level(graph: LaneGraph, lane: Lane, beside: Lane) -> list[int]:
    """For every point of a lane the one level with it on the lane beside: they share the road's reference line."""
    along = 1.0 if lane.key[2] < 0 else -1.0
    here, there = graph.s_m[lane.first : lane.end] * along, graph.s_m[beside.first : beside.end] * along
    middles = (there[1:] + there[:-1]) / 2
    return np.searchsorted(middles, here).tolist()


def _free_points(permitted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For every point of a lane how many from it on permit the change; no limit where all to the lane's end do.

    Beyond the lane's end the marking is the next section's; what counts is where the change begins.
    """
    barred = np.flatnonzero(~permitted)
    following = np.searchsorted(barred, np.arange(len(permitted)))
    return np.append(barred.astype(np.float64), np.inf)[following] - np.arange(len(permitted))
