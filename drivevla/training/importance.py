"""Which samples are worth seeing oftener: most of driving is going straight on at one speed.

N samples, T future steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drivevla.language import InstructionKind
from drivevla.training.config import DrawConfig
from drivevla.types import PlanTarget

__all__ = ["Driven", "draw_weights"]

_RIGHT_ANGLE_RAD = math.pi / 2
_SPEED_CHANGE_MPS = 5.0
_WITHIN_S = 2.0
_STANDS_MPS = 0.3


@dataclass(frozen=True, slots=True)
class Driven:
    """All samples of a source without what was seen.

    Attributes:
        target: What the teacher did.
        speed_N: Of the car now, m/s.
        kinds: Of what was asked for; None where that is not known or nothing was.
    """

    target: PlanTarget
    speed_N: Tensor
    kinds: tuple[InstructionKind | None, ...]


def draw_weights(driven: Driven, dt_s: float, draw: DrawConfig) -> NDArray[np.float64]:
    """(N,) how often each sample shall come, relative to one that drives straight on at one speed.

    Args:
        driven: All samples.
        dt_s: Time between waypoints.
        draw: How much turning, speeding up or slowing down, standing, driving off and what was asked for count.
    """
    target, speed_N = driven.target, driven.speed_N
    yaw_NT = target.waypoints_BT3[..., 2].masked_fill(~target.valid_BT, 0.0)
    turn_N = yaw_NT.abs().amax(dim=1) / _RIGHT_ANGLE_RAD
    later_N = _speed_within(target, dt_s)
    known_N = later_N.isfinite()
    change_N = torch.where(known_N, (later_N - speed_N).abs() / _SPEED_CHANGE_MPS, 0.0)
    stands_N = known_N & (speed_N.abs() < _STANDS_MPS)
    stays_N = stands_N & (later_N < _STANDS_MPS)
    weights_N = torch.where(stays_N, draw.standing_weight, torch.where(stands_N, draw.starting_weight, 1.0))
    weights_N = weights_N + draw.turning_weight * turn_N.clamp_max(1.0)
    weights_N = weights_N + draw.speed_change_weight * change_N.clamp_max(1.0)
    asked_N = np.array([draw.weight_of(kind) for kind in driven.kinds])
    return weights_N.double().cpu().numpy() * asked_N


def _speed_within(target: PlanTarget, dt_s: float) -> Tensor:
    """(N,) speed over the step that ends two seconds from now; NaN where the log ends before."""
    last = min(max(round(_WITHIN_S / dt_s), 2), target.waypoints_BT3.shape[1]) - 1
    moved_N2 = target.waypoints_BT3[:, last, :2] - target.waypoints_BT3[:, max(last - 1, 0), :2] * (last > 0)
    return torch.where(target.valid_BT[:, last], moved_N2.norm(dim=-1) / dt_s, math.nan)
