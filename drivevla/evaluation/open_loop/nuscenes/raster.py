"""The half-metre grid that UniAD, VAD, ST-P3, AD-MLP and OpenDriveVLA share, and the ego's box on it.

Rows run forwards and columns to the right (x right, y forward: nuScenes' LiDAR frame). The ego's box covers 8 x 4 cells
wherever it stands: it is never turned, its place is cut down to whole cells towards zero, and outside the grid it is
judged on the border's cells.

Source: UniAD ``planning_metrics.py`` and ``occflow_label.py`` at dd161b2; OpenCV's fill.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.nuscenes.objects import box_corners_m
from drivevla.evaluation.open_loop.polygon_fill import filled_cells

__all__ = [
    "CELL_M",
    "EGO_COLUMNS",
    "EGO_ROWS",
    "GRID_SIZE",
    "box_hits",
    "count_hits",
    "ego_box_cells",
    "hits_on",
    "occupancy",
    "point_hits",
    "within_grid",
]

CELL_M = 0.5
GRID_SIZE = 200
_REACH_M = 50.0
_FIRST_CENTER_M = -_REACH_M + CELL_M / 2

EGO_ROWS = np.arange(97, 105)
"""Rows that a box of 4.084 m x 1.85 m, half a metre ahead of the reference point, covers when drawn at the origin."""

EGO_COLUMNS = np.arange(98, 102)
"""The columns of the same box."""


def occupancy(boxes: NDArray[np.float64], drawn: NDArray[np.bool_], *, far_to_near: bool = False) -> NDArray[np.bool_]:
    """Occupied cells.

    Args:
        boxes: (..., M, 7) in a frame with x right and y forward.
        drawn: (..., M) which of them count.
        far_to_near: Rows run from 50 m ahead backwards, as VAD rasters them; rounding of halves follows the rows.

    Returns:
        (..., 200, 200) True where occupied.
    """
    prefix = drawn.shape[:-1]
    which = np.nonzero(drawn.reshape(-1, drawn.shape[-1]))
    corners = box_corners_m(boxes.reshape(-1, *boxes.shape[-2:])[which])
    column = (corners[..., 0] + _REACH_M) / CELL_M
    row = (_REACH_M + (-corners[..., 1] if far_to_near else corners[..., 1])) / CELL_M
    whole = np.round(np.stack([column, row], axis=-1)).astype(np.int64)
    cells = filled_cells(whole, size=GRID_SIZE)
    grids = np.zeros((int(np.prod(prefix)), GRID_SIZE, GRID_SIZE), dtype=np.bool_)
    grids[which[0][cells.shape], cells.row, cells.column] = True
    return grids.reshape(*prefix, GRID_SIZE, GRID_SIZE)


def ego_box_cells(places_m: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows (..., 8) and columns (..., 4) under the ego's box at places (..., 2) x right, y forward."""
    rows = within_grid(EGO_ROWS + places_m[..., 1, None] / CELL_M)
    return rows, within_grid(EGO_COLUMNS + places_m[..., 0, None] / CELL_M)


def box_hits(places_m: NDArray[np.float64], grids: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the ego's box touches an occupied cell.

    Args:
        places_m: (N, T, 2) x right, y forward.
        grids: (N, T, 200, 200), rows forwards, columns to the right.

    Returns:
        (N, T).
    """
    rows, columns = ego_box_cells(places_m)
    return hits_on(grids, rows, columns)


def hits_on(grids: NDArray[np.bool_], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether any of the cells rows (N, T, R) x columns (N, T, C) is occupied: (N, T)."""
    sample, step = np.ogrid[: grids.shape[0], : grids.shape[1]]
    return grids[sample[..., None, None], step[..., None, None], rows[..., :, None], columns[..., None, :]].any(
        axis=(-1, -2)
    )


def point_hits(places_m: NDArray[np.float64], grids: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the one cell under the reference point is occupied: (N, T). Outside the grid nothing is hit."""
    cells = np.trunc((places_m - _FIRST_CENTER_M) / CELL_M)
    inside = ((cells >= 0) & (cells < GRID_SIZE)).all(axis=-1)
    whole = within_grid(cells)
    sample, step = np.ogrid[: grids.shape[0], : grids.shape[1]]
    return grids[sample, step, whole[..., 1], whole[..., 0]] & inside


def count_hits(hits: NDArray[np.bool_], driven_box_hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Hits as 0 and 1, without the steps at which the driven box itself touches something."""
    return (hits & ~driven_box_hits).astype(np.float64)


def within_grid(cells: NDArray[Any]) -> NDArray[np.int64]:
    """Fractional cells cut down towards zero; those outside become the border's."""
    return np.clip(np.trunc(cells), 0, GRID_SIZE - 1).astype(np.int64)
