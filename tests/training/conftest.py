"""Approaches to the closed-form junction."""

import pytest
import torch

from drivevla.testing.toy_junction import BENDS_PER_M, junction_sample
from drivevla.training.batches import TrainingSample


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture
def samples() -> list[TrainingSample]:
    """Two dozen approaches with plain sentences."""
    branches = list(BENDS_PER_M)
    return [junction_sample(branches[i % 3], f"go {branches[i % 3]}", speed_mps=4.0 + i % 4, seed=i) for i in range(24)]
