"""What every sentence encoder gives.

B batch, L language tokens, D width.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from drivevla.errors import ContractError

__all__ = ["LONGEST_SENTENCE", "JoinedEncoder", "SentenceTokens", "check_sentences", "unknown_letters"]

LONGEST_SENTENCE = 1000
"""Characters. What is longer is no instruction, and would make the batch as long as itself."""

_SCRIPTS = ("LATIN", "CJK", "FULLWIDTH LATIN")


@dataclass(frozen=True, slots=True)
class SentenceTokens:
    """A batch of sentences.

    Attributes:
        tokens_BLD: Their tokens.
        keep_BL: False for padding; all False where nothing was said.
    """

    tokens_BLD: Tensor
    keep_BL: Tensor


class JoinedEncoder(nn.Module):
    """Several encoders' tokens, one after the other: what one cannot read another can.

    Args:
        encoders: Each ``(sentences) -> SentenceTokens`` of one width.
    """

    def __init__(self, *encoders: nn.Module) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)

    def forward(self, sentences: Sequence[str]) -> SentenceTokens:
        """All tokens of every encoder."""
        parts: list[SentenceTokens] = [encoder(sentences) for encoder in self.encoders]
        return SentenceTokens(
            torch.cat([part.tokens_BLD for part in parts], dim=1), torch.cat([part.keep_BL for part in parts], dim=1)
        )


def check_sentences(sentences: Sequence[str]) -> None:
    """Refuse what no instruction is.

    Raises:
        ContractError: A sentence is longer than 1,000 characters.
    """
    for sentence in sentences:
        if len(sentence) > LONGEST_SENTENCE:
            raise ContractError(
                f"an instruction has at most {LONGEST_SENTENCE} characters, got {len(sentence)}: {sentence[:40]!r}..."
            )


def unknown_letters(sentence: str) -> str:
    """The letters of a sentence in which no language is written that models here learn: neither Latin nor Chinese.

    A language in known letters is not told apart: it is read as it stands, and refusing it is the network's to learn.
    """
    letters = {letter for letter in sentence if letter.isalpha()}
    return "".join(sorted(each for each in letters if not unicodedata.name(each, "").startswith(_SCRIPTS)))
