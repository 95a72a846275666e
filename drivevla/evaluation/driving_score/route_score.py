"""The score of one route: share driven, times what the infractions leave of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from drivevla.errors import ContractError
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent
from drivevla.evaluation.driving_score.rules import ROUTE_TIMEOUT, RuleBook
from drivevla.types.checks import real_number

__all__ = ["Failure", "RouteRecord", "RouteRun", "ScenarioLabel", "score_route"]

SCORE_DIGITS = 6
LENGTH_DIGITS = 3


class Failure(Enum):
    """What can stop a route from outside, by the words of official status lines."""

    SIMULATION = "Simulation crashed"
    SENSORS = "Agent's sensors were invalid"
    AGENT_SETUP = "Agent couldn't be set up"
    AGENT = "Agent crashed"
    TICK_LIMIT = "TickRuntime"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioLabel:
    """What Bench2Drive adds to a route's record.

    Attributes:
        scenario_name: The scenario on the route, such as "ParkingCutIn_1".
        save_name: The folder of the route's own files, among them ``metric_info.json``.
        town_name: The map.
        weather_id: Number of the weather preset, where it is one.
    """

    scenario_name: str
    save_name: str
    town_name: str
    weather_id: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRun:
    """What is known of a route once it has been driven.

    Attributes:
        route_id: ``RouteScenario_<id>_rep<n>``: official tools take the numbers out of it.
        index: Its place among the planned routes, from 0.
        route_length_m: Length of the dense route (leaderboard 1.0: of the line through the route file's points).
        duration_game_s: Simulated time.
        duration_system_s: Time on the wall.
        events: What the criteria found.
        timed_out: Whether the route's time was up.
        failure: What stopped it from outside.
        scenario: What Bench2Drive adds.
    """

    route_id: str
    index: int
    route_length_m: float
    duration_game_s: float
    duration_system_s: float
    events: tuple[TrafficEvent, ...] = ()
    timed_out: bool = False
    failure: Failure | None = None
    scenario: ScenarioLabel | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ContractError: One is not finite or is negative.
        """
        for name in ("route_length_m", "duration_game_s", "duration_system_s"):
            real_number(name, getattr(self, name), at_least=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRecord:
    """One route's line of a result file.

    Attributes:
        route_id: See ``RouteRun``.
        index: See ``RouteRun``.
        status: "Perfect", "Completed", "Failed" or "Failed - " and a reason.
        infractions: Messages by the file's name of the kind; every kind of the rule book is there.
        score_route: Route completion in percent.
        score_penalty: What the infractions leave, 0 to 1 (2.1 and the others alike).
        score_composed: The driving score, 0 to 100.
        route_length_m: See ``RouteRun``.
        duration_game_s: See ``RouteRun``.
        duration_system_s: See ``RouteRun``.
        scenario: What Bench2Drive adds.
    """

    route_id: str
    index: int
    status: str
    infractions: Mapping[str, tuple[str, ...]]
    score_route: float
    score_penalty: float
    score_composed: float
    route_length_m: float
    duration_game_s: float
    duration_system_s: float
    scenario: ScenarioLabel | None = None

    @property
    def num_infractions(self) -> int:
        """How many messages there are, of all kinds."""
        return sum(map(len, self.infractions.values()))

    @property
    def completed(self) -> bool:
        """Whether the goal was reached."""
        return self.status in ("Completed", "Perfect")

    @property
    def succeeded(self) -> bool:
        """Bench2Drive's success: goal reached, and no infraction other than of the minimum speed."""
        others = (messages for name, messages in self.infractions.items() if name != "min_speed_infractions")
        return self.completed and not any(others)


def score_route(rules: RuleBook, run: RouteRun) -> RouteRecord:
    """Score one route.

    Source: ``StatisticsManager.compute_route_statistics`` of the leaderboard's three branches and of Bench2Drive.

    Raises:
        ContractError: An event lacks the number that its penalty depends on.
    """
    infractions: dict[str, list[str]] = {name: [] for name in (*rules.infraction_names.values(), ROUTE_TIMEOUT)}
    for event in run.events:
        if event.kind in rules.infraction_names:
            infractions[rules.infraction_names[event.kind]].append(event.message)
    if run.timed_out:
        infractions[ROUTE_TIMEOUT].append("Route timeout.")
    completed_percent = _completed_percent(run.events)
    penalty = _penalty(rules, run.events)
    composed = max(completed_percent * penalty, 0.0)
    digits = (SCORE_DIGITS, LENGTH_DIGITS) if rules.rounds else (None, None)
    return RouteRecord(
        route_id=run.route_id,
        index=run.index,
        status=_status(rules, run, arrived=completed_percent >= 100.0, clean=not any(infractions.values())),
        infractions={name: tuple(messages) for name, messages in infractions.items()},
        score_route=_rounded(completed_percent, digits[0]),
        score_penalty=_rounded(penalty, digits[0]),
        score_composed=_rounded(composed, digits[0]),
        route_length_m=_rounded(run.route_length_m, digits[1]),
        duration_game_s=_rounded(run.duration_game_s, digits[1]),
        duration_system_s=_rounded(run.duration_system_s, digits[1]),
        scenario=run.scenario,
    )


def _completed_percent(events: Iterable[TrafficEvent]) -> float:
    percent, arrived = 0.0, False
    for event in events:
        if event.kind is EventKind.ROUTE_COMPLETED:
            arrived = True
        elif event.kind is EventKind.ROUTE_COMPLETION:
            percent = _number(event, event.route_completed_percent, "route_completed_percent")
    return 100.0 if arrived else percent


def _penalty(rules: RuleBook, events: Iterable[TrafficEvent]) -> float:
    product, weights = 1.0, 0.0
    for event in events:
        if event.kind is EventKind.OUTSIDE_ROUTE_LANES_INFRACTION:
            product *= 1 - _number(event, event.percentage, "percentage") / 100
        elif event.kind is EventKind.MIN_SPEED_INFRACTION and rules.minimum_speed_penalty:
            lack = 1 - _number(event, event.percentage, "percentage") / 100
            weights += rules.minimum_speed_penalty * lack
            product *= 1.0 if rules.sums_penalties else 1 - rules.minimum_speed_penalty * lack
        elif event.kind in rules.penalties:
            weights += rules.penalties[event.kind]
            product *= 1.0 if rules.sums_penalties else rules.penalties[event.kind]
    return product / (1 + weights) if rules.sums_penalties else product


def _status(rules: RuleBook, run: RouteRun, *, arrived: bool, clean: bool) -> str:
    if arrived:
        return "Perfect" if clean and rules.criteria.generation == 2 else "Completed"
    reason = run.failure.value if run.failure else ""
    if run.timed_out:
        reason = "Agent timed out"
    for event in run.events:
        if event.kind is EventKind.ROUTE_DEVIATION:
            reason = "Agent deviated from the route"
        elif event.kind is EventKind.VEHICLE_BLOCKED:
            reason = "Agent got blocked"
    return f"Failed - {reason}" if reason else "Failed"


def _number(event: TrafficEvent, value: float | None, name: str) -> float:
    if value is None:
        raise ContractError(f"an event {event.kind.value} needs a {name}, and this one has none: {event.message!r}")
    return real_number(name, value)


def _rounded(value: float, digits: int | None) -> float:
    return value if digits is None else round(value, digits)
