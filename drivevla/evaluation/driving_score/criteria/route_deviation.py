"""Leaving the route for good."""

import math

from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent, carla_place
from drivevla.evaluation.driving_score.scored_route import ScoredRoute
from drivevla.evaluation.driving_score.tick import Tick

__all__ = ["RouteDeviation"]

_LOOK_AHEAD = 5  # route points
_LOST_FROM_M = 30.0
_ASTRAY_FROM_M = 15.0
_ASTRAY_LIMIT_PERCENT = 30.0


class RouteDeviation(Criterion):
    """Ends the route when the ego is 30 m away from it, or was astray (15 m) for more than 30 % of its length.

    Distances are planar and taken to the next five route points only. Source: scenario_runner b9c342e and d7bcaf0,
    ``InRouteTest``.
    """

    def __init__(self, route: ScoredRoute) -> None:
        super().__init__()
        self._route = route
        self._index = 0
        self._astray = False
        self._astray_m = 0.0

    @property
    def ends_route(self) -> bool:
        """True once the ego has deviated."""
        return bool(self._events)

    def observe(self, tick: Tick) -> None:
        """Find the nearest route point ahead, and judge by its distance."""
        if self._events:
            return
        position = tick.ego.position_m
        nearest, distance_m = self._nearest(position[0], position[1])
        lost = distance_m >= _LOST_FROM_M
        if not lost:
            self._astray = distance_m >= _ASTRAY_FROM_M
        if nearest != self._index:
            if self._astray:
                self._astray_m += self._route.travelled_m[nearest] - self._route.travelled_m[self._index]
                lost = lost or 100 * self._astray_m / self._route.length_m > _ASTRAY_LIMIT_PERCENT
            self._index = nearest
        if lost:
            self._events.append(
                TrafficEvent(
                    kind=EventKind.ROUTE_DEVIATION,
                    message=f"Agent deviated from the route at {carla_place(position)}",
                    tick=tick.index,
                    position_m=position,
                )
            )

    def _nearest(self, x_m: float, y_m: float) -> tuple[int, float]:
        """The nearest of the next points, the later one of two equally near."""
        ahead = range(self._index, min(self._index + _LOOK_AHEAD + 1, len(self._route)))
        distances = [(math.hypot(x_m - p[0], y_m - p[1]), -i) for i, p in ((i, self._route.points_m[i]) for i in ahead)]
        distance_m, negative_index = min(distances)
        return -negative_index, distance_m
