"""The score of a whole benchmark: means over the planned routes, spread, infractions per kilometre."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from drivevla.errors import ContractError, DataError
from drivevla.evaluation.driving_score.route_score import LENGTH_DIGITS, SCORE_DIGITS, RouteRecord
from drivevla.evaluation.driving_score.rules import ROUTE_TIMEOUT, RuleBook

__all__ = ["BenchmarkScore", "score_benchmark"]

SCORES = ("score_composed", "score_route", "score_penalty")
_OUTSIDE = "outside_route_lanes"
_SHORTEST_DRIVE_KM = 0.001
_METRES_WORD = 8  # "Agent went outside its route lanes for about <metres> meters ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkScore:
    """What a result file says about all routes together.

    Attributes:
        rules: Name of the rule book.
        status: The worst of the routes': "Perfect", "Completed" or "Failed".
        means: ``score_composed`` (the driving score), ``score_route``, ``score_penalty`` over the planned routes; a
            route without a record counts 0.
        deviations: Standard deviations of the same, with n - 1; None for a single route under leaderboard 1.0.
        infractions: Per driven kilometre, by the file's names. ``outside_route_lanes``: kilometres, not divided (2.x).
        total_length_m: Length of the routes that have records.
        duration_game_s: Simulated time of those.
        duration_system_s: Time on the wall of those.
        failed: Id, index and status of every route that failed.
        planned_routes: How many routes there were to drive.
    """

    rules: str
    status: str
    means: Mapping[str, float]
    deviations: Mapping[str, float] | None
    infractions: Mapping[str, float]
    total_length_m: float
    duration_game_s: float
    duration_system_s: float
    failed: tuple[tuple[str, int, str], ...]
    planned_routes: int

    @property
    def driving_score(self) -> float:
        """The benchmark's headline number, 0 to 100."""
        return self.means["score_composed"]


def score_benchmark(rules: RuleBook, records: Sequence[RouteRecord], *, planned_routes: int) -> BenchmarkScore:
    """Sum up the routes of a benchmark.

    Planned routes that have no record lower the means but, as officially, do not enter the standard deviations' sum.
    Source: ``StatisticsManager.compute_global_statistics`` of the leaderboard's three branches and of Bench2Drive.

    Args:
        rules: The rule book that made the records.
        records: One for each route driven.
        planned_routes: How many there were to drive.

    Raises:
        ContractError: There are more records than planned routes, or two of one route.
        DataError: A record's infractions are not those of the rule book.
    """
    _check(rules, records, planned_routes)
    means = {
        name: _rounded(rules, _sum(getattr(record, name) / planned_routes for record in records), SCORE_DIGITS)
        for name in SCORES
    }
    return BenchmarkScore(
        rules=rules.name,
        status=_status(records),
        means=means,
        deviations=_deviations(rules, records, means, planned_routes),
        infractions=_infractions_1(records) if rules.criteria.generation == 1 else _infractions_2(records),
        total_length_m=_sum(record.route_length_m for record in records),
        duration_game_s=_sum(record.duration_game_s for record in records),
        duration_system_s=_sum(record.duration_system_s for record in records),
        failed=tuple((r.route_id, r.index, r.status) for r in records if not r.completed),
        planned_routes=planned_routes,
    )


def _check(rules: RuleBook, records: Sequence[RouteRecord], planned_routes: int) -> None:
    if not 1 <= max(1, len(records)) <= planned_routes:
        raise ContractError(f"planned_routes must be at least the {len(records)} records, got {planned_routes}")
    names = {*rules.infraction_names.values(), ROUTE_TIMEOUT}
    seen: set[str] = set()
    for record in records:
        if set(record.infractions) != names:
            raise DataError(
                f"the record of {record.route_id} was not made by {rules.name}: its infractions differ by "
                f"{sorted(set(record.infractions) ^ names)}"
            )
        if record.route_id in seen:
            raise ContractError(f"two records for {record.route_id}: keep the one that counts")
        seen.add(record.route_id)


def _status(records: Sequence[RouteRecord]) -> str:
    if any(not record.completed for record in records):
        return "Failed"
    return "Perfect" if all(record.status == "Perfect" for record in records) else "Completed"


def _deviations(
    rules: RuleBook, records: Sequence[RouteRecord], means: Mapping[str, float], planned_routes: int
) -> dict[str, float] | None:
    if planned_routes == 1:
        return None if rules.criteria.generation == 1 else dict.fromkeys(SCORES, 0.0)
    return {
        name: _rounded(
            rules,
            math.sqrt(_sum((getattr(record, name) - means[name]) ** 2 for record in records) / (planned_routes - 1)),
            LENGTH_DIGITS,
        )
        for name in SCORES
    }


def _infractions_1(records: Sequence[RouteRecord]) -> dict[str, float]:
    """Leaderboard 1.0 adds up the routes' own rates, which weighs short drives most; routes at 0 % are left out."""
    moved = [record for record in records if record.score_route != 0]
    return {
        name: _sum(len(record.infractions[name]) / _driven_km(record) for record in moved)
        for name in (records[0].infractions if records else ())
    }


def _infractions_2(records: Sequence[RouteRecord]) -> dict[str, float]:
    driven_km = max(_sum(map(_driven_km, records)), _SHORTEST_DRIVE_KM)
    rates = {}
    for name in records[0].infractions if records else ():
        if name == _OUTSIDE:
            rates[name] = round(_sum(map(_outside_km, records)), LENGTH_DIGITS)
        else:
            rates[name] = round(_sum(len(record.infractions[name]) for record in records) / driven_km, LENGTH_DIGITS)
    return rates


def _driven_km(record: RouteRecord) -> float:
    return record.route_length_m / 1000 * record.score_route / 100


def _outside_km(record: RouteRecord) -> float:
    messages = record.infractions[_OUTSIDE]
    if not messages:
        return 0.0
    try:
        return float(messages[0].split(" ")[_METRES_WORD]) / 1000
    except (IndexError, ValueError):
        raise DataError(
            f"{record.route_id}: word {_METRES_WORD + 1} of its {_OUTSIDE} message should be metres: {messages[0]!r}"
        ) from None


def _sum(values: Iterable[float]) -> float:
    """Added up one by one from 0, as the official scripts do: the last digits follow the order."""
    total = 0.0
    for value in values:
        total += value
    return total


def _rounded(rules: RuleBook, value: float, digits: int) -> float:
    return round(value, digits) if rules.rounds else value
