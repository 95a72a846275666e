"""What the forecasting protocols share: distances of every mode from the future, and the order of modes."""

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.metric import Samples
from drivevla.evaluation.open_loop.positions import point_distances_m

__all__ = ["check_probabilities", "future_points", "likeliest_first", "point_errors_m"]

_TOLERANCE = 1e-3


def point_errors_m(forecasts_m: NDArray[np.float64], future_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of every mode at every step.

    Args:
        forecasts_m: (N, K, T, 2).
        future_m: (N, T, 2).

    Returns:
        (N, K, T).
    """
    return point_distances_m(forecasts_m, future_m[:, None])


def likeliest_first(probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
    """(N, K) modes from the likeliest on: a sort turned round, so that of two equal ones the later comes first."""
    return np.flip(np.argsort(probabilities, axis=-1), axis=-1)


def future_points(samples: Samples, times_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The future (N, T, 2) and whether it is known throughout (N,).

    Raises:
        DataError: The truth ends before the last time.
    """
    future, known = samples.truth.positions_at(times_s)
    return future, known.all(axis=1)


def check_probabilities(name: str, scores: NDArray[np.float64]) -> None:
    """Refuse scores that are no probabilities.

    Raises:
        DataError: A sample's scores do not sum to 1.
    """
    wrong = np.abs(scores.sum(axis=1) - 1.0) > _TOLERANCE
    if wrong.any():
        raise DataError(
            f"{name} needs the probability of every mode, and the scores of {int(wrong.sum())} samples do not sum to 1 "
            f"(one sums to {scores[wrong][0].sum():g}); divide them by their sum"
        )
