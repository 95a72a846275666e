"""The one model: sensors and a sentence in, a plan out. Recipes choose its parts, none of them forks it.

B batch, N fused tokens, L language tokens, D width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from drivevla.models.auxiliary.heads import auxiliary_heads
from drivevla.models.config import ModelConfig
from drivevla.models.frozen import keep_frozen
from drivevla.models.language.characters import CharacterEncoder
from drivevla.models.language.pretrained import PretrainedReader
from drivevla.models.language.since_told import SinceTold
from drivevla.models.language.tokens import JoinedEncoder, SentenceTokens
from drivevla.models.parts import build_part
from drivevla.models.refusing import RefusalByWords
from drivevla.models.text.decoder import ByteDecoder
from drivevla.perception.collating import EGO_FEATURES
from drivevla.perception.fusion.latents import LatentFusion
from drivevla.perception.scene import Scene, SceneEncoder
from drivevla.types import HeadContext, PlannerHead, SensorBatch

if TYPE_CHECKING:
    from drivevla.models.backbone.language_model import LanguageBackbone

__all__ = ["CHARACTERS", "DrivingModel", "Understanding"]

CHARACTERS = "characters"
"""What a recipe calls the reader that is trained from scratch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What the model made of a batch, before it plans.

    Attributes:
        context: What the head reads.
        scene: What the encoders saw, for auxiliary heads.
        refusal_B: Logit of refusing what was asked for.
    """

    context: HeadContext
    scene: Scene
    refusal_B: Tensor


class DrivingModel(nn.Module):
    """Perception, language, fusion and planner joined.

    Args:
        config: Which parts.
        answers: What the pretrained reader answers to many sentences, as a file.

    Raises:
        UnknownName: The registry lacks one of them.
        ConfigError: A part cannot be built with its options.
    """

    def __init__(self, config: ModelConfig, *, answers: Path | None = None) -> None:
        super().__init__()
        self.config = config
        self.scene = SceneEncoder(
            config.width,
            cameras=build_part("encoders", config.cameras, config.width) if config.cameras else None,
            lidar=build_part("encoders", config.lidar, config.width) if config.lidar else None,
            ground=build_part("encoders", config.ground, config.width) if config.ground else None,
            lift=config.lift,
            halved=config.halved,
            objects=build_part("encoders", config.objects, config.width) if config.objects else None,
            ego=config.ego,
            history=config.history,
        )
        self.backbone: LanguageBackbone | None = None
        if config.backbone is not None:
            self.backbone = build_part("encoders", config.backbone, config.width)
        else:
            self.readers = JoinedEncoder(*(_reader(name, config.width, answers) for name in config.readers))
            self.since_told = SinceTold(config.width) if config.since_told else None
            self.fusion = _fusion(config)
        self.head: PlannerHead[Any] = build_part(
            "heads",
            config.head,
            config.width,
            steps=config.steps,
            dt_s=config.dt_s,
            ego_size=len(EGO_FEATURES) if config.head_sees_ego else 0,
            ground=self.scene.ground.grid if self.scene.ground else None,
            ground_channels=self.scene.ground.channels if self.scene.ground else 0,
        )
        self.refusal = nn.Linear(config.width, 1)
        self.refusal_by_words = RefusalByWords(config.width) if config.refusal_hears else None
        self.auxiliary = auxiliary_heads(config, self.scene)
        self.text = _text_decoder(config)
        keep_frozen(self)

    def forward(self, batch: SensorBatch) -> Understanding:
        """See and hear."""
        scene = self.scene(batch)
        words = None
        if self.backbone is not None:
            tokens_BND = self.backbone(scene.tokens_BSD, scene.keep_BS, batch.sentences)
        else:
            words = self._words(batch)
            tokens_BND = self.fusion(scene.tokens_BSD, scene.keep_BS, words.tokens_BLD, words.keep_BL)
        context = HeadContext(
            tokens_BSD=tokens_BND,
            keep_BS=scene.keep_BS.new_ones(tokens_BND.shape[:2]),
            ego_BE=batch.ego_BE,
            bev_BDXY=scene.bev_BDXY,
            ground_BCXY=scene.ground_BCXY,
        )
        if self.config.head_hears and words is not None:
            context = replace(context, language_BLD=words.tokens_BLD, language_keep_BL=words.keep_BL)
        return Understanding(context=context, scene=scene, refusal_B=self._refusal(tokens_BND, words))

    @property
    def asked_parameters(self) -> int:
        """Parameters of text models that pretrained readers ask: frozen, and never stored with this model."""
        if self.backbone is not None:
            return 0
        return sum(each.asked_parameters for each in self.readers.encoders if isinstance(each, PretrainedReader))

    def _refusal(self, tokens_BND: Tensor, words: SentenceTokens | None) -> Tensor:
        understood_BD = tokens_BND.mean(dim=1)
        logit_B: Tensor = self.refusal(understood_BD)[:, 0]
        if self.refusal_by_words is None or words is None:
            return logit_B
        added_B: Tensor = self.refusal_by_words(understood_BD, words)
        return logit_B + added_B

    def _words(self, batch: SensorBatch) -> SentenceTokens:
        if self.config.fusion.language == "none" and not self.config.head_hears:
            silent = batch.ego_BE.new_zeros(len(batch.ego_BE), 1, self.config.width)
            return SentenceTokens(silent, torch.zeros_like(silent[..., 0], dtype=torch.bool))
        words: SentenceTokens = self.readers(batch.sentences)
        if self.since_told is None:
            return words
        here_B3 = batch.ego_BE.new_zeros(len(batch.sentences), 3)
        return self.since_told(words, here_B3 if batch.told_B3 is None else batch.told_B3)


def _fusion(config: ModelConfig) -> LatentFusion:
    fusion = config.fusion
    return LatentFusion(
        config.width,
        latents=fusion.latents,
        layers=fusion.layers,
        attention_heads=fusion.attention_heads,
        language=fusion.language,
    )


def _text_decoder(config: ModelConfig) -> ByteDecoder | None:
    if config.text is None or config.backbone is not None:
        return None
    text = config.text
    return ByteDecoder(config.width, layers=text.layers, attention_heads=text.attention_heads, longest=text.longest)


def _reader(name: str, width: int, answers: Path | None) -> nn.Module:
    return CharacterEncoder(width) if name == CHARACTERS else PretrainedReader(width, name=name, answers=answers)
