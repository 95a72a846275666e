"""Truth seen from above: which cells around the car are lane, vehicle or somebody on foot.

C classes, X and Y cells.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from drivevla.geometry import cumulative_length_m, resample_path
from drivevla.models.auxiliary.categories import CYCLIST, VEHICLE, WALKER, object_class
from drivevla.perception.lidar.grid import BevGrid
from drivevla.types import LaneTruth, ObjectTruth

__all__ = ["GRID_CLASSES", "SEMANTIC_GRID", "paint_lanes", "paint_objects"]

GRID_CLASSES = ("lane", "vehicle", "walker")
"""A cell may be several at once: a car stands on a lane."""
SEMANTIC_GRID = BevGrid(cell_m=1.0)
_SPACING_M = 0.5


def paint_lanes(lanes: tuple[LaneTruth, ...]) -> NDArray[np.bool_]:
    """(X, Y) cells whose middle lies in a lane."""
    points, halves = [], []
    for lane in lanes:
        if len(lane.centerline_m) > 1 and cumulative_length_m(lane.centerline_m)[-1] >= _SPACING_M:
            line = resample_path(lane.centerline_m, spacing_m=_SPACING_M)
            points.append(line)
            halves.append(np.full(len(line), lane.width_m / 2))
    if not points:
        return np.zeros(SEMANTIC_GRID.shape, dtype=np.bool_)
    half_m = np.concatenate(halves)
    distance_m, nearest = cKDTree(np.concatenate(points)).query(_centres())
    return (distance_m <= half_m[nearest]).reshape(SEMANTIC_GRID.shape)


def paint_objects(objects: tuple[ObjectTruth, ...]) -> NDArray[np.bool_]:
    """(2, X, Y) cells with a vehicle (cyclists among them), and cells with somebody on foot.

    What is smaller than a cell still paints the cells whose middle is within half a cell of its own.
    """
    painted = np.zeros((2, len(_centres())), dtype=np.bool_)
    layers = {VEHICLE: 0, CYCLIST: 0, WALKER: 1}
    for each in objects:
        layer = layers.get(object_class(each.category))
        if layer is not None:
            painted[layer] |= _covered(each)
    return painted.reshape(2, *SEMANTIC_GRID.shape)


def _covered(thing: ObjectTruth) -> NDArray[np.bool_]:
    pose = thing.ego_from_object
    yaw = np.arctan2(pose[1, 0], pose[0, 0])
    offset = _centres() - pose[:2, 3]
    least_m = SEMANTIC_GRID.cell_m / 2
    along = np.abs(offset @ np.array([np.cos(yaw), np.sin(yaw)])) <= max(thing.size_m[0] / 2, least_m)
    aside = np.abs(offset @ np.array([-np.sin(yaw), np.cos(yaw)])) <= max(thing.size_m[1] / 2, least_m)
    covered: NDArray[np.bool_] = along & aside
    return covered


@cache
def _centres() -> NDArray[np.float64]:
    return SEMANTIC_GRID.centres().double().numpy().reshape(-1, 2)
