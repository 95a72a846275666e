"""What a model is made of: the part of a recipe that builds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from drivevla.errors import ConfigError
from drivevla.models.parts import PartConfig

__all__ = ["FusionConfig", "ModelConfig", "TextConfig"]


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """From many tokens to the few that the planner reads."""

    latents: int = 64
    """Tokens that the planner reads."""
    layers: int = 3
    """How often they look at the scene."""
    attention_heads: int = 4
    """In each attention."""
    language: Literal["cross", "gated", "film", "prefix", "none"] = "cross"
    """How the sentence reaches them; "none" makes a model that hears nothing."""


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """A decoder of bytes, trained from scratch."""

    layers: int = 2
    """Each hears the sentence so far and looks at what the planner reads."""
    attention_heads: int = 4
    """In each attention."""
    longest: int = 160
    """Bytes of a sentence; a Chinese character is three."""

    def __post_init__(self) -> None:
        for name in ("layers", "attention_heads", "longest"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} of text must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Encoders, fusion and head by name; the defaults are the recipe nano's."""

    width: int = 128
    """Of every token."""
    steps: int = 16
    """Waypoints in a plan."""
    dt_s: float = 0.25
    """Time between them."""
    cameras: PartConfig | None = field(default_factory=lambda: PartConfig(name="convolutional"))
    """Encodes pictures; null for a blind model."""
    halved: tuple[str, ...] = ()
    """Cameras whose pictures are brought to half their size first: those to the sides need not read lamps."""
    lidar: PartConfig | None = field(default_factory=lambda: PartConfig(name="pillars"))
    """Encodes sweeps; null for a model without."""
    ground: PartConfig | None = None
    """Looks at the ground near the car in fine cells (the registry's encoder "ground"); null for a model without."""
    lift: bool = False
    """Whether camera features are brought to the grid around the car too."""
    readers: tuple[str, ...] = ("minilm", "characters")
    """Sentence encoders, whose tokens are joined: minilm, characters, or a folder or hub name of a text model."""
    ego: tuple[str, ...] = ("speed_mps", "acceleration_mps2", "yaw_rate_radps", "steering_rad", "steering_known")
    """What the model sees of the car's own motion, by the names of ``drivevla.perception.collating``."""
    history: bool = True
    """Whether it sees where the car was."""
    since_told: bool = False
    """Whether its words know how far the car has come, and how far it has turned, since they were said."""
    objects: PartConfig | None = None
    """Finds objects and adds a token for each (the registry's encoder "objects"); null for a model without."""
    fusion: FusionConfig = field(default_factory=FusionConfig)
    """Scene and sentence together."""
    backbone: PartConfig | None = None
    """A pretrained language model (the registry's encoder "language_model") that reads sensors and sentence instead of
    readers and fusion; null for those."""
    head: PartConfig = field(default_factory=lambda: PartConfig(name="regression"))
    """Tokens to plan."""
    head_sees_ego: bool = True
    """Whether the head sees the car's motion itself, beside what fusion saw; heads that drive a unicycle do anyway."""
    head_hears: bool = False
    """Whether the head attends to the words itself, beside what fusion heard."""
    refusal_hears: bool = False
    """Whether refusing reads the words itself, beside what fusion made of them."""
    refuses_above: float = 0.5
    """What is asked for is refused where that is likelier than this."""
    auxiliary: dict[str, PartConfig] = field(default_factory=dict)
    """What it is asked beside the plan while it learns, by the name that its loss terms begin with."""

    text: TextConfig | None = None
    """Tells why it does what it does, and answers questions; null for a model that only drives. With a backbone, that
    writes, and only whether this is null matters."""

    def __post_init__(self) -> None:
        if self.width % (2 * self.fusion.attention_heads):
            raise ConfigError(
                f"width must be a multiple of twice the attention heads, got {self.width} and "
                f"{self.fusion.attention_heads}"
            )
        if self.backbone is not None and (self.head_hears or self.refusal_hears):
            raise ConfigError("with a backbone the words go through it; head_hears and refusal_hears must be false")
        if self.since_told and not self.readers:
            raise ConfigError("since_told is added to the words of readers, and there are none: it must be false")
        if self.refusal_hears and not self.readers:
            raise ConfigError("refusal_hears needs readers whose words it can hear, and there are none")
        if self.backbone is None and not self.readers and self.fusion.language != "none":
            raise ConfigError("a model that hears needs a reader; without one, fusion.language is none")
        if not 0.0 < self.refuses_above < 1.0:
            raise ConfigError(f"refuses_above is a probability, got {self.refuses_above:g}")
        if not (self.steps > 0 and self.dt_s > 0):
            raise ConfigError(f"steps and dt_s must be positive, got {self.steps} and {self.dt_s:g}")
