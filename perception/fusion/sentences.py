"""Four ways for a sentence to reach the tokens of a scene.

B batch, N tokens, L language tokens, D width.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from drivevla.perception.fusion.attention import Attention

__all__ = ["CrossAttention", "FilmLanguage", "GatedLanguage", "LanguageFusion", "PrefixLanguage", "language_fusion"]

LanguageFusion: TypeAlias = Literal["cross", "gated", "film", "prefix", "none"]


class CrossAttention(nn.Module):
    """Tokens ask the words, and add what they hear.

    Args:
        width: Of the tokens.
        attention_heads: How many.
    """

    def __init__(self, width: int, *, attention_heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, attention_heads)

    def heard(self, tokens_BND: Tensor, words_BLD: Tensor, keep_BL: Tensor) -> Tensor:
        """(B, N, D) what each token hears; nothing where there are no words."""
        # Attention over nothing is not a number: silence is one word that is looked at and then not added.
        silent_B = ~keep_BL.any(dim=1)
        keep_BL = keep_BL | silent_B[:, None]
        answer_BND: Tensor = self.attention(self.norm(tokens_BND), words_BLD, keep_BL)
        return answer_BND.masked_fill(silent_B[:, None, None], 0.0)

    def forward(self, tokens_BND: Tensor, words_BLD: Tensor, keep_BL: Tensor) -> Tensor:
        """(B, N, D)."""
        return tokens_BND + self.heard(tokens_BND, words_BLD, keep_BL)


class GatedLanguage(CrossAttention):
    """The same behind a gate that begins closed: Flamingo's tanh gate (arXiv 2204.14198, section 2.2)."""

    def __init__(self, width: int, *, attention_heads: int) -> None:
        super().__init__(width, attention_heads=attention_heads)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, tokens_BND: Tensor, words_BLD: Tensor, keep_BL: Tensor) -> Tensor:
        """(B, N, D)."""
        return tokens_BND + self.gate.tanh() * self.heard(tokens_BND, words_BLD, keep_BL)


class FilmLanguage(nn.Module):
    """The mean of the words scales and shifts every token (FiLM, arXiv 1709.07871); it begins as the identity.

    Args:
        width: Of the tokens.
    """

    def __init__(self, width: int, *, attention_heads: int) -> None:
        super().__init__()
        self.gain = nn.Linear(width, 2 * width)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.gain.bias)

    def forward(self, tokens_BND: Tensor, words_BLD: Tensor, keep_BL: Tensor) -> Tensor:
        """(B, N, D)."""
        keep_BL1 = keep_BL[..., None].to(words_BLD.dtype)
        mean_BD = (words_BLD * keep_BL1).sum(dim=1) / keep_BL1.sum(dim=1).clamp_min(1.0)
        scale_BD, shift_BD = self.gain(mean_BD).chunk(2, dim=-1)
        return tokens_BND * (1 + scale_BD[:, None]) + shift_BD[:, None]


class PrefixLanguage(nn.Module):
    """Words stand before the tokens in self-attention, which needs no layer of its own."""

    def __init__(self, width: int, *, attention_heads: int) -> None:
        super().__init__()

    def forward(self, tokens_BND: Tensor, words_BLD: Tensor, keep_BL: Tensor) -> Tensor:
        """The tokens as they are."""
        return tokens_BND


def language_fusion(kind: LanguageFusion, width: int, *, attention_heads: int) -> nn.Module | None:
    """The layer of that kind; None for a model that hears nothing."""
    kinds: dict[str, type[nn.Module]] = {
        "cross": CrossAttention,
        "gated": GatedLanguage,
        "film": FilmLanguage,
        "prefix": PrefixLanguage,
    }
    return None if kind == "none" else kinds[kind](width, attention_heads=attention_heads)
