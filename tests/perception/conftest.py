"""Small batches of made-up observations."""

import numpy as np
import pytest
import torch

from drivevla.config.sensor_rig import load_rig
from drivevla.perception.collating import collate_observations
from drivevla.testing import sample_observation
from drivevla.types import Observation, SensorBatch


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture
def observations() -> list[Observation]:
    """Three of the nano rig."""
    rng = np.random.default_rng(0)
    return [sample_observation(load_rig("nano"), rng=rng, timestamp_s=0.2 * index) for index in range(3)]


@pytest.fixture
def batch(observations: list[Observation]) -> SensorBatch:
    return collate_observations(observations)
