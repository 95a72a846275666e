"""Objects as tokens: queries that each look for one thing in the scene, and say what and where it is.

B batch, S scene tokens, K objects, C classes, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from drivevla.perception.fusion.sentences import CrossAttention

__all__ = ["BOX_SCALE", "ObjectQueries", "ObjectSet"]

BOX_SCALE = (32.0, 32.0, 4.0, 4.0, 1.0, 1.0, 10.0, 10.0)
"""Metres, metres per second and plain numbers that count as one in a box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSet:
    """What was found in a batch of scenes; a set, so that the order means nothing.

    Attributes:
        tokens_BKD: One for each object, its box told in it.
        logits_BKC: Of the classes; the last means "nothing there".
        boxes_BK8: x, y, length, width, cosine and sine of yaw, velocity, ego frame, in units of ``BOX_SCALE``.
    """

    tokens_BKD: Tensor
    logits_BKC: Tensor
    boxes_BK8: Tensor


class ObjectQueries(nn.Module):
    """Set prediction as in DETR (arXiv 2005.12872, section 3), small, over the tokens of all sensors together.

    An object's token is its query's state and an embedding of its box, which is how VIMA tells its controller of
    objects (arXiv 2210.03094, section 4) and OpenDriveVLA its language model of agents (arXiv 2503.23463, section 3.2).

    Args:
        width: Of the tokens.
        classes: Kinds of things, "nothing" not counted.
        count: Objects that can be found at once.
        layers: How often each query looks at the scene and at the others.
        attention_heads: In each attention.
    """

    def __init__(
        self, width: int, *, classes: int = 4, count: int = 24, layers: int = 2, attention_heads: int = 4
    ) -> None:
        super().__init__()
        self.queries_KD = nn.Parameter(torch.randn(count, width) * width**-0.5)
        self.layers = nn.ModuleList(_Layer(width, attention_heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.what = nn.Linear(width, classes + 1)
        self.where = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, len(BOX_SCALE)))
        self.told = nn.Sequential(nn.Linear(len(BOX_SCALE) + classes + 1, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, scene_BSD: Tensor, keep_BS: Tensor) -> ObjectSet:
        """Look for objects."""
        state_BKD = self.queries_KD.expand(len(scene_BSD), -1, -1)
        for layer in self.layers:
            state_BKD = layer(state_BKD, scene_BSD, keep_BS)
        state_BKD = self.norm(state_BKD)
        logits_BKC, boxes_BK8 = self.what(state_BKD), self.where(state_BKD)
        # What is told is what was found: the planner shall not bend the boxes to its own ends.
        found = torch.cat([boxes_BK8, logits_BKC.softmax(dim=-1)], dim=-1).detach()
        return ObjectSet(tokens_BKD=state_BKD + self.told(found), logits_BKC=logits_BKC, boxes_BK8=boxes_BK8)


class _Layer(nn.Module):
    def __init__(self, width: int, attention_heads: int) -> None:
        super().__init__()
        self.look = CrossAttention(width, attention_heads=attention_heads)
        self.compare = CrossAttention(width, attention_heads=attention_heads)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, state_BKD: Tensor, scene_BSD: Tensor, keep_BS: Tensor) -> Tensor:
        state_BKD = self.look(state_BKD, scene_BSD, keep_BS)
        everybody_BK = keep_BS.new_ones(state_BKD.shape[:2])
        state_BKD = self.compare(state_BKD, self.compare.norm(state_BKD), everybody_BK)
        out: Tensor = state_BKD + self.mlp(state_BKD)
        return out
