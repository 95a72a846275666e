"""What each kind of infraction is called, and what it cost: the score of the same drive without it, less its score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drivevla.evaluation.driving_score import EventKind, RouteRun, RuleBook, TrafficEvent, score_benchmark, score_route
from drivevla.report.closed_loop.run import EvaluatedRun

__all__ = ["FORMULAS", "KINDS", "InfractionTotal", "KindWords", "costs", "totals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindWords:
    """The words for a kind of event.

    Attributes:
        title: For a table.
        verb: What the car did: "hit a vehicle".
        tone: "bad" for what can hurt, "warn" for the rest.
    """

    title: str
    verb: str
    tone: str = "warn"


KINDS: Mapping[EventKind, KindWords] = {
    EventKind.COLLISION_PEDESTRIAN: KindWords(title="Collisions with pedestrians", verb="hit a pedestrian", tone="bad"),
    EventKind.COLLISION_VEHICLE: KindWords(title="Collisions with vehicles", verb="hit a vehicle", tone="bad"),
    EventKind.COLLISION_STATIC: KindWords(title="Collisions with the layout", verb="hit the layout", tone="bad"),
    EventKind.TRAFFIC_LIGHT_INFRACTION: KindWords(title="Red lights run", verb="ran a red light", tone="bad"),
    EventKind.STOP_INFRACTION: KindWords(title="Stop signs run", verb="ran a stop sign"),
    EventKind.OUTSIDE_ROUTE_LANES_INFRACTION: KindWords(title="Outside the route's lanes", verb="left its lanes"),
    EventKind.MIN_SPEED_INFRACTION: KindWords(title="Slower than the traffic", verb="was slower than the traffic"),
    EventKind.YIELD_TO_EMERGENCY_VEHICLE: KindWords(
        title="Emergency vehicles held up", verb="held up an emergency vehicle"
    ),
    EventKind.SCENARIO_TIMEOUT: KindWords(title="Scenarios timed out", verb="timed out in a scenario"),
    EventKind.ROUTE_DEVIATION: KindWords(title="Route deviations", verb="left the route", tone="bad"),
    EventKind.VEHICLE_BLOCKED: KindWords(title="Blocked", verb="stood still too long", tone="bad"),
}
"""Every kind that is an infraction, in the order of a report."""

FORMULAS: Mapping[bool, str] = {
    False: "route completion × the product of one factor for every infraction",
    True: "route completion × (1 − share outside the lanes) / (1 + the sum of one weight for every infraction)",
}
"""The driving score of a route in words, by ``RuleBook.sums_penalties``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfractionTotal:
    """One kind over a whole run.

    Attributes:
        kind: Which.
        count: How many.
        per_km: The official rate: events per driven kilometre. For leaving the lanes under leaderboard 2.x rules the
            official figure is the kilometres driven outside.
        cost_points: By how much the mean driving score of the drives would be higher without any of this kind.
    """

    kind: EventKind
    count: int
    per_km: float
    cost_points: float


def costs(rules: RuleBook, events: Sequence[TrafficEvent]) -> dict[EventKind, float]:
    """Points of the driving score that each kind took from one drive; kinds that took none are left out."""
    score = _score(rules, events)
    kinds = {event.kind for event in events} & set(KINDS)
    without = {kind: _score(rules, [event for event in events if event.kind is not kind]) for kind in kinds}
    return {kind: without[kind] - score for kind in KINDS if kind in kinds and without[kind] > score}


def totals(run: EvaluatedRun) -> tuple[InfractionTotal, ...]:
    """Every kind that the rules know, over all drives."""
    records = [drive.record for drive in run.drives]
    rates = score_benchmark(run.rules, records, planned_routes=len(records)).infractions if records else {}
    each = [costs(run.rules, drive.events) for drive in run.drives]
    return tuple(
        InfractionTotal(
            kind=kind,
            count=sum(len(record.infractions[name]) for record in records),
            per_km=float(rates.get(name, 0.0)),
            cost_points=sum(cost.get(kind, 0.0) for cost in each) / max(len(each), 1),
        )
        for kind in KINDS
        if (name := run.rules.infraction_names.get(kind)) is not None
    )


def _score(rules: RuleBook, events: Sequence[TrafficEvent]) -> float:
    run = RouteRun(
        route_id="", index=0, route_length_m=0.0, duration_game_s=0.0, duration_system_s=0.0, events=tuple(events)
    )
    return score_route(rules, run).score_composed
