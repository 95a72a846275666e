"""What planner heads and objectives promise each other. Tensors are named here, torch is not imported.

B batch, S scene tokens, L language tokens, D width, C channels, T future steps, P path points, K modes, E ego features,
X and Y cells of a grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from drivevla.errors import ContractError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = [
    "FitsData",
    "GenerativeHead",
    "Grid",
    "HeadContext",
    "Objective",
    "PlanTarget",
    "PlanTensors",
    "PlannerHead",
    "ScoresPlans",
]

PredictionT = TypeVar("PredictionT")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadContext:
    """What a planner head reads.

    Attributes:
        tokens_BSD: Scene tokens, language already fused in where the recipe fuses early.
        keep_BS: False for padding.
        language_BLD: Language tokens, for heads that attend to them themselves.
        language_keep_BL: False for padding.
        ego_BE: Ego state features; the first is the speed in m/s.
        bev_BDXY: Features on a grid around the car, where perception makes one; X ahead, Y to the left.
        ground_BCXY: Features on a finer grid of the ground near the car, where perception makes one; a head that looks
            at it is built with that grid.
    """

    tokens_BSD: Tensor
    keep_BS: Tensor
    language_BLD: Tensor | None = None
    language_keep_BL: Tensor | None = None
    ego_BE: Tensor | None = None
    bev_BDXY: Tensor | None = None
    ground_BCXY: Tensor | None = None

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            ContractError: Two tensors disagree.
        """
        _require_shape("tokens_BSD", self.tokens_BSD, 3)
        _require_prefix("keep_BS", self.keep_BS, self.tokens_BSD.shape[:2])
        if (self.language_BLD is None) != (self.language_keep_BL is None):
            raise ContractError("language_BLD and language_keep_BL come together or not at all")
        if self.language_BLD is not None and self.language_keep_BL is not None:
            _require_shape("language_BLD", self.language_BLD, 3)
            _require_prefix("language_keep_BL", self.language_keep_BL, self.language_BLD.shape[:2])
            _require_prefix("language_BLD", self.language_BLD, self.tokens_BSD.shape[:1])
        if self.ego_BE is not None:
            _require_prefix("ego_BE", self.ego_BE, self.tokens_BSD.shape[:1])
        for name in ("bev_BDXY", "ground_BCXY"):
            grid = getattr(self, name)
            if grid is not None:
                _require_shape(name, grid, 4)
                _require_prefix(name, grid, self.tokens_BSD.shape[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTarget:
    """What the teacher did, ego frame.

    Attributes:
        waypoints_BT3: x, y, yaw.
        valid_BT: False where the log ended.
        path_BP2: The geometric path, where there is one.
        path_valid_BP: False where the path is not known so far; comes with the path.
        target_speed_B: Speed to aim for, where there is one; NaN where it is not known.
    """

    waypoints_BT3: Tensor
    valid_BT: Tensor
    path_BP2: Tensor | None = None
    path_valid_BP: Tensor | None = None
    target_speed_B: Tensor | None = None

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            ContractError: Two tensors disagree.
        """
        _require_shape("waypoints_BT3", self.waypoints_BT3, 3, last=3)
        _require_prefix("valid_BT", self.valid_BT, self.waypoints_BT3.shape[:2])
        if self.path_BP2 is not None:
            _require_shape("path_BP2", self.path_BP2, 3, last=2)
            _require_prefix("path_BP2", self.path_BP2, self.waypoints_BT3.shape[:1])
        if (self.path_BP2 is None) != (self.path_valid_BP is None):
            raise ContractError("path_BP2 and path_valid_BP come together or not at all")
        if self.path_BP2 is not None and self.path_valid_BP is not None:
            _require_prefix("path_valid_BP", self.path_valid_BP, self.path_BP2.shape[:2])
        if self.target_speed_B is not None:
            _require_prefix("target_speed_B", self.target_speed_B, self.waypoints_BT3.shape[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTensors:
    """A batch of plans, before each becomes a ``Plan``.

    Attributes:
        waypoints_BT3: The plan to execute: x, y, yaw.
        path_BP2: Geometric path, for heads that predict one.
        target_speed_B: For heads that predict one.
        modes_BKT3: Alternatives.
        scores_BK: Their probabilities.
    """

    waypoints_BT3: Tensor
    path_BP2: Tensor | None = None
    target_speed_B: Tensor | None = None
    modes_BKT3: Tensor | None = None
    scores_BK: Tensor | None = None

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            ContractError: Two tensors disagree, or modes come without scores.
        """
        _require_shape("waypoints_BT3", self.waypoints_BT3, 3, last=3)
        if (self.modes_BKT3 is None) != (self.scores_BK is None):
            raise ContractError("modes_BKT3 and scores_BK come together or not at all")
        if self.modes_BKT3 is not None and self.scores_BK is not None:
            _require_shape("modes_BKT3", self.modes_BKT3, 4, last=3)
            _require_prefix("scores_BK", self.scores_BK, self.modes_BKT3.shape[:2])


class Grid(Protocol):
    """Where the cells of a grid around the car lie, for a head that looks at some of them."""

    def places(self, xy_m: Tensor) -> Tensor:
        """(..., 2) where (..., 2) points of the ego frame lie on its features, as ``grid_sample`` wants it."""
        ...


@runtime_checkable
class PlannerHead(Protocol[PredictionT]):
    """Tokens to plan. Prediction, loss and decoding are three functions; nothing is kept between them."""

    def forward(self, context: HeadContext) -> PredictionT:
        """The head's own prediction."""
        ...

    def loss(self, prediction: PredictionT, target: PlanTarget) -> Mapping[str, Tensor]:
        """Unweighted named terms, each a scalar, that ignore what the target does not hold as valid."""
        ...

    def decode(self, prediction: PredictionT) -> PlanTensors:
        """The plan to execute; deterministic."""
        ...


@runtime_checkable
class GenerativeHead(PlannerHead[PredictionT], Protocol[PredictionT]):
    """A head that draws plans from a distribution."""

    def sample(self, context: HeadContext, n: int, generator: torch.Generator) -> PlanTensors:
        """``n`` plans for each of the batch, as modes; all randomness comes from the generator."""
        ...


@runtime_checkable
class FitsData(Protocol):
    """A head that plans in units, bins or anchors of the data; they travel with its weights."""

    def fit(self, waypoints_NT3: Tensor, speed_N: Tensor) -> None:
        """Take them from what the teacher did, before anything is learned.

        Args:
            waypoints_NT3: Whole plans: x, y, yaw.
            speed_N: How fast the car was, in m/s.
        """
        ...


@runtime_checkable
class ScoresPlans(Protocol):
    """A generative head that knows how likely a plan is."""

    def log_prob(self, context: HeadContext, plan_BT3: Tensor) -> Tensor:
        """(B,) natural logarithm of the plan's density or probability."""
        ...


@runtime_checkable
class Objective(Protocol):
    """What a training stage minimises: imitation, contrast, text, distillation, reinforcement."""

    def loss(self, model: Any, batch: Any, teacher: Any | None = None) -> Mapping[str, Tensor]:
        """Unweighted named terms, each a scalar."""
        ...


def _require_shape(name: str, tensor: Tensor, ndim: int, *, last: int | None = None) -> None:
    if tensor.ndim != ndim or (last is not None and tensor.shape[-1] != last):
        wanted = f"{ndim} axes" + (f", the last of size {last}" if last is not None else "")
        raise ContractError(f"{name} must have {wanted}, got shape {tuple(tensor.shape)}")


def _require_prefix(name: str, tensor: Tensor, prefix: tuple[int, ...]) -> None:
    if tuple(tensor.shape[: len(prefix)]) != tuple(prefix):
        raise ContractError(f"{name} must begin with shape {tuple(prefix)}, got {tuple(tensor.shape)}")
