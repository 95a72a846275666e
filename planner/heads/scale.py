"""Waypoints in units in which every step and coordinate counts alike.

T future steps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from drivevla.errors import ContractError

__all__ = ["WaypointScale"]

_MEAN_MPS = 6.0
_SPREAD_MPS = (4.0, 1.0)
_SPREAD_RADPS = 0.15
"""City driving, before statistics of the data are known."""


class WaypointScale(nn.Module):
    """Mean and spread of x, y and yaw at each step; they travel with the weights.

    Args:
        steps: Waypoints in a plan.
        dt_s: Time between them.
    """

    mean_T3: Tensor
    spread_T3: Tensor

    def __init__(self, *, steps: int, dt_s: float) -> None:
        super().__init__()
        time_T1 = torch.arange(1, steps + 1, dtype=torch.float32)[:, None] * dt_s
        self.register_buffer("mean_T3", time_T1 * torch.tensor([_MEAN_MPS, 0.0, 0.0]))
        self.register_buffer("spread_T3", time_T1 * torch.tensor([*_SPREAD_MPS, _SPREAD_RADPS]))

    @torch.no_grad()
    def fit(self, waypoints_NT3: Tensor) -> None:
        """Take mean and spread from data.

        Raises:
            ContractError: The plans have another number of waypoints, or there are fewer than two.
        """
        if waypoints_NT3.shape[1:] != self.mean_T3.shape or len(waypoints_NT3) < 2:
            raise ContractError(
                f"statistics need at least two plans of shape {tuple(self.mean_T3.shape)}, "
                f"got {tuple(waypoints_NT3.shape)}"
            )
        self.mean_T3.copy_(waypoints_NT3.mean(dim=0))
        # Data without a single turn must not make turns infinitely far away.
        self.spread_T3.copy_(waypoints_NT3.std(dim=0).clamp_min(0.05))

    def normalise(self, waypoints_T3: Tensor) -> Tensor:
        """(..., T, 3) metres and radians to units of spread."""
        return (waypoints_T3 - self.mean_T3) / self.spread_T3

    def restore(self, units_T3: Tensor) -> Tensor:
        """(..., T, 3) units of spread to metres and radians."""
        return units_T3 * self.spread_T3 + self.mean_T3
