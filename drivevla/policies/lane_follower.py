"""The policy that follows the route's lane, blind to traffic, lights and signs."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.geometry import curvature_per_m, resample_path, yaw_along
from drivevla.policies.horizon import DT_S, TIMES_S
from drivevla.types import Observation, Plan, Truth
from drivevla.types.checks import real_number

__all__ = ["LaneFollower"]

_SPACING_M = 1.0
_JOIN_M = 4.0
"""The path meets the route this far ahead, so that being beside it does not ask for a sharp turn."""
_BEYOND_M = 15.0
"""The path goes on straight behind the route's end: a route is finished by driving over its last point."""
_STEP_S = 0.05
_MOVE_OFF_MPS = 1.0
"""Plans begin at least this fast: a tracker cannot tell one that begins at rest from one that stays there."""


class LaneFollower:
    """Drives along the middle of the route's lane at a fixed speed, slower where it bends.

    It is privileged: it is told the route, and needs no sensor but the speedometer. It stops for nobody and nothing,
    so its infractions measure how much traffic, lights and signs a benchmark holds.

    Args:
        speed_mps: On a straight road; a lower speed limit wins.
        lateral_mps2: Acceleration to the side that bends are taken with.
        acceleration_mps2: How it speeds up, and slows down before bends.

    Raises:
        ContractError: A number is not positive and finite.
    """

    needs_truth: Literal[True] = True

    def __init__(self, *, speed_mps: float = 8.0, lateral_mps2: float = 2.0, acceleration_mps2: float = 1.5) -> None:
        self._speed_mps = real_number("speed_mps", speed_mps, above=0.0)
        self._lateral_mps2 = real_number("lateral_mps2", lateral_mps2, above=0.0)
        self._acceleration_mps2 = real_number("acceleration_mps2", acceleration_mps2, above=0.0)

    def reset(self, seed: int) -> None:
        """Nothing is remembered, and nothing is random."""

    def act(self, observation: Observation, truth: Truth) -> Plan:
        """Along the route ahead.

        Raises:
            ContractError: The truth holds no route.
        """
        if truth.route_m is None or len(truth.route_m) < 2:
            raise ContractError("the lane follower needs the route ahead: truth.route_m with at least two points")
        path = _path_onto(truth.route_m)
        cruise_mps = self._speed_mps
        if truth.speed_limit_mps is not None:
            cruise_mps = min(cruise_mps, truth.speed_limit_mps)
        along_m = self._distances(_bends(truth.route_m, len(path)), cruise_mps, observation.ego.speed_mps)
        yaw = np.unwrap(yaw_along(path))
        length = np.arange(len(path)) * _SPACING_M
        waypoints = np.stack([np.interp(along_m, length, column) for column in (*path.T, yaw)], axis=-1)
        return Plan(waypoints=waypoints, dt_s=DT_S, path_m=path, path_spacing_m=_SPACING_M, text="following the lane")

    def _distances(self, bends_per_m: NDArray[np.float64], cruise_mps: float, speed_mps: float) -> NDArray[np.float64]:
        """(T,) how far along the path the car is at each waypoint's time."""
        allowed = np.minimum(cruise_mps, np.sqrt(self._lateral_mps2 / np.maximum(bends_per_m, 1e-4)))
        for index in range(len(allowed) - 2, -1, -1):  # slow enough already to be slow enough at the next point
            reachable = np.sqrt(allowed[index + 1] ** 2 + 2 * self._acceleration_mps2 * _SPACING_M)
            allowed[index] = min(allowed[index], reachable)
        length = np.arange(len(allowed)) * _SPACING_M
        travelled, driven = 0.0, []
        speed_mps = max(speed_mps, min(_MOVE_OFF_MPS, cruise_mps))
        change = self._acceleration_mps2 * _STEP_S
        for _ in range(round(TIMES_S[-1] / _STEP_S)):
            limit = float(np.interp(travelled, length, allowed))
            speed_mps += float(np.clip(limit - speed_mps, -2 * change, change))
            travelled = min(travelled + speed_mps * _STEP_S, float(length[-1]))
            driven.append(travelled)
        return np.array(driven)[round(DT_S / _STEP_S) - 1 :: round(DT_S / _STEP_S)]


def _path_onto(route_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the car onto the route and along it, a point a metre, straight on behind its end."""
    far = np.flatnonzero(np.linalg.norm(route_m, axis=1) > _JOIN_M)
    ahead = route_m[far[0] :] if len(far) else np.array([[_JOIN_M, 0.0]])  # the end is near
    points = np.concatenate([np.zeros((1, 2)), ahead])
    whole = resample_path(points, spacing_m=_SPACING_M)
    return resample_path(points, spacing_m=_SPACING_M, count=len(whole) + round(_BEYOND_M / _SPACING_M))


def _bends(route_m: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(P,) how much the route bends at each metre ahead, 1/m: of the route, since joining it makes a kink."""
    even = resample_path(route_m, spacing_m=_SPACING_M)
    bends = np.abs(curvature_per_m(even)) if len(even) > 1 else np.zeros(1)
    return np.pad(bends, (0, max(count - len(bends), 0)))[:count]
