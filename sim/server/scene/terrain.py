"""The land between and around the roads: a height field that follows them and never comes through them.

The field is fine everywhere, but its mesh is fine only near roads: elsewhere blocks of cells become two triangles.
Along their edges fine blocks carry interpolated heights, so that the two fit without cracks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from drivevla.sim.server.scene.lane_grid import LaneGrid
from drivevla.sim.server.scene.mesh_builder import grid_triangles
from drivevla.sim.server.scene.surface import built_span

__all__ = ["HeightField", "terrain_under"]

_MARGIN_M = 120.0
_CELL_M, _LARGE_CELL_M = 5.0, 10.0
_MOST_FINE_NODES = 500_000
_BLOCK = 8
_NEAR_CELLS, _LARGE_NEAR_CELLS = 4, 1  # how far from a road the mesh stays fine
_CLEARANCE_M = 0.10
_SMOOTH_BLOCKS = 1.0
_NEIGHBOURS = 6
_MOST_POINTS = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightField:
    """Heights on a regular grid whose sides hold a whole number of blocks.

    Attributes:
        origin_m: (2,) x and y of the first node.
        cell_m: Distance between nodes.
        z_m: (X, Y) heights.
        fine: (X, Y) which nodes are near a road.
    """

    origin_m: NDArray[np.float64]
    cell_m: float
    z_m: NDArray[np.float64]
    fine: NDArray[np.bool_]

    def __call__(self, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lowest corner of the cell that each point (..., 2) is in: what a foundation may rest on; clamped outside."""
        i, j = _cell_of(xy_m, self.origin_m, self.cell_m, self.z_m.shape)
        z = self.z_m
        return np.asarray(np.minimum.reduce([z[i, j], z[i + 1, j], z[i, j + 1], z[i + 1, j + 1]]))

    def mesh(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Vertices (V, 3) and triangles (T, 3)."""
        blocks = tuple((n - 1) // _BLOCK for n in self.z_m.shape)
        detailed = np.zeros(blocks, dtype=bool)
        # A block is fine when a fine node lies in it or on its rim, so that rims next to coarse blocks are untouched.
        i, j = np.nonzero(self.fine)
        for di in (0, -1):
            for dj in (0, -1):
                detailed[
                    np.clip((i + di) // _BLOCK, 0, blocks[0] - 1), np.clip((j + dj) // _BLOCK, 0, blocks[1] - 1)
                ] = 1
        index = np.arange(self.z_m.size).reshape(self.z_m.shape)
        corner_of = grid_triangles(_BLOCK + 1, _BLOCK + 1)
        fine_i, fine_j = np.nonzero(detailed)
        step = np.arange(_BLOCK + 1)
        rows, columns = fine_i[:, None] * _BLOCK + step, fine_j[:, None] * _BLOCK + step
        fine = index[rows[:, :, None], columns[:, None, :]].reshape(-1, (_BLOCK + 1) ** 2)[:, corner_of].reshape(-1, 3)
        coarse_i, coarse_j = np.nonzero(~detailed)
        a, b = coarse_i * _BLOCK, coarse_j * _BLOCK
        rim = np.stack(
            [index[a, b], index[a + _BLOCK, b], index[a + _BLOCK, b + _BLOCK], index[a, b + _BLOCK]], axis=-1
        )
        coarse = rim[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)
        used, renumbered = np.unique(np.concatenate([fine, coarse]), return_inverse=True)
        node = np.stack(np.unravel_index(used, self.z_m.shape), axis=-1)
        xy = self.origin_m + self.cell_m * node
        return np.column_stack([xy, self.z_m.ravel()[used]]), renumbered.reshape(-1, 3)


def terrain_under(grids: Sequence[LaneGrid]) -> HeightField:
    """Terrain around all roads, ``_MARGIN_M`` beyond their hull."""
    points = np.concatenate([_surface_points(grid) for grid in grids])
    low, high = points[:, :2].min(axis=0) - _MARGIN_M, points[:, :2].max(axis=0) + _MARGIN_M
    is_large = bool(np.prod((high - low) / _CELL_M) > _MOST_FINE_NODES)
    cell, near_cells = (_LARGE_CELL_M, _LARGE_NEAR_CELLS) if is_large else (_CELL_M, _NEAR_CELLS)
    blocks = np.ceil((high - low) / (cell * _BLOCK)).astype(int)
    tree_points = points[:: 1 + len(points) // _MOST_POINTS]
    tree = cKDTree(tree_points[:, :2])
    z = _coarse_heights(tree, tree_points[:, 2], low, cell * _BLOCK, blocks)
    fine = np.zeros(z.shape, dtype=bool)
    i, j = _cell_of(points[:, :2], low, cell, z.shape)
    fine[i, j] = True
    fine = binary_dilation(fine, np.ones((3, 3), dtype=bool), iterations=near_cells)
    near = np.argwhere(fine)
    z[fine] = _heights_at(tree, tree_points[:, 2], low + cell * near, blur_m=0.5 * cell) - _CLEARANCE_M
    for di in (0, 1):
        for dj in (0, 1):
            np.minimum.at(z, (i + di, j + dj), points[:, 2] - _CLEARANCE_M)
    return HeightField(origin_m=low, cell_m=cell, z_m=z, fine=fine)


def _coarse_heights(
    tree: cKDTree, z_m: NDArray[np.float64], origin_m: NDArray[np.float64], block_m: float, blocks: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Smooth heights at the corners of the blocks, interpolated at all nodes."""
    corners = np.stack(np.meshgrid(*(np.arange(n + 1) for n in blocks), indexing="ij"), axis=-1)
    at = origin_m + block_m * corners.reshape(-1, 2)
    heights = _heights_at(tree, z_m, at, blur_m=0.5 * block_m).reshape(corners.shape[:2])
    smooth = gaussian_filter(heights, _SMOOTH_BLOCKS, mode="nearest") - _CLEARANCE_M
    steps = [np.arange(n * _BLOCK + 1) / _BLOCK for n in blocks]
    return np.asarray(map_coordinates(smooth, np.meshgrid(*steps, indexing="ij"), order=1), dtype=np.float64)


def _heights_at(
    tree: cKDTree, z_m: NDArray[np.float64], xy_m: NDArray[np.float64], *, blur_m: float
) -> NDArray[np.float64]:
    """Mean height of the nearest road points, weighted by inverse squared distance."""
    found = tree.query(xy_m, k=min(_NEIGHBOURS, len(z_m)))
    distance, neighbour = np.asarray(found[0]), np.asarray(found[1])
    weight = 1 / (distance + blur_m) ** 2
    return np.asarray((weight * z_m[neighbour]).sum(axis=1) / weight.sum(axis=1))


def _cell_of(
    xy_m: NDArray[np.float64], origin_m: NDArray[np.float64], cell_m: float, shape: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    index = np.clip(np.floor((xy_m - origin_m) / cell_m).astype(np.int64), 0, np.array(shape) - 2)
    return index[..., 0], index[..., 1]


def _surface_points(grid: LaneGrid) -> NDArray[np.float64]:
    """Border points about every metre of whatever is built, or of all borders when nothing is."""
    first, last = built_span(grid) or (0, len(grid.lanes))
    return grid.borders_m[::2, first : last + 1].reshape(-1, 3)
