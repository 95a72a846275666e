"""The light for the car, and who is ahead of it.

B batch, C states of a light.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.models.auxiliary.heads import AuxiliaryInput, Need, known_mean, pooled
from drivevla.models.auxiliary.leading import LEAD_REACH_M
from drivevla.models.auxiliary.targets import LIGHT_REACH_M, LIGHT_STATES, AuxiliaryBatch

__all__ = ["LeadHead", "LeadPrediction", "LightHead", "LightPrediction"]

_SPEED_SCALE_MPS = 10.0


@dataclass(frozen=True, slots=True)
class LightPrediction:
    """What the light for the car shows, and where one stops for it.

    Attributes:
        logits_BC: Of ``LIGHT_STATES``.
        distance_B: To the stop line, metres.
    """

    logits_BC: Tensor
    distance_B: Tensor


class LightHead(nn.Module):
    """Which light is for the car, and how far its line is: read from the planner's own tokens.

    Args:
        width: Of the tokens.
    """

    needs: Need | None = None

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = pooled(width, len(LIGHT_STATES) + 1)

    def forward(self, given: AuxiliaryInput) -> LightPrediction:
        """Look for the light."""
        out = self.net(given.tokens_BND)
        return LightPrediction(out[:, :-1], out[:, -1].sigmoid() * LIGHT_REACH_M)

    def loss(self, prediction: LightPrediction, given: AuxiliaryInput, target: AuxiliaryBatch) -> Mapping[str, Tensor]:
        """``state`` in nats; ``distance`` as a share of 50 m."""
        known_B = target.light_B >= 0
        surprise_B = F.cross_entropy(prediction.logits_BC, target.light_B.clamp_min(0), reduction="none")
        return {
            "state": known_mean(surprise_B, known_B),
            "distance": _number_loss(prediction.distance_B, target.light_distance_B, LIGHT_REACH_M),
        }


@dataclass(frozen=True, slots=True)
class LeadPrediction:
    """Who is ahead.

    Attributes:
        present_B: Logit of somebody being there.
        gap_B: Metres.
        speed_B: Metres per second along the way.
    """

    present_B: Tensor
    gap_B: Tensor
    speed_B: Tensor


class LeadHead(nn.Module):
    """Whether somebody is ahead on the way, how far, and how fast.

    Args:
        width: Of the tokens.
    """

    needs: Need | None = None

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = pooled(width, 3)

    def forward(self, given: AuxiliaryInput) -> LeadPrediction:
        """Look ahead."""
        present_B, gap_B, speed_B = self.net(given.tokens_BND).unbind(dim=-1)
        return LeadPrediction(present_B, gap_B.sigmoid() * LEAD_REACH_M, speed_B * _SPEED_SCALE_MPS)

    def loss(self, prediction: LeadPrediction, given: AuxiliaryInput, target: AuxiliaryBatch) -> Mapping[str, Tensor]:
        """``present`` in nats; ``gap`` as a share of 60 m; ``speed`` as a share of 10 m/s."""
        known_B = ~target.lead_B.isnan()
        surprise_B = F.binary_cross_entropy_with_logits(
            prediction.present_B, target.lead_B.nan_to_num(0.0), reduction="none"
        )
        return {
            "present": known_mean(surprise_B, known_B),
            "gap": _number_loss(prediction.gap_B, target.lead_gap_B, LEAD_REACH_M),
            "speed": _number_loss(prediction.speed_B, target.lead_speed_B, _SPEED_SCALE_MPS),
        }


def _number_loss(predicted_B: Tensor, target_B: Tensor, scale: float) -> Tensor:
    known_B = ~target_B.isnan()
    target_B = torch.where(known_B, target_B, predicted_B.detach())
    return known_mean((predicted_B - target_B).abs() / scale, known_B)
