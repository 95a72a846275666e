"""Where along its route the car is, and what of it lies ahead."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry.carla import points_from_carla
from drivevla.sim.routes import DensePlan
from drivevla.sim.truth.lanes import lane_name
from drivevla.types import Command

__all__ = ["RouteAhead", "RouteTracker"]

_WINDOW_M = 20.0
"""How far from where it was last the ego is looked for on the route: a route that crosses itself is not cut short."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RouteAhead:
    """A part of a route.

    Attributes:
        points_m: (R, 3) our world frame; at least two.
        commands: What is asked for at each point.
        lane_ids: The lane of each point.
        in_junction: (R,) bool.
        distance_m: How far along the route the first point is.
        left_m: How far the route leads on from there.
    """

    points_m: NDArray[np.float64]
    commands: tuple[Command, ...]
    lane_ids: tuple[str, ...]
    in_junction: NDArray[np.bool_]
    distance_m: float
    left_m: float


class RouteTracker:
    """Follows a car along a planned route.

    Args:
        plan: The whole route.
        reach_m: How much of it lies in what ``ahead`` gives.

    Attributes:
        points_m: (N, 3) the whole route, our world frame.
        distance_m: (N,) along it.
    """

    def __init__(self, plan: DensePlan, *, reach_m: float) -> None:
        self.points_m = points_from_carla(plan.location_m)
        self.distance_m = plan.distance_m
        self._commands = tuple(option.command for option in plan.options())
        self._lane_ids = tuple(lane_name((road, section, lane)) for road, section, lane in plan.lane.tolist())
        self._in_junction = plan.junction >= 0
        self._reach_m = reach_m
        self._nearest = 0

    def ahead(self, position_m: NDArray[np.float64]) -> RouteAhead:
        """The route from the point nearest to a place onward.

        Args:
            position_m: (2,) or (3,) world frame.
        """
        here_m = self.distance_m[self._nearest]
        begin, end = np.searchsorted(self.distance_m, [here_m - _WINDOW_M, here_m + _WINDOW_M]).tolist()
        offset = self.points_m[begin : max(end, begin + 1), :2] - position_m[:2]
        self._nearest = begin + int(np.argmin(np.einsum("ij,ij->i", offset, offset)))
        first = min(self._nearest, len(self.points_m) - 2)
        last = max(int(np.searchsorted(self.distance_m, self.distance_m[first] + self._reach_m)), first + 2)
        return RouteAhead(
            points_m=self.points_m[first:last],
            commands=self._commands[first:last],
            lane_ids=self._lane_ids[first:last],
            in_junction=self._in_junction[first:last],
            distance_m=float(self.distance_m[first]),
            left_m=float(self.distance_m[-1] - self.distance_m[first]),
        )
