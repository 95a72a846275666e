"""Lights and signs, and where along a route one stops for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import transform_points
from drivevla.geometry.carla import transform_from_carla
from drivevla.types import LightState, LightTruth, SignKind, SignTruth

if TYPE_CHECKING:
    import carla

__all__ = ["SignalsOnRoute"]

_SIGNS = {"traffic.stop": SignKind.STOP, "traffic.yield": SignKind.YIELD}
_STATES = {
    "Red": LightState.RED,
    "Yellow": LightState.YELLOW,
    "Green": LightState.GREEN,
    "Off": LightState.OFF,
    "Unknown": LightState.UNKNOWN,
}
_BOX_SHARE = 0.9
"""Of a light's trigger box, across the lanes, so that its ends do not reach into the lanes beside (scenario_runner,
``RunningRedLightTest.get_traffic_light_waypoints``)."""
_BESIDE_M = 1.5
"""A route that passes the trigger at most this far away is on a lane that it governs."""
_OTHER_LEVEL_M = 4.0
_BEFORE_JUNCTION_M = 0.5
"""The line lies so far before the first point of the route in the junction: the step in which the official criterion
looks for it."""
_PASSED_M = 40.0
"""What was passed longer ago is no longer told to affect the ego."""
_BACK_M = 12.0
_LONGEST_APPROACH_M = 60.0
"""A trigger so far before any junction of the route is its own stop line."""


@dataclass(frozen=True, slots=True)
class _OnRoute:
    """A light or sign, with the distances along the whole route at which it stops the ego."""

    actor: Any
    position_m: NDArray[np.float64]
    stops_m: tuple[float, ...]
    kind: SignKind | None = None
    heads_m: NDArray[np.float64] | None = None


class SignalsOnRoute:
    """All lights and signs of a world, as they concern one route.

    Args:
        actors: ``carla.Actor`` of the world; what is neither light nor sign is passed over.
        points_m: (N, 3) the route, world frame.
        distance_m: (N,) along it.
        in_junction: (N,) bool.
        reach_m: Lights and signs nearer than this are told.
    """

    def __init__(
        self,
        actors: Any,
        *,
        points_m: NDArray[np.float64],
        distance_m: NDArray[np.float64],
        in_junction: NDArray[np.bool_],
        reach_m: float,
    ) -> None:
        # A route that begins at a line begins behind the trigger that governs it.
        back_m = np.arange(_BACK_M, 0.0, -1.0)
        towards = points_m[1] - points_m[0]
        towards = towards / max(float(np.linalg.norm(towards)), 1e-6)
        self._points_m = np.concatenate([points_m[0] - back_m[:, None] * towards, points_m])
        self._distance_m = np.concatenate([distance_m[0] - back_m, distance_m])
        self._in_junction = np.concatenate([np.zeros(len(back_m), dtype=np.bool_), in_junction])
        self._reach_m = reach_m
        self._lights: list[_OnRoute] = []
        self._signs: list[_OnRoute] = []
        for actor in sorted(actors, key=lambda each: each.id):
            if actor.type_id == "traffic.traffic_light":
                self._lights.append(self._light(actor))
            elif actor.type_id in _SIGNS:
                self._signs.append(self._sign(actor))
        self._light_places_m = _stack(self._lights)
        self._sign_places_m = _stack(self._signs)

    def lights(self, ego_from_world: NDArray[np.float64], *, distance_m: float) -> tuple[LightTruth, ...]:
        """The lights within reach, and any that the route comes to.

        Args:
            ego_from_world: (4, 4).
            distance_m: How far along the whole route the ego is.
        """
        ours = transform_points(ego_from_world, self._light_places_m)
        near = np.linalg.norm(ours[:, :2], axis=1) < self._reach_m
        found = []
        for light, place, close in zip(self._lights, ours, near.tolist(), strict=True):
            stop_m = _next_stop(light.stops_m, distance_m, self._reach_m)
            if close or stop_m is not None:
                found.append(
                    LightTruth(
                        light_id=str(light.actor.id),
                        state=_STATES[str(light.actor.get_state())],
                        position_m=place,
                        affects_ego=stop_m is not None,
                        stop_distance_m=stop_m,
                        heads_m=None if light.heads_m is None else transform_points(ego_from_world, light.heads_m),
                    )
                )
        return tuple(found)

    def signs(self, ego_from_world: NDArray[np.float64], *, distance_m: float) -> tuple[SignTruth, ...]:
        """The stop and yield signs within reach, and any that the route comes to; arguments as in ``lights``."""
        ours = transform_points(ego_from_world, self._sign_places_m)
        near = np.linalg.norm(ours[:, :2], axis=1) < self._reach_m
        found = []
        for sign, place, close in zip(self._signs, ours, near.tolist(), strict=True):
            stop_m = _next_stop(sign.stops_m, distance_m, self._reach_m)
            if close or stop_m is not None:
                assert sign.kind is not None
                found.append(
                    SignTruth(
                        sign_id=str(sign.actor.id),
                        kind=sign.kind,
                        position_m=place,
                        affects_ego=stop_m is not None,
                        stop_distance_m=stop_m,
                    )
                )
        return tuple(found)

    def _light(self, actor: carla.Actor) -> _OnRoute:
        world_from_actor, trigger = _placed(actor)
        half_m = _BOX_SHARE * float(trigger.extent.x)
        across = np.arange(-half_m, half_m + 1e-6, max(min(1.0, half_m), 0.1))
        places = _trigger_points(world_from_actor, trigger, across)
        axis = world_from_actor[:2, 0]
        stops = [self._line_after(index) for index in self._passes(places, axis, _BESIDE_M)]
        return _OnRoute(actor, world_from_actor[:3, 3], tuple(stops), heads_m=_heads(actor))

    def _sign(self, actor: carla.Actor) -> _OnRoute:
        world_from_actor, trigger = _placed(actor)
        half_m = _BOX_SHARE * float(max(trigger.extent.x, trigger.extent.y))
        wide = trigger.extent.x >= trigger.extent.y
        across = np.arange(-half_m, half_m + 1e-6, max(min(1.0, half_m), 0.1))
        places = _trigger_points(world_from_actor, trigger, across, along_x=wide)
        axis = world_from_actor[:2, 0 if wide else 1]
        stops = [float(self._distance_m[index]) for index in self._passes(places, axis, _BESIDE_M)]
        return _OnRoute(actor, world_from_actor[:3, 3], tuple(stops), _SIGNS[actor.type_id])

    def _passes(self, places_m: NDArray[np.float64], axis: NDArray[np.float64], beside_m: float) -> list[int]:
        """Where the route leads over a trigger: the nearest point of each stretch of it that comes near enough."""
        away = np.full(len(self._points_m), np.inf)
        for place in places_m:
            flat = np.hypot(*(self._points_m[:, :2] - place[:2]).T)
            away = np.minimum(away, np.where(np.abs(self._points_m[:, 2] - place[2]) < _OTHER_LEVEL_M, flat, np.inf))
        heading = np.gradient(self._points_m[:, :2], axis=0)
        heading /= np.maximum(np.linalg.norm(heading, axis=1), 1e-6)[:, None]
        crosses = np.abs(heading @ (axis / np.linalg.norm(axis))) < np.cos(np.radians(45.0))
        near = np.flatnonzero((away < beside_m) & crosses)
        stretches = np.split(near, np.flatnonzero(np.diff(self._distance_m[near]) > 10.0) + 1) if len(near) else []
        return [int(stretch[np.argmin(away[stretch])]) for stretch in stretches]

    def _line_after(self, index: int) -> float:
        """Distance of the stop line of a light whose trigger the route passes at a point."""
        if self._in_junction[index]:  # the trigger lies inside: one stops where the junction begins
            outside = np.flatnonzero(~self._in_junction[:index])
            first = int(outside[-1]) + 1 if len(outside) else 0
            return float(self._distance_m[first]) - _BEFORE_JUNCTION_M
        inside = np.flatnonzero(self._in_junction[index:])
        here_m = float(self._distance_m[index])
        if not len(inside):
            return here_m
        line_m = float(self._distance_m[index + inside[0]]) - _BEFORE_JUNCTION_M
        return line_m if line_m - here_m < _LONGEST_APPROACH_M else here_m


def _next_stop(stops_m: tuple[float, ...], distance_m: float, reach_m: float) -> float | None:
    """The first stop that is not long passed, from the ego's place along the route."""
    ahead = [stop_m - distance_m for stop_m in stops_m if -_PASSED_M < stop_m - distance_m < reach_m]
    return min(ahead, key=abs, default=None)


