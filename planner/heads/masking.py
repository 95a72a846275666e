"""Plans that the log knows only in part.

B batch, T future steps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["hold_last_valid", "masked_mean"]


def masked_mean(values_BT: Tensor, valid_BT: Tensor) -> Tensor:
    """The mean over samples of each one's mean over its valid entries; a sample without any counts as 0.

    Every sample weighs the same, so the mean over parts of a batch is the mean over the batch: accumulating, and
    sharing a batch among processes, change nothing. Invalid entries may hold anything finite: they are replaced, not
    multiplied.
    """
    kept_BT = values_BT.masked_fill(~valid_BT, 0.0)
    return (kept_BT.sum(dim=1) / valid_BT.sum(dim=1).clamp_min(1)).mean()


def hold_last_valid(waypoints_BT3: Tensor, valid_BT: Tensor) -> Tensor:
    """The plan with each invalid pose replaced by the last valid one before it, or by the present pose."""
    steps = torch.arange(1, valid_BT.shape[1] + 1, device=valid_BT.device)
    last_BT = torch.where(valid_BT, steps, 0).cummax(dim=1).values
    with_present = F.pad(waypoints_BT3, (0, 0, 1, 0))
    return with_present.gather(1, last_BT[..., None].expand(-1, -1, waypoints_BT3.shape[-1]))
