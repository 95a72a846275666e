"""Whether to refuse what was asked for, by the words themselves.

"Run the red light" is refused anywhere, "turn left" only where there is no left: one lies in the words, the other in
what was made of them and of the scene.

B batch, L language tokens, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from drivevla.models.language.tokens import SentenceTokens

__all__ = ["RefusalByWords"]


class RefusalByWords(nn.Module):
    """Adds to the logit of refusing what the words say, beside what was understood.

    The words are gathered by how much each matters (additive attention, Bahdanau et al., arXiv 1409.0473): one of them
    can decide. What is added begins as nothing, and is nothing where nothing was said.

    Args:
        width: Of the tokens.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reads = nn.Sequential(nn.Linear(width, width), nn.GELU())
        self.matters = nn.Linear(width, 1)
        self.judges = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 1))
        last = self.judges[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, understood_BD: Tensor, words: SentenceTokens) -> Tensor:
        """(B,) what is added to the logit.

        Args:
            understood_BD: What was made of scene and sentence together.
            words: Of the sentence.
        """
        said_B = words.keep_BL.any(dim=1)
        read_BLD = self.reads(words.tokens_BLD)
        unheard_BL = ~words.keep_BL & said_B[:, None]  # a row without any word must not become 0 / 0
        share_BL = self.matters(read_BLD)[..., 0].masked_fill(unheard_BL, -torch.inf).softmax(dim=1)
        gathered_BD = (share_BL[..., None] * read_BLD).sum(dim=1)
        added_B: Tensor = self.judges(torch.cat([gathered_BD, understood_BD], dim=-1))[:, 0]
        return added_B.masked_fill(~said_B, 0.0)
