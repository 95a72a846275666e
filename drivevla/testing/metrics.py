"""Does a metric keep the contract of ``drivevla.evaluation.open_loop.OpenLoopMetric``?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from drivevla.evaluation.open_loop import OpenLoopMetric, Samples, Scores

__all__ = ["check_metric"]


def check_metric(metric: OpenLoopMetric, samples: Samples) -> Scores:
    """Hold a metric to the contract on at least two samples.

    Args:
        metric: What is checked.
        samples: Predictions and truth that hold what the metric's definition asks for.

    Returns:
        The scores.

    Raises:
        AssertionError: The metric answers the same samples differently, answers something else than ``Scores``, a value
            is not the mean of its column, a column has not one row a sample, the denominator is not counted, or the
            order of the samples changes a value.
    """
    from drivevla.evaluation.open_loop import OpenLoopMetric, Scores

    name = type(metric).__name__
    if not isinstance(metric, OpenLoopMetric):
        raise AssertionError(f"{name} must have definition and score(samples)")
    scores, again = metric.score(samples), metric.score(samples)
    if not isinstance(scores, Scores):
        raise AssertionError(f"{name}.score must return Scores, got {type(scores).__name__}")
    if dict(scores.values) != dict(again.values):
        raise AssertionError(f"{name}.score answered the same samples differently the second time")
    if not scores.values or not scores.counts.get("samples"):
        raise AssertionError(f"{name}.score must give at least one value and counts['samples'], its denominator")
    for value, column in scores.per_sample.items():
        if column.shape != (len(samples),):
            raise AssertionError(f"per_sample[{value!r}] must be ({len(samples)},), got {column.shape}")
        if not np.isclose(np.nanmean(column), scores.values[value], rtol=1e-9, atol=1e-12):
            raise AssertionError(f"values[{value!r}] must be the mean of its column per sample, without NaN")
    _check_order(metric, samples, scores)
    return scores


def _check_order(metric: OpenLoopMetric, samples: Samples, scores: Scores) -> None:
    from drivevla.evaluation.open_loop import Samples

    backwards = np.arange(len(samples))[::-1]
    turned = metric.score(Samples(predictions=samples.predictions.take(backwards), truth=samples.truth.take(backwards)))
    for value, number in scores.values.items():
        if not np.isclose(turned.values[value], number, rtol=1e-9, atol=1e-12):
            raise AssertionError(f"{type(metric).__name__}: the order of the samples changes {value}")
