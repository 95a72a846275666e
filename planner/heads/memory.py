"""What every head reads: the context's tokens as one memory with a mask, and queries that look at it.

B batch, M memory tokens, S scene tokens, L language tokens, N queries, D width, E ego features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from drivevla.errors import ContractError
from drivevla.types import HeadContext

__all__ = ["Memory", "MemoryReader", "PlanQueries", "ego_speed", "query_layers"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Tokens to attend to.

    Attributes:
        tokens_BMD: Scene, language and ego tokens, in this order.
        keep_BM: False for padding.
    """

    tokens_BMD: Tensor
    keep_BM: Tensor

    def repeat(self, times: int) -> Memory:
        """The same memory for each of several samples of one scene: row b becomes rows b * times onwards."""
        return Memory(self.tokens_BMD.repeat_interleave(times, dim=0), self.keep_BM.repeat_interleave(times, dim=0))


class MemoryReader(nn.Module):
    """Joins scene tokens, language tokens where the head gets them, and the ego state to one memory.

    Args:
        width: Of the tokens.
        ego_size: Ego features; 0 for heads that shall not see them.
    """

    def __init__(self, width: int, *, ego_size: int = 0) -> None:
        super().__init__()
        self.ego_size = ego_size
        self.ego = nn.Linear(ego_size, width) if ego_size else None

    def forward(self, context: HeadContext) -> Memory:
        """Build the memory.

        Raises:
            ContractError: The head was built with ego features and the context has none, or another number.
        """
        tokens, keep = [context.tokens_BSD], [context.keep_BS]
        if context.language_BLD is not None and context.language_keep_BL is not None:
            tokens.append(context.language_BLD)
            keep.append(context.language_keep_BL)
        if self.ego is not None:
            if context.ego_BE is None or context.ego_BE.shape[-1] != self.ego_size:
                came = None if context.ego_BE is None else tuple(context.ego_BE.shape)
                raise ContractError(f"this head reads {self.ego_size} ego features, got {came}")
            tokens.append(self.ego(context.ego_BE)[:, None])
            keep.append(torch.ones_like(context.keep_BS[:, :1]))
        return Memory(torch.cat(tokens, dim=1), torch.cat(keep, dim=1).bool())


class PlanQueries(nn.Module):
    """Learned questions that the plan answers: each attends to the memory, and to the others unless told not to.

    Args:
        width: Of the tokens.
        count: Queries.
        layers: Decoder layers.
        attention_heads: In each.
        see_each_other: False blocks attention between the queries, so that each is answered alone.
    """

    def __init__(
        self, width: int, count: int, *, layers: int = 2, attention_heads: int = 4, see_each_other: bool = True
    ) -> None:
        super().__init__()
        self.queries_ND = nn.Parameter(torch.randn(count, width) * width**-0.5)
        self.decoder = query_layers(width, layers=layers, attention_heads=attention_heads)
        blocked_NN = ~torch.eye(count, dtype=torch.bool)
        self.register_buffer("blocked_NN", None if see_each_other else blocked_NN, persistent=False)

    def forward(self, memory: Memory) -> Tensor:
        """(B, N, D) answers."""
        queries_BND = self.queries_ND.expand(len(memory.tokens_BMD), -1, -1)
        answers: Tensor = self.decoder(
            queries_BND, memory.tokens_BMD, tgt_mask=self.blocked_NN, memory_key_padding_mask=~memory.keep_BM
        )
        return answers


def query_layers(width: int, *, layers: int, attention_heads: int) -> nn.TransformerDecoder:
    """Pre-norm decoder layers of the usual proportions, without dropout: exact resume needs no noise here."""
    layer = nn.TransformerDecoderLayer(
        width, attention_heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerDecoder(layer, layers, norm=nn.LayerNorm(width))


def ego_speed(context: HeadContext) -> Tensor:
    """(B,) speed now in m/s: the first ego feature.

    Raises:
        ContractError: There are no ego features.
    """
    if context.ego_BE is None:
        raise ContractError("this head needs the ego features, the first of which is the speed in m/s")
    return context.ego_BE[:, 0]
