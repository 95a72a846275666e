"""The ground near the car, seen from above in fine cells: where the lines, the kerbs and whoever stands there are.

B batch, C channels, X and Y cells, H and W rows and columns.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.perception.cameras.halving import halved
from drivevla.perception.lidar.grid import BevGrid
from drivevla.perception.lidar.raster import HEIGHTS_M, height_raster
from drivevla.perception.lifting import lift_cameras
from drivevla.perception.normalising import ChannelNorm
from drivevla.types import CameraBatch, LidarBatch

__all__ = ["GroundEncoder", "pictures_on_ground"]

_SIZES = 2
"""Pictures are laid on the ground at a half and at a quarter of their size: a line near the car is many pixels wide and
would fall between the cells' middles, one far away only a few."""
_ON_GROUND = (0.0,)


class GroundEncoder(nn.Module):
    """Pictures laid flat on the ground beside the LiDAR's raster, and convolutions over both.

    Laying a picture on the ground (inverse perspective mapping; Mallot et al., "Inverse perspective mapping simplifies
    optical flow computation and obstacle detection", Biological Cybernetics 1991) needs no weight and no depth where
    the ground is flat, and turns "how far beside the line am I" from a question to a whole picture into one to the few
    cells beside the car. What stands up is smeared away from the camera; the LiDAR says where it stands.

    Args:
        width: Of the model; not used, since the map has channels of its own.
        ahead_m: What the map spans from behind (negative) to ahead.
        aside_m: What it spans from the right (negative) to the left.
        cell_m: Side of a cell of what comes in; the map's own are twice as large.
        channels: At twice, four and eight times the cell; the first is what comes out.
    """

    def __init__(
        self,
        width: int,
        *,
        ahead_m: tuple[float, float] = (0.0, 36.0),
        aside_m: tuple[float, float] = (-16.0, 16.0),
        cell_m: float = 0.25,
        channels: tuple[int, int, int] = (32, 48, 64),
    ) -> None:
        super().__init__()
        self.fine = BevGrid(ahead_m=ahead_m, aside_m=aside_m, cell_m=cell_m)
        self.grid = self.fine.coarser(2)
        self.channels = channels[0]
        inputs = 3 * _SIZES + len(HEIGHTS_M) - 1
        self.stages = nn.ModuleList()
        for index, size in enumerate(channels):
            self.stages.append(_stage(channels[index - 1] if index else inputs, size))
        self.back = nn.ModuleList(nn.Conv2d(size, channels[0], 1) for size in channels)
        self.out = nn.Sequential(ChannelNorm(channels[0]), nn.ReLU(), nn.Conv2d(channels[0], channels[0], 3, padding=1))

    def forward(self, cameras: Mapping[str, CameraBatch], lidar: LidarBatch) -> Tensor:
        """(B, C, X, Y) features of ``grid``; nothing is seen where no sensor looks."""
        stands = height_raster(lidar, self.fine)
        blind = stands.new_zeros(len(stands), 3 * _SIZES, *self.fine.shape)
        lies = pictures_on_ground(cameras, self.fine) if cameras else blind
        features = torch.cat([stands, lies], dim=1).contiguous(memory_format=torch.channels_last)
        total: Tensor | None = None
        for stage, back in zip(self.stages, self.back, strict=True):
            features = stage(features)
            here = F.interpolate(back(features), size=self.grid.shape, mode="bilinear", align_corners=False)
            total = here if total is None else total + here
        out: Tensor = self.out(total)
        return out


def pictures_on_ground(cameras: Mapping[str, CameraBatch], grid: BevGrid) -> Tensor:
    """(B, 6, X, Y) what cameras would see in each cell if the world were flat: from -1 to 1, 0 where none looks.

    The first three are the colours at half the pictures' size, the last three those at a quarter.

    Args:
        cameras: At least one.
        grid: Of the cells.
    """
    pictures = {name: _shrunk(camera.images_B3HW) for name, camera in cameras.items()}
    return lift_cameras(pictures, cameras, grid, heights_m=_ON_GROUND)


def _shrunk(images_B3HW: Tensor) -> list[Tensor]:
    sizes = [halved(images_B3HW) / 127.5 - 1.0]
    while len(sizes) < _SIZES:
        sizes.append(halved(sizes[-1]))
    return sizes


def _stage(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
        ChannelNorm(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        ChannelNorm(outputs),
        nn.ReLU(),
    )
