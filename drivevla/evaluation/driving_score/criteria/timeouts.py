"""The time limits of a route and of a scenario that blocks it."""

from typing import Protocol

from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent
from drivevla.evaluation.driving_score.scored_route import ScoredRoute
from drivevla.evaluation.driving_score.tick import Tick

__all__ = ["GrowingTimeLimit", "RouteTimeLimit", "ScenarioTimeouts", "TimeLimit1"]

_LOOK_AHEAD = 3  # route points
_INITIAL_LIMIT_S = 300.0
_CREDITED_SPEED = 0.1  # of the speed limit: who is slower than this loses time
_SECONDS_PER_METRE_1 = 0.8
_INITIAL_LIMIT_S_1 = 5.0
_SCENARIO_LIMIT_S = 240.0


class RouteTimeLimit(Protocol):
    """The time a route may take. It is not a criterion: running out of it is no event, but ends the route."""

    @property
    def limit_s(self) -> float:
        """How long the route may take, as things stand."""
        ...

    @property
    def timed_out(self) -> bool:
        """Whether the time is up."""
        ...

    def observe(self, tick: Tick) -> None:
        """Judge one tick."""
        ...


class GrowingTimeLimit:
    """300 s, and for every advance the time it takes at a tenth of the speed limit.

    Source: scenario_runner d7bcaf0, ``timer.py``, ``RouteTimeoutBehavior``.
    """

    def __init__(self, route: ScoredRoute) -> None:
        self._route = route
        self._index = 0
        self._start_s: float | None = None
        self._limit_s = _INITIAL_LIMIT_S
        self._timed_out = False

    @property
    def limit_s(self) -> float:
        """How long the route may take, as things stand."""
        return self._limit_s

    @property
    def timed_out(self) -> bool:
        """Whether the time is up."""
        return self._timed_out

    def observe(self, tick: Tick) -> None:
        """Credit the way driven since the last tick, then look at the clock."""
        if self._start_s is None:
            self._start_s = tick.time_s
        index = self._route.last_passed(tick.ego.position_m, start=self._index, look_ahead=_LOOK_AHEAD)
        if index is not None and index > self._index:
            advance_m = self._route.travelled_m[index] - self._route.travelled_m[self._index]
            if tick.speed_limit_mps is not None:
                self._limit_s += advance_m / (tick.speed_limit_mps * _CREDITED_SPEED)
            self._index = index
        self._timed_out = self._timed_out or tick.time_s - self._start_s > self._limit_s


class TimeLimit1:
    """Leaderboard 1.0: 5 s and 0.8 s for every metre of the route, in whole seconds.

    Source: leaderboard 2165f5e, ``route_scenario.py``, ``_estimate_route_timeout``.
    """

    def __init__(self, route: ScoredRoute) -> None:
        self._limit_s = float(int(_SECONDS_PER_METRE_1 * route.length_m + _INITIAL_LIMIT_S_1))
        self._start_s: float | None = None
        self._timed_out = False

    @property
    def limit_s(self) -> float:
        """How long the route may take."""
        return self._limit_s

    @property
    def timed_out(self) -> bool:
        """Whether the time is up."""
        return self._timed_out

    def observe(self, tick: Tick) -> None:
        """Look at the clock."""
        if self._start_s is None:
            self._start_s = tick.time_s
        self._timed_out = self._timed_out or tick.time_s - self._start_s > self._limit_s


class ScenarioTimeouts(Criterion):
    """One event for every scenario that blocked the route for more than 240 s.

    Source: scenario_runner d7bcaf0, ``ScenarioTimeout`` (``atomic_behaviors.py``) and ``ScenarioTimeoutTest``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._began_s: dict[str, float] = {}
        self._timed_out: set[str] = set()

    def observe(self, tick: Tick) -> None:
        """Look at the clock of every scenario that is in the way."""
        for name in sorted(tick.blocking_scenarios):
            began_s = self._began_s.setdefault(name, tick.time_s)
            if name not in self._timed_out and tick.time_s - began_s > _SCENARIO_LIMIT_S:
                self._timed_out.add(name)
                self._events.append(
                    TrafficEvent(kind=EventKind.SCENARIO_TIMEOUT, message="Agent timed out a scenario", tick=tick.index)
                )
