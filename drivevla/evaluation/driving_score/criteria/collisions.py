"""Collisions, each contact counted once."""

import math

from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent, carla_place
from drivevla.evaluation.driving_score.tick import Collision, Point, Tick

__all__ = ["Collisions", "Collisions1", "kind_of_collision"]

_SAME_ACTOR_WITHIN_S = 5.0
_SAME_PLACE_WITHIN_M = 5.0
_SAME_PLACE_WITHIN_M_1 = 3.0
_FAULTLESS_BELOW_MPS = 0.1


def kind_of_collision(type_id: str) -> EventKind | None:
    """What hitting an actor of CARLA's type counts as; None for what is not counted (pavements, the unknown)."""
    if ("static" in type_id or "traffic" in type_id) and "sidewalk" not in type_id:
        return EventKind.COLLISION_STATIC
    if "vehicle" in type_id:
        return EventKind.COLLISION_VEHICLE
    if "walker" in type_id:
        return EventKind.COLLISION_PEDESTRIAN
    return None


class Collisions(Criterion):
    """One event for a contact, unless it continues the last one or the ego stood still.

    A contact continues the last one while the ego has been within 5 m of that place ever since, or touches the same
    actor within 5 s of it. Contacts that are not counted (a pavement) begin such a pause, too.
    Source: scenario_runner d7bcaf0, ``CollisionTest``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._actor_id: int | None = None
        self._time_s = -math.inf
        self._position_m: Point | None = None

    def observe(self, tick: Tick) -> None:
        """Judge the tick's contacts, then forget the last one where it is far behind."""
        for collision in tick.collisions:
            if not self._continues_last(collision, tick) and tick.speed_mps >= _FAULTLESS_BELOW_MPS:
                self._note(collision, tick)
        if self._position_m is not None and math.dist(tick.ego.position_m, self._position_m) > _SAME_PLACE_WITHIN_M:
            self._position_m = None
        if tick.time_s - self._time_s > _SAME_ACTOR_WITHIN_S:
            self._actor_id = None

    def _continues_last(self, collision: Collision, tick: Tick) -> bool:
        if self._actor_id == collision.actor_id:
            return True
        place = self._position_m
        return place is not None and math.dist(tick.ego.position_m, place) <= _SAME_PLACE_WITHIN_M

    def _note(self, collision: Collision, tick: Tick) -> None:
        self._time_s = tick.time_s
        self._position_m = tick.ego.position_m
        if collision.actor_id != 0:  # buildings and kerbs all share this id
            self._actor_id = collision.actor_id
        kind = kind_of_collision(collision.type_id)
        if kind is not None:
            self._events.append(_event(kind, collision, tick))


class Collisions1(Criterion):
    """Leaderboard 1.0: every counted contact is remembered until 5 m away, and closer than 3 m nothing counts again.

    A standing ego is not excused. Distances are planar. Source: scenario_runner b9c342e, ``CollisionTest``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._actor_id: int | None = None
        self._time_s = -math.inf
        self._positions_m: list[Point] = []

    def observe(self, tick: Tick) -> None:
        """Judge the tick's contacts, then forget those that are far behind."""
        for collision in tick.collisions:
            kind = kind_of_collision(collision.type_id)
            if kind is not None and not self._continues_earlier(collision, tick):
                self._time_s = tick.time_s
                self._positions_m.append(tick.ego.position_m)
                if collision.actor_id != 0:
                    self._actor_id = collision.actor_id
                self._events.append(_event(kind, collision, tick))
        self._positions_m = [p for p in self._positions_m if _planar_m(tick.ego.position_m, p) <= _SAME_PLACE_WITHIN_M]
        if tick.time_s - self._time_s > _SAME_ACTOR_WITHIN_S:
            self._actor_id = None

    def _continues_earlier(self, collision: Collision, tick: Tick) -> bool:
        if self._actor_id == collision.actor_id:
            return True
        return any(_planar_m(tick.ego.position_m, p) <= _SAME_PLACE_WITHIN_M_1 for p in self._positions_m)


def _event(kind: EventKind, collision: Collision, tick: Tick) -> TrafficEvent:
    return TrafficEvent(
        kind=kind,
        message=(
            f"Agent collided against object with type={collision.type_id} and id={collision.actor_id} "
            f"at {carla_place(tick.ego.position_m)}"
        ),
        tick=tick.index,
        position_m=tick.ego.position_m,
    )


def _planar_m(a: Point, b: Point) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])
