"""From predictions and truth to a score that says what it was made of."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from drivevla import registry
from drivevla.errors import ConfigError, DataError
from drivevla.evaluation.open_loop.metric import Definition, OpenLoopMetric, Samples, Scores
from drivevla.evaluation.open_loop.predictions import Predictions
from drivevla.evaluation.open_loop.truth import OpenLoopTruth

__all__ = ["MissingRule", "OpenLoopReport", "load_metric", "score_predictions"]

MissingRule = Literal["refuse", "leave_out"]
"""What becomes of samples without a prediction or without a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoopReport:
    """A score with everything that a comparison must check.

    Attributes:
        definition: Of the protocol.
        scores: Its numbers.
        truth_fingerprint: Of the whole truth, before samples were left out.
        samples: How many the truth holds.
        missing: Of these, how many have no prediction.
        without_plan: Of these, how many were answered without a plan.
        missing_rule: What became of both.
    """

    definition: Definition
    scores: Scores
    truth_fingerprint: str
    samples: int
    missing: int
    without_plan: int
    missing_rule: MissingRule

    def as_json(self) -> Mapping[str, Any]:
        """Plain values for a file, without the columns per sample."""
        return {
            "protocol": asdict(self.definition),
            "values": dict(self.scores.values),
            "counts": {
                **self.scores.counts,
                "truth_samples": self.samples,
                "missing": self.missing,
                "without_plan": self.without_plan,
            },
            "missing_rule": self.missing_rule,
            "truth_fingerprint": self.truth_fingerprint,
        }


def load_metric(name: str) -> OpenLoopMetric:
    """The protocol behind a name of the registry's group "metrics".

    Raises:
        UnknownName: There is none of that name.
        ConfigError: What the name leads to is no ``OpenLoopMetric``.
    """
    metric = registry.load("metrics", name)()
    if not isinstance(metric, OpenLoopMetric):
        raise ConfigError(f"the metric {name!r} must have definition and score(samples), got {type(metric).__name__}")
    return metric


def score_predictions(
    metric: OpenLoopMetric, predictions: Predictions, truth: OpenLoopTruth, *, missing: MissingRule = "refuse"
) -> OpenLoopReport:
    """Put predictions beside their truth, check that they reach far enough, and score them.

    Args:
        metric: The protocol.
        predictions: In any order.
        truth: The sample set; its order is kept.
        missing: "refuse" samples without a prediction or plan, or "leave_out" and count them.

    Raises:
        DataError: A token is unknown to the truth, samples are missing and refused, the plans end before the protocol's
            horizon, or the truth lacks what the protocol needs.
        ConfigError: There is no such rule.
    """
    if missing not in get_args(MissingRule):
        raise ConfigError(f"missing must be one of {get_args(MissingRule)}, got {missing!r}")
    definition = metric.definition
    row = {token: index for index, token in enumerate(predictions.tokens)}
    unknown = sorted(row.keys() - set(truth.tokens))
    if unknown:
        raise DataError(f"{len(unknown)} predicted tokens are not in the truth, such as {unknown[:3]}")
    predicted = np.array([token in row for token in truth.tokens], dtype=np.bool_)
    planned = np.array([token in row and bool(predictions.planned[row[token]]) for token in truth.tokens])
    usable = planned if definition.needs_plans else predicted
    if missing == "refuse" and not usable.all():
        names = [token for token, there in zip(truth.tokens, usable, strict=True) if not there]
        raise DataError(
            f"{len(names)} of {len(truth)} samples have no {'plan' if definition.needs_plans else 'prediction'}, such "
            f"as {names[:3]}; add them, or leave them out (--missing leave_out), which the result will say"
        )
    if not usable.any():
        raise DataError("none of the truth's samples has a prediction")
    if definition.horizon_s > predictions.horizon_s + 1e-6:
        raise DataError(
            f"{definition.name} compares up to {definition.horizon_s:g} s and the plans end "
            f"{predictions.horizon_s:g} s from now; nothing is extrapolated"
        )
    kept = np.flatnonzero(usable)
    rows = np.array([row[truth.tokens[index]] for index in kept], dtype=np.intp)
    samples = Samples(predictions=predictions.take(rows), truth=truth.take(kept))
    return OpenLoopReport(
        definition=definition,
        scores=metric.score(samples),
        truth_fingerprint=truth.fingerprint(),
        samples=len(truth),
        missing=int((~predicted).sum()),
        without_plan=int((predicted & ~planned).sum()),
        missing_rule=missing,
    )
