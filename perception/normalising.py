"""Normalisation that knows no batch: a sample is treated the same alone, in a batch, and on another process.

B batch, C channels, H and W rows and columns.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ChannelNorm"]

_SOFTENING = 0.1
"""Most cells around a car are empty, and what is next to nothing must stay so: blown up to unit size layer after layer,
a shift of a thousandth that all empty cells share had a gradient of 64,000."""


class ChannelNorm(nn.Module):
    """Each place is brought to about unit size over its channels (RMSNorm, arXiv 1910.07467, softened), and scaled.

    Args:
        channels: At each place.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """(B, C, H, W)."""
        size = features_BCHW.square().mean(dim=1, keepdim=True)
        return features_BCHW * torch.rsqrt(size + _SOFTENING) * self.gain + self.shift
