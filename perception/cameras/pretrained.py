"""Any vision tower of transformers, by name or from a folder.

B batch, H and W rows and columns, D width.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.errors import ConfigError, require

__all__ = ["PretrainedEncoder"]


class PretrainedEncoder(nn.Module):
    """Patch features of SigLIP, CLIP, DINOv2, DINOv3 and their like, brought to the model's width.

    Pictures are resized to the tower's own size and normalised by its own statistics, both read from its folder; the
    class token and registers, where there are any, are left out.

    Args:
        width: Of the tokens.
        name: A hub name or a local folder.
        frozen: Whether the tower stays as it is.
        shuffle: Side of the square of patches that becomes one token, all their features kept (Idefics3's pixel
            shuffle, arXiv 2408.12637, section 3.1).

    Raises:
        ConfigError: The folder holds no vision tower.
    """

    mean_311: Tensor
    deviation_311: Tensor

    def __init__(self, width: int, *, name: str, frozen: bool = True, shuffle: int = 1) -> None:
        super().__init__()
        transformers = require("transformers", "lang")
        model = transformers.AutoModel.from_pretrained(name)
        self.tower: Any = getattr(model, "vision_model", model)
        config = self.tower.config
        if not hasattr(config, "patch_size") or not hasattr(config, "hidden_size"):
            raise ConfigError(
                f"{name} is a {config.model_type!r} model and has no picture patches; name a vision tower"
            )
        self.size, self.patch, self.frozen = int(config.image_size), int(config.patch_size), frozen
        if self.size // self.patch % shuffle:
            raise ConfigError(f"{self.size // self.patch} patches a side are no whole number of squares of {shuffle}")
        self.shuffle, self.stride = shuffle, self.patch * shuffle
        self.project = nn.Linear(config.hidden_size * shuffle**2, width)
        mean, deviation = _statistics(transformers, name)
        self.register_buffer("mean_311", torch.tensor(mean)[:, None, None] * 255, persistent=False)
        self.register_buffer("deviation_311", torch.tensor(deviation)[:, None, None] * 255, persistent=False)
        self.tower.requires_grad_(not frozen)

    def train(self, mode: bool = True) -> PretrainedEncoder:
        """A frozen tower stays as it drives: no dropout, no moving statistics."""
        super().train(mode)
        if self.frozen:
            self.tower.eval()
        return self

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """(B, D, H, W) features of uint8 pictures, one for each patch of the tower."""
        pixels = images_B3HW.to(self.project.weight.dtype)
        pixels = F.interpolate(pixels, size=(self.size, self.size), mode="bilinear", antialias=True)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            out = self.tower(pixel_values=(pixels - self.mean_311) / self.deviation_311)
        side = self.size // self.patch
        patches_BND = out.last_hidden_state[:, -side * side :]
        if math.isqrt(patches_BND.shape[1]) ** 2 != side * side:
            raise ConfigError(f"the tower gives {patches_BND.shape[1]} patches, not {side} x {side}")
        grid_BDHW = patches_BND.transpose(1, 2).unflatten(2, (side, side))
        merged_BDHW = F.pixel_unshuffle(grid_BDHW, self.shuffle)
        return self.project(merged_BDHW.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _statistics(transformers: Any, name: str) -> tuple[list[float], list[float]]:
    config, _ = transformers.ImageProcessingMixin.get_image_processor_dict(name)
    return config["image_mean"], config["image_std"]
