"""How high the ground is: road, sidewalk, terrain, with bridges told apart by the height asked from."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.sim.server.numba_import import kernel

__all__ = ["LAND_HANDICAP_M", "GroundSurface"]

LAND_HANDICAP_M = 1.0
"""Land lies up to about this much below what is built on it."""

_CELL_M = 2.0
_MOST_CELLS = 4_000_000
_PAIRS_AT_ONCE = 2_000_000
_EDGE_SLACK_M = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundSurface:
    """Triangles one can stand on, in a uniform grid seen from above.

    Attributes:
        vertices_m: (V, 3) float32.
        triangles: (T, 3) uint32, none vertical.
        is_land: (T,) which triangles are terrain.
    """

    vertices_m: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    is_land: NDArray[np.bool_]
    _planes: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _edges: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _cell_start: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    _cell_triangles: NDArray[np.int32] = field(init=False, repr=False, compare=False)
    _origin_m: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _shape: tuple[int, int] = field(init=False, repr=False, compare=False)
    _cell_m: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the triangles.

        Raises:
            ContractError: The arrays do not have the shapes above, or are empty.
        """
        agree = self.triangles.shape == (len(self.is_land), 3) and self.vertices_m.shape[1:] == (3,)
        if not agree or not len(self.triangles):
            raise ContractError(
                "ground needs (V, 3) vertices and at least one of (T, 3) triangles, "
                f"got {self.vertices_m.shape} and {self.triangles.shape} with {len(self.is_land)} flags"
            )
        corners = self.vertices_m.astype(np.float64)[self.triangles]
        planes, edges = _planes_and_edges(corners)
        low, high = corners[..., :2].min(axis=1), corners[..., :2].max(axis=1)
        origin = low.min(axis=0) - 1e-3
        span = high.max(axis=0) - origin
        cell_m = max(_CELL_M, float(np.sqrt(span[0] * span[1] / _MOST_CELLS)))
        shape = tuple(int(n) for n in span // cell_m + 1)
        cells = [((corner - origin) // cell_m).astype(np.int64) for corner in (low, high)]
        start, members = _bucket(cells[0], cells[1], shape, edges, origin, cell_m)
        for name, value in (
            ("_planes", planes),
            ("_edges", edges),
            ("_origin_m", origin),
            ("_shape", shape),
            ("_cell_m", cell_m),
            ("_cell_start", start),
            ("_cell_triangles", members),
        ):
            object.__setattr__(self, name, value)

    def query(self, xy_m: ArrayLike, z_near_m: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The surface to stand on at each point, for something whose foot is at about ``z_near_m``.

        That is the surface nearest in height, where bare land counts as ``LAND_HANDICAP_M`` farther away: it runs on
        below roads and sidewalks.

        Args:
            xy_m: (N, 2) points.
            z_near_m: (N,) heights to look from; this is what tells a bridge from the road below it.

        Returns:
            Heights (N,) and unit normals (N, 3); NaN where there is no ground.
        """
        xy = np.ascontiguousarray(xy_m, dtype=np.float64).reshape(-1, 2)
        z_near = np.ascontiguousarray(z_near_m, dtype=np.float64)
        if z_near.shape != (len(xy),):
            z_near = np.ascontiguousarray(np.broadcast_to(z_near, (len(xy),)))
        z, normal = np.empty(len(xy)), np.empty((len(xy), 3))
        _stand(
            (self._planes, self._edges, self.is_land),
            (self._cell_start, self._cell_triangles, self._origin_m, self._shape, self._cell_m),
            xy,
            z_near,
            z,
            normal,
        )
        return z, normal


_Triangles = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]
_Grid = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64], tuple[int, int], float]


@kernel
def _stand(
    of: _Triangles,
    grid: _Grid,
    xy_m: NDArray[np.float64],
    z_near_m: NDArray[np.float64],
    z_m: NDArray[np.float64],
    normal: NDArray[np.float64],
) -> None:
    """Write height and normal of the triangle to stand on at each point."""
    planes = of[0]
    for point in range(len(xy_m)):
        x, y = xy_m[point, 0], xy_m[point, 1]
        triangle = _triangle_below(of, grid, x, y, z_near_m[point])
        if triangle < 0:
            z_m[point] = normal[point, 0] = normal[point, 1] = normal[point, 2] = np.nan
            continue
        slope_x, slope_y = planes[triangle, 0], planes[triangle, 1]
        z_m[point] = slope_x * x + slope_y * y + planes[triangle, 2]
        up = 1.0 / np.sqrt(1.0 + slope_x * slope_x + slope_y * slope_y)
        normal[point, 0], normal[point, 1], normal[point, 2] = -slope_x * up, -slope_y * up, up


@kernel
def _triangle_below(of: _Triangles, grid: _Grid, x: float, y: float, z_near: float) -> int:
    """The triangle to stand on, -1 for none; of equally near ones the first in the cell."""
    planes, edges, is_land = of
    start, members, origin, shape, cell_m = grid
    column, row = (x - origin[0]) / cell_m, (y - origin[1]) / cell_m
    if not (0.0 <= column < shape[0] and 0.0 <= row < shape[1]):  # false for what is no number, too
        return -1
    cell = int(column) * shape[1] + int(row)
    chosen, nearest = -1, np.inf
    for place in range(start[cell], start[cell + 1]):
        triangle = members[place]
        inside = True
        for k in range(3):
            offset = edges[triangle, 6 + k] + edges[triangle, k] * x + edges[triangle, 3 + k] * y
            if not offset >= -_EDGE_SLACK_M:
                inside = False
                break
        if inside:
            height = planes[triangle, 0] * x + planes[triangle, 1] * y + planes[triangle, 2]
            away = abs(height - z_near) + (LAND_HANDICAP_M if is_land[triangle] else 0.0)
            if away < nearest or chosen < 0:
                chosen, nearest = triangle, away
    return chosen


def _planes_and_edges(corners_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(T, 3) planes z = a x + b y + c, and (T, 9) distances to the edges, inside positive: 3 x, 3 y, 3 constants."""
    a, b, c = corners_m[:, 0], corners_m[:, 1], corners_m[:, 2]
    normal = np.cross(b - a, c - a)
    up = normal[:, 2]
    if np.any(up == 0):
        raise ContractError(f"{int((up == 0).sum())} ground triangles are vertical or have no area seen from above")
    slope = -normal[:, :2] / up[:, None]
    planes = np.column_stack([slope, a[:, 2] - (slope * a[:, :2]).sum(axis=1)])
    tail, head = corners_m[..., :2], np.roll(corners_m[..., :2], -1, axis=1)
    along = (head - tail) / np.maximum(np.linalg.norm(head - tail, axis=-1, keepdims=True), 1e-9)
    along *= np.sign(up)[:, None, None]
    inward_x, inward_y = -along[..., 1], along[..., 0]
    return planes, np.hstack([inward_x, inward_y, -(inward_x * tail[..., 0] + inward_y * tail[..., 1])])


def _bucket(
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    shape: tuple[int, ...],
    edges: NDArray[np.float64],
    origin_m: NDArray[np.float64],
    cell_m: float,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For every grid cell the triangles that touch it, as row starts and members."""
    size = high - low + 1
    count = size[:, 0] * size[:, 1]
    # In batches: a map of 20 km has coarse triangles that span many cells each.
    batch = np.cumsum(count) // _PAIRS_AT_ONCE
    flats, members = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int32)]
    for number in np.unique(batch):
        chosen = np.flatnonzero(batch == number).astype(np.int32)
        triangle = np.repeat(chosen, count[chosen])
        first = np.repeat(np.cumsum(count[chosen]) - count[chosen], count[chosen])
        within = np.arange(len(triangle)) - first
        column = low[triangle, 0] + within // size[triangle, 1]
        row = low[triangle, 1] + within % size[triangle, 1]
        touches = _touching(triangle, column, row, edges, origin_m, cell_m)
        flats.append((column * shape[1] + row)[touches])
        members.append(triangle[touches])
    flat = np.concatenate(flats)
    order = np.argsort(flat, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=shape[0] * shape[1]))])
    return start, np.concatenate(members)[order]


def _touching(
    triangle: NDArray[np.int32],
    column: NDArray[np.int64],
    row: NDArray[np.int64],
    edges: NDArray[np.float64],
    origin_m: NDArray[np.float64],
    cell_m: float,
) -> NDArray[np.bool_]:
    """Which pairs of a triangle and a cell of its bounding box really overlap: no edge has the cell wholly outside."""
    x = origin_m[0] + (column + 0.5) * cell_m
    y = origin_m[1] + (row + 0.5) * cell_m
    touches = np.ones(len(triangle), dtype=bool)
    for k in range(3):
        toward_x, toward_y, offset = edges[:, k::3].T
        reach = 0.5 * cell_m * (np.abs(toward_x) + np.abs(toward_y)) + _EDGE_SLACK_M + offset
        touches &= toward_x[triangle] * x + toward_y[triangle] * y + reach[triangle] >= 0
    return touches
