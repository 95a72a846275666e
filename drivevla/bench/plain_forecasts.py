"""The protocols of forecasts, rated plans, dreamed instructions and texts once more, sample by sample in plain loops.

What the vectorised ones are measured against, as in ``plain_metrics``. Modes and futures stand at the protocol's own
times and are whole, as in the bench's samples; nothing is interpolated.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from drivevla.evaluation.open_loop import Samples
from drivevla.evaluation.open_loop.text.tokens import penn_words

__all__ = ["PLAIN_FORECASTS", "PlainForecast", "plain_forecasts"]

Place = tuple[float, float]


@dataclass(frozen=True)
class PlainForecast:
    """One sample as lists: places of every mode and their probabilities, the driven way, and what the truth holds."""

    modes: list[list[Place]]
    shares: list[float]
    driven: list[Place]
    details: dict[str, Any]
    text: str


def plain_forecasts(samples: Samples, count: int) -> list[PlainForecast]:
    """The first so many samples. With references come ``documents``: in how many samples each run of words occurs."""
    predictions, truth = samples.predictions, samples.truth
    of_all: dict[str, Any] = {}
    if "references" in truth.details:
        runs = [set().union(*map(_runs, map(penn_words, refs))) for refs in truth.details["references"].tolist()]
        of_all = {"documents": Counter(run for each in runs for run in each), "samples": len(samples)}
    return [
        PlainForecast(
            modes=[[(x, y) for x, y, _ in mode] for mode in predictions.poses[index].tolist()],
            shares=predictions.scores[index].tolist(),
            driven=[(x, y) for x, y, _ in truth.poses[index].tolist()],
            details={name: array[index].tolist() for name, array in truth.details.items()} | of_all,
            text=predictions.texts[index] or "",
        )
        for index in range(count)
    ]


def argoverse1(sample: PlainForecast) -> dict[str, float]:
    """``argoverse1``: 3 s at 10 Hz."""
    values: dict[str, float] = {}
    for k in (1, 6):
        kept = _likeliest(sample, k)
        errors, share = _ending_nearest(sample, kept, steps=30)
        share /= sum(sample.shares[mode] for mode in kept)
        ade, fde, surprise = _mean(errors), errors[-1], -math.log(max(share, 0.05))
        values |= {
            f"minADE_{k}_m": ade,
            f"minFDE_{k}_m": fde,
            f"MR_{k}": float(fde > 2.0),
            f"p-minADE_{k}_m": ade + surprise,
            f"p-minFDE_{k}_m": fde + surprise,
            f"p-MR_{k}": 1.0 if fde > 2.0 else 1.0 - share,
            f"brier-minADE_{k}_m": ade + (1.0 - share) ** 2,
            f"brier-minFDE_{k}_m": fde + (1.0 - share) ** 2,
        }
    return values


def argoverse2(sample: PlainForecast) -> dict[str, float]:
    """``argoverse2``: 6 s at 10 Hz, agent by agent."""
    values: dict[str, float] = {}
    for k in (1, 6):
        kept = _likeliest(sample, k)
        errors, share = _ending_nearest(sample, kept, steps=60)
        values |= {
            f"minADE_{k}_m": _mean(errors),
            f"minFDE_{k}_m": errors[-1],
            f"MR_{k}": float(errors[-1] > 2.0),
            f"brier-minFDE_{k}_m": errors[-1] + (1.0 - share) ** 2,
            f"least_ADE_{k}_m": min(_mean(_errors(sample.modes[mode], sample.driven)) for mode in kept),
        }
    return values


def nuscenes_prediction(sample: PlainForecast) -> dict[str, float]:
    """``nuscenes-prediction``: 6 s at 2 Hz, every fifth point; without the off-road rate."""
    values = {}
    for k in (1, 5, 10):
        errors = [_errors(sample.modes[mode][4::5], sample.driven[4::5]) for mode in _likeliest(sample, k)]
        values[f"minADE_{k}_m"] = min(_mean(each) for each in errors)
        values[f"minFDE_{k}_m"] = min(each[-1] for each in errors)
        values[f"miss_rate_2m_{k}"] = float(min(max(each) for each in errors) >= 2.0)
    return values


def waymo_rfs(sample: PlainForecast) -> dict[str, float]:
    """``waymo-rfs``: 5 s at 4 Hz."""
    rated, labels = sample.details["rated"], sample.details["rated_label"]
    scale = min(max(0.5 + 0.5 * (sample.details["speed_mps"] - 1.4) / (11.0 - 1.4), 0.5), 1.0)
    score = 0.0
    for plan, share in zip(sample.modes, sample.shares, strict=True):
        far = [
            [
                _ellipse(plan[11], way, 11, 4.0 * scale, 1.0 * scale),
                _ellipse(plan[19], way, 19, 7.2 * scale, 1.8 * scale),
            ]
            for way in rated
        ]
        best = [
            max(label * 0.1 ** max(both[time] - 1.0, 0.0) for both, label in zip(far, labels, strict=True))
            for time in (0, 1)
        ]
        within = any(max(both) <= 1.0 for both in far)
        score += share * (_mean(best) if within else max(_mean(best), 4.0))
    plan = sample.modes[_likeliest(sample, 1)[0]]
    errors = _errors(plan, rated[labels.index(max(labels))])
    return {"RFS": score, "ADE_3s_m": _mean(errors[:12]), "ADE_5s_m": _mean(errors)}


def dreaming(sample: PlainForecast) -> dict[str, float]:
    """``dreaming``: 2.5 s at 4 Hz."""
    asked, plan = sample.details, sample.modes[_likeliest(sample, 1)[0]]
    path, told, original = _every_metre(plan), asked["instructed_path_m"], asked["original_path_m"]
    speeds = [math.dist(a, b) / 0.25 for a, b in pairwise(plan)]
    middle = _mean([index * 0.25 for index in range(len(speeds))])
    centred = [index * 0.25 - middle for index in range(len(speeds))]
    slope = sum(a * b for a, b in zip(speeds, centred, strict=True)) / sum(each**2 for each in centred)
    ends = math.dist(plan[-1], plan[-3]) / 0.5
    mode, now = asked["instruction_mode"], asked["speed_mps"]
    if mode == "stop":
        done = min(speeds) < 0.1
    elif mode == "slower":
        done = slope < -0.05 * now
    elif mode == "faster":
        done = slope > 0.05 * now
    elif mode == "target_speed":
        wanted = (math.dist(asked["instructed_m"][-1], asked["instructed_m"][-3]) / 0.5, asked["target_speed_mps"])
        done = any(0.8 * each < ends < 1.2 * each for each in wanted)
    elif mode == "lane_change":
        done = math.dist(path[-1], told[-1]) < math.dist(path[-1], original[-1])
    else:
        off = _mean(_errors(path, told))
        done = off < _mean(_errors(path, original)) if _mean(_errors(original, told)) > 1.0 else off < 1.0
    return {"success_rate": float(done)}


def text(sample: PlainForecast) -> dict[str, float]:
    """``text``: ROUGE-L and CIDEr, whose documents are counted beforehand; BLEU belongs to the whole set."""
    words, references = penn_words(sample.text), [penn_words(each) for each in sample.details["references"]]
    precision = recall = 0.0
    for theirs in references:
        common = _common_length(words, theirs)
        precision, recall = max(precision, common / len(words)), max(recall, common / len(theirs))
    rouge = (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision) if precision and recall else 0.0
    ours = _weights(words, sample.details)
    alike = [
        _alike(ours, _weights(theirs, sample.details)) * math.exp(-((len(words) - len(theirs)) ** 2) / 72.0)
        for theirs in references
    ]
    return {"ROUGE_L": rouge, "CIDEr": 10.0 * _mean(alike)}


PLAIN_FORECASTS: Mapping[str, Callable[[PlainForecast], dict[str, float]]] = {
    "argoverse1": argoverse1,
    "argoverse2": argoverse2,
    "nuscenes-prediction": nuscenes_prediction,
    "waymo-rfs": waymo_rfs,
    "dreaming": dreaming,
    "text": text,
}
"""The protocols that have a plain definition here."""


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _errors(some: list[Place], others: list[Place]) -> list[float]:
    return [math.dist(a, b) for a, b in zip(some, others, strict=True)]


def _likeliest(sample: PlainForecast, k: int) -> list[int]:
    return sorted(range(len(sample.shares)), key=lambda mode: -sample.shares[mode])[:k]


def _ending_nearest(sample: PlainForecast, kept: list[int], *, steps: int) -> tuple[list[float], float]:
    """Errors and probability of the mode that ends nearest."""
    best = min(kept, key=lambda mode: math.dist(sample.modes[mode][steps - 1], sample.driven[steps - 1]))
    return _errors(sample.modes[best][:steps], sample.driven[:steps]), sample.shares[best]


def _ellipse(place: Place, way: list[Place], point: int, along_m: float, aside_m: float) -> float:
    """How far a place is from a rated trajectory's point, in thresholds."""
    (x0, y0), (x1, y1) = way[point - 1], way[point]
    length = math.dist((x0, y0), (x1, y1))
    cos, sin = (x1 - x0) / length, (y1 - y0) / length
    dx, dy = place[0] - x1, place[1] - y1
    return max(abs(dx * cos + dy * sin) / along_m, abs(dy * cos - dx * sin) / aside_m)


