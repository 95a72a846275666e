"""Bench2Drive's multi-ability scores: success by groups of scenarios."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Literal, TypeAlias

from drivevla.errors import ContractError, DataError, unknown_name
from drivevla.evaluation.driving_score.route_score import RouteRecord

__all__ = ["ABILITIES", "AbilityScores", "RouteOutline", "RouteTrace", "score_abilities"]

Release: TypeAlias = Literal["0.0.3", "0.0.4"]
RELEASES: tuple[Release, ...] = ("0.0.3", "0.0.4")

_TABLE = json.loads(
    resources.files("drivevla.evaluation.driving_score.bench2drive").joinpath("abilities.json").read_text()
)
ABILITIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {ability: frozenset(scenarios) for ability, scenarios in _TABLE.items()}
)
"""The scenario classes of each ability; a class may stand in several, and some stand in none."""

_SIGNS = "Traffic_Signs"
_PAST_JUNCTION_POINTS = 8  # route points behind the junction's first one, to be past its sign or light


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOutline:
    """What a route file says about a route.

    Attributes:
        route_id: Its number, as a string.
        town: Its map.
        scenario: The class of its scenario.
    """

    route_id: str
    town: str
    scenario: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTrace:
    """A route traced through the map, a point a metre.

    Attributes:
        points: How many points it has.
        first_junction: Index of the first one that lies in a junction; None where there is none.
    """

    points: int
    first_junction: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbilityScores:
    """Success by ability.

    Attributes:
        release: The release of Bench2Drive whose rule was followed.
        shares: Successes over trials, 0 to 1.
        missing: Scenario class and id of the routes without a record, which enter no trial.
    """

    release: Release
    shares: Mapping[str, float]
    missing: tuple[tuple[str, str], ...]

    @property
    def mean(self) -> float:
        """The mean of the five shares."""
        return sum(self.shares.values()) / len(self.shares)


def score_abilities(
    records: Sequence[RouteRecord],
    routes: Sequence[RouteOutline],
    trace: Callable[[RouteOutline], RouteTrace],
    *,
    release: Release = "0.0.4",
) -> AbilityScores:
    """Count successes by ability.

    Release 0.0.4 also counts a failed route as a success for traffic signs where it got past its first junction
    without running a stop sign or red light. Release 0.0.3 made that check of every such route, as a second trial
    beside its success.

    Source: Bench2Drive 7ec25d1 (0.0.4) and 2645714 (0.0.3), ``tools/ability_benchmark.py``.

    Args:
        records: The routes driven.
        routes: The routes of the route file.
        trace: Traces a route through its map; asked only for routes whose junction matters.
        release: Whose rule to follow.

    Raises:
        UnknownName: There is no such release.
        DataError: An ability has no trial, or a route whose junction matters has none.
    """
    if release not in RELEASES:
        raise unknown_name("release of Bench2Drive's abilities", release, RELEASES)
    by_id = _by_route_number(records)
    trials: dict[str, list[bool]] = {ability: [] for ability in ABILITIES}
    missing = []
    for route in sorted(routes, key=lambda route: route.town):  # the official order, which the missing ones keep
        record = by_id.get(route.route_id)
        if record is None:
            missing.append((route.scenario, route.route_id))
            continue
        for ability, scenarios in ABILITIES.items():
            if route.scenario not in scenarios:
                continue
            if ability == _SIGNS and release == "0.0.4":
                trials[ability].append(record.succeeded or _obeyed_signs(record, route, trace(route)))
            else:
                trials[ability].append(record.succeeded)
            if ability == _SIGNS and release == "0.0.3":
                trials[ability].append(_obeyed_signs(record, route, trace(route)))
    return AbilityScores(release=release, shares=_shares(trials), missing=tuple(missing))


def _by_route_number(records: Sequence[RouteRecord]) -> dict[str, RouteRecord]:
    by_id: dict[str, RouteRecord] = {}
    for record in records:
        parts = record.route_id.split("_")
        if len(parts) < 2:
            raise ContractError(f"route ids are RouteScenario_<number>_rep<n>, got {record.route_id!r}")
        by_id.setdefault(parts[1], record)  # of several repetitions the first counts, as officially
    return by_id


def _obeyed_signs(record: RouteRecord, route: RouteOutline, trace: RouteTrace) -> bool:
    if trace.first_junction is None:
        raise DataError(
            f"route {route.route_id} in {route.town} meets no junction, so its traffic sign cannot be judged"
        )
    past_junction = (trace.first_junction + 1 + _PAST_JUNCTION_POINTS) / trace.points
    obeyed = not record.infractions["stop_infraction"] and not record.infractions["red_light"]
    return obeyed and record.score_route / 100.0 > past_junction


def _shares(trials: Mapping[str, Sequence[bool]]) -> dict[str, float]:
    empty = [ability for ability, outcomes in trials.items() if not outcomes]
    if empty:
        raise DataError(f"no route with a record tests {', '.join(empty)}: the ability scores need all five abilities")
    return {ability: sum(outcomes) / len(outcomes) for ability, outcomes in trials.items()}
