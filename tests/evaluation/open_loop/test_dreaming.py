import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples, load_metric
from drivevla.evaluation.open_loop.dreaming import paths_every_metre
from drivevla.testing import check_metric

TIMES_S = np.arange(1, 11) * 0.25


def samples_of(modes: tuple[str, ...], speeds_mps: NDArray[np.float64], *, aside_m: float = 0.0) -> Samples:
    """Plans at 8 m/s now, told to go on 3 m to the left at 4 m/s; speeds (N, 10) at the plans' steps."""
    count = len(modes)
    poses = np.zeros((count, 1, 10, 3))
    poses[:, 0, :, 0] = np.cumsum(speeds_mps * 0.25, axis=1)
    poses[..., 1] = aside_m
    original = np.zeros((count, 20, 2))
    original[..., 0] = np.arange(20.0)
    instructed = np.zeros((count, 10, 2))
    instructed[..., 0] = 4.0 * TIMES_S
    tokens = tuple(f"s{index}" for index in range(count))
    truth = OpenLoopTruth(
        tokens=tokens,
        times_s=np.zeros(0),
        poses=np.zeros((count, 0, 3)),
        valid=np.zeros((count, 0), dtype=np.bool_),
        details={
            "instruction_mode": np.array(modes),
            "original_path_m": original,
            "instructed_path_m": original + np.array([0.0, 3.0]),
            "instructed_m": instructed,
            "speed_mps": np.full(count, 8.0),
            "target_speed_mps": np.full(count, 6.0),
        },
    )
    predictions = Predictions(
        tokens=tokens,
        times_s=TIMES_S,
        poses=poses,
        scores=np.ones((count, 1)),
        planned=np.ones(count, dtype=np.bool_),
        texts=(None,) * count,
    )
    return Samples(predictions=predictions, truth=truth)


def test_speed_modes() -> None:
    steady, braking = np.full(10, 8.0), np.linspace(8.0, 0.0, 10)
    modes = ("stop", "stop", "slower", "slower", "faster", "faster")
    speeds = np.stack([steady, braking, steady, braking, steady, braking[::-1]])
    scores = check_metric(load_metric("dreaming"), samples_of(modes, speeds))
    assert scores.per_sample["success_rate"].tolist() == [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    assert scores.values["success_rate_stop"] == 0.5
    assert scores.counts["samples_faster"] == 2


@pytest.mark.parametrize(("speed_mps", "reached"), [(4.5, 1.0), (5.0, 1.0), (7.5, 0.0), (2.0, 0.0)])
def test_the_target_is_the_number_or_the_instructed_speed(speed_mps: float, reached: float) -> None:
    samples = samples_of(("target_speed", "target_speed"), np.full((2, 10), speed_mps))
    assert load_metric("dreaming").score(samples).values["success_rate_target_speed"] == reached


@pytest.mark.parametrize(("aside_m", "reached"), [(0.0, 0.0), (3.0, 1.0)])
def test_path_modes(aside_m: float, reached: float) -> None:
    samples = samples_of(("lane_change", "crash"), np.full((2, 10), 8.0), aside_m=aside_m)
    assert load_metric("dreaming").score(samples).values["success_rate"] == reached


def test_a_path_that_ends_early_stays_at_its_end() -> None:
    path = paths_every_metre(np.array([[[2.5, 0.0], [5.0, 0.0]]]))[0]
    np.testing.assert_allclose(path[:5, 0], np.arange(5.0), atol=1e-3)
    assert path[6:, 0].tolist() == [5.0] * 14


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(DataError, match="fly"):
        load_metric("dreaming").score(samples_of(("stop", "fly"), np.full((2, 10), 8.0)))
