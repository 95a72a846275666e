"""What a recipe reproduces, and how.

A recipe is a configuration, never a fork of the model. A planned recipe describes a system: where it comes from and
which mechanisms make it what it is. An available one also picks the parts that the model is built from.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from drivevla.errors import ConfigError
from drivevla.models.config import ModelConfig
from drivevla.training.config import DataConfig, TrainingConfig

__all__ = ["RecipeConfig"]


@dataclass(frozen=True, kw_only=True)
class RecipeConfig:
    """One system whose mechanisms are reproduced at reduced size."""

    name: str
    """What `drivevla recipes NAME` calls it; equals the preset's file name."""
    system: str
    """The system as its authors call it."""
    source: str
    """Paper, report or repository."""
    year: int
    """Of first publication."""
    summary: str
    """One sentence."""
    mechanism: tuple[str, ...]
    """What makes the system what it is, one short phrase each."""
    state: Literal["planned", "available"] = "planned"
    """Whether `drivevla train` can build it."""
    model: ModelConfig | None = None
    """The parts of the model."""
    data: DataConfig = field(default_factory=DataConfig)
    """What is made of the data sets."""
    training: TrainingConfig | None = None
    """How it learns."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ConfigError(f"name must be lower-case letters, digits and underscores, got {self.name!r}")
        for name in ("system", "source", "summary"):
            if not getattr(self, name).strip():
                raise ConfigError(f"{name} must not be empty")
        if not 2000 <= self.year <= 2100:
            raise ConfigError(f"year must be a year of this century, got {self.year}")
        if not self.mechanism:
            raise ConfigError("mechanism must name at least one thing that the recipe reproduces")
        if self.state == "available" and (self.model is None or self.training is None):
            raise ConfigError(f"{self.name} is called available and lacks a model or a training")
