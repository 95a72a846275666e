"""What the lamps of the ego's light show, asked of the very patches of the pictures that they fall into.

B batch, L heads of lights, D width, C states of a light, H and W rows and columns of a camera's tokens, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.models.auxiliary.heads import AuxiliaryInput, Need
from drivevla.models.auxiliary.targets import LIGHT_STATES, AuxiliaryBatch
from drivevla.perception.cameras.projection import project_points
from drivevla.types import CameraBatch

__all__ = ["LampHead", "lamp_patches"]

_NOTHING = 0


class LampHead(nn.Module):
    """The state of the ego's light, read from each patch of each picture on its own.

    What the fused tokens are asked (``LightHead``) teaches the camera encoder through two attentions that do not yet
    know where to look; a lamp is three pixels, and this says which.

    Args:
        width: Of the features.
    """

    needs: Need | None = "cameras"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.tell = nn.Conv2d(width, len(LIGHT_STATES), 1)

    def forward(self, given: AuxiliaryInput) -> dict[str, Tensor]:
        """(B, C, H, W) logits of ``LIGHT_STATES`` by camera."""
        return {name: self.tell(feature) for name, feature in given.scene.camera_features.items()}

    def loss(
        self, prediction: dict[str, Tensor], given: AuxiliaryInput, target: AuxiliaryBatch
    ) -> Mapping[str, Tensor]:
        """``shown`` and ``nothing``: mean surprise in nats of patches with the ego's light, and of those without any.

        Patches with heads of other lights say nothing: nobody knows which way these look.
        """
        shown_B = nothing_B = target.light_B.new_zeros(len(target.light_B), dtype=torch.float32)
        shown_count_B, nothing_count_B = shown_B, shown_B
        for name, logits_BCHW in prediction.items():
            rows, columns = logits_BCHW.shape[2:]
            own_BT, any_BT = lamp_patches(given.sensors.cameras[name], target, rows, columns)
            wanted_BT = torch.where(own_BT, target.light_B.clamp_min(_NOTHING)[:, None], _NOTHING)
            surprise_BT = F.cross_entropy(logits_BCHW.flatten(2).float(), wanted_BT, reduction="none")
            free_BT = ~any_BT & target.lamps_known_B[:, None]
            shown_B = shown_B + (surprise_BT * own_BT).sum(dim=1)
            nothing_B = nothing_B + (surprise_BT * free_BT).sum(dim=1)
            shown_count_B, nothing_count_B = shown_count_B + own_BT.sum(dim=1), nothing_count_B + free_BT.sum(dim=1)
        return {
            "shown": (shown_B / shown_count_B.clamp_min(1.0)).mean(),
            "nothing": (nothing_B / nothing_count_B.clamp_min(1.0)).mean(),
        }


def lamp_patches(camera: CameraBatch, target: AuxiliaryBatch, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """(B, T) where the ego's light is lit in a grid over a picture, and where there is any light's head."""
    where_BL2, _, visible_BL = project_points(camera, target.lamps_BL3)
    column_BL = ((where_BL2[..., 0] + 1) / 2 * columns).long().clamp(0, columns - 1)
    row_BL = ((where_BL2[..., 1] + 1) / 2 * rows).long().clamp(0, rows - 1)
    patch_BL = row_BL * columns + column_BL
    there_BL = visible_BL & (target.lamp_whose_BL >= 0)
    own_BL = there_BL & (target.lamp_whose_BL == 1) & (target.light_B > _NOTHING)[:, None]
    return _patches(patch_BL, own_BL, rows * columns), _patches(patch_BL, there_BL, rows * columns)


def _patches(patch_BL: Tensor, which_BL: Tensor, count: int) -> Tensor:
    marked = torch.zeros(len(patch_BL), count, device=patch_BL.device)
    return marked.scatter_reduce(1, patch_BL, which_BL.to(marked.dtype), "amax") > 0
