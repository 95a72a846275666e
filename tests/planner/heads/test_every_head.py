"""What all heads promise, whatever their mechanism."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from drivevla.registry import load, names
from drivevla.testing import check_generative_head, check_head
from drivevla.types import GenerativeHead, HeadContext, PlanTarget, ScoresPlans

WIDTH, STEPS, EGO = 32, 8, 3
OPTIONS: dict[str, dict[str, Any]] = {
    "affordance": {"goal_s": 1.5, "channels": 8, "crop": 5},
    "regression": {"path_points": 9},
    "vocabulary": {"size": 40},
}


def made(name: str) -> Any:
    return load("heads", name)(WIDTH, steps=STEPS, ego_size=EGO, **OPTIONS.get(name, {}))


@pytest.mark.parametrize("name", names("heads"))
def test_a_head_keeps_the_contract(name: str, context: HeadContext, target: PlanTarget) -> None:
    head = made(name).eval()
    check_head(head, context, target)
    if isinstance(head, GenerativeHead):
        check_generative_head(head, context)


@pytest.mark.parametrize("name", names("heads"))
def test_what_stands_on_padding_changes_no_plan(name: str, context: HeadContext) -> None:
    head = made(name).eval()
    spoiled = context.tokens_BSD.clone()
    spoiled[~context.keep_BS] = 77.0
    with torch.no_grad():
        plan = head.decode(head.forward(context)).waypoints_BT3
        after = head.decode(head.forward(replace(context, tokens_BSD=spoiled))).waypoints_BT3
    torch.testing.assert_close(plan, after)


@pytest.mark.parametrize("name", names("heads"))
def test_every_weight_learns_and_the_loss_falls_on_one_batch(
    name: str, context: HeadContext, target: PlanTarget
) -> None:
    head = made(name).train()
    optimiser = torch.optim.AdamW(head.parameters(), lr=3e-3)
    totals = []
    touched: set[str] = set()
    for _ in range(60):
        total = torch.stack(list(head.loss(head.forward(context), target).values())).sum()
        optimiser.zero_grad()
        total.backward()
        touched |= {key for key, weight in head.named_parameters() if weight.grad is not None}
        optimiser.step()
        totals.append(total.item())
    assert touched == {key for key, _ in head.named_parameters()}
    assert sum(totals[-10:]) < 0.7 * sum(totals[:10])


@pytest.mark.parametrize("name", names("heads"))
def test_weights_and_statistics_survive_being_stored(name: str, context: HeadContext) -> None:
    head, other = made(name).eval(), made(name).eval()
    other.load_state_dict(head.state_dict())
    with torch.no_grad():
        plans = [each.decode(each.forward(context)).waypoints_BT3 for each in (head, other)]
    assert torch.equal(*plans)


@pytest.mark.parametrize("name", names("heads"))
def test_a_likelihood_where_there_is_one_rises_for_what_is_learned(
    name: str, context: HeadContext, target: PlanTarget
) -> None:
    head = made(name)
    if not isinstance(head, ScoresPlans):
        pytest.skip(f"{name} defines no likelihood")
    whole = replace(target, valid_BT=torch.ones_like(target.valid_BT))
    before = head.log_prob(context, whole.waypoints_BT3).detach()
    optimiser = torch.optim.AdamW(head.parameters(), lr=3e-3)  # type: ignore[attr-defined]
    for _ in range(30):
        optimiser.zero_grad()
        torch.stack(list(head.loss(head.forward(context), whole).values())).sum().backward()  # type: ignore[attr-defined]
        optimiser.step()
    after = head.log_prob(context, whole.waypoints_BT3)
    assert before.shape == (3,)
    assert (after <= 0).all()
    assert (after > before).all()
