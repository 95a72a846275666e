"""Left, right or straight: the option of every lane of a way, by the rule of CARLA's global route planner.

A way's lanes outside junctions are ``LANEFOLLOW``. All lanes of one passage through a junction get one option, from the
heading where the passage begins, the heading where it ends, and the other ways out of the lane before it:

* turned by less than 35 degrees: straight;
* further left (right) than every other way goes: left (right), so that at a fork of two right turns the sharper one is
  right and the milder one left;
* otherwise by the sign of the turn.

A way that starts inside a junction follows the lane until its end, as there.

Source: CARLA 0.9.16, ``agents/navigation/global_route_planner.py``, the turn decision. There it is taken afresh between
every two key points, so that a key point inside a junction ends the command; here it is taken on the whole way.
"""

import math
from collections.abc import Sequence

from drivevla.sim.routes.lanes import Lane, LaneGraph
from drivevla.sim.routes.road_options import RoadOption

__all__ = ["junction_options"]

_STRAIGHT_RAD = math.radians(35.0)

Vector = tuple[float, float]


def junction_options(graph: LaneGraph, lanes: Sequence[int]) -> list[RoadOption]:
    """One option per lane of a way, lane changes left out.

    Args:
        graph: Of the map.
        lanes: Indices into ``graph.lanes`` in the order of driving.
    """
    options = [RoadOption.LANEFOLLOW] * len(lanes)
    number = 1
    while number < len(lanes):
        before = graph.lanes[lanes[number - 1]]
        if before.junction >= 0 or graph.lanes[lanes[number]].junction < 0:
            number += 1
            continue
        end = number
        while end < len(lanes) and graph.lanes[lanes[end]].junction >= 0:
            end += 1
        passage = [graph.lanes[each] for each in lanes[number:end]]
        after = graph.lanes[lanes[end]] if end < len(lanes) else None
        options[number:end] = [_decision(graph, before, passage, after)] * (end - number)
        number = end
    return options


def _decision(graph: LaneGraph, before: Lane, passage: Sequence[Lane], after: Lane | None) -> RoadOption:
    coming = _heading(passage[0].entry_yaw_deg)
    leaving = _heading(passage[-1].exit_yaw_deg if after is None else after.entry_yaw_deg)
    others = [
        _cross(coming, _direction(graph.lanes[each].chord_m))
        for each in before.successors
        if graph.lanes[each] is not passage[0]
    ] or [0.0]
    turn = _cross(coming, leaving)  # CARLA's y points right: positive turns right
    if math.acos(max(-1.0, min(1.0, coming[0] * leaving[0] + coming[1] * leaving[1]))) < _STRAIGHT_RAD:
        return RoadOption.STRAIGHT
    if turn < min(others):
        return RoadOption.LEFT
    if turn > max(others):
        return RoadOption.RIGHT
    return RoadOption.LEFT if turn < 0 else RoadOption.RIGHT


def _heading(yaw_deg: float) -> Vector:
    return math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))


def _direction(chord_m: Vector) -> Vector:
    length = math.hypot(*chord_m)
    return (chord_m[0] / length, chord_m[1] / length) if length > 0 else (0.0, 0.0)


def _cross(first: Vector, second: Vector) -> float:
    return first[0] * second[1] - first[1] * second[0]
