"""Pillars: the points of each cell through one small net, the largest answer wins.

B batch, P points, F features of a point, C channels, X and Y cells, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from drivevla.perception.lidar.backbone import BevBackbone
from drivevla.perception.lidar.grid import BevGrid
from drivevla.types import LidarBatch

__all__ = ["PillarEncoder"]


class PillarEncoder(nn.Module):
    """PointPillars (arXiv 1812.05784), section 2.1, in plain torch: the maximum is a ``scatter_reduce``.

    Args:
        width: Of the features.
        ahead_m: What the grid spans from behind (negative) to ahead.
        aside_m: What it spans from the right (negative) to the left.
        cell_m: Side of a pillar.
        channels: Of a pillar.
    """

    def __init__(
        self,
        width: int,
        *,
        ahead_m: tuple[float, float] = (-16.0, 48.0),
        aside_m: tuple[float, float] = (-32.0, 32.0),
        cell_m: float = 0.5,
        channels: int = 32,
    ) -> None:
        super().__init__()
        self.fine = BevGrid(ahead_m=ahead_m, aside_m=aside_m, cell_m=cell_m)
        self.grid = self.fine.coarser(BevBackbone.FACTOR)
        self.channels = channels
        self.point = nn.Sequential(nn.Linear(6, channels), nn.ReLU())
        self.backbone = BevBackbone(channels, width)

    def forward(self, lidar: LidarBatch) -> Tensor:
        """(B, D, X, Y) features of cells four times as large as the pillars."""
        cell_BP, inside_BP = self.fine.cells(lidar.points_BP4[..., :2])
        inside_BP = inside_BP & lidar.keep_BP
        size_x, size_y = self.fine.shape
        batch = len(cell_BP)
        rows = torch.arange(batch, device=cell_BP.device)[:, None].expand_as(cell_BP)[inside_BP]
        places_N = rows * (size_x * size_y) + cell_BP[inside_BP]
        features_NC = self.point(self._described(lidar.points_BP4[inside_BP], cell_BP[inside_BP])).float()
        # Answers of a ReLU are at least 0, which is also what an empty pillar says.
        pillars = features_NC.new_zeros(batch * size_x * size_y, self.channels)
        pillars = pillars.scatter_reduce(
            0, places_N[:, None].expand(-1, self.channels), features_NC, "amax", include_self=True
        )
        return self.backbone(pillars.unflatten(0, (batch, size_x, size_y)).permute(0, 3, 1, 2))

    def _described(self, points_N4: Tensor, cell_N: Tensor) -> Tensor:
        """(N, F) place in the cell, height and intensity, in units of about one."""
        size_y = self.fine.shape[1]
        corner = torch.stack([cell_N // size_y, cell_N % size_y], dim=-1).to(points_N4.dtype)
        low = points_N4.new_tensor([self.fine.ahead_m[0], self.fine.aside_m[0]])
        within = (points_N4[:, :2] - low) / self.fine.cell_m - corner - 0.5
        scaled = points_N4 * points_N4.new_tensor([0.05, 0.05, 0.5, 1.0])
        return torch.cat([scaled, within], dim=-1)
