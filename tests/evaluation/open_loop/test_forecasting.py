import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples, load_metric
from drivevla.evaluation.open_loop.forecasting.argoverse import argoverse1_columns
from drivevla.evaluation.open_loop.forecasting.nuscenes import best_of_likeliest, off_road_share
from drivevla.geometry import compose_se2
from drivevla.testing import check_metric

TIMES_S = np.arange(1, 61) * 0.1
PROTOCOLS = ("nuscenes-prediction", "argoverse1", "argoverse2")


def samples_of(
    aside_m: NDArray[np.float64], shares: NDArray[np.float64], **details: NDArray[np.str_] | NDArray[np.float64]
) -> Samples:
    """Agents that drive straight at 5 m/s, and modes (N, K) metres aside."""
    count = len(aside_m)
    future = np.zeros((count, 60, 3))
    future[..., 0] = 5.0 * TIMES_S
    poses = np.repeat(future[:, None], aside_m.shape[1], axis=1)
    poses[..., 1] += aside_m[..., None]
    tokens = tuple(f"agent{index}" for index in range(count))
    return Samples(
        predictions=Predictions(
            tokens=tokens,
            times_s=TIMES_S,
            poses=poses,
            scores=shares,
            planned=np.ones(count, dtype=np.bool_),
            texts=(None,) * count,
        ),
        truth=OpenLoopTruth(
            tokens=tokens,
            times_s=TIMES_S,
            poses=future,
            valid=np.ones((count, 60), dtype=np.bool_),
            details=details,
        ),
    )


def test_only_the_likeliest_may_guess() -> None:
    per_mode, shares = np.array([[5.0, 1.0, 3.0]]), np.array([[0.5, 0.2, 0.3]])
    assert best_of_likeliest(per_mode, shares, (1, 2, 3, 10)).tolist() == [[5.0, 3.0, 1.0, 1.0]]


def test_argoverse_judges_the_mode_that_ends_nearest() -> None:
    future = np.array([[[0.0, 0.0], [1.0, 1.0]]])
    modes = np.array([[[[0.0, 0.0], [4.0, 1.0]], [[4.0, 0.0], [1.0, 2.0]]]])  # errors of 0 and 3 m, and of 4 and 1 m
    scores = argoverse1_columns(modes, future, np.array([[0.75, 0.25]]), 6)
    assert [scores[name].item() for name in ("minADE", "minFDE", "MR")] == [2.5, 1.0, 0.0]
    assert scores["p-minFDE"].item() == pytest.approx(1.0 - np.log(0.25))
    assert scores["brier-minFDE"].item() == pytest.approx(1.0 + 0.75**2)
    assert argoverse1_columns(modes, future, np.array([[0.99, 0.01]]), 6)["p-minFDE"].item() == pytest.approx(
        1 - np.log(0.05)
    )
    assert argoverse1_columns(modes, future, np.array([[0.75, 0.25]]), 1)["p-MR"].item() == 1.0


def test_two_metres_off_is_a_miss_for_nuscenes_and_none_for_argoverse() -> None:
    samples = samples_of(np.array([[2.0], [1.0]]), np.ones((2, 1)))
    assert load_metric("nuscenes-prediction").score(samples).values["miss_rate_2m_1"] == 0.5
    assert load_metric("argoverse2").score(samples).values["MR_1"] == 0.0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_protocols_keep_the_contract_and_a_perfect_forecast_is_perfect(protocol: str) -> None:
    aside, shares = np.array([[0.0, 4.0], [0.0, 4.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    scores = check_metric(load_metric(protocol), samples_of(aside, shares))
    assert set(scores.values.values()) == {0.0}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(x=st.floats(-50, 50), y=st.floats(-50, 50), yaw=st.floats(-3, 3))
def test_moving_the_whole_scene_changes_nothing(protocol: str, x: float, y: float, yaw: float) -> None:
    samples = samples_of(np.array([[0.5, 3.0], [-2.5, 1.0]]), np.array([[0.4, 0.6], [0.7, 0.3]]))
    moved = np.array([x, y, yaw])
    predictions, truth = samples.predictions, samples.truth
    elsewhere = Samples(
        predictions=Predictions(
            tokens=predictions.tokens,
            times_s=TIMES_S,
            poses=compose_se2(moved, predictions.poses),
            scores=predictions.scores,
            planned=predictions.planned,
            texts=predictions.texts,
        ),
        truth=OpenLoopTruth(
            tokens=truth.tokens, times_s=TIMES_S, poses=compose_se2(moved, truth.poses), valid=truth.valid
        ),
    )
    metric = load_metric(protocol)
    assert metric.score(elsewhere).values == pytest.approx(dict(metric.score(samples).values), abs=1e-9)


def test_the_best_world_is_the_best_for_all_agents_together() -> None:
    # World 0 is perfect for one agent and 4 m off for the other; world 1 is 1 m off for both, and there they touch.
    aside, shares = np.array([[0.0, 1.0], [4.0, 1.0]]), np.array([[0.5, 0.5], [0.5, 0.5]])
    values = load_metric("argoverse2").score(samples_of(aside, shares, scenario=np.array(["s", "s"]))).values
    assert values["best_world_FDE_m"] == pytest.approx(1.0)
    assert values["best_world_actor_collision_rate"] == 1.0
    assert values["minFDE_6_m"] == pytest.approx(0.5)


def test_modes_that_are_no_worlds_are_refused() -> None:
    aside, shares = np.zeros((2, 2)), np.array([[0.5, 0.5], [0.9, 0.1]])
    with pytest.raises(DataError, match="same world"):
        load_metric("argoverse2").score(samples_of(aside, shares, scenario=np.array(["s", "s"])))


def test_scores_that_are_no_probabilities_are_refused() -> None:
    with pytest.raises(DataError, match="sum to 1"):
        load_metric("argoverse1").score(samples_of(np.zeros((2, 2)), np.ones((2, 2))))


def test_a_mode_that_leaves_the_drivable_raster_is_off_road() -> None:
    drivable = np.zeros((100, 400), dtype=np.bool_)
    drivable[40:60] = True
    straight = np.stack([np.linspace(1.0, 30.0, 12), np.full(12, 5.0)], axis=-1)
    leaving, beyond = straight + np.array([0.0, 2.0]), straight + np.array([20.0, 0.0])
    assert off_road_share(np.stack([straight, leaving, beyond, straight]), drivable) == 0.5
