"""The head checks, on a small head that keeps the contract and on copies of it that each break one rule."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from drivevla.testing import check_generative_head, check_head
from drivevla.types import HeadContext, PlanTarget, PlanTensors

if TYPE_CHECKING:
    import torch
else:
    torch = pytest.importorskip("torch", reason="the extra 'train' is not installed")

B, S, D, T = 3, 5, 8, 16


def context() -> HeadContext:
    generator = torch.Generator().manual_seed(0)
    return HeadContext(tokens_BSD=torch.randn(B, S, D, generator=generator), keep_BS=torch.ones(B, S, dtype=torch.bool))


def target() -> PlanTarget:
    valid = torch.ones(B, T, dtype=torch.bool)
    valid[0, T // 2 :] = False
    return PlanTarget(waypoints_BT3=torch.randn(B, T, 3, generator=torch.Generator().manual_seed(1)), valid_BT=valid)


class MeanHead(torch.nn.Module):
    """Waypoints from the mean token; samples add noise."""

    def __init__(self) -> None:
        super().__init__()
        self.out = torch.nn.Linear(D, T * 3)

    def forward(self, context: HeadContext) -> Any:
        return self.out(context.tokens_BSD.mean(1)).view(-1, T, 3)

    def loss(self, prediction: Any, target: PlanTarget) -> Mapping[str, Any]:
        error = (prediction - target.waypoints_BT3).abs().sum(-1)
        return {"waypoints": (error * target.valid_BT).sum() / target.valid_BT.sum()}

    def decode(self, prediction: Any) -> PlanTensors:
        return PlanTensors(waypoints_BT3=prediction)

    def sample(self, context: HeadContext, n: int, generator: Any) -> PlanTensors:
        plan = self.forward(context)
        modes = plan[:, None] + torch.randn(len(plan), n, T, 3, generator=generator)
        return PlanTensors(waypoints_BT3=plan, modes_BKT3=modes, scores_BK=torch.full((len(plan), n), 1.0 / n))


class Unmasked(MeanHead):
    def loss(self, prediction: Any, target: PlanTarget) -> Mapping[str, Any]:
        return {"waypoints": (prediction - target.waypoints_BT3).abs().mean()}


class Dead(MeanHead):
    def loss(self, prediction: Any, target: PlanTarget) -> Mapping[str, Any]:
        return {**super().loss(prediction, target), "extra": torch.zeros(())}


class Vector(MeanHead):
    def loss(self, prediction: Any, target: PlanTarget) -> Mapping[str, Any]:
        return {"waypoints": prediction.mean((1, 2))}


class Mixing(MeanHead):
    def forward(self, context: HeadContext) -> Any:
        plan = super().forward(context)
        return plan + plan.mean(0, keepdim=True)


class Restless(MeanHead):
    def decode(self, prediction: Any) -> PlanTensors:
        return PlanTensors(waypoints_BT3=prediction + torch.rand(()))


class Short(MeanHead):
    def decode(self, prediction: Any) -> PlanTensors:
        return PlanTensors(waypoints_BT3=prediction[:, :4])


class Global(MeanHead):
    def sample(self, context: HeadContext, n: int, generator: Any) -> PlanTensors:
        return super().sample(context, n, None)


class Certain(MeanHead):
    def sample(self, context: HeadContext, n: int, generator: Any) -> PlanTensors:
        plan = self.forward(context)
        return PlanTensors(
            waypoints_BT3=plan,
            modes_BKT3=plan[:, None].expand(-1, n, -1, -1),
            scores_BK=torch.full((len(plan), n), 1.0 / n),
        )


def test_a_head_that_keeps_the_contract_passes() -> None:
    head = MeanHead()
    assert set(check_head(head, context(), target())) == {"waypoints"}
    assert check_generative_head(head, context()).modes_BKT3.shape == (B, 4, T, 3)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Unmasked, "not valid"),
        (Dead, "no gradient"),
        (Vector, "finite scalar"),
        (Mixing, "alone and in a batch"),
        (Restless, "differs between two calls"),
        (Short, "the target has"),
    ],
)
def test_a_head_that_breaks_a_rule_fails_for_its_reason(kind: type[MeanHead], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_head(kind(), context(), target())


@pytest.mark.parametrize(("kind", "message"), [(Global, "else than its generator"), (Certain, "equal plans")])
def test_a_generative_head_that_breaks_a_rule_fails_for_its_reason(kind: type[MeanHead], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_generative_head(kind(), context())


def test_contexts_and_targets_are_checked() -> None:
    with pytest.raises(ValueError, match="keep_BS must begin with shape"):
        HeadContext(tokens_BSD=torch.zeros(B, S, D), keep_BS=torch.ones(B, S + 1, dtype=torch.bool))
    with pytest.raises(ValueError, match="come together"):
        HeadContext(tokens_BSD=torch.zeros(B, S, D), keep_BS=torch.ones(B, S), language_BLD=torch.zeros(B, 2, D))
    with pytest.raises(ValueError, match="last of size 3"):
        PlanTarget(waypoints_BT3=torch.zeros(B, T, 2), valid_BT=torch.ones(B, T))
    with pytest.raises(ValueError, match="come together"):
        PlanTensors(waypoints_BT3=torch.zeros(B, T, 3), scores_BK=torch.ones(B, 2))
