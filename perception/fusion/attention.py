"""Attention of a few queries to many tokens.

B batch, N queries, L tokens that are looked at, D width, A attention heads.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.errors import ContractError

__all__ = ["Attention"]


class Attention(nn.Module):
    """``torch.nn.MultiheadAttention``, weight for weight, without its change to time-first layout.

    That copies keys and values of every token, which for 700 tokens takes longer on a CPU than the attention itself.

    Args:
        width: Of queries and tokens.
        attention_heads: How many; they divide the width.

    Raises:
        ContractError: They do not.
    """

    def __init__(self, width: int, attention_heads: int) -> None:
        super().__init__()
        if width % attention_heads:
            raise ContractError(f"{attention_heads} attention heads do not divide a width of {width}")
        self.attention_heads = attention_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, queries_BND: Tensor, tokens_BLD: Tensor, keep_BL: Tensor) -> Tensor:
        """(B, N, D) what each query finds; every row of ``keep_BL`` must keep a token."""
        width = queries_BND.shape[-1]
        ask_w, tell_w = self.in_proj_weight.split([width, 2 * width])
        ask_b, tell_b = self.in_proj_bias.split([width, 2 * width])
        keys_BLD, values_BLD = F.linear(tokens_BLD, tell_w, tell_b).chunk(2, dim=-1)
        found_BAND = F.scaled_dot_product_attention(
            self._heads(F.linear(queries_BND, ask_w, ask_b)),
            self._heads(keys_BLD),
            self._heads(values_BLD),
            attn_mask=keep_BL[:, None, None, :],
        )
        out: Tensor = self.out_proj(found_BAND.transpose(1, 2).flatten(2))
        return out

    def _heads(self, tokens_BLD: Tensor) -> Tensor:
        return tokens_BLD.unflatten(2, (self.attention_heads, -1)).transpose(1, 2)
