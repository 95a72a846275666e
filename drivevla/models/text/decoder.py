"""A small decoder of bytes, trained from scratch: any script, no vocabulary to choose.

B batch, L bytes, M tokens to look at, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.models.text.phrases import Phrases
from drivevla.perception.fusion.sentences import CrossAttention

__all__ = ["END", "ByteDecoder", "Task", "byte_phrases"]

END = 0
"""Says that a sentence is over; no text holds this byte."""
_BYTES = 256
_IGNORED = -100


class Task(IntEnum):
    """What is to be said; each begins with a mark of its own."""

    COMMENT = 0
    ANSWER = 1


def byte_phrases(sentences: Sequence[str]) -> Phrases:
    """Sentences as what a ``ByteDecoder`` may say."""
    return Phrases((*sentence.encode(), END) for sentence in sentences)


class ByteDecoder(nn.Module):
    """Writes a sentence byte by byte while it looks at what the planner reads and at the words that were said.

    Args:
        width: Of the tokens it looks at, and its own.
        layers: Each hears the sentence so far, then looks.
        attention_heads: In each attention.
        longest: Bytes of a sentence, its end counted; the rest of a longer one is not learned.
    """

    def __init__(self, width: int, *, layers: int = 2, attention_heads: int = 4, longest: int = 160) -> None:
        super().__init__()
        self.longest = longest
        self.rows = nn.Embedding(_BYTES + len(Task), width)
        self.place_LD = nn.Parameter(torch.randn(longest, width) * width**-0.5)
        self.layers = nn.ModuleList(_Layer(width, attention_heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, _BYTES)

    def forward(self, said_BL: Tensor, memory_BMD: Tensor, keep_BM: Tensor) -> Tensor:
        """(B, L, 256) logits of the byte after each.

        Args:
            said_BL: A task's mark (256 and on) and bytes.
            memory_BMD: What to look at.
            keep_BM: False for padding.
        """
        state = self.rows(said_BL) + self.place_LD[: said_BL.shape[1]]
        for layer in self.layers:
            state = layer(state, memory_BMD, keep_BM)
        logits: Tensor = self.out(self.norm(state))
        return logits

    def surprise(self, task: Task, texts: Sequence[str], memory_BMD: Tensor, keep_BM: Tensor) -> Tensor:
        """(B,) nats of each text as a whole."""
        rows = [[*text.encode()[: self.longest - 1], END] for text in texts]
        length = max(map(len, rows))
        device = memory_BMD.device
        wanted_BL = torch.tensor([row + [_IGNORED] * (length - len(row)) for row in rows], device=device)
        begun_B1 = torch.full((len(rows), 1), _BYTES + task, device=device)
        said_BL = torch.cat([begun_B1, wanted_BL[:, :-1].clamp_min(0)], dim=1)
        logits_BLV = self(said_BL, memory_BMD, keep_BM)
        surprise_BL = F.cross_entropy(logits_BLV.transpose(1, 2), wanted_BL, ignore_index=_IGNORED, reduction="none")
        return surprise_BL.sum(dim=1)

    @torch.no_grad()
    def say(self, task: Task, memory_1MD: Tensor, keep_1M: Tensor, *, phrases: Phrases, guess: str = "") -> str:
        """One of the phrases, chosen greedily; bytes without an alternative cost nothing.

        Args:
            task: What is to be said.
            memory_1MD: What to look at, for one sample.
            keep_1M: False for padding.
            phrases: What may be said, of ``byte_phrases``.
            guess: What may well be said. It is read in one pass, and costs no other up to where it is wrong; what is
                said is the same with any.
        """
        walk = phrases.begin()
        said, guessed = [_BYTES + task], [_BYTES + task, *guess.encode()]
        read: list[int] = []
        logits_LV = memory_1MD.new_zeros(0, _BYTES)
        while True:
            for byte in walk.forced():
                said.append(byte)
                walk = walk.step(byte)
            choices = walk.choices()
            if not choices:
                return bytes(said[1:]).removesuffix(bytes([END])).decode()
            if said != read[: len(said)]:
                read = guessed[: self.longest] if said == guessed[: len(said)] else said.copy()
                logits_LV = self(torch.tensor([read], device=memory_1MD.device), memory_1MD, keep_1M)[0]
            best = choices[int(logits_LV[len(said) - 1, list(choices)].argmax())]
            said.append(best)
            walk = walk.step(best)


class _Layer(nn.Module):
    def __init__(self, width: int, attention_heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, attention_heads, batch_first=True)
        self.look = CrossAttention(width, attention_heads=attention_heads)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, state_BLD: Tensor, memory_BMD: Tensor, keep_BM: Tensor) -> Tensor:
        length = state_BLD.shape[1]
        later = torch.ones(length, length, dtype=torch.bool, device=state_BLD.device).triu(1)
        known = self.norm(state_BLD)
        heard, _ = self.attention(known, known, known, attn_mask=later, need_weights=False)
        state_BLD = self.look(state_BLD + heard, memory_BMD, keep_BM)
        out: Tensor = state_BLD + self.mlp(state_BLD)
        return out
