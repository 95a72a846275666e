"""The dense plan: a route as points about one metre apart, with what to do at each."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.geometry import cumulative_length_m
from drivevla.sim.routes.lanes import LaneGraph, lane_graph
from drivevla.sim.routes.network import GENTLE_M, Change, chain
from drivevla.sim.routes.road_options import RoadOption
from drivevla.sim.routes.route import Location, Route
from drivevla.sim.routes.search import Step, find_way
from drivevla.sim.routes.turns import junction_options

if TYPE_CHECKING:
    import carla

__all__ = ["DensePlan", "behind_and_ahead", "plan_points", "plan_route"]

_LONGEST_GAP_M = 1.5
"""Where lanes of a map do not quite meet, points are put between them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DensePlan:
    """Where a route leads, point by point, in CARLA's frame (left-handed: x forward, y right, z up).

    Attributes:
        location_m: (N, 3) x, y, z; neighbours are at most 1.5 m apart.
        yaw_deg: (N,) heading, clockwise, -180 to 180: the lane's, or the way's during a lane change.
        option: (N,) ``RoadOption`` numbers.
        lane: (N, 3) road, section and lane id; a lane change belongs to the first lane up to its middle.
        junction: (N,) the junction's id, or -1 outside junctions.
        distance_m: (N,) along the plan from its first point, in three dimensions.
        key: (M,) for every key point of the route, the point of the plan that it led through.
    """

    location_m: NDArray[np.float64]
    yaw_deg: NDArray[np.float64]
    option: NDArray[np.int8]
    lane: NDArray[np.int32]
    junction: NDArray[np.int32]
    distance_m: NDArray[np.float64]
    key: NDArray[np.int64]

    @property
    def length_m(self) -> float:
        """From the first point to the last."""
        return float(self.distance_m[-1])

    def options(self) -> tuple[RoadOption, ...]:
        """The option of every point."""
        return tuple(RoadOption(each) for each in self.option.tolist())


def behind_and_ahead(behind: DensePlan, begin: int, end: int, ahead: DensePlan) -> DensePlan:
    """Points of one plan, and from there on another plan.

    Args:
        behind: The plan that was followed.
        begin: Its first point that is wanted.
        end: One past its last; ``ahead`` begins there.
        ahead: The plan that is followed from now on.
    """
    location_m = np.concatenate([behind.location_m[begin:end], ahead.location_m])
    steps_m = np.linalg.norm(np.diff(location_m, axis=0), axis=1)
    keys = behind.key[(behind.key >= begin) & (behind.key < end)] - begin
    return DensePlan(
        location_m=location_m,
        yaw_deg=np.concatenate([behind.yaw_deg[begin:end], ahead.yaw_deg]),
        option=np.concatenate([behind.option[begin:end], ahead.option]),
        lane=np.concatenate([behind.lane[begin:end], ahead.lane]),
        junction=np.concatenate([behind.junction[begin:end], ahead.junction]),
        distance_m=np.concatenate([[0.0], np.cumsum(steps_m)]),
        key=np.concatenate([keys, ahead.key + end - begin]),
    )


def plan_route(carla_map: "carla.Map", route: Route) -> DensePlan:
    """Plan a route over its map.

    Raises:
        DataError: A key point is off the map, or no lanes lead from one to the next; the message names the route.
    """
    try:
        return plan_points(carla_map, route.key_points_m)
    except DataError as error:
        raise DataError(f"route {route.id} ({route.origin or route.format}) on {carla_map.name}: {error}") from error


