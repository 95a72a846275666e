"""The convolutions behind both LiDAR encoders.

B batch, C channels, X and Y cells, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from drivevla.perception.normalising import ChannelNorm

__all__ = ["BevBackbone"]


class BevBackbone(nn.Module):
    """Two halvings of the grid and two looks around at each size.

    Args:
        inputs: Channels of a cell.
        width: Of the features.
        channels: At half and at a quarter of the size; where left out a fifth and a half of the width, and no fewer
            than come in.
    """

    FACTOR = 4

    def __init__(self, inputs: int, width: int, *, channels: tuple[int, int] | None = None) -> None:
        super().__init__()
        middle, deep = channels or (max(inputs, width // 5), max(inputs, width // 2))
        self.net = nn.Sequential(
            _conv(inputs, middle, stride=2),
            _conv(middle, middle),
            _conv(middle, deep, stride=2),
            _conv(deep, deep),
            nn.Conv2d(deep, width, 1),
        )

    def forward(self, cells_BCXY: Tensor) -> Tensor:
        """(B, D, X / 4, Y / 4)."""
        features: Tensor = self.net(cells_BCXY.contiguous(memory_format=torch.channels_last))
        return features


def _conv(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), ChannelNorm(outputs), nn.ReLU()
    )
