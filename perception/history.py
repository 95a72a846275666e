"""The past: where the car was, and what it remembers of what it saw.

B batch, S past poses, D width, Q tokens remembered of a step.
"""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor, nn

from drivevla.errors import ContractError

__all__ = ["MemoryBank", "PastEncoder"]


class PastEncoder(nn.Module):
    """Past poses as tokens, one each.

    Args:
        width: Of the tokens.
        count: Past poses.
    """

    def __init__(self, width: int, *, count: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, width), nn.GELU(), nn.Linear(width, width))
        self.age_SD = nn.Parameter(torch.randn(count, width) * width**-0.5)

    def forward(self, past_BS3: Tensor) -> Tensor:
        """(B, S, D)."""
        tokens: Tensor = self.net(past_BS3 / past_BS3.new_tensor([10.0, 10.0, 1.0])) + self.age_SD
        return tokens


class MemoryBank:
    """The tokens of the last steps, first in, first out; ORION's history memory (arXiv 2503.19755, QT-Former).

    It belongs to one drive: whoever drives clears it at the start of a scene.

    Args:
        length: Steps that are kept.
    """

    def __init__(self, length: int) -> None:
        if length < 1:
            raise ContractError(f"a memory keeps at least one step, got {length}")
        self._steps: deque[Tensor] = deque(maxlen=length)

    def __len__(self) -> int:
        return len(self._steps)

    def write(self, tokens_BQD: Tensor) -> None:
        """Remember a step; the oldest is forgotten when the memory is full. No gradient reaches into the past."""
        self._steps.append(tokens_BQD.detach())

    def read(self) -> Tensor | None:
        """(B, steps * Q, D) everything remembered, oldest first; None when that is nothing."""
        return torch.cat(list(self._steps), dim=1) if self._steps else None

    def clear(self) -> None:
        """Forget everything: a new scene begins."""
        self._steps.clear()
