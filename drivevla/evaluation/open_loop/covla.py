"""CoVLA: mean and final distance between predicted and driven points, in the plane and in space.

CoVLA has published no evaluation code. Its data set gives 60 points at 20 Hz, of which the first is the present one, so
that the last lies 2.95 s ahead; the paper's agent is said to predict 10 of them. The present point has no error and is
not counted. The number of points compared is part of every name here, and so is whether height counts.

Source: CoVLA (WACV 2025): ADE is the mean Euclidean error over the points, FDE that of the last, vehicle frame.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ConfigError
from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.geometry import interpolate_poses, rotate_points

__all__ = ["CoVLA", "covla_10", "point_errors_m"]

_WINDOW, _RATE_HZ = 60, 20.0
_HORIZON_S = (_WINDOW - 1) / _RATE_HZ


def point_errors_m(predicted_m: NDArray[np.float64], driven_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance at every point.

    Args:
        predicted_m: (..., P, D) with D = 2 or 3.
        driven_m: (..., P, D) the same points as driven.

    Returns:
        (..., P).
    """
    return np.linalg.norm(predicted_m - driven_m, axis=-1)


class CoVLA:
    """ADE and FDE of the recording device's positions over the points of the data set that lie ahead.

    A sample whose future is not known up to 2.95 s is left out. Errors in space are given where the predictions have
    heights, and only there.

    Args:
        every: Every so many of the points, counted back from the last: 1 takes the 59 that lie ahead, 6 takes ten, as
            many as the paper's agent predicts.
    """

    def __init__(self, every: int = 1) -> None:
        if not 1 <= every < _WINDOW:
            raise ConfigError(f"every must be 1 to {_WINDOW - 1}, got {every}")
        self.times_s = np.arange(_WINDOW - 1, 0, -every)[::-1] / _RATE_HZ
        self.points = len(self.times_s)
        self.definition = Definition(
            name="covla" if every == 1 else f"covla-{self.points}",
            version="2",
            summary=f"mean (ADE) and last (FDE) distance over {self.points} points up to 2.95 s, mean over samples",
            source="CoVLA, WACV 2025; no public evaluation code; points as in the data set",
            horizon_s=_HORIZON_S,
            details=("device_xy_m",),
        )

    def score(self, samples: Samples) -> Scores:
        """ADE and FDE in the plane, and in space where heights are predicted.

        Raises:
            DataError: The truth has no ``device_xy_m``, or heights are predicted and it has no ``z``.
        """
        name = self.definition.name
        times_s = self.times_s
        lever = samples.truth.detail("device_xy_m", (2,), needed_by=name)
        driven_poses, known = samples.truth.poses_at(times_s)
        predicted = device_points_m(samples.predictions.chosen_poses_at(times_s), lever)
        driven = device_points_m(driven_poses, lever)
        columns = self._columns(point_errors_m(predicted, driven), "2d")
        if samples.predictions.heights_m is not None:
            truth = samples.truth
            heights = truth.detail("z", (len(truth.times_s),), needed_by=f"{name} in space")
            rise = samples.predictions.chosen_heights_at(times_s) - _at(times_s, truth.times_s, heights)
            columns |= self._columns(np.hypot(point_errors_m(predicted, driven), rise), "3d")
        return mean_scores(columns, counted=known.all(axis=1), counts={"points": self.points})

    def _columns(self, errors_m: NDArray[np.float64], space: str) -> dict[str, NDArray[np.float64]]:
        ending = f"{space}_{self.points}points_m"
        return {f"ADE_{ending}": errors_m.mean(axis=1), f"FDE_{ending}": errors_m[:, -1]}


def covla_10() -> CoVLA:
    """The same over the ten points of the paper's agent."""
    return CoVLA(every=6)


def device_points_m(poses: NDArray[np.float64], device_xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions of the recording device from poses of the rear axle.

    Args:
        poses: (N, P, 3) x, y, yaw of the ego frame.
        device_xy_m: (N, 2) where the device is in the ego frame.

    Returns:
        (N, P, 2) in the device's own present frame.
    """
    lever = device_xy_m[:, None]
    return poses[..., :2] + rotate_points(lever, poses[..., 2]) - lever


def _at(times_s: NDArray[np.float64], known_s: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    with_present = np.concatenate([np.zeros((len(values), 1)), values], axis=1)
    as_poses = with_present[..., None] * np.array([1.0, 0.0, 0.0])
    return interpolate_poses(np.concatenate([[0.0], known_s]), as_poses, times_s)[..., 0]
