"""Argoverse 1 and 2 motion forecasting, for single agents.

Both judge the mode that ends nearest to the agent, so that Argoverse's minADE is the mean error of *that* mode. The
lowest mean error of all modes, which others call minADE, has its own name here ("least_ADE").

Sources: argoverse/argoverse-api f886ac5, ``argoverse/evaluation/eval_forecasting.py``; argoverse/av2-api b7321d1
(0.3.6), ``src/av2/datasets/motion_forecasting/eval/metrics.py``.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.forecasting.modes import check_probabilities, future_points, point_errors_m
from drivevla.evaluation.open_loop.forecasting.worlds import world_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.positions import point_distances_m

__all__ = ["Argoverse1", "Argoverse2", "argoverse1_columns", "argoverse2_columns"]

_KS = (1, 6)
_MISS_M = 2.0
_LEAST_PROBABILITY = 0.05


def argoverse1_columns(
    forecasts_m: NDArray[np.float64], future_m: NDArray[np.float64], probabilities: NDArray[np.float64], k: int
) -> dict[str, NDArray[np.float64]]:
    """Argoverse 1's contributions of every agent.

    Args:
        forecasts_m: (N, K, T, 2) every mode at every step.
        future_m: (N, T, 2).
        probabilities: (N, K).
        k: How many of the likeliest modes may guess; their probabilities are divided by their sum.

    Returns:
        (N,) arrays: minADE, minFDE and MR of the mode that ends nearest; with ``p-`` minus the logarithm of its
        probability, at most that of 0.05, is added (p-MR: 1 for a miss, else 1 - p); with ``brier-`` (1 - p)^2.
    """
    likeliest, rows = _likeliest(probabilities, k), np.arange(len(probabilities))
    ends = point_distances_m(forecasts_m[rows[:, None], likeliest, -1], future_m[:, None, -1])
    best = likeliest[rows, ends.argmin(axis=1)]  # the others are asked for nothing but their ends
    errors = point_distances_m(forecasts_m[rows, best], future_m)
    ade, fde = errors.mean(axis=-1), errors[:, -1]
    share = probabilities[rows, best] / probabilities[rows[:, None], likeliest].sum(axis=1)
    missed = fde > _MISS_M
    surprise = -np.log(np.maximum(share, _LEAST_PROBABILITY))
    return {
        "minADE": ade,
        "minFDE": fde,
        "MR": missed.astype(np.float64),
        "p-minADE": ade + surprise,
        "p-minFDE": fde + surprise,
        "p-MR": np.where(missed, 1.0, 1.0 - share),
        "brier-minADE": ade + (1.0 - share) ** 2,
        "brier-minFDE": fde + (1.0 - share) ** 2,
    }


def argoverse2_columns(
    errors_m: NDArray[np.float64], probabilities: NDArray[np.float64], k: int
) -> dict[str, NDArray[np.float64]]:
    """Argoverse 2's contributions of every agent.

    Args:
        errors_m: (N, K, T) distance of every mode at every step.
        probabilities: (N, K), taken as they are.
        k: How many of the likeliest modes may guess.

    Returns:
        (N,) arrays: minADE, minFDE, MR and brier-minFDE of the mode that ends nearest, and least_ADE of all k.
    """
    likeliest, rows = _likeliest(probabilities, k), np.arange(len(probabilities))
    best = likeliest[rows, errors_m[rows[:, None], likeliest, -1].argmin(axis=1)]
    errors = errors_m[rows, best]
    fde = errors[:, -1]
    return {
        "minADE": errors.mean(axis=-1),
        "minFDE": fde,
        "MR": (fde > _MISS_M).astype(np.float64),
        "brier-minFDE": fde + (1.0 - probabilities[rows, best]) ** 2,
        "least_ADE": errors_m.mean(axis=-1)[rows[:, None], likeliest].min(axis=1),
    }


class Argoverse1:
    """3 s at 10 Hz. A sample is one agent's forecast in any frame that its future shares."""

    definition = Definition(
        name="argoverse1",
        version="1",
        summary="minADE, minFDE, miss rate and their p- and brier- forms for K = 1 and 6; mean over samples",
        source="argoverse/argoverse-api f886ac5, eval_forecasting.py",
        horizon_s=3.0,
    )

    def score(self, samples: Samples) -> Scores:
        """All values for K = 1 and 6; a sample whose future is cut short is left out.

        Raises:
            DataError: The scores of a sample's modes do not sum to 1, or no future is complete.
        """
        forecasts, future, known = _modes(samples, self.definition)
        columns: dict[str, NDArray[np.float64]] = {}
        for k in _KS:
            of_k = argoverse1_columns(forecasts, future, samples.predictions.scores, k)
            columns |= {_named(name, k): column for name, column in of_k.items()}
        return mean_scores(columns, counted=known, counts={"modes": forecasts.shape[1]})


class Argoverse2:
    """6 s at 10 Hz. A sample is one agent's forecast in any frame that its future, and its scenario's agents, share."""

    definition = Definition(
        name="argoverse2",
        version="1",
        summary="minADE, minFDE, miss rate, brier-minFDE for K = 1 and 6; of the best world where scenarios are given",
        source="argoverse/av2-api b7321d1, motion_forecasting/eval/metrics.py",
        horizon_s=6.0,
    )

    def score(self, samples: Samples) -> Scores:
        """All values for K = 1 and 6; where the truth has ``scenario``, also those of every scenario's best world.

        Raises:
            DataError: The scores of a sample's modes do not sum to 1, no future is complete, or the modes of one
                scenario's agents differ in their probabilities and are no worlds.
        """
        forecasts, future, known = _modes(samples, self.definition)
        errors = point_errors_m(forecasts, future)
        columns: dict[str, NDArray[np.float64]] = {}
        for k in _KS:
            of_k = argoverse2_columns(errors, samples.predictions.scores, k)
            columns |= {_named(name, k): column for name, column in of_k.items()}
        scores = mean_scores(columns, counted=known, counts={"modes": errors.shape[1]})
        if "scenario" not in samples.truth.details:
            return scores
        scenario = samples.truth.detail("scenario", (), needed_by=self.definition.name)
        rows = np.flatnonzero(known)
        worlds = world_scores(scenario[rows], forecasts[rows], errors[rows], samples.predictions.scores[rows])
        return Scores(
            values={**scores.values, **worlds.values},
            per_sample=scores.per_sample,
            counts={**scores.counts, **worlds.counts},
        )


def _likeliest(probabilities: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """(N, k) the likeliest modes, the first of two equal ones first."""
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :k]


def _modes(
    samples: Samples, definition: Definition
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """(N, K, T, 2) forecasts, (N, T, 2) futures at 10 Hz, and (N,) whether the future is known throughout."""
    check_probabilities(definition.name, samples.predictions.scores)
    times_s = np.arange(1, round(definition.horizon_s * 10) + 1) * 0.1
    future, known = future_points(samples, times_s)
    return samples.predictions.positions_at(times_s), future, known


def _named(name: str, k: int) -> str:
    return f"{name}_{k}" if name.endswith("MR") else f"{name}_{k}_m"
