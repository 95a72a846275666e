"""How far the car has come since it was told.

"Turn left in eighty metres" means something else after sixty of them, and "turn right, and once you have done so, go
straight on" after the turn. A plan is made from one instant's pictures; this is the part of the past that words mean.

B batch, L language tokens, D width, K features.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from drivevla.models.language.tokens import SentenceTokens

__all__ = ["SinceTold"]

_LONGEST_M, _SHORTEST_M = 400.0, 12.5
_FARTHEST_M = 200.0
_WAVES = 6


class SinceTold(nn.Module):
    """Adds to every word how far away, and how far turned, the car is from where it first heard it.

    Straight distance and turn go in as waves of several lengths, as positions do (Vaswani et al., arXiv 1706.03762).
    What is added begins as nothing: a trained model that begins to learn with it drives as it did.

    Args:
        width: Of the tokens.
    """

    waves_K: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer(
            "waves_K", 2 * math.pi / torch.logspace(math.log2(_LONGEST_M), math.log2(_SHORTEST_M), _WAVES, base=2.0),
            persistent=False,
        )  # fmt: skip
        self.net = nn.Sequential(nn.Linear(2 * _WAVES + 3, width), nn.GELU(), nn.Linear(width, width))
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, words: SentenceTokens, told_B3: Tensor) -> SentenceTokens:
        """The words, knowing.

        Args:
            words: Of the sentence.
            told_B3: Where the car was when it was said, x, y, yaw in the present ego frame.
        """
        added_BD = self.net(self._features(told_B3))
        return SentenceTokens(words.tokens_BLD + added_BD[:, None], words.keep_BL)

    def _features(self, told_B3: Tensor) -> Tensor:
        """(B, K) all 0 where the car has not moved since."""
        away_B1 = told_B3[:, :2].norm(dim=-1, keepdim=True).clamp_max(_FARTHEST_M)
        phase_BW = away_B1 * self.waves_K
        yaw_B1 = told_B3[:, 2:]
        return torch.cat(
            [phase_BW.sin(), 1.0 - phase_BW.cos(), away_B1 / _FARTHEST_M, yaw_B1.sin(), 1.0 - yaw_B1.cos()], dim=-1
        )
