"""How a model is trained: stages, each with its steps, objectives and frozen parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from drivevla.errors import ConfigError
from drivevla.models.parts import PartConfig

__all__ = ["ObjectiveConfig", "StageConfig", "TrainingConfig"]


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig(PartConfig):
    """One objective of a stage."""

    weights: dict[str, float] = field(default_factory=dict)
    """Of its named terms; a term without a weight counts once."""


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """A stretch of training."""

    steps: int
    """Optimiser steps."""
    batch_size: int = 32
    """Samples of a step, over all processes and accumulated parts together."""
    accumulate: int = 1
    """Parts that a process works through one after the other for a step."""
    learning_rate: float = 1e-3
    """At its peak."""
    warmup_steps: int = 100
    """Over which the rate rises to the peak."""
    final_rate_share: float = 0.01
    """Of the peak, reached at the end along a cosine."""
    weight_decay: float = 0.01
    """AdamW's, on matrices alone."""
    clip_norm: float = 1.0
    """Longer gradients are shortened to this length."""
    frozen: tuple[str, ...] = ()
    """Beginnings of the names of weights that do not learn."""
    objectives: dict[str, ObjectiveConfig] = field(
        default_factory=lambda: {"imitation": ObjectiveConfig(name="imitation")}
    )
    """What is minimised: the sum over all weighted terms."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "accumulate"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "clip_norm"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be positive, got {getattr(self, name):g}")
        if self.batch_size % self.accumulate:
            raise ConfigError(f"a batch of {self.batch_size} cannot be cut into {self.accumulate} equal parts")
        if not self.objectives:
            raise ConfigError("a stage needs at least one objective")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """All of training."""

    stages: dict[str, StageConfig]
    """One after the other, in this order."""
    seed: int = 0
    """Of weights, order and noise."""
    ema_decay: float = 0.0
    """Of the moving average of the weights, which is what is stored to drive; 0 stores the weights themselves."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the forward pass computes in."""
    save_every: int = 200
    """Steps between two states that a killed run goes on from."""

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigError("training needs at least one stage")
        if not 0.0 <= self.ema_decay < 1.0:
            raise ConfigError(f"ema_decay must be at least 0 and below 1, got {self.ema_decay:g}")
        if self.save_every < 1:
            raise ConfigError(f"save_every must be at least 1, got {self.save_every}")
