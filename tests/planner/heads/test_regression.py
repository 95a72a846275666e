"""Waypoints, path and speed by regression."""

import pytest
import torch

from drivevla.planner.heads.regression import SPEED_BINS_MPS, RegressionHead, RegressionPrediction, two_hot
from drivevla.types import HeadContext

WIDTH, STEPS, EGO = 32, 8, 3


def test_the_points_of_a_path_are_a_metre_apart_whatever_the_weights(context: HeadContext) -> None:
    head = RegressionHead(WIDTH, steps=STEPS, ego_size=EGO).eval()
    torch.nn.init.normal_(head.bend.weight, std=5.0)
    with torch.no_grad():
        path = head.decode(head.forward(context)).path_BP2
    assert path is not None
    assert path.shape == (3, 21, 2)
    assert not path[:, 0].any()
    torch.testing.assert_close(path.diff(dim=1).norm(dim=-1), torch.ones(3, 20))


def test_two_hot_shares_have_the_value_as_their_mean() -> None:
    centres = torch.tensor(SPEED_BINS_MPS)
    speeds = torch.tensor([0.0, 1.0, 9.0, 13.0, 20.0, 31.0])
    shares = two_hot(speeds, centres)
    torch.testing.assert_close(shares @ centres, speeds.clamp_max(20.0))
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(6))
    assert ((shares > 0).sum(dim=1) <= 2).all()
    assert shares[1, :2].tolist() == pytest.approx([0.75, 0.25])


def test_a_car_that_will_rather_stand_stands_and_does_not_creep() -> None:
    head = RegressionHead(WIDTH, steps=STEPS, speed_bins_mps=(0.0, 1.0, 2.0), stands_above=0.5)
    shares = torch.tensor([[0.6, 0.0, 0.4], [0.4, 0.0, 0.6], [0.45, 0.55, 0.0]])
    prediction = RegressionPrediction(torch.zeros(3, STEPS, 3), torch.zeros(3, 21, 2), shares.log())
    speed = head.decode(prediction).target_speed_B
    assert speed is not None
    assert speed.tolist() == pytest.approx([0.0, 1.2, 0.55])
