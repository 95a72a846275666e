"""A small encoder of characters, trained from scratch: it reads any script, Chinese included.

B batch, L characters, N tokens, D width, C own width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.models.language.tokens import SentenceTokens, check_sentences

__all__ = ["CharacterEncoder"]

_BYTES = 256
_HASHED = 2048
_PRIME = 2654435761


class CharacterEncoder(nn.Module):
    """Characters as learned vectors, mixed with their neighbours, with one token for every few characters.

    ASCII has a row each; other characters share rows by a hash of their code point, in two tables at once, so that two
    of them are told apart unless they meet in both. It has no list of words and no unknown character.

    Args:
        width: Of the tokens.
        channels: Its own width.
        layers: Of self-attention.
        longest: Characters that are read; the rest of a longer sentence is not.
        stride: Characters to a token.
    """

    def __init__(self, width: int, *, channels: int = 96, layers: int = 2, longest: int = 192, stride: int = 4) -> None:
        super().__init__()
        self.longest, self.stride = longest, stride
        self.rows = nn.Embedding(1 + _BYTES + _HASHED, channels, padding_idx=0)
        self.near = nn.Conv1d(channels, channels, 5, padding=2)
        self.pool = nn.Conv1d(channels, channels, stride, stride=stride)
        self.place_ND = nn.Parameter(torch.randn(-(-longest // stride), channels) * channels**-0.5)
        layer = nn.TransformerEncoderLayer(
            channels, 4, 2 * channels, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.context = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, width))

    def forward(self, sentences: Sequence[str]) -> SentenceTokens:
        """Tokens of a batch of sentences.

        Raises:
            ContractError: A sentence is longer than 1,000 characters.
        """
        check_sentences(sentences)
        first, second, keep_BL = self._ids(sentences)
        characters_BLC = self.rows(first) + self.rows(second)
        mixed_BCL = F.gelu(self.near(characters_BLC.transpose(1, 2))).masked_fill(~keep_BL[:, None], 0.0)
        tokens_BNC = self.pool(mixed_BCL).transpose(1, 2)
        tokens_BNC = tokens_BNC + self.place_ND[: tokens_BNC.shape[1]]
        keep_BN = keep_BL.unflatten(1, (-1, self.stride)).any(dim=2)
        # A sentence without a character still needs something to attend to; nobody reads what comes of it.
        attended_BN = keep_BN | ~keep_BN.any(dim=1, keepdim=True)
        known_BNC = self.context(tokens_BNC, src_key_padding_mask=~attended_BN)
        return SentenceTokens(self.out(known_BNC), keep_BN)

    def _ids(self, sentences: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        device = self.rows.weight.device
        codes = [[ord(letter) for letter in sentence.lower()[: self.longest]] for sentence in sentences]
        length = max(self.stride, -(-max(map(len, codes), default=0) // self.stride) * self.stride)
        grid = torch.tensor([row + [0] * (length - len(row)) for row in codes], dtype=torch.long, device=device)
        plain, keep = grid < _BYTES, grid > 0
        hashes = [(grid * _PRIME >> shift) % _HASHED for shift in (3, 14)]
        first, second = (torch.where(plain, 1 + grid, 1 + _BYTES + each) for each in hashes)
        return first.masked_fill(~keep, 0), second.masked_fill(~keep | plain, 0), keep
