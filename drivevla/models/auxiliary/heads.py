"""What auxiliary heads promise, and how their losses come to an objective.

B batch, N fused tokens, D width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from drivevla import registry
from drivevla.errors import ConfigError, ContractError
from drivevla.models.auxiliary.targets import AuxiliaryBatch
from drivevla.models.config import ModelConfig
from drivevla.models.parts import build_part
from drivevla.perception.scene import Scene, SceneEncoder
from drivevla.types import SensorBatch

__all__ = ["AuxiliaryHead", "AuxiliaryInput", "Need", "auxiliary_heads", "auxiliary_terms", "known_mean", "pooled"]

Need: TypeAlias = Literal["grid", "ground", "objects", "cameras"]
"""Parts of a model that a head cannot do without: a grid around the car, a finer one of the ground, object queries, a
camera encoder."""

_MISSING: Mapping[Need, str] = {
    "grid": "features on a grid around the car: give the model a lidar encoder, or lift its cameras",
    "ground": "features of the ground near the car: give the model ground (name: ground)",
    "objects": "object queries: give the model objects (name: objects)",
    "cameras": "a camera encoder: give the model cameras",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxiliaryInput:
    """What auxiliary heads read.

    Attributes:
        tokens_BND: What the planner reads.
        scene: What the encoders saw.
        sensors: What came in, whole: an objective may have hidden some of it from the model.
    """

    tokens_BND: Tensor
    scene: Scene
    sensors: SensorBatch


class AuxiliaryHead(Protocol):
    """Learns to tell something beside the plan; made as ``Head(width, **options)``."""

    needs: Need | None

    def forward(self, given: AuxiliaryInput) -> Any:
        """The head's own prediction."""
        ...

    def loss(self, prediction: Any, given: AuxiliaryInput, target: AuxiliaryBatch) -> Mapping[str, Tensor]:
        """Unweighted named scalars; what is not known adds nothing, and every sample weighs the same."""
        ...


def auxiliary_heads(config: ModelConfig, scene: SceneEncoder) -> nn.ModuleDict:
    """The heads of a model by the name that their terms begin with.

    Args:
        config: Of the model.
        scene: Its encoders, whose grids the heads live on.

    Raises:
        UnknownName: The registry lacks one of them.
        ConfigError: A head needs a part that the model does not have, or cannot be built with its options.
    """
    there = {
        "grid": config.lidar is not None or config.lift,
        "ground": config.ground is not None,
        "objects": config.objects is not None,
        "cameras": config.cameras is not None,
    }
    heads = nn.ModuleDict()
    for name, part in config.auxiliary.items():
        need = registry.load("auxiliary", part.name).needs
        if need is not None and not there[need]:
            raise ConfigError(f"auxiliary head {name} ({part.name}) needs {_MISSING[need]}")
        heads[name] = build_part(
            "auxiliary",
            part,
            config.width,
            grid=scene.grid,
            ground=scene.ground.grid if scene.ground else None,
            ground_channels=scene.ground.channels if scene.ground else 0,
        )
    return heads


def auxiliary_terms(heads: nn.ModuleDict, given: AuxiliaryInput, target: AuxiliaryBatch | None) -> dict[str, Tensor]:
    """All heads' terms, as ``HEAD_TERM``.

    Raises:
        ContractError: There are heads, and no sample of the batch has a target for any.
    """
    if not heads:
        return {}
    if target is None:
        raise ContractError(
            f"the model has the auxiliary heads {', '.join(heads)}, and no sample of the batch has a target; "
            "make them with drivevla.models.auxiliary.targets.auxiliary_target, or train a model without these heads"
        )
    terms: dict[str, Tensor] = {}
    for name, head in heads.items():
        head_terms = head.loss(head.forward(given), given, target)  # type: ignore[operator]
        terms |= {f"{name}_{term}": value for term, value in head_terms.items()}
    return terms


def known_mean(values_B: Tensor, known_B: Tensor) -> Tensor:
    """The sum over samples where something is known, by the size of the batch: every sample weighs the same."""
    return torch.where(known_B, values_B, torch.zeros_like(values_B)).mean()


def pooled(width: int, outputs: int) -> nn.Module:
    """A question that looks at all tokens once, and answers in numbers."""
    return _Pooled(width, outputs)


class _Pooled(nn.Module):
    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.query_1D = nn.Parameter(torch.randn(1, width) * width**-0.5)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, outputs))

    def forward(self, tokens_BND: Tensor) -> Tensor:
        """(B, outputs)."""
        query = self.query_1D.expand(len(tokens_BND), -1, -1)
        looked, _ = self.attention(query, tokens_BND, tokens_BND, need_weights=False)
        out: Tensor = self.out(looked[:, 0])
        return out
