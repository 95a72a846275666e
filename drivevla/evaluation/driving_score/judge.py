"""One route under one rule book: ticks in, events out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from drivevla.errors import ContractError
from drivevla.evaluation.driving_score.criteria import (
    Blocked,
    Collisions,
    Collisions1,
    Criterion,
    EmergencyVehicle,
    GrowingTimeLimit,
    MinimumSpeed,
    OutsideRouteLanes,
    RedLights,
    RouteCompletion,
    RouteCompletion1,
    RouteDeviation,
    RouteTimeLimit,
    ScenarioTimeouts,
    StopSigns,
    StopSigns1,
    TimeLimit1,
)
from drivevla.evaluation.driving_score.events import TrafficEvent
from drivevla.evaluation.driving_score.lane_map import LaneMap
from drivevla.evaluation.driving_score.rules import RuleBook
from drivevla.evaluation.driving_score.scored_route import ScoredRoute
from drivevla.evaluation.driving_score.signals import StopSign, TrafficLight
from drivevla.evaluation.driving_score.tick import Tick

__all__ = ["Judgement", "RouteJudge", "RouteSetting", "RouteStop", "judge_drive"]


class RouteStop(Enum):
    """Why a route ended by the rules."""

    ARRIVED = "arrived"
    DEVIATED = "deviated"
    BLOCKED = "blocked"
    TIMED_OUT = "timed out"
    TICK_LIMIT = "tick limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSetting:
    """What stays the same during a drive: everything but the ticks that a judge needs.

    Attributes:
        route: The dense route, a point a metre.
        lane_map: Where the lanes are.
        ego_half_length_m: Half the length of the ego's box.
        lights: All traffic lights of the map.
        stop_signs: All stop signs of the map.
    """

    route: ScoredRoute
    lane_map: LaneMap
    ego_half_length_m: float
    lights: tuple[TrafficLight, ...] = ()
    stop_signs: tuple[StopSign, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the criteria found in one drive.

    Attributes:
        rules: Name of the rule book.
        events: In the order of the criteria, which is the order official files list them in.
        stop: Why the route ended; None where the drive simply broke off.
        time_limit_s: The time the route was allowed to take, as it stood at the end.
        route_completed_percent: Share of the route driven, 0 to 100.
    """

    rules: str
    events: tuple[TrafficEvent, ...]
    stop: RouteStop | None
    time_limit_s: float
    route_completed_percent: float


@dataclass
class _Panel:
    completion: RouteCompletion | RouteCompletion1
    deviation: RouteDeviation
    blocked: Blocked
    others: Sequence[Criterion] = field(default_factory=tuple)

    def in_order(self) -> Iterable[Criterion]:
        return (self.completion, *self.others, self.deviation, self.blocked)


