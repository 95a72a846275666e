"""Every policy under every protocol: values with intervals, differences, and the same by group."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.offline.asking import Answers
from drivevla.evaluation.offline.facts import EITHER_TURN, GROUPINGS, NOT_KNOWN, TURNING, SampleFacts
from drivevla.evaluation.offline.intervals import Interval, interval_by_drive, share_by_drive
from drivevla.evaluation.open_loop import OpenLoopReport, OpenLoopTruth, load_metric, score_predictions

__all__ = ["ProtocolScores", "groups_json", "headline_of", "protocol_json", "score_protocol"]

_AVERAGES = ("avg", "ADE", "upto_3s")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolScores:
    """One protocol on one sample set.

    Attributes:
        name: Of the protocol.
        reports: By name of who was asked; who gave no single plan is left out.
        unscored: Why somebody has no score.
        columns: For each of them and each value that is a mean: (N,) in the order of the facts; NaN for a sample that
            does not count.
        drives: (N,) the drive of every sample.
    """

    name: str
    reports: Mapping[str, OpenLoopReport]
    unscored: Mapping[str, str]
    columns: Mapping[str, Mapping[str, NDArray[np.float64]]]
    drives: tuple[str, ...]


def score_protocol(
    name: str, answers: Mapping[str, Answers], truth: OpenLoopTruth, drives: Mapping[str, str]
) -> ProtocolScores:
    """Score everybody who was asked. Samples without a plan are left out and counted.

    Args:
        name: Of the protocol.
        answers: By name of who was asked.
        truth: In the order of the facts.
        drives: The drive of every token.

    Raises:
        DataError: The truth lacks what the protocol needs, so that nobody has a score.
    """
    metric, reports, unscored = load_metric(name), dict[str, OpenLoopReport](), dict[str, str]()
    for who, each in answers.items():
        try:
            reports[who] = score_predictions(metric, each.predictions, truth, missing="leave_out")
        except DataError as error:
            unscored[who] = str(error)
    if not reports:
        raise DataError(f"{name} scores nobody: {next(iter(unscored.values()))}")
    columns = {
        who: _spread_out(report, answers[who], truth, needs_plans=metric.definition.needs_plans)
        for who, report in reports.items()
    }
    return ProtocolScores(
        name=name,
        reports=reports,
        unscored=unscored,
        columns=columns,
        drives=tuple(drives[token] for token in truth.tokens),
    )


def headline_of(scores: ProtocolScores, who: str) -> str | None:
    """The value that stands for the protocol: the first mean over samples that is itself an average, else the first."""
    names = list(scores.columns.get(who, {}))
    averages = [name for name in names if any(word in name for word in _AVERAGES)]
    return next(iter(averages or names), None)


def protocol_json(scores: ProtocolScores, facts: Sequence[SampleFacts], *, judged: str) -> dict[str, Any]:
    """Plain values for the result file.

    Args:
        scores: Of everybody.
        facts: Of every sample, in the truth's order.
        judged: Whose differences to the others are given.
    """
    first = next(iter(scores.reports.values()))
    return {
        "definition": asdict(first.definition),
        "truth_fingerprint": first.truth_fingerprint,
        "missing_rule": first.missing_rule,
        "unscored": dict(scores.unscored),
        "headline": headline_of(scores, next(iter(scores.reports))),
        "policies": {
            who: {
                "values": {name: _value_json(scores, who, name, value) for name, value in report.scores.values.items()},
                "counts": {
                    **report.scores.counts,
                    "truth_samples": report.samples,
                    "without_plan": report.without_plan + report.missing,
                },
                "complete": not (report.missing or report.without_plan),
                "judged_less_this": _differences(scores, judged, who),
            }
            for who, report in scores.reports.items()
        },
        "groups": {
            grouping: groups_json(scores, [getattr(each, grouping) for each in facts], judged) for grouping in GROUPINGS
        },
    }


def _spread_out(
    report: OpenLoopReport, answers: Answers, truth: OpenLoopTruth, *, needs_plans: bool
) -> dict[str, NDArray[np.float64]]:
    """Columns over all samples of the truth, those without a plan as NaN."""
    predictions = answers.predictions
    there = {
        token
        for token, planned in zip(predictions.tokens, predictions.planned, strict=True)
        if planned or not needs_plans
    }
    kept = np.array([token in there for token in truth.tokens], dtype=np.bool_)
    columns = {}
    for name, column in report.scores.per_sample.items():
        columns[name] = np.full(len(truth), np.nan)
        columns[name][kept] = column
    return columns


def _value_json(scores: ProtocolScores, who: str, name: str, value: float) -> dict[str, Any]:
    column = scores.columns[who].get(name)
    found = None if column is None else interval_by_drive(column, scores.drives)
    return {"value": value, "low": None if found is None else found.low, "high": None if found is None else found.high}


def _differences(scores: ProtocolScores, judged: str, other: str) -> dict[str, Any]:
    """The judged policy's value less another's, on the samples that count for both."""
    if judged == other or judged not in scores.columns:
        return {}
    found = {}
    for name, column in scores.columns[other].items():
        if name in scores.columns[judged]:
            interval = interval_by_drive(scores.columns[judged][name] - column, scores.drives)
            if interval is not None:
                found[name] = {"value": interval.value, "low": interval.low, "high": interval.high}
    return found


def groups_json(scores: ProtocolScores, groups: Sequence[str], judged: str) -> dict[str, Any]:
    """By group: how many samples, everybody's means over those that count, and the judged policy beside the others.

    Empty where nothing is known. Turns to the left and to the right are also one group.
    """
    names = sorted(set(groups), key=_rank)
    if names in ([NOT_KNOWN], ["none"]):
        return {}
    member = {name: np.array([group == name for group in groups], dtype=np.bool_) for name in names}
    turns = [member[name] for name in TURNING if name in member]
    if turns:
        member[EITHER_TURN] = np.logical_or.reduce(turns)
    return {
        group: {
            "samples": int(inside.sum()),
            "policies": {
                who: {
                    name: {
                        "value": float(np.nanmean(column[inside])),
                        "samples": int((~np.isnan(column[inside])).sum()),
                    }
                    for name, column in columns.items()
                    if not np.isnan(column[inside]).all()
                }
                for who, columns in scores.columns.items()
            },
            "judged_beside": _beside(scores, judged, inside),
        }
        for group, inside in member.items()
    }


def _rank(group: str) -> tuple[float, str]:
    """By the number that a group's name begins with, as ranges of speed do, then by name."""
    first = group.partition(" ")[0]
    return (float(first) if first.replace(".", "", 1).isdigit() else -1.0), group


def _beside(scores: ProtocolScores, judged: str, inside: NDArray[np.bool_]) -> dict[str, Any]:
    """The judged policy's headline value less everybody else's, as a share of theirs, with its interval by drive."""
    name = headline_of(scores, judged)
    if name is None:
        return {}
    mine = np.where(inside, scores.columns[judged][name], np.nan)
    shares = {
        who: share_by_drive(mine, columns[name], scores.drives)
        for who, columns in scores.columns.items()
        if who != judged and name in columns
    }
    return {who: _interval_json(share) for who, share in shares.items() if share is not None}


def _interval_json(interval: Interval) -> dict[str, Any]:
    return {"value": interval.value, "low": interval.low, "high": interval.high, "samples": interval.samples}
