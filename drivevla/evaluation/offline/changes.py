"""What a changed input changes in the plans: for ablations, and for other instructions at the same instant."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.offline.asking import Answers
from drivevla.evaluation.offline.intervals import interval_by_drive
from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples
from drivevla.evaluation.open_loop.instructed import CounterfactualEffect

__all__ = ["alternatives_json", "change_json", "plan_change_m"]

_UP_TO_S = 3.0
_STEP_S = 0.5


def plan_change_m(
    before: Predictions, after: Predictions, tokens: Sequence[str], *, up_to_s: float = _UP_TO_S
) -> NDArray[np.float64]:
    """(N,) mean distance of two plans for the same sample over 3 s, every half second; NaN where one is missing."""
    reach_s = min(up_to_s, before.horizon_s, after.horizon_s)
    times_s = np.arange(1, int(reach_s / _STEP_S + 1e-6) + 1) * _STEP_S
    places = []
    for predictions in (before, after):
        row = {token: index for index, token in enumerate(predictions.tokens)}
        rows = np.array([row[token] for token in tokens], dtype=np.intp)
        planned = predictions.planned[rows]
        place = np.full((len(tokens), len(times_s), 2), np.nan)
        if planned.any() and len(times_s):
            place[planned] = predictions.take(rows[planned]).chosen_poses_at(times_s)[..., :2]
        places.append(place)
    if not len(times_s):
        return np.full(len(tokens), np.nan)
    distance: NDArray[np.float64] = np.linalg.norm(places[0] - places[1], axis=-1).mean(axis=1)
    return distance


def change_json(
    words: str, before: Answers, after: Answers, tokens: Sequence[str], drives: Sequence[str]
) -> dict[str, Any]:
    """How far the plans moved where there was something to change, and how often refusal changed.

    Args:
        words: What was changed.
        before: Answers to the whole input.
        after: Answers to the changed one.
        tokens: In the order in which the samples were asked.
        drives: The drive of each.
    """
    applied = np.array(after.applied if after.applied is not None else [True] * len(tokens), dtype=np.bool_)
    moved = np.where(applied, plan_change_m(before.predictions, after.predictions, tokens), np.nan)
    interval = interval_by_drive(moved, drives)
    refused = [dict(zip(each.predictions.tokens, _refused(each.predictions), strict=True)) for each in (before, after)]
    return {
        "words": words,
        "samples": int(applied.sum()),
        "of": len(tokens),
        "mean_change_m": None if interval is None else interval.value,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
        "largest_change_m": None if interval is None else float(np.nanmax(moved)),
        "refusals_before": sum(refused[0][token] for token in tokens),
        "refusals_after": sum(refused[1][token] for token in tokens),
    }


def alternatives_json(
    predictions: Predictions, truth: OpenLoopTruth, pairs: Sequence[Mapping[str, Any]], drive_of: Mapping[str, str]
) -> dict[str, Any]:
    """The effect of other instructions: how far the plan changes, along the right change, by kind; and refusals.

    ``refused_rightly`` and ``refused_wrongly`` are shares of the alternatives that the teacher refuses and follows.

    Args:
        predictions: Each alternative beside its instruction in force.
        truth: Where the teacher would go, with ``counterpart``.
        pairs: What each alternative asks for.
        drive_of: The drive of every sample's token.
    """
    row = {token: index for index, token in enumerate(predictions.tokens)}
    partner = {f"{pair['token']}": f"{pair['token']} as told" for pair in pairs}
    usable = [
        pair
        for pair in pairs
        if predictions.planned[row[pair["token"]]] and predictions.planned[row[partner[pair["token"]]]]
    ]
    said: dict[str, Any] = {"alternatives": len(pairs), "without_plan": len(pairs) - len(usable), "kinds": {}}
    if not usable:
        return said
    tokens = [token for pair in usable for token in (pair["token"], partner[pair["token"]])]
    rows = np.array([row[token] for token in tokens], dtype=np.intp)
    place = {token: index for index, token in enumerate(truth.tokens)}
    kept = truth.take(np.array([place[token] for token in tokens], dtype=np.intp))
    metric = CounterfactualEffect()
    scores = metric.score(Samples(predictions=predictions.take(rows), truth=kept))
    columns = {name: column[::2] for name, column in scores.per_sample.items()}
    drives = [drive_of[pair["token"].rpartition("#")[0]] for pair in usable]
    said["version"] = metric.definition.version
    said["values"] = {name: _interval_json(column, drives) for name, column in columns.items()}
    flags = _refused(predictions)
    refused = np.array([flags[row[pair["token"]]] for pair in usable], dtype=np.float64)
    must = np.array([pair["refused"] for pair in usable], dtype=np.bool_)
    for name, group in (("refused_rightly", must), ("refused_wrongly", ~must)):
        if group.any():
            said["values"][name] = _interval_json(np.where(group, refused, np.nan), drives)
    by_kind = defaultdict[str, list[int]](list)
    for index, pair in enumerate(usable):
        by_kind[pair["kind"]].append(index)
    said["kinds"] = {
        kind: {"samples": len(members), **{name: _mean(column[members]) for name, column in columns.items()}}
        for kind, members in sorted(by_kind.items())
    }
    return said


def _refused(predictions: Predictions) -> list[bool]:
    return [False] * len(predictions) if predictions.refused is None else predictions.refused.tolist()


def _interval_json(column: NDArray[np.float64], drives: Sequence[str]) -> dict[str, Any] | None:
    found = interval_by_drive(column, drives)
    return (
        None
        if found is None
        else {"value": found.value, "low": found.low, "high": found.high, "samples": found.samples}
    )


def _mean(column: NDArray[np.float64]) -> float | None:
    return None if np.isnan(column).all() else float(np.nanmean(column))
