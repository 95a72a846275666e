"""The generative planner: ORION's mechanism (the properties of its recipe)."""

from dataclasses import replace

import torch

from drivevla.planner.heads.cvae import CvaeHead, CvaePrediction
from drivevla.types import HeadContext, PlanTarget

WIDTH, STEPS, EGO = 32, 8, 3


def test_the_divergence_is_zero_when_both_nets_share_inputs_and_weights(target: PlanTarget) -> None:
    head = CvaeHead(WIDTH, steps=STEPS)
    weights = {key: value.clone() for key, value in head.prior.state_dict().items()}
    blind = torch.zeros(len(weights["net.0.weight"]), 3 * STEPS)  # a posterior that looks at the state alone
    weights["net.0.weight"] = torch.cat([weights["net.0.weight"], blind], dim=1)
    head.posterior.load_state_dict(weights)
    terms = head.loss(CvaePrediction(state_BD=torch.randn(3, WIDTH)), target)
    assert abs(terms["kl"].item()) < 1e-6


def test_training_reads_the_future_and_driving_cannot(context: HeadContext, target: PlanTarget) -> None:
    head = CvaeHead(WIDTH, steps=STEPS, ego_size=EGO)
    terms = head.loss(head.forward(context), target)
    elsewhere = replace(target, waypoints_BT3=target.waypoints_BT3 + 3.0)
    assert head.loss(head.forward(context), elsewhere)["kl"].item() != terms["kl"].item()
    head.zero_grad()
    head.decode(head.forward(context)).waypoints_BT3.sum().backward()
    assert all(weight.grad is None for weight in head.posterior.parameters())


def test_the_planning_state_is_the_only_link_to_the_tokens(context: HeadContext, target: PlanTarget) -> None:
    head = CvaeHead(WIDTH, steps=STEPS, ego_size=EGO)
    tokens = context.tokens_BSD.clone().requires_grad_(True)
    state = head.forward(replace(context, tokens_BSD=tokens)).state_BD
    torch.stack(list(head.loss(CvaePrediction(state_BD=state.detach()), target).values())).sum().backward()
    assert tokens.grad is None
    torch.stack(list(head.loss(CvaePrediction(state_BD=state), target).values())).sum().backward()
    assert tokens.grad is not None
    assert tokens.grad.abs().sum() > 0


def test_six_latents_give_six_ways(context: HeadContext) -> None:
    head = CvaeHead(WIDTH, steps=STEPS, ego_size=EGO).eval()
    with torch.no_grad():
        drawn = head.sample(context, 6, torch.Generator().manual_seed(2)).modes_BKT3
    assert drawn is not None
    assert drawn.shape == (3, 6, STEPS, 3)
    assert (drawn.std(dim=1).amax(dim=(1, 2)) > 1e-3).all()
