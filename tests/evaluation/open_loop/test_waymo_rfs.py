import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples, load_metric
from drivevla.testing import check_metric

TIMES_S = np.arange(1, 21) * 0.25


def samples_of(
    aside_m: tuple[float, ...], *, shares: tuple[float, ...] = (1.0,), **details: NDArray[np.str_]
) -> Samples:
    """Plans beside a straight trajectory at 11 m/s that was rated 8; a second one, 30 m aside, was rated 2."""
    count, modes = len(aside_m), len(shares)
    tokens = tuple(f"s{index}" for index in range(count))
    poses = np.zeros((count, modes, 20, 3))
    poses[..., 0], poses[..., 1] = 11.0 * TIMES_S, np.array(aside_m)[:, None, None]
    rated = np.zeros((count, 2, 20, 2))
    rated[..., 0], rated[:, 1, :, 1] = 11.0 * TIMES_S, 30.0
    truth = OpenLoopTruth(
        tokens=tokens,
        times_s=np.zeros(0),
        poses=np.zeros((count, 0, 3)),
        valid=np.zeros((count, 0), dtype=np.bool_),
        details={
            "rated": rated,
            "rated_label": np.tile([8.0, 2.0], (count, 1)),
            "speed_mps": np.full(count, 11.0),
            **details,
        },
    )
    predictions = Predictions(
        tokens=tokens,
        times_s=TIMES_S,
        poses=poses,
        scores=np.tile(shares, (count, 1)),
        planned=np.ones(count, dtype=np.bool_),
        texts=(None,) * count,
    )
    return Samples(predictions=predictions, truth=truth)


def test_within_the_region_the_label_counts_and_outside_at_least_four() -> None:
    scores = check_metric(load_metric("waymo-rfs"), samples_of((0.0, 1.0, 1.4, 15.0)))
    # 1.4 m aside is 1.4 thresholds at 3 s and within 1.8 m at 5 s.
    expected = [8.0, 8.0, (8.0 * 0.1**0.4 + 8.0) / 2, 4.0]
    assert scores.per_sample["RFS"].tolist() == pytest.approx(expected)
    assert scores.per_sample["ADE_5s_m"].tolist() == pytest.approx([0.0, 1.0, 1.4, 15.0])


def test_clusters_weigh_the_same_whatever_their_size() -> None:
    scores = load_metric("waymo-rfs").score(samples_of((0.0, 0.0, 15.0), cluster=np.array(["a", "a", "b"])))
    assert scores.values["RFS"] == pytest.approx(20 / 3)
    assert scores.values["RFS_mean_of_clusters"] == pytest.approx(6.0)


def test_scores_that_are_no_probabilities_are_refused() -> None:
    with pytest.raises(DataError, match="sum to 1"):
        load_metric("waymo-rfs").score(samples_of((0.0, 0.0), shares=(0.7, 0.7)))
