"""Flow matching: SmolVLA's mechanism (the properties of its recipe)."""

import pytest
import torch

from drivevla.planner.heads.flow import FlowHead, sample_times, time_features
from drivevla.planner.heads.memory import Memory
from drivevla.types import HeadContext, PlanTarget

WIDTH, STEPS, EGO = 32, 8, 3


def test_times_have_the_mean_and_median_side_of_beta_1_5_and_1() -> None:
    times = sample_times(200_000, torch.device("cpu"))
    assert times.min() >= 0.001
    assert times.max() <= 1.0
    assert float(times.mean()) == pytest.approx(0.001 + 0.999 * 0.6, abs=0.003)
    assert float((times < 0.5).float().mean()) == pytest.approx(0.354, abs=0.005)


def test_time_features_have_periods_from_four_thousandths_to_four() -> None:
    once = time_features(torch.tensor([0.1]), 8)
    later = time_features(torch.tensor([0.1 + 4e-3]), 8)
    torch.testing.assert_close(once[:, 0], later[:, 0], atol=1e-4, rtol=0.0)  # the fastest is back where it was
    slow = time_features(torch.tensor([0.0, 1.0]), 8)[:, 3]
    torch.testing.assert_close(slow, torch.tensor([0.0, 1.0]), atol=1e-5, rtol=0.0)  # a quarter of the slowest


def test_half_the_steps_are_half_the_calls(context: HeadContext) -> None:
    for euler_steps in (10, 5):
        head = FlowHead(WIDTH, steps=STEPS, ego_size=EGO, euler_steps=euler_steps).eval()
        calls: list[int] = []
        head.expert.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        with torch.no_grad():
            head.decode(head.forward(context))
        assert len(calls) == euler_steps


def test_the_expert_is_three_quarters_as_wide_as_the_model() -> None:
    assert FlowHead(WIDTH, steps=STEPS).expert.own_width == 24


def test_in_a_cross_layer_no_step_of_the_plan_sees_another_and_in_a_self_layer_it_does() -> None:
    head = FlowHead(WIDTH, steps=STEPS).eval()
    plan, memory = torch.randn(1, STEPS, 24), torch.randn(1, 5, 24)
    keep = torch.ones(1, 5, dtype=torch.bool)
    moved = plan.clone()
    moved[0, -1] = torch.randn(24)
    with torch.no_grad():
        gaps = [
            (layer(plan, memory, keep) - layer(moved, memory, keep))[0, 0].abs().max() for layer in head.expert.layers
        ]
    assert [bool(gap > 1e-6) for gap in gaps] == [False, True, False, True]


def test_a_perfect_velocity_carries_noise_to_the_plan(context: HeadContext, target: PlanTarget) -> None:
    head = FlowHead(WIDTH, steps=STEPS, ego_size=EGO).eval()
    clean = head._to_units(target.waypoints_BT3)

    class Perfect(torch.nn.Module):
        def forward(self, noisy: torch.Tensor, time: torch.Tensor, memory: Memory) -> torch.Tensor:
            return (noisy - clean) / time[:, None, None]  # (t noise + (1 - t) plan - plan) / t

    head.expert = Perfect()  # type: ignore[assignment]
    plan = head.decode(head.forward(context)).waypoints_BT3
    torch.testing.assert_close(plan, target.waypoints_BT3, atol=1e-4, rtol=0.0)


def test_other_noise_gives_another_plan(context: HeadContext) -> None:
    head = FlowHead(WIDTH, steps=STEPS, ego_size=EGO).eval()
    with torch.no_grad():
        drawn = head.sample(context, 6, torch.Generator().manual_seed(0))
    assert drawn.modes_BKT3 is not None
    assert (drawn.modes_BKT3.std(dim=1).amax(dim=(1, 2)) > 1e-3).all()
