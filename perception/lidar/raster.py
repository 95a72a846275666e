"""A raster of the points: what is there at which height, cell by cell.

B batch, P points, Z height bands, X and Y cells, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from drivevla.perception.lidar.backbone import BevBackbone
from drivevla.perception.lidar.grid import BevGrid
from drivevla.types import LidarBatch

__all__ = ["RasterEncoder", "height_raster"]

HEIGHTS_M = (-0.5, 0.3, 0.9, 1.5, 2.5)
"""Between them lie the bands: ground, low things, bonnets and legs, roofs and heads; what is higher hangs above."""


class RasterEncoder(nn.Module):
    """Counts in height bands, as TransFuser's histogram with more bands (arXiv 2205.15997, section 3.1).

    Args:
        width: Of the features.
        ahead_m: What the grid spans from behind (negative) to ahead.
        aside_m: What it spans from the right (negative) to the left.
        cell_m: Side of a cell.
        channels: Of the backbone, as ``BevBackbone`` has them.
    """

    def __init__(
        self,
        width: int,
        *,
        ahead_m: tuple[float, float] = (-16.0, 48.0),
        aside_m: tuple[float, float] = (-32.0, 32.0),
        cell_m: float = 0.5,
        channels: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.fine = BevGrid(ahead_m=ahead_m, aside_m=aside_m, cell_m=cell_m)
        self.grid = self.fine.coarser(BevBackbone.FACTOR)
        self.backbone = BevBackbone(len(HEIGHTS_M) - 1, width, channels=channels)

    def forward(self, lidar: LidarBatch) -> Tensor:
        """(B, D, X, Y) features of cells four times as large as the raster's."""
        return self.backbone(height_raster(lidar, self.fine))


def height_raster(lidar: LidarBatch, grid: BevGrid) -> Tensor:
    """(B, Z, X, Y) the share of 5 points that each cell holds in each height band, at most 1."""
    edges = lidar.points_BP4.new_tensor(HEIGHTS_M)
    band_BP = torch.bucketize(lidar.points_BP4[..., 2].contiguous(), edges) - 1
    cell_BP, inside_BP = grid.cells(lidar.points_BP4[..., :2])
    bands = len(HEIGHTS_M) - 1
    inside_BP = inside_BP & lidar.keep_BP & (band_BP >= 0) & (band_BP < bands)
    size_x, size_y = grid.shape
    rows = torch.arange(len(cell_BP), device=cell_BP.device)[:, None].expand_as(cell_BP)
    places = (rows * bands + band_BP) * (size_x * size_y) + cell_BP
    counts = torch.bincount(places[inside_BP], minlength=len(cell_BP) * bands * size_x * size_y)
    return (counts.to(lidar.points_BP4.dtype) / 5.0).clamp_max(1.0).reshape(-1, bands, size_x, size_y)
