"""How high the ground is: road, sidewalk, terrain, with bridges told apart by the height asked from."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError

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
        xy = np.asarray(xy_m, dtype=np.float64).reshape(-1, 2)
        z_near = np.broadcast_to(np.asarray(z_near_m, dtype=np.float64), (len(xy),))
        z, normal = np.full(len(xy), np.nan), np.full((len(xy), 3), np.nan)
        point, triangle = self._candidates(xy)
        x, y = xy[point, 0], xy[point, 1]
        # Gathered triangle by triangle, computed column by column: both ways the memory is contiguous.
        toward_x, toward_y, offset = self._edges.take(triangle, axis=0).T.copy().reshape(3, 3, -1)
        toward_x *= x
        toward_y *= y
        offset += toward_x
        offset += toward_y
        inside = np.flatnonzero(offset.min(axis=0) >= -_EDGE_SLACK_M)
        point = point[inside]
        slope_x, slope_y, level = self._planes.take(triangle[inside], axis=0).T.copy()
        height = slope_x * x[inside] + slope_y * y[inside] + level
        away = np.abs(height - z_near[point]) + LAND_HANDICAP_M * self.is_land[triangle[inside]]
        order = np.lexsort((away, point))
        best = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
        point = point[best]
        z[point] = height[best]
        slope_x, slope_y = slope_x[best], slope_y[best]
        up = 1 / np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)
        normal[point, 0], normal[point, 1], normal[point, 2] = -slope_x * up, -slope_y * up, up
        return z, normal

    def _candidates(self, xy_m: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
        """Pairs of a point and a triangle whose grid cell it is in."""
        cell = (xy_m - self._origin_m) / self._cell_m
        # Comparisons with NaN are false: points that are nowhere have no candidates.
        points = np.flatnonzero(((cell >= 0) & (cell < self._shape)).all(axis=1))
        cell = cell[points].astype(np.int64)
        flat = cell[:, 0] * self._shape[1] + cell[:, 1]
        start, stop = self._cell_start[flat], self._cell_start[flat + 1]
        count = stop - start
        first = np.repeat(start - np.cumsum(count) + count, count)
        return np.repeat(points, count), self._cell_triangles[first + np.arange(len(first))]


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