def _every_metre(plan: list[Place]) -> list[Place]:
    """Twenty points a metre apart; the last is repeated. As in the source, 0.1 mm is added to every step."""
    path, along = [(0.0, 0.0), *plan], [0.0]
    for a, b in pairwise(path):
        along.append(along[-1] + math.dist(a, b) + 1e-4)
    points = []
    for metre in range(20):
        after = next((index for index, length in enumerate(along) if length >= metre), None)
        if after is None or after == 0:
            points.append(path[-1] if after is None else path[0])
            continue
        share = (metre - along[after - 1]) / (along[after] - along[after - 1])
        (x0, y0), (x1, y1) = path[after - 1], path[after]
        points.append((x0 + share * (x1 - x0), y0 + share * (y1 - y0)))
    return points


def _runs(words: list[str]) -> Counter[tuple[str, ...]]:
    """How often every run of one to four words occurs."""
    return Counter(
        tuple(words[start : start + order]) for order in range(1, 5) for start in range(len(words) - order + 1)
    )


def _weights(words: list[str], details: dict[str, Any]) -> list[dict[tuple[str, ...], float]]:
    """For runs of 1 to 4 words: how often each occurs times how rare it is."""
    weights: list[dict[tuple[str, ...], float]] = [{}, {}, {}, {}]
    for run, count in _runs(words).items():
        weights[len(run) - 1][run] = count * math.log(details["samples"] / max(details["documents"][run], 1))
    return weights


def _alike(ours: list[dict[tuple[str, ...], float]], theirs: list[dict[tuple[str, ...], float]]) -> float:
    """Mean over the lengths of runs of the cosine, in which ours weigh at most as much as theirs."""
    cosines = []
    for mine, other in zip(ours, theirs, strict=True):
        product = sum(min(weight, other[run]) * other[run] for run, weight in mine.items() if run in other)
        norms = math.hypot(*mine.values()) * math.hypot(*other.values())
        cosines.append(product / norms if norms else product)
    return _mean(cosines)


def _common_length(some: list[str], others: list[str]) -> int:
    """The longest common subsequence, by the table."""
    above = [0] * (len(others) + 1)
    for word in some:
        row = [0]
        for index, other in enumerate(others):
            row.append(above[index] + 1 if word == other else max(row[-1], above[index + 1]))
        above = row
    return above[-1]
