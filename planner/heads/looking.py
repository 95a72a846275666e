"""A plan's first draft looks at the ground that it leads over, and is drawn again.

B batch, P path points, K places across the path, N queries, C channels of the ground, D width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.types import Grid

__all__ = ["PathLook", "path_axes"]

_ACROSS_M = (-3.5, -1.75, -1.0, -0.5, 0.0, 0.5, 1.0, 1.75, 3.5)
"""Half a lane and a whole lane to either side, and closer where the lines of the own lane are."""
_REACH_M = 20.0


class PathLook(nn.Module):
    """What lies on and beside each point of a path, for the queries that the path came from.

    Features at the plan's own places, as DiffusionDrive's spatial cross-attention takes them (arXiv 2411.15139, section
    3.3), here at fixed places across the path: the gap to the middle of the lane is then the same few numbers wherever
    on the map the path runs.

    Args:
        width: Of the queries.
        channels: Of the ground's features.
        grid: That these live on.
    """

    def __init__(self, width: int, *, channels: int, grid: Grid) -> None:
        super().__init__()
        self._grid = grid
        inputs = channels * len(_ACROSS_M) + 4
        self.tell = nn.Sequential(nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, path_BP2: Tensor, ground_BCXY: Tensor) -> Tensor:
        """(B, P, D) for the path's points but the first, which is the car.

        Args:
            path_BP2: Points in metres, ego frame, the car first.
            ground_BCXY: Features of the ground.
        """
        points_BP2, (along_BP2, left_BP2) = path_BP2[:, 1:], path_axes(path_BP2)
        across_K = path_BP2.new_tensor(_ACROSS_M)
        places_BPK2 = points_BP2[:, :, None] + across_K[:, None] * left_BP2[:, :, None]
        where = self._grid.places(places_BPK2).to(ground_BCXY.dtype)
        found_BCPK = F.grid_sample(ground_BCXY, where, align_corners=False)
        found = found_BCPK.permute(0, 2, 3, 1).flatten(2)
        told: Tensor = self.tell(torch.cat([found, points_BP2 / _REACH_M, along_BP2], dim=-1))
        return told


def path_axes(path_BP2: Tensor) -> tuple[Tensor, Tensor]:
    """(B, P - 1, 2) unit vectors along a path to each of its points but the first, and to the left of them."""
    along_BP2 = F.normalize(path_BP2.diff(dim=1), dim=-1)
    return along_BP2, torch.stack([-along_BP2[..., 1], along_BP2[..., 0]], dim=-1)