class RouteJudge:
    """Feeds every tick to every criterion until one of them ends the route.

    The criteria are independent of each other and of the simulator: a runner feeds them while it drives, and the same
    ticks read back from a record give the same events.
    """

    def __init__(self, rules: RuleBook, setting: RouteSetting) -> None:
        """Set up the rule book's criteria for a route."""
        self._rules = rules
        self._panel, self._time_limit = _panel(rules, setting)
        # Scenarios' own criteria come last, as they join official trees when their scenarios are built.
        self._scenario_criteria: tuple[Criterion, ...] = (
            (ScenarioTimeouts(), EmergencyVehicle()) if rules.criteria.has_scenarios else ()
        )
        self._ticks = 0
        self._last_time_s: float | None = None
        self._stop: RouteStop | None = None
        self._finished = False

    @property
    def stop(self) -> RouteStop | None:
        """Why the route has ended, or None while it goes on."""
        return self._stop

    @property
    def events(self) -> tuple[TrafficEvent, ...]:
        """What has been noted so far, by criterion."""
        return tuple(event for criterion in self._criteria() for event in criterion.events)

    def observe(self, tick: Tick) -> RouteStop | None:
        """Judge one tick.

        Returns:
            Why the route ends with this tick, or None while it goes on.

        Raises:
            ContractError: The route has ended already, or time does not increase.
        """
        if self._stop is not None or self._finished:
            raise ContractError(f"tick {tick.index} came after the route had ended ({self._stop}): start a new judge")
        if self._last_time_s is not None and tick.time_s <= self._last_time_s:
            raise ContractError(f"time must increase: tick {tick.index} at {tick.time_s} s after {self._last_time_s} s")
        self._last_time_s = tick.time_s
        limit = self._rules.criteria.tick_limit
        if limit is not None and self._ticks >= limit:
            self._stop = RouteStop.TICK_LIMIT  # Bench2Drive gives up before it judges this tick
            return self._stop
        self._ticks += 1
        for criterion in self._criteria():
            criterion.observe(tick)
        self._time_limit.observe(tick)
        self._stop = self._reason()
        return self._stop

    def finish(self) -> Judgement:
        """Close the drive after its last tick, whatever ended it.

        Raises:
            ContractError: It was closed before.
        """
        if self._finished:
            raise ContractError("this drive was closed before: finish is called once")
        self._finished = True
        for criterion in self._criteria():
            criterion.finish()
        return Judgement(
            rules=self._rules.name,
            events=self.events,
            stop=self._stop,
            time_limit_s=self._time_limit.limit_s,
            route_completed_percent=self._panel.completion.percent,
        )

    def _criteria(self) -> Iterable[Criterion]:
        return (*self._panel.in_order(), *self._scenario_criteria)

    def _reason(self) -> RouteStop | None:
        reasons = {
            RouteStop.DEVIATED: self._panel.deviation.ends_route,
            RouteStop.BLOCKED: self._panel.blocked.ends_route,
            RouteStop.TIMED_OUT: self._time_limit.timed_out,
            RouteStop.ARRIVED: self._panel.completion.ends_route,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)


def judge_drive(rules: RuleBook, setting: RouteSetting, ticks: Iterable[Tick]) -> Judgement:
    """Judge a recorded drive: the ticks are read until the rules end the route or they run out.

    Raises:
        ContractError: A tick is not valid, or time does not increase.
    """
    judge = RouteJudge(rules, setting)
    for tick in ticks:
        if judge.observe(tick) is not None:
            break
    return judge.finish()


def _panel(rules: RuleBook, setting: RouteSetting) -> tuple[_Panel, RouteTimeLimit]:
    make = _panel_1 if rules.criteria.generation == 1 else _panel_2
    return make(rules, setting)


def _panel_1(rules: RuleBook, setting: RouteSetting) -> tuple[_Panel, RouteTimeLimit]:
    # Branch leaderboard-1.0 knows route positions only, and asks the map for the direction at each of them.
    route = setting.route.redirected(lambda point: setting.lane_map.nearest_driving(point).forward)
    panel = _Panel(
        completion=RouteCompletion1(route),
        deviation=RouteDeviation(route),
        blocked=Blocked(limit_s=rules.criteria.blocked_after_s),
        others=(
            OutsideRouteLanes(route, setting.lane_map, margin_m=1.3, lane_change_clears=True),
            Collisions1(),
            RedLights(
                setting.lights,
                setting.lane_map,
                ego_half_length_m=setting.ego_half_length_m,
                line_half_width=0.4,
                tail_height_counts_twice=True,
            ),
            StopSigns1(setting.stop_signs, setting.lane_map),
        ),
    )
    return panel, TimeLimit1(route)


def _panel_2(rules: RuleBook, setting: RouteSetting) -> tuple[_Panel, RouteTimeLimit]:
    route = setting.route
    panel = _Panel(
        completion=RouteCompletion(route),
        deviation=RouteDeviation(route),
        blocked=Blocked(limit_s=rules.criteria.blocked_after_s),
        others=(
            OutsideRouteLanes(route, setting.lane_map, margin_m=0.5, lane_change_clears=False),
            Collisions(),
            RedLights(
                setting.lights,
                setting.lane_map,
                ego_half_length_m=setting.ego_half_length_m,
                line_half_width=0.6,
                tail_height_counts_twice=False,
            ),
            StopSigns(setting.stop_signs, setting.lane_map),
            MinimumSpeed(
                route,
                checkpoints=rules.criteria.minimum_speed_checkpoints,
                every_speed_is_an_event=rules.criteria.every_speed_is_an_event,
            ),
        ),
    )
    return panel, GrowingTimeLimit(route)
