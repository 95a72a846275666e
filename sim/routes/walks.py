"""Random ways over a lane graph that contain a wanted piece: what the route generator proposes."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.routes.junctions import JunctionControl, predecessors, roundabout_lanes
from drivevla.sim.routes.lanes import LaneGraph
from drivevla.sim.routes.manoeuvres import Manoeuvre, joins_from_ramp, turn_manoeuvre
from drivevla.sim.routes.route import Location
from drivevla.sim.routes.turns import junction_options

__all__ = ["Core", "cores_of", "propose"]

_CHANGE_ROOM = 40
"""Points of each lane that a lane change of a generated route is given at least."""
_JUMP_M = 2.0
_CLEAR = 2
"""Points between an end of a way and the nearest junction."""
_FEW = 10
"""A stretch between junctions gets a key point in its middle if it has at least so many points; a way needs as many."""


@dataclass(frozen=True, slots=True)
class Core:
    """The piece of a way that makes it what is wanted.

    Attributes:
        lanes: In the order of driving.
        changes: Whether the last of them lies beside the one before it, instead of ahead.
    """

    lanes: tuple[int, ...]
    changes: bool = False


def cores_of(graph: LaneGraph, controls: Mapping[int, JunctionControl]) -> dict[Manoeuvre, list[Core]]:
    """Every place of a map where each manoeuvre can be driven."""
    cores: dict[Manoeuvre, list[Core]] = {}
    rings, before = roundabout_lanes(graph), predecessors(graph)
    for number, lane in enumerate(graph.lanes):
        if lane.junction >= 0 or number in rings:
            continue
        for passage in _passages(graph, (number,)):
            cores.setdefault(_name(graph, passage, rings, before, controls), []).append(Core(passage))
        cores.setdefault("follow", []).append(Core((number,)))
        if lane.end - lane.first < 2 * _CHANGE_ROOM:
            continue
        if lane.left is not None and graph.may_change_left[lane.first : lane.end].all():
            cores.setdefault("lane_change_left", []).append(Core((number, lane.left), changes=True))
        if lane.right is not None and graph.may_change_right[lane.first : lane.end].all():
            cores.setdefault("lane_change_right", []).append(Core((number, lane.right), changes=True))
    return cores


def propose(
    graph: LaneGraph, core: Core, *, length_m: float, least_m: float, stay: bool, rng: np.random.Generator
) -> tuple[Location, ...]:
    """Key points of a random way through a core, of about a wanted length.

    Args:
        graph: Of the map.
        core: What the way contains.
        length_m: Wanted length.
        least_m: What it must have, give or take a fifth, to be worth planning.
        stay: Whether the way keeps out of junctions besides the core's.
        rng: Decides the way before and after the core, and where on the way the core lies.

    Returns:
        No point where the way comes out too short, or nearly all of it lies in junctions.
    """
    share = float(rng.uniform(0.3, 0.7))
    joining = predecessors(graph)

    def before(lane: int) -> list[int]:
        return [each for each in joining[lane] if lane in _successors(graph, each)]

    back = _extend(graph, core.lanes[0], length_m * share, before, stay=stay, rng=rng)
    ahead = _extend(
        graph, core.lanes[-1], length_m * (1 - share), lambda lane: _successors(graph, lane), stay=stay, rng=rng
    )
    behind = _points(graph, back[::-1])
    middle, at = _core_points(graph, core, rng)
    points = np.concatenate([behind, middle, _points(graph, ahead)])
    at += len(behind)
    # Points are about a metre apart.
    begin, end = max(at - int(length_m * share), 0), min(at + int(length_m * (1 - share)), len(points))
    if end - begin < 0.8 * least_m:
        return ()
    return _key_points(graph, points[begin:end], at - begin if core.changes else None)


def _passages(graph: LaneGraph, way: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Ways from the last lane of ``way`` through a junction to the first lane after it."""
    for each in _successors(graph, way[-1]):
        if graph.lanes[each].junction >= 0 and each not in way:
            yield from _passages(graph, (*way, each))
        elif graph.lanes[each].junction < 0 and len(way) > 1:
            yield (*way, each)


