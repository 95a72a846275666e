"""Waymo's rater feedback score: how near a plan comes to trajectories that people have rated, at 3 s and 5 s.

Source: waymo-research/waymo-open-dataset 99a4cb3, ``metrics/python/rater_feedback_utils.py``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.positions import point_distances_m

__all__ = ["POINTS", "RaterFeedback", "WaymoRFS", "rater_feedback", "trust_thresholds_m"]

POINTS = 20
"""A plan is 5 s at 4 Hz."""

_JUDGED = np.array([11, 19])  # the points at 3 s and 5 s
_LATERAL_M = np.array([1.0, 1.8])
_LONGITUDINAL_M = np.array([4.0, 7.2])
_FLOOR = 4.0


@dataclass(frozen=True, slots=True)
class RaterFeedback:
    """What the raters' trajectories say about plans.

    Attributes:
        score: (N,) 0 to 10, weighted by the plans' probabilities.
        within: (N, K) whether a plan stays within both thresholds of one rated trajectory at both times.
    """

    score: NDArray[np.float64]
    within: NDArray[np.bool_]


def trust_thresholds_m(speed_mps: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lateral and longitudinal thresholds, each (N, 2) at 3 s and 5 s, for speeds (N,) now."""
    scale = np.clip(0.5 + 0.5 * (speed_mps - 1.4) / (11.0 - 1.4), 0.5, 1.0)[:, None]
    return _LATERAL_M * scale, _LONGITUDINAL_M * scale


def rater_feedback(
    plans_m: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    speed_mps: NDArray[np.float64],
    rated_m: NDArray[np.float64],
    labels: NDArray[np.float64],
) -> RaterFeedback:
    """Score plans against rated trajectories.

    Args:
        plans_m: (N, K, 20, 2) vehicle frame, 4 Hz.
        probabilities: (N, K).
        speed_mps: (N,) now.
        rated_m: (N, R, 20, 2); where a sample has fewer, its last is repeated with its label.
        labels: (N, R) 0 to 10.
    """
    lateral_m, longitudinal_m = trust_thresholds_m(speed_mps)
    cos, sin = (each[:, None] for each in _directions(rated_m))
    x, y = (plans_m[:, :, None, _JUDGED, axis] - rated_m[:, None, :, _JUDGED, axis] for axis in (0, 1))
    forward, aside = np.abs(x * cos + y * sin), np.abs(y * cos - x * sin)  # each (N, K, R, 2 times)
    distance = np.maximum(forward / longitudinal_m[:, None, None], aside / lateral_m[:, None, None])
    at_times = (labels[:, None, :, None] * 0.1 ** np.maximum(distance - 1.0, 0.0)).max(axis=2)
    within = (distance <= 1.0).all(axis=-1).any(axis=2)
    score = at_times.mean(axis=-1)
    score = np.where(within, score, np.maximum(score, _FLOOR))
    return RaterFeedback((score * probabilities).sum(axis=1), within)


class WaymoRFS:
    """Rater feedback score, and ADE of the likeliest plan against the highest-rated trajectory."""

    definition = Definition(
        name="waymo-rfs",
        version="1",
        summary="rater feedback score at 3 s and 5 s, ADE to the highest-rated trajectory; mean over samples",
        source="waymo-research/waymo-open-dataset 99a4cb3, rater_feedback_utils.py",
        horizon_s=5.0,
        details=("rated", "rated_label", "speed_mps"),
    )

    def score(self, samples: Samples) -> Scores:
        """RFS (0 to 10), ADE up to 3 s and 5 s; where the truth has ``cluster``, also the mean of the clusters' means.

        Raises:
            DataError: The truth lacks the rated trajectories, or the scores of a sample's plans do not sum to 1.
        """
        name, truth = self.definition.name, samples.truth
        rated = truth.detail("rated", ("R", POINTS, 2), needed_by=name)
        labels = truth.detail("rated_label", rated.shape[1:2], needed_by=name)
        speed = truth.detail("speed_mps", (), needed_by=name)
        shares = samples.predictions.scores
        if np.abs(shares.sum(axis=1) - 1.0).max() > 1e-3:
            raise DataError(f"{name} weights plans by their probability: the scores of a sample must sum to 1")
        times_s = np.arange(1, POINTS + 1) * 0.25
        plans = samples.predictions.positions_at(times_s)
        feedback = rater_feedback(plans, shares, speed, rated, labels).score
        best = rated[np.arange(len(rated)), labels.argmax(axis=1)]
        errors = point_distances_m(samples.predictions.chosen_positions_at(times_s), best)
        scores = mean_scores(
            {"RFS": feedback, "ADE_3s_m": errors[:, : _JUDGED[0] + 1].mean(axis=1), "ADE_5s_m": errors.mean(axis=1)}
        )
        if "cluster" not in truth.details:
            return scores
        cluster = truth.detail("cluster", (), needed_by=name)
        means = [feedback[cluster == each].mean() for each in np.unique(cluster)]
        return Scores(
            values={**scores.values, "RFS_mean_of_clusters": float(np.mean(means))},
            per_sample=scores.per_sample,
            counts={**scores.counts, "clusters": len(means)},
        )


def _directions(trajectories_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cosine and sine (..., 2 times) of the steps to the judged points.

    The first step begins in the origin; a step of no length keeps the direction before, at first straight on.
    """
    dx, dy = (np.diff(trajectories_m[..., axis], prepend=0.0) for axis in (0, 1))
    moving = (dx != 0) | (dy != 0)
    last_moving = np.maximum.accumulate(np.where(moving, np.arange(dx.shape[-1]), -1), axis=-1)[..., _JUDGED]
    x, y = (np.take_along_axis(each, np.maximum(last_moving, 0), axis=-1) for each in (dx, dy))
    length = np.hypot(x, y)
    ever = last_moving >= 0
    unit = np.where(ever, length, 1.0)
    return np.where(ever, x / unit, 1.0), np.where(ever, y / unit, 0.0)
