"""How a model is trained: stages, each with its steps, draws, objectives and frozen parts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from drivevla.errors import ConfigError, unknown_name
from drivevla.models.parts import PartConfig

if TYPE_CHECKING:
    from drivevla.language import InstructionKind

__all__ = ["DataConfig", "DrawConfig", "ObjectiveConfig", "StageConfig", "TrainingConfig"]


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig(PartConfig):
    """One objective of a stage."""

    weights: dict[str, float] = field(default_factory=dict)
    """Of its named terms; a term without a weight counts once."""


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is made of the data sets before anything is drawn from them."""

    wordings: int = 0
    """Other words for each instruction, in each language, beside those that were recorded."""
    languages: tuple[str, ...] = ("en", "zh")
    """Of the other words."""
    questions: bool = False
    """Whether each sample comes with the questions that its truth answers, for ``joint_text``."""
    skip_damaged: int = 0
    """So many samples that cannot be read are named, counted and left out; one more is an error."""
    cache: Literal["none", "memory", "device"] = "none"
    """Where decoded samples are kept: nowhere, so that they are read for each step; in memory; on the device."""
    validation_splits: tuple[str, ...] = ("val", "validation")
    """Scenes of these splits are never trained on; the loss is watched on them."""
    validation_samples: int = 512
    """At most so many of their samples are looked at, evenly spread."""

    def __post_init__(self) -> None:
        for name in ("wordings", "skip_damaged", "validation_samples"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")
        if (self.wordings or self.questions) and not self.languages:
            raise ConfigError("wordings and questions need a language")


@dataclass(frozen=True, kw_only=True)
class DrawConfig:
    """Which samples of the data a stage sees, and how often."""

    datasets: tuple[str, ...] = ()
    """Names of data sets, as their readers call them; all where none is named."""
    alternative_share: float = 0.0
    """Of the draws that hear another instruction than the one that was followed, where another is known."""
    together: int = 1
    """How often a frame comes in a step, each time in another stretch of what could be asked for: with 2 and an
    alternative_share of 0.5 once with its own instruction and once with another. Its pictures are looked at once."""
    turning_weight: float = 0.0
    """How much oftener a sample comes whose future turns by a right angle."""
    speed_change_weight: float = 0.0
    """How much oftener a sample comes whose speed changes by 5 m/s within two seconds."""
    standing_weight: float = 1.0
    """How often a sample comes that stands and goes on standing, relative to one that drives on evenly."""
    starting_weight: float = 1.0
    """The same of one that stands and drives off within two seconds: the one moment that tells what it waited for."""
    kind_weights: dict[str, float] = field(default_factory=dict)
    """How often a sample comes that was asked for something of a kind (``two_steps: 3.0``), relative to any other, and
    how often a kind is drawn among the other things that could be asked for at a sample."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.alternative_share <= 1.0:
            raise ConfigError(f"alternative_share is a share, got {self.alternative_share:g}")
        if self.together < 1:
            raise ConfigError(f"together must be at least 1, got {self.together}")
        if min(self.turning_weight, self.speed_change_weight) < 0.0:
            raise ConfigError("turning_weight and speed_change_weight are at least 0")
        if not (self.standing_weight > 0.0 and self.starting_weight > 0.0):
            raise ConfigError("standing_weight and starting_weight are above 0")
        if not self.kind_weights:
            return
        from drivevla.language import InstructionKind  # loads NumPy, and recipes are listed without it

        known = {kind.value for kind in InstructionKind}
        for kind, weight in self.kind_weights.items():
            if kind not in known:
                raise unknown_name("kind of instruction", kind, known)
            if not 0.0 < weight < math.inf:
                raise ConfigError(f"kind_weights are above 0 and finite, got {weight:g} for {kind}")

    @property
    def even(self) -> bool:
        """Whether all samples come equally often."""
        added, multiplied = (
            (self.turning_weight, self.speed_change_weight),
            (self.standing_weight, self.starting_weight),
        )
        return added == (0.0, 0.0) and {*multiplied, *self.kind_weights.values()} == {1.0}

    def weight_of(self, kind: InstructionKind | None) -> float:
        """How often something of a kind is asked for, relative to what is of none."""
        return 1.0 if kind is None else self.kind_weights.get(kind, 1.0)


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
    draw: DrawConfig = field(default_factory=DrawConfig)
    """Which samples it sees."""
    objectives: dict[str, ObjectiveConfig]
    """What is minimised: the sum over all weighted terms. No default: it would join what a preset names."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "accumulate"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "clip_norm"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be positive, got {getattr(self, name):g}")
        if self.batch_size % (self.accumulate * self.draw.together):
            raise ConfigError(
                f"a batch of {self.batch_size}, each frame {self.draw.together} times, cannot be cut into "
                f"{self.accumulate} equal parts"
            )
        if not self.objectives:
            raise ConfigError("a stage needs at least one objective")

    @property
    def weightless(self) -> frozenset[str]:
        """Terms that the recipe gives the weight 0: they are written down, and nothing is learned from them."""
        given = (weight for objective in self.objectives.values() for weight in objective.weights.items())
        return frozenset(name for name, weight in given if not weight)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """All of training."""

    stages: dict[str, StageConfig]
    """One after the other, in this order."""
    seed: int = 0
    """Of weights, order and noise."""
    begin_with: str | None = None
    """A trained policy (a shipped one's name, or a folder) whose weights are taken wherever name and shape agree."""
    ema_decay: float = 0.0
    """Of the moving average of the weights, which is what is stored to drive; 0 stores the weights themselves."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the forward pass computes in."""
    stored_as: Literal["float32", "bfloat16"] = "bfloat16"
    """What the checkpoint's weights are."""
    compile: bool = False
    """Whether torch compiles the encoders and the fusion: a minute at the start, faster steps on a GPU."""
    save_every: int = 200
    """Steps between two states that a killed run goes on from."""
    log_every: int = 1
    """Steps between two lines of metrics, each the mean since the last."""
    validate_every: int = 500
    """Steps between two looks at the validation samples."""

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigError("training needs at least one stage")
        if not 0.0 <= self.ema_decay < 1.0:
            raise ConfigError(f"ema_decay must be at least 0 and below 1, got {self.ema_decay:g}")
        for name in ("save_every", "log_every", "validate_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
