"""Does a planner head keep the contract of ``drivevla.types.PlannerHead``?"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drivevla.errors import require
from drivevla.types import GenerativeHead, HeadContext, PlannerHead, PlanTarget, PlanTensors

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["check_generative_head", "check_head"]


def check_head(head: PlannerHead[Any], context: HeadContext, target: PlanTarget) -> Mapping[str, Tensor]:
    """Hold a head to the contract on one batch of at least two samples.

    Args:
        head: A torch module in evaluation mode.
        context: A batch; its tokens may require gradients.
        target: What the teacher did; at least one step must be invalid, so that masking can be seen.

    Returns:
        The loss terms.

    Raises:
        AssertionError: A term is not a finite scalar or has no gradient, an invalid step changes the loss, decoding is
            not deterministic, its shape is not the target's, or a sample's plan depends on its neighbours in the batch.
    """
    torch = require("torch", "train")
    name = type(head).__name__
    if not isinstance(head, PlannerHead):
        raise AssertionError(f"{name} must have forward(context), loss(prediction, target) and decode(prediction)")
    if bool(target.valid_BT.all()):
        raise AssertionError("the target of check_head needs at least one invalid step")
    terms = _loss(head, context, target, torch)
    _check_terms(name, terms, torch)
    spoiled = torch.where(target.valid_BT[..., None], target.waypoints_BT3, target.waypoints_BT3 + 1e3)
    after = _loss(head, context, dataclasses.replace(target, waypoints_BT3=spoiled), torch)
    for term, value in terms.items():
        if not torch.allclose(value, after[term]):
            raise AssertionError(f"{name}.loss[{term!r}] changes with waypoints that are not valid")
    with torch.no_grad():
        plan = _decode(head, context)
        if not torch.equal(plan.waypoints_BT3, head.decode(head.forward(context)).waypoints_BT3):
            raise AssertionError(f"{name}.decode differs between two calls on the same context")
        if plan.waypoints_BT3.shape != target.waypoints_BT3.shape:
            came, wanted = tuple(plan.waypoints_BT3.shape), tuple(target.waypoints_BT3.shape)
            raise AssertionError(f"{name}.decode gives waypoints of shape {came}, the target has {wanted}")
        alone = _decode(head, _row(context, 0))
    if not torch.allclose(alone.waypoints_BT3[0], plan.waypoints_BT3[0], atol=1e-4):
        raise AssertionError(f"{name} plans differently for a sample alone and in a batch")
    return terms


def check_generative_head(head: GenerativeHead[Any], context: HeadContext, *, n: int = 4) -> PlanTensors:
    """Hold a generative head to its part of the contract.

    Returns:
        The sampled plans.

    Raises:
        AssertionError: Two generators with one seed give different plans, the shape is not (B, n, T, 3), or the samples
            are all the same.
    """
    torch = require("torch", "train")
    name = type(head).__name__
    if not isinstance(head, GenerativeHead):
        raise AssertionError(f"{name} must have sample(context, n, generator)")
    with torch.no_grad():
        first, second = (head.sample(context, n, torch.Generator().manual_seed(3)) for _ in range(2))
    if first.modes_BKT3 is None or second.modes_BKT3 is None:
        raise AssertionError(f"{name}.sample must give its plans as modes")
    if tuple(first.modes_BKT3.shape[:2]) != (len(context.tokens_BSD), n):
        raise AssertionError(f"{name}.sample must give (B, {n}, T, 3) modes, got {tuple(first.modes_BKT3.shape)}")
    if not torch.equal(first.modes_BKT3, second.modes_BKT3):
        raise AssertionError(f"{name}.sample draws from something else than its generator")
    if n > 1 and float(first.modes_BKT3.std(dim=1).max()) == 0.0:
        raise AssertionError(f"{name}.sample gives {n} equal plans")
    return first


def _loss(head: PlannerHead[Any], context: HeadContext, target: PlanTarget, torch: Any) -> Mapping[str, Tensor]:
    # Generative heads draw their noise from the global generator while training: the same noise each time here.
    torch.manual_seed(0)
    return head.loss(head.forward(context), target)


def _check_terms(name: str, terms: Mapping[str, Tensor], torch: Any) -> None:
    if not terms:
        raise AssertionError(f"{name}.loss must return at least one named term")
    for term, value in terms.items():
        if value.ndim != 0 or not bool(torch.isfinite(value)):
            raise AssertionError(f"{name}.loss[{term!r}] must be a finite scalar, got {value}")
        if not value.requires_grad:
            raise AssertionError(f"{name}.loss[{term!r}] has no gradient: the term is dead")


def _decode(head: PlannerHead[Any], context: HeadContext) -> PlanTensors:
    plan = head.decode(head.forward(context))
    if not isinstance(plan, PlanTensors):
        raise AssertionError(f"{type(head).__name__}.decode must return PlanTensors, got {type(plan).__name__}")
    return plan


def _row(context: HeadContext, index: int) -> HeadContext:
    parts = {field.name: getattr(context, field.name) for field in dataclasses.fields(context)}
    rows: dict[str, Any] = {name: None if part is None else part[index : index + 1] for name, part in parts.items()}
    return HeadContext(**rows)
