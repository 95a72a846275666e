"""Sets of usual trajectories."""

import pytest
import torch

from drivevla.errors import ContractError
from drivevla.planner.anchors import cluster_trajectories, fan_of_trajectories


@pytest.mark.parametrize("count", [2, 5, 20, 64, 256])
def test_a_fan_stands_still_once_goes_left_as_often_as_right_and_bends_gently(count: int) -> None:
    fan = fan_of_trajectories(count, steps=16, dt_s=0.25)
    assert fan.shape == (count, 16, 3)
    assert not fan[0].any()
    assert len(torch.unique(fan, dim=0)) == count
    speed = fan[1:, 0, :2].norm(dim=-1) / 0.25
    rate = fan[1:, 0, 2] / 0.25
    assert (speed * rate).abs().max() <= 3.0 + 1e-3


def test_clusters_are_plans_of_the_data_and_do_not_depend_on_anything_but_the_seed() -> None:
    torch.manual_seed(0)
    plans = torch.randn(60, 8, 3).cumsum(dim=1)
    first, second = (cluster_trajectories(plans, 5, seed=3) for _ in range(2))
    assert torch.equal(first, second)
    assert all(any(torch.equal(entry, plan) for plan in plans) for entry in first)
    assert len(torch.unique(first, dim=0)) == 5


def test_clusters_find_the_kinds_of_driving_there_are() -> None:
    torch.manual_seed(0)
    kinds = torch.zeros(3, 8, 3)
    kinds[1, :, 0] = torch.arange(1, 9)
    kinds[2, :, 0], kinds[2, :, 1] = torch.arange(1, 9), torch.arange(1, 9)
    plans = kinds.repeat_interleave(20, dim=0) + 0.01 * torch.randn(60, 8, 3)
    found = cluster_trajectories(plans, 3, seed=0)
    assert sorted(round(float(way[-1, 0] + way[-1, 1])) for way in found) == [0, 8, 16]


def test_too_few_plans_are_refused() -> None:
    with pytest.raises(ContractError, match="5 trajectories need at least as many different plans, got 1"):
        cluster_trajectories(torch.zeros(2, 8, 3), 5, seed=0)
