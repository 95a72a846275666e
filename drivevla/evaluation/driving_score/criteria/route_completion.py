"""How much of the route was driven."""

import math

from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent
from drivevla.evaluation.driving_score.scored_route import ScoredRoute
from drivevla.evaluation.driving_score.tick import Tick

__all__ = ["RouteCompletion", "RouteCompletion1"]

_LOOK_AHEAD = 2  # route points; an ego that leaves the route for longer than this stops progressing
_ARRIVED_ABOVE_PERCENT = 99.0
_ARRIVED_WITHIN_M = 10.0


class RouteCompletion(Criterion):
    """The driven share of the route's length; the route ends one tick after the goal was reached.

    Source: scenario_runner d7bcaf0, ``RouteCompletionTest``.
    """

    def __init__(self, route: ScoredRoute) -> None:
        super().__init__()
        self._route = route
        self._index = 0
        # Whole numbers until the first point is passed and after arrival: messages write "0" and "100" for those.
        self._percent: float = 0
        self._arrived = False
        self._ends_route = False

    @property
    def percent(self) -> float:
        """Share of the route driven so far, 0 to 100, rounded to two digits; 100 once the goal is reached."""
        return self._percent

    @property
    def events(self) -> tuple[TrafficEvent, ...]:
        """The one completion event, always there."""
        return (
            TrafficEvent(
                kind=EventKind.ROUTE_COMPLETION,
                message=f"Agent has completed {self._percent} of the route",
                tick=0,
                route_completed_percent=self._percent,
            ),
        )

    @property
    def ends_route(self) -> bool:
        """True from the tick after the goal was reached."""
        return self._ends_route

    def observe(self, tick: Tick) -> None:
        """Advance along the route."""
        if self._arrived:
            self._ends_route = True
            return
        position = tick.ego.position_m
        index = self._route.last_passed(position, start=self._index, look_ahead=_LOOK_AHEAD)
        if index is not None:
            self._index = index
            self._percent = round(self._route.travelled_m[index] / self._route.length_m * 100, 2)
        if self._percent > _ARRIVED_ABOVE_PERCENT and _at_goal(self._route, tick):
            self._arrived = True
            self._percent = 100


class RouteCompletion1(Criterion):
    """Leaderboard 1.0: not rounded, and arrival is an event of its own, which counts as 100.

    Source: scenario_runner b9c342e, ``RouteCompletionTest``. The route's directions must be the map's
    (``ScoredRoute.redirected``).
    """

    def __init__(self, route: ScoredRoute) -> None:
        super().__init__()
        self._route = route
        self._index = 0
        self._percent = 0.0
        self._arrived = False
        self._ends_route = False

    @property
    def percent(self) -> float:
        """Share of the route driven so far, 0 to 100."""
        return self._percent

    @property
    def events(self) -> tuple[TrafficEvent, ...]:
        """The completion event, and the arrival where there was one."""
        completion = TrafficEvent(
            kind=EventKind.ROUTE_COMPLETION,
            message=f"Agent has completed > {self._percent:.2f}% of the route",
            tick=0,
            route_completed_percent=self._percent,
        )
        return (completion, *self._events)

    @property
    def ends_route(self) -> bool:
        """True from the tick after the goal was reached."""
        return self._ends_route

    def observe(self, tick: Tick) -> None:
        """Advance along the route."""
        if self._arrived:
            self._ends_route = True
            return
        index = self._route.last_passed(tick.ego.position_m, start=self._index, look_ahead=_LOOK_AHEAD)
        if index is not None:
            self._index = index
            self._percent = 100.0 * self._route.travelled_m[index] / self._route.length_m
        if self._percent > _ARRIVED_ABOVE_PERCENT and _at_goal(self._route, tick):
            self._arrived = True
            self._events.append(
                TrafficEvent(
                    kind=EventKind.ROUTE_COMPLETED, message="Destination was successfully reached", tick=tick.index
                )
            )


def _at_goal(route: ScoredRoute, tick: Tick) -> bool:
    return math.dist(tick.ego.position_m, route.points_m[-1]) < _ARRIVED_WITHIN_M