def plan_points(carla_map: "carla.Map", key_points_m: Sequence[Location]) -> DensePlan:
    """Plan the shortest way along the lanes through all key points, in their order.

    The behaviour is that of CARLA's global route planner at 1 m, as the leaderboard joins key points with it, but for
    these points, each better for whoever has to drive the plan: a lane change is a line of points along the road
    instead of a jump, takes 15 m where there is room, and crosses a solid line only where the way round is far; a key
    point where lanes overlap takes whichever lane the rest of the route continues on; and the command of a junction
    does not end at a key point inside it.

    Args:
        carla_map: ``carla.Map``; its lanes are sampled at the first call and kept with it.
        key_points_m: At least two, CARLA's frame.

    Raises:
        DataError: A key point is off the map (more than 10 m from every driving lane), no lanes lead from one to the
            next, or all key points lie at or behind the first.
    """
    if len(key_points_m) < 2:
        raise DataError(f"a plan needs at least two points, got {len(key_points_m)}")
    if not np.isfinite(np.asarray(key_points_m, dtype=np.float64)).all():
        raise DataError(f"the points of a plan must be finite, got {list(key_points_m)}")
    graph = lane_graph(carla_map)
    way, keys = find_way(graph, key_points_m)
    if len(way) < 2:
        raise DataError(f"the route has no length: all its points lie at or just behind its start {key_points_m[0]}")
    pieces = list(_pieces(graph, way, _options(graph, way)))
    location = np.concatenate([piece.location_m for piece in pieces])
    steps = np.linalg.norm(np.diff(location, axis=0), axis=1)
    offset = np.cumsum([0] + [len(piece.location_m) for piece in pieces])
    end_of = np.concatenate([begin + piece.end_of for begin, piece in zip(offset, pieces, strict=False)])
    return DensePlan(
        location_m=location,
        yaw_deg=np.concatenate([piece.yaw_deg for piece in pieces]),
        option=np.concatenate([piece.option for piece in pieces]),
        lane=np.concatenate([piece.lane for piece in pieces]),
        junction=np.concatenate([piece.junction for piece in pieces]),
        distance_m=np.concatenate([[0.0], np.cumsum(steps)]),
        key=end_of[list(keys)],
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """The points that some steps of the way add; ``end_of`` is the last point of each step."""

    location_m: NDArray[np.float64]
    yaw_deg: NDArray[np.float64]
    lane: NDArray[np.int32]
    junction: NDArray[np.int32]
    option: NDArray[np.int8]
    end_of: NDArray[np.int64]


def _options(graph: LaneGraph, way: Sequence[Step]) -> list[RoadOption]:
    """The option of every step: the lane change's, or that of the lane it is on.

    A lane that leads into itself, on a ring, begins anew where the points start over.
    """
    lanes = [int(graph.lane_of[step.point]) for step in way]
    begins = [0] + [
        number
        for number, step in enumerate(way)
        if number > 0 and (lanes[number] != lanes[number - 1] or step.point <= way[number - 1].point)
    ]
    of_lane = junction_options(graph, [lanes[number] for number in begins])
    options = np.repeat(of_lane, np.diff([*begins, len(way)])).tolist()
    return [
        RoadOption(option) if step.change is None else step.change.option
        for option, step in zip(options, way, strict=True)
    ]


def _pieces(graph: LaneGraph, way: Sequence[Step], options: Sequence[RoadOption]) -> Iterator[_Piece]:
    """The way in pieces: each lane change, and what is followed between them."""
    begin = 0
    changed = [number for number, step in enumerate(way) if step.change is not None]
    for number in [*changed, len(way)]:
        if number > begin:
            start = way[begin - 1].point if begin > 0 else None
            yield _along(graph, start, [step.point for step in way[begin:number]], options[begin:number])
        if number < len(way):
            change = way[number].change
            assert change is not None  # it is one of those
            yield _across(graph, way[number - 1].point, change)
        begin = number + 1


def _along(graph: LaneGraph, start: int | None, points: Sequence[int], options: Sequence[RoadOption]) -> _Piece:
    on = np.array(points)
    location = graph.location_m[on]
    before = np.concatenate([location[:1] if start is None else graph.location_m[[start]], location[:-1]])
    parts = (np.linalg.norm(location - before, axis=1) / _LONGEST_GAP_M).astype(np.int64) + 1
    index = np.repeat(np.arange(len(on)), parts)
    end_of = np.cumsum(parts) - 1
    share = 1.0 - (end_of[index] - np.arange(len(index))) / parts[index]
    location = before[index] + share[:, None] * (location - before)[index]
    option = np.array(options, dtype=np.int8)[index]
    return _piece(graph, location, graph.yaw_deg[on][index], graph.lane_of[on][index], option, end_of)


def _across(graph: LaneGraph, point: int, change: Change) -> _Piece:
    """From one lane to the other along the road, slow at both ends, in even steps of at most a metre."""
    lane = graph.lanes[graph.lane_of[point]]
    number = lane.left if change.option is RoadOption.CHANGELANELEFT else lane.right
    assert number is not None  # there is a change to it
    ahead = chain(graph, graph.lanes[number], GENTLE_M)
    last = int(np.flatnonzero(ahead == change.target)[0])
    beside = ahead[last - change.steps : last + 1]
    # The offset from the new lane, turned with it round bends, fades from whole to none.
    offset = graph.location_m[point] - graph.location_m[beside[0]]
    turned = np.radians(graph.yaw_deg[beside] - graph.yaw_deg[beside[0]])
    cos, sin = np.cos(turned), np.sin(turned)
    offsets = np.stack(
        [offset[0] * cos - offset[1] * sin, offset[0] * sin + offset[1] * cos, np.full(len(beside), offset[2])], axis=-1
    )
    share = np.linspace(0.0, 1.0, len(beside))
    fading = 1.0 - share**2 * (3.0 - 2.0 * share)
    line = graph.location_m[beside] + fading[:, None] * offsets
    length = cumulative_length_m(line)
    even = np.linspace(0.0, length[-1], math.ceil(length[-1]) + 1)
    location = np.stack([np.interp(even, length, column) for column in line.T], axis=-1)
    towards = np.gradient(location, axis=0)
    yaw = np.degrees(np.arctan2(towards[:, 1], towards[:, 0]))
    on = np.where(even < length[-1] / 2, graph.lane_of[point], graph.lane_of[change.target])
    option = np.full(len(even) - 1, change.option, dtype=np.int8)
    return _piece(graph, location[1:], yaw[1:], on[1:], option, np.array([len(even) - 2]))


def _piece(
    graph: LaneGraph,
    location_m: NDArray[np.float64],
    yaw_deg: NDArray[np.float64],
    on: NDArray[np.int32],
    option: NDArray[np.int8],
    end_of: NDArray[np.int64],
) -> _Piece:
    return _Piece(
        location_m=location_m,
        yaw_deg=yaw_deg,
        lane=graph.key_of[on],
        junction=graph.junction_of[on],
        option=option,
        end_of=end_of,
    )
