"""What a whole evaluation says: scores over its repetitions, failures, and what was left out."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from drivevla.errors import ContractError
from drivevla.evaluation.closed_loop.instructions import InstructionCounts
from drivevla.evaluation.closed_loop.job import DriveSummary
from drivevla.evaluation.driving_score import RouteRecord, RuleBook, score_benchmark
from drivevla.runs.atomic import write_text_atomically

__all__ = ["ClosedLoopSummary", "Spread", "spread", "summarise"]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A score over repetitions of the whole benchmark.

    Attributes:
        mean: Over the repetitions.
        std: Standard deviation with n - 1; None for a single repetition.
        low: Lower end of the 95 % confidence interval of the mean (Student's t); None for a single repetition.
        high: Its upper end.
    """

    mean: float
    std: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedLoopSummary:
    """The headline of an evaluation.

    Attributes:
        rules: The rule book.
        policy: Its name.
        privileged: Whether it was told the truth in any drive.
        backends: Every simulator that drove.
        scores: Driving score, route completion and penalty over the repetitions.
        infractions: How many of each kind, over all drives.
        failures: How many routes failed, by the words of their status.
        drives: How many there are.
        planned: How many were to be driven, all repetitions together.
        begun_again: How many routes were begun a second time.
        scenarios: How many of each type the routes ask for that could take place.
        scenarios_left_out: How many of each type could not.
        instructions: How many were given, and what became of them.
        ended_early: For a record that was judged again: drives that the rules they were driven under ended before these
            rules would have.
        complete: Whether the numbers may be compared with others: every route driven, no scenario left out.
    """

    rules: str
    policy: str
    privileged: bool
    backends: tuple[str, ...]
    scores: Mapping[str, Spread]
    infractions: Mapping[str, int]
    failures: Mapping[str, int]
    drives: int
    planned: int
    begun_again: int
    scenarios: Mapping[str, int]
    scenarios_left_out: Mapping[str, int]
    instructions: InstructionCounts
    complete: bool
    ended_early: int = 0

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_text_atomically(path, json.dumps(asdict(self), indent=2))


def spread(values: Sequence[float]) -> Spread:
    """Mean, standard deviation and 95 % confidence interval of the mean.

    Raises:
        ContractError: There is no value.
    """
    if not values:
        raise ContractError("a spread needs at least one value, got none")
    mean = float(np.mean(values))
    if len(values) == 1:
        return Spread(mean=mean)
    from scipy import stats

    std = float(np.std(values, ddof=1))
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1)) * std / math.sqrt(len(values))
    return Spread(mean=mean, std=std, low=mean - half, high=mean + half)


def summarise(
    rules: RuleBook,
    policy: str,
    drives: Sequence[tuple[RouteRecord, DriveSummary]],
    *,
    routes: int,
    repetitions: int,
    ended_early: int = 0,
) -> ClosedLoopSummary:
    """Sum up what has been driven so far; routes not driven yet count 0, as in the leaderboard."""
    per_repetition = [
        score_benchmark(
            rules, [record for record, drive in drives if drive.repetition == number], planned_routes=routes
        )
        for number in sorted({drive.repetition for _, drive in drives})
    ]
    left_out = Counter(kind for _, drive in drives for kind in drive.scenarios_left_out)
    infractions: Counter[str] = Counter()
    for record, _ in drives:
        infractions.update({name: len(messages) for name, messages in record.infractions.items()})
    return ClosedLoopSummary(
        rules=rules.name,
        policy=policy,
        privileged=any(drive.privileged for _, drive in drives),
        backends=tuple(sorted({drive.backend for _, drive in drives if drive.backend})),
        scores={
            name: spread([score.means[name] for score in per_repetition])
            for name in ("score_composed", "score_route", "score_penalty")
            if per_repetition
        },
        infractions=dict(infractions),
        failures=dict(Counter(record.status for record, _ in drives if not record.completed)),
        drives=len(drives),
        planned=routes * repetitions,
        begun_again=sum(drive.attempts > 1 for _, drive in drives),
        scenarios=dict(sorted(Counter(kind for _, drive in drives for kind in drive.scenarios).items())),
        scenarios_left_out=dict(sorted(left_out.items())),
        instructions=sum((drive.instructions for _, drive in drives), InstructionCounts()),
        complete=len(drives) == routes * repetitions and not left_out,
        ended_early=ended_early,
    )
