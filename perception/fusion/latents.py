"""Many tokens to few: latent queries that look at the scene and hear the sentence.

B batch, S scene tokens, N latents, L language tokens, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from drivevla.perception.fusion.sentences import CrossAttention, LanguageFusion, PrefixLanguage, language_fusion

__all__ = ["LatentFusion"]


class LatentFusion(nn.Module):
    """A Perceiver (arXiv 2103.03206): each layer looks at the scene, hears the sentence, and thinks.

    The cost grows with the number of scene tokens and not with its square, which is what lets three cameras and a
    LiDAR through in milliseconds.

    Args:
        width: Of the tokens.
        latents: How many tokens the planner reads.
        layers: How often the latents look.
        attention_heads: In each attention.
        language: How the sentence reaches the latents.
    """

    def __init__(
        self,
        width: int,
        *,
        latents: int = 64,
        layers: int = 3,
        attention_heads: int = 4,
        language: LanguageFusion = "cross",
    ) -> None:
        super().__init__()
        self.latents_ND = nn.Parameter(torch.randn(latents, width) * width**-0.5)
        self.layers = nn.ModuleList(_Layer(width, attention_heads, language) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, scene_BSD: Tensor, keep_BS: Tensor, words_BLD: Tensor, keep_BL: Tensor) -> Tensor:
        """(B, N, D) what the planner reads."""
        latents_BND = self.latents_ND.expand(len(scene_BSD), -1, -1)
        for layer in self.layers:
            latents_BND = layer(latents_BND, scene_BSD, keep_BS, words_BLD, keep_BL)
        out: Tensor = self.norm(latents_BND)
        return out


class _Layer(nn.Module):
    def __init__(self, width: int, attention_heads: int, language: LanguageFusion) -> None:
        super().__init__()
        self.look = CrossAttention(width, attention_heads=attention_heads)
        self.listen = language_fusion(language, width, attention_heads=attention_heads)
        self.think = CrossAttention(width, attention_heads=attention_heads)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(
        self, latents_BND: Tensor, scene_BSD: Tensor, keep_BS: Tensor, words_BLD: Tensor, keep_BL: Tensor
    ) -> Tensor:
        latents_BND = self.look(latents_BND, scene_BSD, keep_BS)
        if self.listen is not None:
            latents_BND = self.listen(latents_BND, words_BLD, keep_BL)
        known_BND = self.think.norm(latents_BND)
        keep_BN = keep_BS.new_ones(known_BND.shape[:2])
        if isinstance(self.listen, PrefixLanguage):
            known_BND = torch.cat([words_BLD, known_BND], dim=1)
            keep_BN = torch.cat([keep_BL, keep_BN], dim=1)
        latents_BND = self.think(latents_BND, known_BND, keep_BN)
        out: Tensor = latents_BND + self.mlp(latents_BND)
        return out
