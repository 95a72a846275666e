"""BEV-Planner's grid of 0.1 m and the ego's box on it, which turns with the plan.

Rows run to the left and columns forwards (ego axes: x forward, y left). The box covers 41 x 18 cells around a point
1.49 m ahead, is turned about the grid's middle by the direction of the step, rounded, moved, cut down to whole cells
towards zero, and outside the grid judged on the border's cells.

Source: NVlabs/BEV-Planner 01c28d6: ``planner_head/metric_stp3.py``, ``pipelines/loading.py``.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.nuscenes.objects import box_corners_m
from drivevla.evaluation.open_loop.polygon_fill import filled_cells, line_cells

__all__ = [
    "boundary_cells",
    "box_hits",
    "object_cells",
    "point_hits",
    "step_headings_rad",
]

Grids = NDArray[np.bool_]

_CELL_M = 0.1
_SIZE = 1000
_FIRST_CENTER_M = -49.95
_MIDDLE = (_SIZE - 1) / 2
_MOVES_M = 1.0

_BOX = np.stack(np.meshgrid(np.arange(494, 535), np.arange(491, 509), indexing="ij"), axis=-1).reshape(-1, 2)
"""(738, 2) column (forward) and row (left) of the box's cells at the origin."""


def object_cells(boxes: NDArray[np.float64], drawn: NDArray[np.bool_]) -> Grids:
    """Occupied cells.

    Args:
        boxes: (..., M, 7) in the ego frame.
        drawn: (..., M) which of them count.

    Returns:
        (..., 1000, 1000).
    """
    prefix = drawn.shape[:-1]
    which = np.nonzero(drawn.reshape(-1, drawn.shape[-1]))
    corners = box_corners_m(boxes.reshape(-1, *boxes.shape[-2:])[which])
    cells = filled_cells(_cells(corners), size=_SIZE)
    grids = np.zeros((int(np.prod(prefix)), _SIZE, _SIZE), dtype=np.bool_)
    grids[which[0][cells.shape], cells.row, cells.column] = True
    return grids.reshape(*prefix, _SIZE, _SIZE)


def boundary_cells(polylines: NDArray[np.float64], present: NDArray[np.bool_]) -> Grids:
    """Cells on the road's boundary.

    Args:
        polylines: (N, B, P, 2) in the ego frame.
        present: (N, B) which of them exist.

    Returns:
        (N, 1000, 1000).
    """
    sample, line = np.nonzero(present)
    points = _cells(polylines[sample, line])
    pieces = points.shape[1] - 1
    cells = line_cells(points[:, :-1].reshape(-1, 2), points[:, 1:].reshape(-1, 2), size=_SIZE)
    grids = np.zeros((len(polylines), _SIZE, _SIZE), dtype=np.bool_)
    grids[sample[cells.shape // pieces], cells.row, cells.column] = True
    return grids


def step_headings_rad(places_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direction (N, T) of each step from the place before, the origin first; 0 where it is shorter than 1 m."""
    steps = np.diff(places_m, axis=1, prepend=np.zeros((len(places_m), 1, 2)))
    moves = np.linalg.norm(steps, axis=-1) >= _MOVES_M
    return np.where(moves, np.arctan2(steps[..., 1], steps[..., 0]), 0.0)


def box_hits(places_m: NDArray[np.float64], grids: Grids) -> NDArray[np.bool_]:
    """Whether the turned box touches an occupied cell.

    Args:
        places_m: (N, T, 2) x forward, y left.
        grids: (N, T, 1000, 1000), or (N, 1, 1000, 1000) where all steps share one.

    Returns:
        (N, T).
    """
    heading = step_headings_rad(places_m)
    cos, sin = np.cos(heading)[..., None], np.sin(heading)[..., None]
    forward, left = (_BOX - _MIDDLE).T
    column = np.round(cos * forward - sin * left + _MIDDLE) + places_m[..., 0, None] / _CELL_M
    row = np.round(sin * forward + cos * left + _MIDDLE) + places_m[..., 1, None] / _CELL_M
    sample, step = np.ogrid[: grids.shape[0], : grids.shape[1]]
    return grids[sample[..., None], step[..., None], _within(row), _within(column)].any(axis=-1)


def point_hits(places_m: NDArray[np.float64], grids: Grids) -> NDArray[np.bool_]:
    """Whether the one cell under the reference point is occupied: (N, T). Outside the grid nothing is hit."""
    cells = np.trunc((places_m - _FIRST_CENTER_M) / _CELL_M)
    inside = ((cells >= 0) & (cells < _SIZE)).all(axis=-1)
    whole = _within(cells)
    sample, step = np.ogrid[: grids.shape[0], : grids.shape[1]]
    return grids[sample, step, whole[..., 1], whole[..., 0]] & inside


def _cells(points_m: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.trunc((points_m - _FIRST_CENTER_M) / _CELL_M).astype(np.int64)


def _within(cells: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.trunc(cells), 0, _SIZE - 1).astype(np.int64)
