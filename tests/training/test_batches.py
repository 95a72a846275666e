"""Samples to batches."""

import numpy as np
import pytest

from drivevla.errors import ContractError
from drivevla.training.batches import TrainingSample, collate_samples
from drivevla.types import EgoState, Future, Observation


def driven(times_s: list[float], speed_mps: float, valid: list[bool] | None = None) -> TrainingSample:
    times = np.array(times_s)
    poses = np.column_stack([speed_mps * times, np.zeros(len(times)), np.zeros(len(times))])
    return TrainingSample(
        observation=Observation(timestamp_s=0.0, ego=EgoState(speed_mps=speed_mps)),
        future=Future(times_s=times, poses=poses, valid=np.array(valid or [True] * len(times))),
    )


def test_a_future_at_another_rate_is_brought_to_the_models_and_ends_where_it_ends() -> None:
    batch = collate_samples([driven([0.3, 0.6, 0.9, 1.2], 5.0)], steps=6, dt_s=0.25)
    assert batch.target.valid_BT[0].tolist() == [True] * 4 + [False] * 2
    np.testing.assert_allclose(batch.target.waypoints_BT3[0, :4, 0], [1.25, 2.5, 3.75, 5.0], rtol=1e-6)
    assert batch.target.path_valid_BP is not None
    assert int(batch.target.path_valid_BP.sum()) == 7  # points 0 to 6 of a way of 6 metres


def test_a_car_that_stands_has_no_path_and_knows_its_waypoints() -> None:
    batch = collate_samples([driven([1.0, 2.0], 0.0)], steps=4, dt_s=0.5)
    assert batch.target.path_valid_BP is not None
    assert not batch.target.path_valid_BP.any()
    assert batch.target.valid_BT.all()


def test_what_nobody_knows_is_not_a_number_and_not_a_no() -> None:
    assert collate_samples([driven([1.0], 1.0)], steps=2, dt_s=0.5).refused_B.isnan().all()


def test_a_future_with_a_gap_is_refused() -> None:
    with pytest.raises(ContractError, match="has a gap"):
        collate_samples([driven([1.0, 2.0, 3.0], 1.0, [True, False, True])], steps=2, dt_s=0.5)
