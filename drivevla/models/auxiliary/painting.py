"""Truth seen from above: which cells around the car are lane, vehicle, somebody on foot, or a way through a junction.

C classes, X and Y cells.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from drivevla.models.auxiliary.categories import CYCLIST, VEHICLE, WALKER, object_class
from drivevla.perception.lidar.grid import BevGrid
from drivevla.types import LaneTruth, ObjectTruth

__all__ = ["GRID_CLASSES", "GRID_LAYERS", "SEMANTIC_GRID", "WAY_CLASSES", "paint_lanes", "paint_objects", "paint_ways"]

GRID_CLASSES = ("lane", "vehicle", "walker")
"""A cell may be several at once: a car stands on a lane."""
WAY_CLASSES = ("way_left", "way_straight", "way_right")
"""Ways through a junction for somebody who comes to it as the car does."""
GRID_LAYERS = (*GRID_CLASSES, *WAY_CLASSES)
SEMANTIC_GRID = BevGrid(cell_m=1.0)
_SPACING_M = 0.5
_WAY_WIDTH_M = 2.0
_ALIKE_RAD = math.radians(45)
_TURN_RAD = math.radians(30)


def paint_lanes(lanes: tuple[LaneTruth, ...]) -> NDArray[np.bool_]:
    """(X, Y) cells whose middle lies in a lane."""
    lines = [lane.centerline_m for lane in lanes if len(lane.centerline_m) > 1]
    if not lines:
        return np.zeros(SEMANTIC_GRID.shape, dtype=np.bool_)
    starts, ends = (np.concatenate([line[part] for line in lines]) for part in (slice(None, -1), slice(1, None)))
    halves = np.concatenate(
        [np.full(len(lane.centerline_m) - 1, lane.width_m / 2) for lane in lanes if len(lane.centerline_m) > 1]
    )
    count = np.ceil(np.linalg.norm(ends - starts, axis=1) / _SPACING_M).astype(int) + 1
    which = np.repeat(np.arange(len(count)), count)
    share = (np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)) / count[which]
    points = starts[which] + share[:, None] * (ends - starts)[which]
    distance_m, nearest = cKDTree(points).query(_centres(), distance_upper_bound=float(halves.max()) + 0.01)
    # A cell that is near to no point is told the index after the last.
    half_m = np.append(halves[which], 0.0)[nearest]
    return (distance_m <= half_m).reshape(SEMANTIC_GRID.shape)


def paint_ways(lanes: tuple[LaneTruth, ...]) -> NDArray[np.bool_]:
    """(3, X, Y) cells on the middle two metres of lanes that cross a junction, by where they lead.

    Only lanes that begin in about the car's own direction count: the ways of those who come from elsewhere are no help
    to it.
    """
    kinds: tuple[list[LaneTruth], ...] = ([], [], [])
    for lane in lanes:
        if not lane.in_junction or len(lane.centerline_m) < 2:
            continue
        steps = np.diff(lane.centerline_m, axis=0)
        begins_rad, ends_rad = (math.atan2(*steps[at, ::-1]) for at in (0, -1))
        turn_rad = math.remainder(ends_rad - begins_rad, math.tau)
        if abs(begins_rad) < _ALIKE_RAD:
            kind = 1 if abs(turn_rad) < _TURN_RAD else 0 if turn_rad > 0 else 2
            kinds[kind].append(replace(lane, width_m=_WAY_WIDTH_M))
    return np.stack([paint_lanes(tuple(each)) for each in kinds])


def paint_objects(objects: tuple[ObjectTruth, ...]) -> NDArray[np.bool_]:
    """(2, X, Y) cells with a vehicle (cyclists among them), and cells with somebody on foot.

    What is smaller than a cell still paints the cells whose middle is within half a cell of its own.
    """
    painted = np.zeros((2, *SEMANTIC_GRID.shape), dtype=np.bool_)
    layers = {VEHICLE: 0, CYCLIST: 0, WALKER: 1}
    for each in objects:
        layer = layers.get(object_class(each.category))
        if layer is not None:
            _paint(painted[layer], each)
    return painted


def _paint(cells_XY: NDArray[np.bool_], thing: ObjectTruth) -> None:
    """Set the cells that a thing covers, looking only at those near it."""
    pose, cell_m = thing.ego_from_object, SEMANTIC_GRID.cell_m
    half_length, half_width = np.maximum(thing.size_m[:2], cell_m) / 2
    low = pose[:2, 3] - np.hypot(half_length, half_width)
    high = pose[:2, 3] + np.hypot(half_length, half_width)
    corner = np.array([SEMANTIC_GRID.ahead_m[0], SEMANTIC_GRID.aside_m[0]])
    (x0, y0), (x1, y1) = (
        (np.clip((each - corner) // cell_m, 0, SEMANTIC_GRID.shape)).astype(int) for each in (low, high)
    )
    near = _centres().reshape(*SEMANTIC_GRID.shape, 2)[x0 : x1 + 1, y0 : y1 + 1] - pose[:2, 3]
    yaw = np.arctan2(pose[1, 0], pose[0, 0])
    along = np.abs(near @ np.array([np.cos(yaw), np.sin(yaw)])) <= half_length
    aside = np.abs(near @ np.array([-np.sin(yaw), np.cos(yaw)])) <= half_width
    cells_XY[x0 : x1 + 1, y0 : y1 + 1] |= along & aside


@cache
def _centres() -> NDArray[np.float64]:
    return SEMANTIC_GRID.centres().double().numpy().reshape(-1, 2)
