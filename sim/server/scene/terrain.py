"""The land between and around the roads: a height field that follows them and never comes through them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from drivevla.sim.server.scene.lane_grid import LaneGrid
from drivevla.sim.server.scene.surface import built_span

__all__ = ["HeightField", "terrain_under"]

_MARGIN_M = 120.0
_FINEST_CELL_M = 5.0
_MOST_NODES = 60_000
_CLEARANCE_M = 0.10
_SMOOTH_M = 12.0
_NEIGHBOURS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightField:
    """Heights on a regular grid.

    Attributes:
        origin_m: (2,) x and y of the first node.
        cell_m: Distance between nodes.
        z_m: (X, Y) heights.
    """

    origin_m: NDArray[np.float64]
    cell_m: float
    z_m: NDArray[np.float64]

    def nodes_m(self) -> NDArray[np.float64]:
        """All nodes (X Y, 3), in the order of ``z_m`` read row by row."""
        x = self.origin_m[0] + self.cell_m * np.arange(self.z_m.shape[0])
        y = self.origin_m[1] + self.cell_m * np.arange(self.z_m.shape[1])
        return np.stack([*np.meshgrid(x, y, indexing="ij"), self.z_m], axis=-1).reshape(-1, 3)

    def __call__(self, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lowest corner of the cell that each point (..., 2) is in: what a foundation may rest on; clamped outside."""
        i, j = self._cell(xy_m)
        z = self.z_m
        return np.asarray(np.minimum.reduce([z[i, j], z[i + 1, j], z[i, j + 1], z[i + 1, j + 1]]))

    def _cell(self, xy_m: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        index = np.floor((xy_m - self.origin_m) / self.cell_m).astype(np.int64)
        index = np.clip(index, 0, np.array(self.z_m.shape) - 2)
        return index[..., 0], index[..., 1]

    def lowered_below(self, points_m: NDArray[np.float64], clearance_m: float) -> "HeightField":
        """A field that stays ``clearance_m`` below each of the (N, 3) points wherever their cells reach."""
        i, j = self._cell(points_m[:, :2])
        z = self.z_m.copy()
        for di in (0, 1):
            for dj in (0, 1):
                np.minimum.at(z, (i + di, j + dj), points_m[:, 2] - clearance_m)
        return HeightField(origin_m=self.origin_m, cell_m=self.cell_m, z_m=z)


def terrain_under(grids: Sequence[LaneGrid]) -> HeightField:
    """Terrain around all roads, ``_MARGIN_M`` beyond their hull."""
    points = np.concatenate([_surface_points(grid) for grid in grids])
    low, high = points[:, :2].min(axis=0) - _MARGIN_M, points[:, :2].max(axis=0) + _MARGIN_M
    cell = max(_FINEST_CELL_M, float(np.sqrt(np.prod(high - low) / _MOST_NODES)))
    shape = np.ceil((high - low) / cell).astype(int) + 1
    flat = HeightField(origin_m=low, cell_m=cell, z_m=np.zeros(tuple(shape)))
    coarse = points[:: max(1, len(points) // 200_000)]
    found = cKDTree(coarse[:, :2]).query(flat.nodes_m()[:, :2], k=_NEIGHBOURS)
    distance, neighbour = np.asarray(found[0]), np.asarray(found[1])
    weight = 1 / (distance + 0.5 * cell) ** 2
    z = ((weight * coarse[neighbour, 2]).sum(axis=1) / weight.sum(axis=1)).reshape(tuple(shape)) - _CLEARANCE_M
    smooth = gaussian_filter(z, _SMOOTH_M / cell, mode="nearest")
    far = np.clip(distance[:, 0].reshape(tuple(shape)) / 40.0, 0.0, 1.0)
    field = HeightField(origin_m=low, cell_m=cell, z_m=z + far * (smooth - z))
    return field.lowered_below(points, _CLEARANCE_M)


def _surface_points(grid: LaneGrid) -> NDArray[np.float64]:
    """Border points every metre of whatever is built, or of all borders when nothing is."""
    first, last = built_span(grid) or (0, len(grid.lanes))
    return grid.borders_m[::2, first : last + 1].reshape(-1, 3)
