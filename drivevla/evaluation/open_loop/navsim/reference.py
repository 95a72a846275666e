"""What the tracker follows: poses every 0.1 s, and the speeds and curvatures fitted to them.

Source: autonomousvision/navsim (both versions) ``pdm_score.py``, ``batch_lqr_utils.py``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.evaluation.open_loop.navsim.state import STATES, STEP_S
from drivevla.geometry import interpolate_poses, wrap_angle

__all__ = ["Profiles", "fit_profiles", "reference_poses"]

_ACCELERATION_PENALTY = 1e-4
_CURVATURE_RATE_PENALTY = 1e-2
_FIRST_CURVATURE_PENALTY = 1e-10


@dataclass(frozen=True, slots=True)
class Profiles:
    """Fitted to B references of 41 poses.

    Attributes:
        speed_mps: (B, 40) at the beginning of every step.
        curvature_per_m: (B, 40).
    """

    speed_mps: NDArray[np.float64]
    curvature_per_m: NDArray[np.float64]


def reference_poses(times_s: ArrayLike, poses: NDArray[np.float64], *, log_time_s: float = 0.0) -> NDArray[np.float64]:
    """Poses at 0, 0.1, ... 4 s.

    Args:
        times_s: (T,) seconds from now, the present included.
        poses: (..., T, 3).
        log_time_s: The present in the log. The source cuts the sum of both down to whole microseconds, which moves
            poses by micrometres.

    Returns:
        (..., 41, 3).
    """
    cut_s = np.trunc((np.arange(STATES) * STEP_S + log_time_s) * 1e6) / 1e6 - log_time_s
    return interpolate_poses(times_s, poses, np.clip(cut_s, 0.0, np.asarray(times_s)[-1]))


def fit_profiles(poses: NDArray[np.float64]) -> Profiles:
    """Fit speeds, then curvatures, by regularised least squares.

    Unknown are the first speed and the accelerations between steps. The source's penalty, meant for differences of
    accelerations, falls on the accelerations themselves but for its last row: the matrix is filled so that the minus
    ones overwrite the ones. This is kept, since every published score contains it.

    Args:
        poses: (B, 41, 3).
    """
    steps, yaw = np.diff(poses, axis=1), poses[:, :-1, 2]
    count = steps.shape[1]
    lower = np.tril(np.full((count, count), STEP_S**2), -1)
    sums = np.concatenate([np.full((count, 1), STEP_S), lower[:, :-1]], axis=1)
    directions = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    system = (directions[..., None] * sums[:, None]).reshape(len(poses), 2 * count, count)
    penalised = np.zeros((count - 2, count))
    penalised[:, 1:-1] = -np.eye(count - 2)
    penalised[-1, -1] = 1.0
    wanted = steps[..., :2].reshape(len(poses), -1)
    speed = _integrated(_solved(system, wanted, _ACCELERATION_PENALTY * penalised.T @ penalised))

    # A step turns by its speed times the curvature; a rate of curvature acts from the step after it on.
    turned = np.tril(np.ones((count, count))) * STEP_S**2 * speed[..., None]
    turned[..., 0] = speed * STEP_S
    weights = np.full(count, _CURVATURE_RATE_PENALTY)
    weights[0] = _FIRST_CURVATURE_PENALTY
    curvature = _integrated(_solved(turned, wrap_angle(steps[..., 2]), np.diag(weights)))
    return Profiles(speed_mps=speed, curvature_per_m=curvature)


def _solved(
    system: NDArray[np.float64], wanted: NDArray[np.float64], penalty: NDArray[np.float64]
) -> NDArray[np.float64]:
    transposed = np.swapaxes(system, -1, -2)
    inverse = np.linalg.pinv(transposed @ system + penalty)
    return (inverse @ transposed @ wanted[..., None])[..., 0]


def _integrated(first_and_rates: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.full(first_and_rates.shape[-1], STEP_S)
    weights[0] = 1.0
    return np.cumsum(first_and_rates * weights, axis=-1)