def _successors(graph: LaneGraph, lane: int) -> list[int]:
    """Where a lane goes on without a jump: some maps link lanes that do not meet."""
    end = graph.location_m[graph.lanes[lane].end - 1]
    entries = [(each, graph.location_m[graph.lanes[each].first]) for each in graph.lanes[lane].successors]
    return [each for each, entry in entries if np.linalg.norm(entry - end) <= _JUMP_M]


def _name(
    graph: LaneGraph,
    passage: Sequence[int],
    rings: frozenset[int],
    before: Sequence[Sequence[int]],
    controls: Mapping[int, JunctionControl],
) -> Manoeuvre:
    if not rings.isdisjoint(passage):
        return "roundabout"
    if joins_from_ramp(graph, before, passage[0], passage[-2], passage[-1]):
        return "merge"
    return turn_manoeuvre(junction_options(graph, passage)[1], controls.get(graph.lanes[passage[1]].junction, "none"))


def _extend(
    graph: LaneGraph,
    lane: int,
    length_m: float,
    onward: Callable[[int], Sequence[int]],
    *,
    stay: bool,
    rng: np.random.Generator,
) -> list[int]:
    way = [lane]
    while length_m > 0:
        choices = [each for each in onward(way[-1]) if each not in way]
        if stay:
            choices = [each for each in choices if graph.lanes[each].junction < 0]
        if not choices:
            break
        way.append(choices[int(rng.integers(len(choices)))])
        length_m -= graph.lanes[way[-1]].end - graph.lanes[way[-1]].first
    return way[1:]


def _points(graph: LaneGraph, lanes: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate(
        [np.zeros(0, np.int64), *(np.arange(graph.lanes[each].first, graph.lanes[each].end) for each in lanes)]
    )


def _core_points(graph: LaneGraph, core: Core, rng: np.random.Generator) -> tuple[NDArray[np.int64], int]:
    """The core's points and the place among them where it happens."""
    if not core.changes:
        points = _points(graph, core.lanes)
        if len(core.lanes) == 1:
            return points, int(rng.integers(len(points)))
        return points, len(_points(graph, core.lanes[:1]))  # where the junction begins
    first, second = (_points(graph, [each]) for each in core.lanes)
    at = int(rng.integers(_CHANGE_ROOM, min(len(first), len(second)) - _CHANGE_ROOM + 1))
    return np.concatenate([first[:at], second[at:]]), at


def _key_points(graph: LaneGraph, points: NDArray[np.int64], change: int | None) -> tuple[Location, ...]:
    """Both ends, outside junctions, the middle of every stretch between junctions, and both sides of a lane change."""
    outside = graph.junction_of[graph.lane_of[points]] < 0
    clear = outside.copy()
    for away in range(1, _CLEAR + 1):
        clear[away:] &= outside[:-away]
        clear[:-away] &= outside[away:]
    kept = np.flatnonzero(clear)
    if len(kept) < _FEW:
        return ()
    first, last = int(kept[0]), int(kept[-1])
    places = {first, last}
    borders = [first, *(np.flatnonzero(np.diff(outside[first : last + 1])) + first + 1).tolist(), last + 1]
    for begin, end in itertools.pairwise(borders):
        if outside[begin] and end - begin >= _FEW and not (change is not None and begin <= change < end):
            places.add((begin + end) // 2)
    if change is not None:
        places |= {change - _CHANGE_ROOM // 2, min(change + _CHANGE_ROOM // 2, last)} & set(range(first, last + 1))
    located = graph.location_m[points[sorted(places)]]
    return tuple((round(x, 2), round(y, 2), round(z, 2)) for x, y, z in located.tolist())
