"""Recommended places for vehicles: on driving lanes, away from junctions, like the spawn points of CARLA's towns."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.lane_grid import LaneGrid

__all__ = ["SPAWN_LIFT_M", "find_spawn_points"]

SPAWN_LIFT_M = 0.5
"""How far above the road vehicles are put, so that none starts inside the ground; CARLA's towns use 0.2 to 0.6 m."""

_MOST_POINTS = 265  # Town03's count in CARLA, the largest of the small towns
_CLOSEST_M = 18.0
_FROM_ROAD_END_M = 6.0
_NARROWEST_M = 2.4


def find_spawn_points(grids: Sequence[LaneGrid]) -> tuple[Pose, ...]:
    """Spread spawn points evenly over all driving lanes outside junctions.

    Returns:
        Poses half a metre above the road, looking along the lane's traffic.
    """
    lanes = [
        (grid, k)
        for grid in grids
        if not grid.in_junction
        for k, lane in enumerate(grid.lanes)
        if lane.kind == "driving" and _usable_length_m(grid) > 0 and grid.widths_m(k).min() > _NARROWEST_M
    ]
    total_m = sum(_usable_length_m(grid) for grid, _ in lanes)
    spacing_m = max(_CLOSEST_M, total_m / _MOST_POINTS)
    poses: list[Pose] = []
    # One running distance over all lanes: short lanes get their share without each getting a point.
    carried_m = 0.5 * spacing_m
    for grid, k in lanes:
        length_m = _usable_length_m(grid)
        along_m = np.arange(carried_m, length_m, spacing_m)
        carried_m = (along_m[-1] if len(along_m) else carried_m - spacing_m) + spacing_m - length_m
        poses += _poses(grid, k, grid.s_m[0] + _FROM_ROAD_END_M + along_m)
    return tuple(poses)


def _usable_length_m(grid: LaneGrid) -> float:
    return float(grid.s_m[-1] - grid.s_m[0]) - 2 * _FROM_ROAD_END_M


def _poses(grid: LaneGrid, lane_index: int, s_m: NDArray[np.float64]) -> list[Pose]:
    def center(stations: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(0.5 * (grid.at(stations, lane_index) + grid.at(stations, lane_index + 1)))

    ahead = center(s_m + 0.5) - center(s_m - 0.5)
    if grid.lanes[lane_index].lane_id > 0:
        ahead = -ahead
    yaw = np.degrees(np.arctan2(ahead[:, 1], ahead[:, 0]))
    pitch = np.degrees(np.arctan2(ahead[:, 2], np.hypot(ahead[:, 0], ahead[:, 1])))
    return [
        Pose((float(x), float(y), float(z) + SPAWN_LIFT_M), (float(p), float(w), 0.0))
        for (x, y, z), p, w in zip(center(s_m), pitch, yaw, strict=True)
    ]
