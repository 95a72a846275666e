"""Which bodies meet each other, and what does not move: every pair is looked at in every step.

Bodies are few, so each is held against each by a circle first; what does not move lies in a grid.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import kernel
from drivevla.sim.server.physics.bodies import PROP, VEHICLE, WALKER, Bodies
from drivevla.sim.server.physics.boxes import Boxes, meet

__all__ = ["Meetings"]

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Pairs = tuple[Index, Index]

_NONE = np.zeros(0, dtype=np.intp)
_CELL_M = 8.0
_MOST_CELLS = 4_000_000


class Meetings:
    """Finds pairs that share space.

    Args:
        obstacles: What does not move.
    """

    def __init__(self, obstacles: Boxes) -> None:
        self._obstacles = obstacles.records
        self._grid = _grid(obstacles)
        self._room = np.empty((2, 64), dtype=np.intp)

    def between(self, bodies: Bodies) -> Pairs:
        """Vehicles with anything, walkers with props; each pair once, in order of creation within a kind."""
        while (count := _meet_each_other(bodies.boxes.records, bodies.kind, self._room)) > self._room.shape[1]:
            self._room = np.empty((2, 2 * count), dtype=np.intp)
        return self._room[0, :count].copy(), self._room[1, :count].copy()

    def against(self, bodies: Bodies) -> Pairs:
        """Vehicles and walkers with what does not move, in order of the bodies, then of the obstacles."""
        while True:
            count = _meet_obstacles(bodies.boxes.records, bodies.kind, self._obstacles, self._grid, self._room)
            if count <= self._room.shape[1]:
                break
            self._room = np.empty((2, 2 * count), dtype=np.intp)
        if not count:
            return _NONE, _NONE
        body, obstacle = self._room[:, :count]
        order = np.lexsort((obstacle, body))
        return body[order], obstacle[order]


@kernel
def _meet_each_other(boxes: Any, kind: NDArray[np.int64], room: Index) -> int:
    """Write the pairs that meet as far as there is room; how many there are."""
    count = 0
    for first in range(len(boxes)):
        for second in range(first + 1, len(boxes)):
            wanted = kind[first] == VEHICLE or (kind[first] == WALKER and kind[second] == PROP)
            if wanted and meet(boxes[first], boxes[second]):
                if count < room.shape[1]:
                    room[0, count], room[1, count] = first, second
                count += 1
    return count


_Grid = tuple[Index, Index, Index, Floats, tuple[int, int], float]
"""Where each cell's members start, the members, the lowest cell (M, 2) of each box, origin, shape, size of a cell."""


def _grid(obstacles: Boxes) -> _Grid:
    """For every cell of a grid the boxes whose upright hull touches it."""
    if not len(obstacles):
        nothing = np.zeros(0, dtype=np.intp)
        return np.zeros(2, dtype=np.intp), nothing, nothing.reshape(0, 2), np.zeros(2), (1, 1), _CELL_M
    cos, sin = np.abs(obstacles.cos), np.abs(obstacles.sin)
    half_x = cos * obstacles.half_m[:, 0] + sin * obstacles.half_m[:, 1]
    half_y = sin * obstacles.half_m[:, 0] + cos * obstacles.half_m[:, 1]
    half, center = np.stack([half_x, half_y], axis=1), obstacles.center_m[:, :2]
    origin = (center - half).min(axis=0)
    span = (center + half).max(axis=0) - origin
    cell_m = max(_CELL_M, float(np.sqrt(span[0] * span[1] / _MOST_CELLS)))
    shape = int(span[0] // cell_m) + 1, int(span[1] // cell_m) + 1
    low, high = (
        np.ascontiguousarray((corner - origin) // cell_m, dtype=np.intp) for corner in (center - half, center + half)
    )
    start = np.zeros(shape[0] * shape[1] + 1, dtype=np.intp)
    members = np.empty(int(((high - low + 1).prod(axis=1)).sum()), dtype=np.intp)
    _fill(low, high, shape[1], start, members)
    return start, members, low, origin, shape, cell_m


@kernel
def _fill(low: Index, high: Index, rows: int, start: Index, members: Index) -> None:
    """Sort the boxes into the cells that they touch; ``start`` comes as zeros."""
    for box in range(len(low)):
        for column in range(low[box, 0], high[box, 0] + 1):
            for row in range(low[box, 1], high[box, 1] + 1):
                start[column * rows + row + 1] += 1
    for cell in range(len(start) - 1):
        start[cell + 1] += start[cell]
    free = start.copy()
    for box in range(len(low)):
        for column in range(low[box, 0], high[box, 0] + 1):
            for row in range(low[box, 1], high[box, 1] + 1):
                members[free[column * rows + row]] = box
                free[column * rows + row] += 1


@kernel
def _meet_obstacles(boxes: Any, kind: NDArray[np.int64], obstacles: Any, grid: _Grid, room: Index) -> int:
    """Write the pairs of a body and an obstacle that meet as far as there is room; how many there are."""
    start, members, low, origin, shape, cell_m = grid
    count = 0
    for body in range(len(boxes)):
        box = boxes[body]
        if kind[body] == PROP:
            continue
        first_column, last_column = _cells(box.center_m[0] - origin[0], box.reach_m, cell_m, shape[0])
        first_row, last_row = _cells(box.center_m[1] - origin[1], box.reach_m, cell_m, shape[1])
        for column in range(first_column, last_column + 1):
            for row in range(first_row, last_row + 1):
                cell = column * shape[1] + row
                for place in range(start[cell], start[cell + 1]):
                    other = members[place]
                    # Of the cells that both touch, the lowest one speaks for the pair.
                    speaks = column == max(first_column, low[other, 0]) and row == max(first_row, low[other, 1])
                    if speaks and meet(box, obstacles[other]):
                        if count < room.shape[1]:
                            room[0, count], room[1, count] = body, other
                        count += 1
    return count


@kernel
def _cells(offset_m: float, reach_m: float, cell_m: float, most: int) -> tuple[int, int]:
    """First and last cell along one axis that reach to both sides touches; first > last where there is none."""
    first, last = np.floor((offset_m - reach_m) / cell_m), np.floor((offset_m + reach_m) / cell_m)
    if not (last >= 0.0 and first < most):
        return 1, 0
    return int(max(first, 0.0)), int(min(last, most - 1.0))
