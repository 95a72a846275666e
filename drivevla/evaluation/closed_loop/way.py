"""The planned route as its three users need it: the judge, the policy's navigation, the privileged policy."""

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.driving_score import ScoredRoute
from drivevla.geometry import invert_rigid, invert_se2, transform_points, transform_points_se2
from drivevla.geometry.carla import points_from_carla, points_to_carla, yaw_from_carla
from drivevla.sim.routes import DensePlan, Route, TargetTracker, downsample_route
from drivevla.sim.routes.thinning import LEADERBOARD_1_GAP_M, LEADERBOARD_2_GAP_M
from drivevla.types import Command

__all__ = ["RouteAhead", "TargetsAhead", "scored_route"]

_WINDOW_M = 20.0
"""How far from where it was last the ego is looked for on the route: a route that crosses itself is not cut short."""


def scored_route(plan: DensePlan) -> ScoredRoute:
    """The plan for the judge: our world frame, directions level."""
    yaw = yaw_from_carla(plan.yaw_deg)
    forward = np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], axis=-1)
    return ScoredRoute(_points(points_from_carla(plan.location_m)), _points(forward))


class RouteAhead:
    """The part of the route that lies ahead, for those who may know it.

    Args:
        plan: The whole route.
        reach_m: How much of it is told.
    """

    def __init__(self, plan: DensePlan, *, reach_m: float = 100.0) -> None:
        self._points_m = points_from_carla(plan.location_m)
        self._distance_m = plan.distance_m
        self._reach_m = reach_m
        self._nearest = 0

    def seen_from(self, world_from_ego: NDArray[np.float64]) -> NDArray[np.float64]:
        """(R, 2) the points from the one nearest to the ego onward, ego frame; at least two."""
        begin = int(np.searchsorted(self._distance_m, self._distance_m[self._nearest] - _WINDOW_M))
        end = int(np.searchsorted(self._distance_m, self._distance_m[self._nearest] + _WINDOW_M))
        near = self._points_m[begin : max(end, begin + 1), :2] - world_from_ego[:2, 3]
        self._nearest = begin + int(np.argmin(np.linalg.norm(near, axis=1)))
        first = min(self._nearest, len(self._points_m) - 2)
        last = int(np.searchsorted(self._distance_m, self._distance_m[first] + self._reach_m))
        ahead = self._points_m[first : max(last, first + 2)]
        return transform_points(invert_rigid(world_from_ego), ahead)[:, :2]


class TargetsAhead:
    """Command and target points as the leaderboard gives them: from the thinned route and the ego's own estimate.

    Args:
        plan: The whole route.
        route: Its file's generation decides how the plan is thinned.
    """

    def __init__(self, plan: DensePlan, route: Route) -> None:
        gap_m = LEADERBOARD_1_GAP_M if route.format == "leaderboard_1" else LEADERBOARD_2_GAP_M
        self._tracker = TargetTracker(downsample_route(plan, max_gap_m=gap_m))

    def seen_from(self, world_from_ego: NDArray[np.float64]) -> tuple[Command, NDArray[np.float64]]:
        """The next command, and (2, 2) the next two target points in the ego frame.

        Args:
            world_from_ego: (3,) x, y, yaw as the ego's filter estimates it.
        """
        x, y, _ = points_to_carla([*world_from_ego[:2], 0.0])
        targets = self._tracker.update(float(x), float(y))
        places = points_from_carla([target.location_m for target in targets])[:, :2]
        return targets[0].option.command, transform_points_se2(invert_se2(world_from_ego), places)


def _points(array: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    return [(x, y, z) for x, y, z in array.tolist()]