def _heads(light: carla.TrafficLight) -> NDArray[np.float64]:
    """(H, 3) middles of a light's heads, world frame."""
    middles = [box.location for box in light.get_light_boxes()]
    return np.array([[each.x, -each.y, each.z] for each in middles]).reshape(-1, 3)


def _placed(actor: carla.Actor) -> tuple[NDArray[np.float64], Any]:
    transform = actor.get_transform()
    place, turn = transform.location, transform.rotation
    return transform_from_carla([place.x, place.y, place.z], [turn.pitch, turn.yaw, turn.roll]), actor.trigger_volume


def _trigger_points(
    world_from_actor: NDArray[np.float64], trigger: Any, across_m: NDArray[np.float64], *, along_x: bool = True
) -> NDArray[np.float64]:
    """Points across a trigger box, world frame."""
    middle = trigger.location
    local = np.tile([middle.x, -middle.y, middle.z], (len(across_m), 1))
    turn = -np.radians(float(trigger.rotation.yaw)) if hasattr(trigger, "rotation") else 0.0
    direction = np.array([np.cos(turn), np.sin(turn)]) if along_x else np.array([-np.sin(turn), np.cos(turn)])
    local[:, :2] += across_m[:, None] * direction
    return transform_points(world_from_actor, local)


def _stack(items: list[_OnRoute]) -> NDArray[np.float64]:
    return np.array([item.position_m for item in items]).reshape(-1, 3)
