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

    Left to themselves, each language is learned from one encoder, the quicker one, and a phrasing that this one takes
    for another is misunderstood though the other had read it right. Where one of them is missing now and then while
    the model learns, every language is learned from all that can read it.

    Args:
        encoders: Each ``(sentences) -> SentenceTokens`` of one width.
        dropout: Share of the sentences of a model in training that one of several encoders, any, does not read.
    """

    def __init__(self, *encoders: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.dropout = dropout

    def forward(self, sentences: Sequence[str]) -> SentenceTokens:
        """All tokens of every encoder; in training, of all but one for some sentences."""
        parts: list[SentenceTokens] = [encoder(sentences) for encoder in self.encoders]
        keeps = [part.keep_BL for part in parts]
        if self.training and self.dropout and len(parts) > 1:
            keeps = self._dropped(keeps)
        return SentenceTokens(torch.cat([part.tokens_BLD for part in parts], dim=1), torch.cat(keeps, dim=1))

    def _dropped(self, keeps: Sequence[Tensor]) -> list[Tensor]:
        count, device = len(keeps[0]), keeps[0].device
        missing_B = torch.randint(len(keeps), (count,)).masked_fill(torch.rand(count) >= self.dropout, -1).to(device)
        return [keep_BL & (missing_B != index)[:, None] for index, keep_BL in enumerate(keeps)]


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
