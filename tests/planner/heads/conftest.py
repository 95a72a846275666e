"""A small batch that every head can read."""

import pytest
import torch

from drivevla.types import HeadContext, PlanTarget

WIDTH, STEPS, EGO = 32, 8, 3


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # small matrices wait for each other longer than they compute


@pytest.fixture
def context() -> HeadContext:
    """Three scenes, the last tokens of the second are padding; 3 to 9 m/s."""
    keep_BS = torch.ones(3, 6, dtype=torch.bool)
    keep_BS[1, 4:] = False
    ego_BE = torch.rand(3, EGO)
    ego_BE[:, 0] = torch.tensor([3.0, 6.0, 9.0])
    return HeadContext(
        tokens_BSD=torch.randn(3, 6, WIDTH),
        keep_BS=keep_BS,
        language_BLD=torch.randn(3, 4, WIDTH),
        language_keep_BL=torch.ones(3, 4, dtype=torch.bool),
        ego_BE=ego_BE,
        bev_BDXY=torch.randn(3, WIDTH, 32, 32),
    )


@pytest.fixture
def target() -> PlanTarget:
    """Straight on, a left bend and a right bend at a few m/s; the first log ends early."""
    time_T = torch.arange(1, STEPS + 1) * 0.25
    length_BT = torch.tensor([3.0, 6.0, 9.0])[:, None] * time_T
    turn_BT = torch.tensor([0.0, 0.05, -0.03])[:, None] * length_BT
    chord_BT = length_BT * torch.sinc(turn_BT / (2 * torch.pi))
    waypoints = torch.stack([chord_BT * (turn_BT / 2).cos(), chord_BT * (turn_BT / 2).sin(), turn_BT], dim=-1)
    valid_BT = torch.ones(3, STEPS, dtype=torch.bool)
    valid_BT[0, -2:] = False
    path_BP2 = torch.stack([torch.arange(9.0), torch.zeros(9)], dim=-1).expand(3, -1, -1)
    return PlanTarget(
        waypoints_BT3=waypoints,
        valid_BT=valid_BT,
        path_BP2=path_BP2,
        path_valid_BP=torch.ones(3, 9, dtype=torch.bool),
        target_speed_B=torch.tensor([3.0, 6.0, 9.0]),
    )
