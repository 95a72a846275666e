"""What a map's junctions are: controlled by lights, by signs or by nothing, and which lanes are roundabouts."""

import heapq
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from drivevla.sim.routes.lanes import Lane, LaneGraph, lane_graph
from drivevla.sim.routes.once import once

if TYPE_CHECKING:
    import carla

__all__ = ["JunctionControl", "junction_controls", "predecessors", "roundabout_lanes"]

JunctionControl = Literal["lights", "signs", "none"]

_LIGHT, _SIGNS = "1000001", ("206", "205")  # CARLA's numbers: traffic light; stop and yield
_SIGN_REACH_M = 40.0
"""Signals on the road before a junction stand within so much of its end."""
_RING_LENGTH_M = (35.0, 260.0)
_RING_ROUNDNESS = 0.04
"""Standard deviation of the radius over its mean: at most 0.012 on the roundabouts of CARLA's Towns and of generated
ones, at least 0.079 round blocks of houses there."""


@once
def junction_controls(carla_map: "carla.Map") -> Mapping[int, JunctionControl]:
    """What controls each junction with a light or a sign, by its id; lights before signs; all others have nothing."""
    graph = lane_graph(carla_map)
    controls: dict[int, JunctionControl] = {}
    by_road: dict[int, list[Lane]] = {}
    for lane in graph.lanes:
        by_road.setdefault(lane.key[0], []).append(lane)
    kinds: tuple[tuple[str, JunctionControl], ...] = ((_LIGHT, "lights"), *((sign, "signs") for sign in _SIGNS))
    for kind, control in kinds:
        for landmark in carla_map.get_all_landmarks_of_type(kind):
            for lane in by_road.get(landmark.road_id, ()):
                if any(low <= lane.key[2] <= high for low, high in landmark.get_lane_validities()):
                    for junction in _junctions_at(graph, lane, landmark.s):
                        controls.setdefault(junction, control)
    return controls


@once
def roundabout_lanes(graph: LaneGraph) -> frozenset[int]:
    """Lanes of roundabouts: those on a short closed way that is round, and the ways into and out of it.

    Some maps build the ring of many small junctions, others of one; all lanes of a junction that the ring runs through
    belong to it.
    """
    rings: set[int] = set()
    for number in range(len(graph.lanes)):
        if number not in rings:
            loop = _shortest_loop(graph, number)
            if loop and _is_round(graph, loop):
                rings.update(loop)
    junctions = {graph.lanes[number].junction for number in rings} - {-1}
    return frozenset(rings | {number for number, lane in enumerate(graph.lanes) if lane.junction in junctions})


def _junctions_at(graph: LaneGraph, lane: Lane, s_m: float) -> Iterator[int]:
    if lane.junction >= 0:
        yield lane.junction
        return
    end_s_m = float(graph.s_m[lane.end - 1])
    if abs(end_s_m - s_m) <= _SIGN_REACH_M:
        for each in lane.successors:
            if graph.lanes[each].junction >= 0:
                yield graph.lanes[each].junction


@once
def predecessors(graph: LaneGraph) -> list[list[int]]:
    """For every lane, those that lead into it."""
    before: list[list[int]] = [[] for _ in graph.lanes]
    for number, lane in enumerate(graph.lanes):
        for each in lane.successors:
            before[each].append(number)
    return before


def _shortest_loop(graph: LaneGraph, start: int) -> list[int]:
    """The shortest way from a lane back into it, if it is short enough for a roundabout."""
    best = {start: 0.0}
    came: dict[int, int] = {}
    queue = [(0.0, start)]
    while queue:
        length, number = heapq.heappop(queue)
        length += graph.lanes[number].end - graph.lanes[number].first  # points are about a metre apart
        if length > _RING_LENGTH_M[1]:
            break
        for each in graph.lanes[number].successors:
            if each == start:
                loop = [number]
                while loop[-1] != start:
                    loop.append(came[loop[-1]])
                return loop if length >= _RING_LENGTH_M[0] else []
            if length < best.get(each, math.inf):
                best[each] = length
                came[each] = number
                heapq.heappush(queue, (length, each))
    return []


def _is_round(graph: LaneGraph, loop: list[int]) -> bool:
    points = np.concatenate([graph.location_m[graph.lanes[each].first : graph.lanes[each].end, :2] for each in loop])
    radius = np.linalg.norm(points - points.mean(axis=0), axis=1)
    return bool(radius.std() / radius.mean() < _RING_ROUNDNESS)
