"""Filling polygons on a grid, many at once, cell for cell as OpenCV's ``fillPoly`` does it.

The planning protocols judge collisions on rasters that OpenCV drew, so a cell more or less is another number. A filled
polygon is the cells of its outline (lines of eight-connected steps, clipped to the grid) and, row by row, the cells
between its edges. An edge that leaves the grid is bent to where its line was clipped.

Source: what ``cv2.fillPoly`` and ``cv2.line`` of OpenCV 4.11 draw; the tests compare cell by cell where it is there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells", "filled_cells", "line_cells"]

Whole = NDArray[np.int64]

# OpenCV follows edges with 16 binary digits after the point; cell borders depend on it.
_DIGITS = 16
_ONE = 1 << _DIGITS
_NOWHERE = 1 << 60


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of a grid, each with the index of the shape that covers it; a cell may come more than once.

    Attributes:
        shape: (C,) index of the polygon or line.
        row: (C,).
        column: (C,).
    """

    shape: Whole
    row: Whole
    column: Whole

    def joined(self, other: "Cells") -> "Cells":
        """These cells and those."""
        return Cells(
            np.concatenate([self.shape, other.shape]),
            np.concatenate([self.row, other.row]),
            np.concatenate([self.column, other.column]),
        )


def filled_cells(corners: NDArray[np.integer[Any]], *, size: int) -> Cells:
    """The cells that polygons cover, outline included, on a grid of size x size cells.

    Args:
        corners: (P, V, 2) whole column and row of the corners; the last corner joins the first.
        size: Cells a side; what lies outside is not drawn.
    """
    points = np.asarray(corners, dtype=np.int64)
    before = np.roll(points, 1, axis=1)
    start, end = before.reshape(-1, 2), points.reshape(-1, 2)
    clipped_start, clipped_end, visible = _clipped(start, end, size)
    outline = _steps(clipped_start[visible], clipped_end[visible])
    outline = Cells(np.flatnonzero(visible)[outline.shape] // points.shape[1], outline.row, outline.column)
    edges = _Edges.between(start, end, clipped_start, clipped_end, size=size, corners=points.shape[1])
    return outline.joined(_inside(edges, points[..., 1], size))


def line_cells(start: NDArray[np.integer[Any]], end: NDArray[np.integer[Any]], *, size: int) -> Cells:
    """The cells of lines one cell wide.

    Args:
        start: (L, 2) whole column and row.
        end: (L, 2).
        size: Cells a side.
    """
    clipped_start, clipped_end, visible = _clipped(
        np.asarray(start, dtype=np.int64), np.asarray(end, dtype=np.int64), size
    )
    cells = _steps(clipped_start[visible], clipped_end[visible])
    return Cells(np.flatnonzero(visible)[cells.shape], cells.row, cells.column)


def _side(values: Whole, size: int) -> Whole:
    return (values >= size).astype(np.int64) - (values < 0)


def _clipped(start: Whole, end: Whole, size: int) -> tuple[Whole, Whole, NDArray[np.bool_]]:
    """Lines cut at the grid's border; a line that lies outside may come back half cut and is not visible."""
    ends = [start.copy(), end.copy()]
    for axis in (1, 0):  # rows first: rounding depends on the order
        beyond = [_side(point, size) for point in ends]
        apart = ~((beyond[0] == beyond[1]) & (beyond[0] != 0)).any(axis=1)
        for which in (0, 1):
            move = apart & (beyond[which][:, axis] != 0)
            if axis == 0:  # a line that was not moved into the rows is outside and stays as it is
                move &= (beyond[0][:, 1] == 0) & (beyond[1][:, 1] == 0)
            _cut(ends[which], ends[1 - which], move, axis, size)
    visible = (_side(ends[0], size) == 0).all(axis=1) & (_side(ends[1], size) == 0).all(axis=1)
    return ends[0], ends[1], visible


def _cut(point: Whole, other: Whole, move: NDArray[np.bool_], axis: int, size: int) -> None:
    here, there = point[move], other[move]
    border = np.where(here[:, axis] < 0, 0, size - 1)
    share = (border - here[:, axis]).astype(np.float64) * (there - here)[:, 1 - axis] / (there - here)[:, axis]
    here[:, 1 - axis] += np.trunc(share).astype(np.int64)
    here[:, axis] = border
    point[move] = here


def _steps(start: Whole, end: Whole) -> Cells:
    """Eight-connected lines from left to right; half a step across counts only once it is passed."""
    swap = (end[:, 0] < start[:, 0])[:, None]
    left, right = np.where(swap, end, start), np.where(swap, start, end)
    along = np.abs(right - left)
    longest, shortest = along.max(axis=1), along.min(axis=1)
    line, step = _counted(longest + 1)
    length = np.maximum(longest, 1)[line]
    across = -((length - 2 * shortest[line] * step) // (2 * length))
    steep = (along[:, 1] > along[:, 0])[line]
    downwards = np.where(right[:, 1] < left[:, 1], -1, 1)[line]
    row = left[line, 1] + downwards * np.where(steep, step, across)
    column = left[line, 0] + np.where(steep, across, step)
    return Cells(line, row, column)


@dataclass(frozen=True, slots=True)
class _Edges:
    """(P, V) edges from their upper end: first row, row behind the last, column there and change a row, fixed point."""

    first: Whole
    last: Whole
    column: Whole
    slope: Whole

    @classmethod
    def between(
        cls, start: Whole, end: Whole, clipped_start: Whole, clipped_end: Whole, *, size: int, corners: int
    ) -> "_Edges":
        leaves = (_side(start, size) != 0).any(axis=1) | (_side(end, size) != 0).any(axis=1)
        bent_rows = leaves & (clipped_start[:, 1] != clipped_end[:, 1])
        x0 = np.where(leaves, clipped_start[:, 0], start[:, 0]) * _ONE
        x1 = np.where(leaves, clipped_end[:, 0], end[:, 0]) * _ONE
        y0 = np.where(bent_rows, clipped_start[:, 1], start[:, 1])
        y1 = np.where(bent_rows, clipped_end[:, 1], end[:, 1])
        rise = np.where(y1 == y0, 1, y1 - y0)
        slope = np.sign(x1 - x0) * np.sign(rise) * (np.abs(x1 - x0) // np.abs(rise))  # towards zero
        down = start[:, 1] < end[:, 1]
        first, last = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
        column = np.where(down, x0 + (first - y0) * slope, x1 + (first - y1) * slope)
        return cls(*(values.reshape(-1, corners) for values in (first, last, column, slope)))


def _inside(edges: _Edges, corner_rows: Whole, size: int) -> Cells:
    top = np.clip(corner_rows.min(axis=1), 0, size)
    bottom = np.clip(corner_rows.max(axis=1), 0, size)
    polygon, step = _counted(np.maximum(bottom - top, 0))
    row = top[polygon] + step
    crossed = (edges.first[polygon] <= row[:, None]) & (row[:, None] < edges.last[polygon])
    columns = edges.column[polygon] + (row[:, None] - edges.first[polygon]) * edges.slope[polygon]
    columns = np.sort(np.where(crossed, columns, _NOWHERE), axis=1)
    columns = columns[:, : columns.shape[1] // 2 * 2]
    left = np.maximum((columns[:, 0::2] + _ONE - 1) >> _DIGITS, 0)
    right = np.minimum(columns[:, 1::2] >> _DIGITS, size - 1)
    length = np.where(columns[:, 1::2] < _NOWHERE, np.maximum(right - left + 1, 0), 0)
    span, along = _counted(length.ravel())
    line = span // length.shape[1]
    return Cells(polygon[line], row[line], left.ravel()[span] + along)


def _counted(lengths: Whole) -> tuple[Whole, Whole]:
    """Runs of the given lengths: to which run each element belongs, and its place there."""
    run = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.cumsum(lengths) - lengths
    return run, np.arange(len(run)) - starts[run]
