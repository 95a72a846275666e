"""The small picture encoder that is trained from scratch.

B batch, H and W rows and columns, D width, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from drivevla.perception.normalising import ChannelNorm

__all__ = ["ConvolutionalEncoder"]

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's statistics, as everybody normalises."""


class ConvolutionalEncoder(nn.Module):
    """Depthwise blocks of four resolutions, one feature vector for each 16 or 32 pixels square.

    The blocks are ConvNeXt's (arXiv 2201.03545), smaller.

    Args:
        width: Of the tokens.
        channels: At strides 4, 8, 16 and, where there is a fourth, 32.
        blocks: At each stride.
        stem: Channels at stride 2 of two overlapping convolutions that lead to stride 4: a lamp of three pixels is
            seen whole wherever it lies. None cuts the picture into squares of 4 pixels at once.
    """

    mean_311: Tensor
    deviation_311: Tensor

    def __init__(
        self,
        width: int,
        *,
        channels: tuple[int, ...] = (32, 64, 128),
        blocks: tuple[int, ...] = (1, 2, 4),
        stem: int | None = None,
    ) -> None:
        super().__init__()
        self.stride = 4 * 2 ** (len(channels) - 1)
        stages: list[nn.Module] = [_down(3, channels[0], 4)]
        if stem is not None:
            stages = [_down(3, stem, 2, overlap=1), _down(stem, channels[0], 2, overlap=1)]
        for index, (size, count) in enumerate(zip(channels, blocks, strict=True)):
            if index:
                stages.append(_down(channels[index - 1], size, 2))
            stages.extend(_Block(size) for _ in range(count))
        self.stages = nn.Sequential(*stages)
        self.project = nn.Conv2d(channels[-1], width, 1)
        self.register_buffer("mean_311", torch.tensor(_MEAN)[:, None, None] * 255, persistent=False)
        self.register_buffer("deviation_311", torch.tensor(_DEVIATION)[:, None, None] * 255, persistent=False)

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """(B, D, H / stride, W / stride) features of uint8 pictures."""
        pixels = (images_B3HW.to(self.project.weight.dtype) - self.mean_311) / self.deviation_311
        # Channels beside each other in memory: learning from depthwise convolutions is five times as fast on a CPU.
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        features: Tensor = self.project(self.stages(pixels))
        return features


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)
        self.norm = ChannelNorm(channels)
        self.mix = nn.Sequential(nn.Conv2d(channels, 2 * channels, 1), nn.ReLU(), nn.Conv2d(2 * channels, channels, 1))

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = features + self.mix(self.norm(self.look(features)))
        return out


def _down(inputs: int, outputs: int, stride: int, *, overlap: int = 0) -> nn.Sequential:
    shrink = nn.Conv2d(inputs, outputs, stride + overlap, stride=stride, padding=overlap, bias=False)
    return nn.Sequential(shrink, ChannelNorm(outputs), nn.ReLU())
