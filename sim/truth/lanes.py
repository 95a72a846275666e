"""Lanes near the car."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import transform_points
from drivevla.geometry.carla import points_from_carla, points_to_carla
from drivevla.sim.routes.lanes import Lane, LaneKey, lane_graph
from drivevla.types import LaneTruth

if TYPE_CHECKING:
    import carla

__all__ = ["NearLanes", "lane_name"]

_STEP = 2
"""Every so many points of the graph, about a metre apart, become one of the truth."""
_OTHER_LEVEL_M = 5.0
"""What is so much higher or lower than the car belongs to another road, above or below."""
_ON_LANE = 0.6
"""Up to this share of a lane's width from its middle something counts as on it."""


def lane_name(key: LaneKey) -> str:
    """The name of a lane in a truth: road, section and lane id."""
    return f"{key[0]}.{key[1]}.{key[2]}"


class NearLanes:
    """The lanes of one map, by place.

    Args:
        carla_map: The map; its lanes are sampled once and kept with it.
        reach_m: Lanes that come nearer to the car than this are told.
    """

    def __init__(self, carla_map: carla.Map, *, reach_m: float) -> None:
        self._map, self._graph, self._reach_m = carla_map, lane_graph(carla_map), reach_m
        self._points_m = points_from_carla(self._graph.location_m)
        self._number = {lane.key: number for number, lane in enumerate(self._graph.lanes)}
        self._names = [lane_name(lane.key) for lane in self._graph.lanes]
        self._widths_m: dict[int, float] = {}

    def lanes_at(self, positions_m: NDArray[np.float64]) -> list[str | None]:
        """The lane on which each of some places lies, None for places beside the lanes.

        Where lanes overlap, in a junction, it is the one whose middle is nearest.

        Args:
            positions_m: (N, 3) world frame.
        """
        if not len(positions_m):
            return []
        found = self._graph.tree.query(points_to_carla(positions_m)[:, :2])
        offset_m, point = np.asarray(found[0]), np.asarray(found[1])
        level = np.abs(self._points_m[point, 2] - positions_m[:, 2]) < _OTHER_LEVEL_M
        lanes = self._graph.lane_of[point].tolist()
        return [
            self._names[lane] if same and away <= _ON_LANE * self._width_m(lane) else None
            for lane, away, same in zip(lanes, offset_m.tolist(), level.tolist(), strict=True)
        ]

    def around(self, ego_from_world: NDArray[np.float64], position_m: NDArray[np.float64]) -> tuple[LaneTruth, ...]:
        """The lanes within reach, whole lanes, ego frame.

        Args:
            ego_from_world: (4, 4).
            position_m: (3,) the car, world frame.
        """
        graph = self._graph
        near = np.array(graph.tree.query_ball_point(points_to_carla(position_m)[:2], self._reach_m), dtype=np.int64)
        near = near[np.abs(self._points_m[near, 2] - position_m[2]) < _OTHER_LEVEL_M]
        numbers = np.unique(graph.lane_of[near]).tolist()
        if not numbers:
            return ()
        lanes = [graph.lanes[number] for number in numbers]
        picked = [_picked(graph.lanes, lane) for lane in lanes]
        bounds = np.cumsum([0] + [len(each) for each in picked]).tolist()
        ours = transform_points(ego_from_world, self._points_m[np.concatenate(picked)])[:, :2]
        nearest = self._nearest_points(near, position_m)
        return tuple(
            self._truth(number, ours[begin:end], nearest[number])
            for number, begin, end in zip(numbers, bounds, bounds[1:], strict=False)
        )

    def _nearest_points(self, near: NDArray[np.int64], position_m: NDArray[np.float64]) -> dict[int, int]:
        """The point of each near lane that is nearest to the car: what its marking says there counts."""
        away = np.linalg.norm(self._points_m[near, :2] - position_m[:2], axis=1)
        order = np.argsort(-away, kind="stable")
        return dict(zip(self._graph.lane_of[near[order]].tolist(), near[order].tolist(), strict=True))

    def _truth(self, number: int, centerline_m: NDArray[np.float64], nearest: int) -> LaneTruth:
        graph = self._graph
        lane = graph.lanes[number]
        left, same = (lane.left, True) if lane.left is not None else (self._across(lane), False)
        return LaneTruth(
            lane_id=self._names[number],
            centerline_m=centerline_m,
            width_m=self._width_m(number),
            in_junction=lane.junction >= 0,
            left_id="" if left is None else self._names[left],
            right_id="" if lane.right is None else self._names[lane.right],
            left_same_direction=None if left is None else same,
            may_change_left=bool(graph.may_change_left[nearest]),
            may_change_right=bool(graph.may_change_right[nearest]),
            successors=tuple(self._names[each] for each in lane.successors),
        )

    def _across(self, lane: Lane) -> int | None:
        """The lane of the opposite traffic right beside the innermost lane."""
        road, section, lane_id = lane.key
        return self._number.get((road, section, -lane_id)) if abs(lane_id) == 1 else None

    def _width_m(self, number: int) -> float:
        if number not in self._widths_m:
            lane, graph = self._graph.lanes[number], self._graph
            road, _, lane_id = lane.key
            middle = self._map.get_waypoint_xodr(road, lane_id, float(graph.s_m[(lane.first + lane.end) // 2]))
            self._widths_m[number] = max(float(middle.lane_width), 0.5)
        return self._widths_m[number]


def _picked(lanes: tuple[Lane, ...], lane: Lane) -> NDArray[np.int64]:
    """Points of a lane, with the entry of the lane that it leads into as its last: lanes that meet do so here."""
    points = np.arange(lane.first, lane.end, _STEP)
    last = lanes[lane.successors[0]].first if lane.successors else lane.end - 1
    return points if points[-1] == last else np.append(points, last)
