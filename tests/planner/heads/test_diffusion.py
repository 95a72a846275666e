"""Truncated diffusion: DiffusionDrive's mechanism (the properties of its recipe)."""

import torch

from drivevla.planner.heads.diffusion import DiffusionHead
from drivevla.types import HeadContext, PlanTarget

WIDTH, STEPS, EGO = 32, 8, 3


def test_two_calls_make_a_plan(context: HeadContext) -> None:
    head = DiffusionHead(WIDTH, steps=STEPS, ego_size=EGO).eval()
    calls = []
    head.decoder.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        head.decode(head.forward(context))
    assert len(calls) == 2


def test_without_a_step_the_modes_are_the_anchors(context: HeadContext) -> None:
    head = DiffusionHead(WIDTH, steps=STEPS, ego_size=EGO, denoising_steps=0).eval()
    with torch.no_grad():
        plan = head.decode(head.forward(context))
    assert plan.modes_BKT3 is not None
    torch.testing.assert_close(plan.modes_BKT3, head.anchors_KT3.expand(3, -1, -1, -1), atol=1e-4, rtol=0.0)


def test_the_noise_of_inference_is_a_small_part_of_the_signal() -> None:
    head = DiffusionHead(WIDTH, steps=STEPS)
    assert float(head.kept_share_S[head.inference_time]) > 0.99
    assert float(head.kept_share_S[-1]) < 0.01
    assert (torch.diff(head.kept_share_S) < 0).all()


def test_the_anchor_that_is_learned_is_the_one_nearest_to_the_teacher(target: PlanTarget) -> None:
    head = DiffusionHead(WIDTH, steps=STEPS)
    head.anchors_KT3[7] = target.waypoints_BT3[1] + 0.01
    assert int(head._nearest_anchor(target)[1]) == 7


def test_samples_stay_near_an_anchor_when_the_denoiser_changes_nothing(context: HeadContext) -> None:
    head = DiffusionHead(WIDTH, steps=STEPS, ego_size=EGO).eval()
    torch.nn.init.zeros_(head.clean.weight)
    torch.nn.init.zeros_(head.clean.bias)
    with torch.no_grad():
        drawn = head.sample(context, 4, torch.Generator().manual_seed(0)).modes_BKT3
    assert drawn is not None
    gap = (drawn[:, :, None] - head.anchors_KT3).abs().div(head.scale.spread_T3).amax(dim=(-1, -2)).amin(dim=-1)
    assert float(gap.max()) < 0.6  # spreads; noise of a deviation of 0.07 a step
