"""The route as an evaluator gives it to its agents, as our plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.sim.routes import DensePlan, SparsePlan

if TYPE_CHECKING:
    import carla

__all__ = ["GivenRoute", "dense_plan", "sparse_plan"]

GivenRoute: TypeAlias = Sequence[tuple[Any, Any]]
"""``carla.Transform`` and ``agents.navigation.local_planner.RoadOption`` of every point."""

_JUMP_M = 2.0
"""Points of a lane lie a metre apart; only a lane change leaps farther."""
_CHANGE_M = 15.0
_GAP_M = 1.0


def sparse_plan(route: GivenRoute) -> SparsePlan:
    """The points that every agent may know, whatever its track."""
    return SparsePlan(location_m=_locations(route), option=_options(route), index=np.arange(len(route), dtype=np.int64))


def dense_plan(route: GivenRoute, carla_map: carla.Map) -> DensePlan:
    """The whole route, about a metre apart.

    CARLA's planner leaps from one lane to the next where it changes; here the change becomes a line of 15 m, or as
    much as there is room for, as in our own plans. What the leap asks for is asked for all along that line.

    Raises:
        DataError: The route has fewer than two different points, or leaves the map.
    """
    location, option, yaw = _locations(route), _options(route), np.array([t.rotation.yaw for t, _ in route])
    moved = np.append(True, np.linalg.norm(np.diff(location, axis=0), axis=1) > 1e-3)
    location, option, yaw = _with_gentle_changes(location[moved], option[moved], yaw[moved])
    if len(location) < 2:
        raise DataError("the evaluator's route has fewer than two different points")
    lane, junction = _lanes(location, carla_map)
    steps = np.linalg.norm(np.diff(location, axis=0), axis=1)
    return DensePlan(
        location_m=location,
        yaw_deg=(yaw + 180.0) % 360.0 - 180.0,
        option=option,
        lane=lane,
        junction=junction,
        distance_m=np.append(0.0, np.cumsum(steps)),
        key=np.array([0, len(location) - 1]),
    )


def _locations(route: GivenRoute) -> NDArray[np.float64]:
    return np.array([[t.location.x, t.location.y, t.location.z] for t, _ in route], dtype=np.float64).reshape(-1, 3)


def _options(route: GivenRoute) -> NDArray[np.int8]:
    return np.array([int(option.value) for _, option in route], dtype=np.int8)


def _with_gentle_changes(
    location: NDArray[np.float64], option: NDArray[np.int8], yaw: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int8], NDArray[np.float64]]:
    """Fade every leap's sideways part out over the points that follow it, and fill what is left of the gap."""
    location, option = location.copy(), option.copy()
    jumps = np.flatnonzero(np.linalg.norm(np.diff(location, axis=0), axis=1) > _JUMP_M) + 1
    fillings: list[tuple[int, NDArray[np.float64]]] = []
    for number, first in enumerate(jumps.tolist()):
        until = int(jumps[number + 1]) if number + 1 < len(jumps) else len(location)
        before, along = location[first - 1], np.radians(yaw[first])
        across = np.array([-np.sin(along), np.cos(along)])
        sideways_m = float((before - location[first])[:2] @ across)
        travelled = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(location[first:until], axis=0), axis=1)))
        share = np.clip(travelled / max(min(_CHANGE_M, float(travelled[-1])), _GAP_M), 0.0, 1.0)
        turned = np.radians(yaw[first:until])
        sides = np.stack([-np.sin(turned), np.cos(turned)], axis=-1)
        location[first:until, :2] += (sideways_m * (1.0 - share**2 * (3.0 - 2.0 * share)))[:, None] * sides
        option[first:until][share < 1.0] = option[first]
        parts = int(np.ceil(np.linalg.norm(location[first] - before) / _GAP_M))
        fillings.append((first, before + (location[first] - before) * (np.arange(1, parts) / parts)[:, None]))
    for first, points in reversed(fillings):
        location = np.insert(location, first, points, axis=0)
        option = np.insert(option, first, np.full(len(points), option[first]))
        yaw = np.insert(yaw, first, np.full(len(points), yaw[first]))
    return location, option, yaw


def _lanes(location: NDArray[np.float64], carla_map: carla.Map) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    import carla

    lanes, junctions = [], []
    for x, y, z in location.tolist():
        waypoint = carla_map.get_waypoint(carla.Location(x, y, z))
        if waypoint is None:
            raise DataError(f"the evaluator's route leaves the map {carla_map.name} at ({x:.1f}, {y:.1f})")
        lanes.append((waypoint.road_id, waypoint.section_id, waypoint.lane_id))
        junctions.append(waypoint.junction_id if waypoint.is_junction else -1)
    return np.array(lanes, dtype=np.int32), np.array(junctions, dtype=np.int32)
