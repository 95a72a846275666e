"""The base of every scenario: its place on the route, its parameters, its cast, and the small steps it is told in."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from drivevla.errors import DataError
from drivevla.sim.routes import DensePlan, Interval, Location, Parameter, Place
from drivevla.sim.routes import Scenario as ScenarioSpec
from drivevla.sim.scenarios.casting import cast, cast_bicycle, cast_walker
from drivevla.sim.scenarios.movers import Car, Walker
from drivevla.sim.scenarios.needs import Needs, Spot
from drivevla.sim.scenarios.path import Path, turned_deg
from drivevla.sim.scenarios.roads import Crossing, Roads, crossing_ahead
from drivevla.sim.scenarios.stage import Reserve, Stage

if TYPE_CHECKING:
    import carla

__all__ = ["Play", "Scenario", "beside_lane", "moved", "race", "raised", "trigger_index"]

Play: TypeAlias = Iterator[None]
"""A behaviour: a generator that yields once a tick and returns when it is over."""

TRIGGER_M = 2.0
TRIGGER_DEG = 10.0
"""A trigger further than this from the route, or turned more, belongs to another road; leaderboard,
``route_parser.py``, ``DIST_THRESHOLD`` and ``ANGLE_THRESHOLD``. The distance is also how early a scenario starts."""

ATTEMPTS, RETRY_M = 6, 0.4
"""How often, and how much further on each time, a place is tried (scenario_runner, ``DynamicObjectCrossing``)."""


class Scenario(ABC):
    """One situation on the route.

    A subclass finds its places when it is made, and says in ``play`` what happens, tick by tick. Whatever it brings
    into the world is taken out when ``play`` ends.

    Args:
        roads: The map.
        plan: The ego's route.
        spec: The scenario as the file has it.
        rng: Decides everything that is drawn.

    Attributes:
        blocks_the_way: Whether the route is blocked while it runs, so that its 240 s are counted and standing still is
            not held against the ego (scenario_runner, ``ScenarioTimeout``).
        excuses_wrong_lane: Whether the ego is asked onto the opposite lane while it runs.
        ego_starts_at: Where it has the ego begin, beside its route.
        emergency: The emergency vehicle that must be let pass, while it is on its way.
        open_doors: Ids of its vehicles that have a door open, which CARLA does not tell.

    Raises:
        DataError: The trigger is not on the route, a parameter is missing or wrong, or the map has not what it needs.
    """

    blocks_the_way: ClassVar[bool] = False
    needs: ClassVar[Needs] = Needs()
    """Where ``place_scenarios`` looks for places."""
    build_ahead_m: ClassVar[float] = 150.0
    """How long before its trigger the first step of ``play`` is made."""

    def __init__(self, roads: Roads, plan: DensePlan, spec: ScenarioSpec, rng: np.random.Generator) -> None:
        self.roads, self.plan, self.spec, self.rng = roads, plan, spec, rng
        self.index = trigger_index(plan, spec)
        self.trigger_along_m = float(plan.distance_m[self.index])
        self.trigger = roads.waypoint(spec.trigger.location_m)
        self.triggered = False
        self.timed_out = False
        self.excuses_wrong_lane = False
        self.emergency: Car | None = None
        self.open_doors: set[int] = set()
        self.ego_starts_at: Place | None = None
        self.actors: list[carla.Actor] = []
        self.reserves: list[Reserve] = []
        self.find_places()

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:  # noqa: ARG003 - subclasses look at it
        """Parameters for a place found by ``place_scenarios``; those of the file's format.

        Raises:
            DataError: The place does not fit.
        """
        return {}

    @abstractmethod
    def find_places(self) -> None:
        """Work out from the map where everything is, before anything is brought into the world.

        Raises:
            DataError: The map has no room for it here.
        """

    @abstractmethod
    def play(self) -> Play:
        """What happens; begins when the ego comes near, and has to wait for ``self.until_triggered()``."""

    def disturbed(self, throttle: float, steering: float) -> tuple[float, float]:
        """What the ego's throttle and steering (positive left) become; as they are unless a scenario interferes."""
        return throttle, steering

    def on_stage(self, stage: Stage) -> None:
        """Get to know the world it plays in."""
        self.stage = stage

    # Parameters

    def number(self, name: str, default: float | None = None) -> float:
        """A numeric parameter.

        Raises:
            DataError: It is missing without a default, or no number.
        """
        value = self.spec.parameters.get(name, default)
        if not isinstance(value, float | int):
            raise DataError(f"{self._who} needs the number {name!r}, got {value!r}")
        return float(value)

    def word(self, name: str, default: str, among: Sequence[str]) -> str:
        """A parameter that is one of some words.

        Raises:
            DataError: It is another one.
        """
        value = self.spec.parameters.get(name, default)
        if value not in among:
            raise DataError(f"{self._who}: {name!r} must be one of {', '.join(among)}, got {value!r}")
        return str(value)

    def interval(self, name: str, default: tuple[float, float]) -> tuple[float, float]:
        """A parameter with ``from`` and ``to``.

        Raises:
            DataError: It is something else.
        """
        value = self.spec.parameters.get(name)
        if value is None:
            return default
        if not isinstance(value, Interval):
            raise DataError(f"{self._who}: {name!r} must have 'from' and 'to', got {value!r}")
        return value.start, value.end

    def location(self, name: str) -> Location:
        """A parameter that is a place.

        Raises:
            DataError: It is missing or something else.
        """
        value = self.spec.parameters.get(name)
        if not isinstance(value, Place):
            raise DataError(f"{self._who} needs the place {name!r}, got {value!r}")
        return value.location_m

    # The cast

    def car(self, wanted: Any, path: Path, along_m: float, *, right_m: float = 0.0, speed_mps: float = 0.0) -> Car:
        """A vehicle on a path.

        Args:
            wanted: A filter of ``casting``, or a blueprint's id.
            path: What it follows.
            along_m: Where on it.
            right_m: How far beside it.
            speed_mps: How fast it is at once.
        """
        return self._vehicle(lambda: self._cast(wanted), path, along_m, right_m, speed_mps)

    def bicycle(self, path: Path, along_m: float, *, right_m: float = 0.0, speed_mps: float = 0.0) -> Car:
        """A cyclist on a path."""
        return self._vehicle(lambda: cast_bicycle(self.stage.library, self.rng), path, along_m, right_m, speed_mps)

    def parked(
        self, wanted: Any, place: Place, *lamps: carla.VehicleLightState, hand_brake: bool = True
    ) -> carla.Actor:
        """A vehicle that stands somewhere with its brakes on, its lamps lit; one that waits needs no hand brake."""
        import carla

        actor = self._bring(lambda: self._cast(wanted), raised(place, 0.2))
        self.stage.command(
            carla.command.ApplyVehicleControl(actor.id, carla.VehicleControl(brake=1.0, hand_brake=hand_brake))
        )
        if lamps:
            lit = carla.VehicleLightState(sum(int(lamp) for lamp in lamps))
            self.stage.command(carla.command.SetVehicleLightState(actor.id, lit))
        return actor

    def prop(self, blueprint_id: str, place: Place) -> carla.Actor:
        """A thing that stands somewhere and does not move."""
        import carla

        actor = self._bring(lambda: self.stage.library.find(blueprint_id), place)
        self.stage.command(carla.command.SetSimulatePhysics(actor.id, False))
        return actor

    def walker(self, place: Place) -> Walker:
        """A pedestrian who will walk along the place's yaw."""
        actor = self._bring(lambda: cast_walker(self.stage.library, self.rng), raised(place, 1.0))
        return Walker(self.stage, actor, place)

    def dismiss(self, *actors: carla.Actor) -> None:
        """Take actors out before the end."""
        self.stage.destroy(actors)
        gone = {actor.id for actor in actors}
        self.actors = [actor for actor in self.actors if actor.id not in gone]

    def keep_free(self, path: Path, *, half_width_m: float = 1.75) -> None:
        """Keep background traffic off a piece of road until the scenario ends."""
        reserve = Reserve(path=path, half_width_m=half_width_m)
        self.reserves.append(reserve)
        self.stage.reserves.append(reserve)

    # Steps

    def until_triggered(self) -> Play:
        """Wait for the ego to reach the trigger."""
        while self.stage.ego.along_m < self.trigger_along_m - TRIGGER_M:
            yield
        self.triggered = True

    def until(self, holds: Callable[[], bool]) -> Play:
        """Wait for something."""
        while not holds():
            yield

    def wait(self, seconds: float) -> Play:
        """Wait for simulated time to pass."""
        end_s = self.stage.time_s + seconds - 1e-6
        while self.stage.time_s < end_s:
            yield

    def until_ego_drove(self, distance_m: float) -> Play:
        """Wait for the ego to drive some way."""
        end_m = self.stage.ego.driven_m + distance_m
        while self.stage.ego.driven_m < end_m:
            yield

    def until_ego_passes(self, place: Place) -> Play:
        """Wait for the ego to come past a place beside or on the route."""
        end_m = self.along(place)
        while self.stage.ego.along_m < end_m and self.stage.ego.along_m < self.plan.length_m - 3.0:
            yield

    def until_ego_left(self, crossing: Crossing) -> Play:
        """Wait for the ego to drive through a junction (scenario_runner, ``WaitEndIntersection``)."""
        end_m = float(self.plan.distance_m[crossing.leave])
        while self.stage.ego.along_m < end_m and self.stage.ego.along_m < self.plan.length_m - 3.0:
            yield

    def until_ego_arrives(self, place: Place, *, time_s: float, distance_m: float) -> Play:
        """Wait for the ego to be about to arrive somewhere."""
        while not self.stage.ego.arrives_within(place.location_m, time_s=time_s, distance_m=distance_m):
            yield

    # Places

    def along(self, place: Place) -> float:
        """How far along the route a place behind the trigger is."""
        begin = self.plan.distance_m[self.index]
        rest = self.plan.location_m[self.index :, :2]
        nearest = int(np.argmin(np.linalg.norm(rest - np.array(place.location_m[:2]), axis=1)))
        return float(max(self.plan.distance_m[self.index + nearest], begin))

    def lane_ahead(self, distance_m: float) -> carla.Waypoint:
        """The waypoint of the trigger's lane so far ahead, along the route where lanes part."""
        return self.roads.ahead(self.trigger, distance_m, plan=self.plan)[-1]

    def on_this_road(self, start: carla.Waypoint, distance_m: float) -> carla.Waypoint:
        """So far ahead of a waypoint, but no further than the next junction."""
        return self.roads.ahead(start, distance_m, plan=self.plan, stop_at_junction=True)[-1]

    def crossing(self) -> Crossing:
        """The ego's way through the next junction behind the trigger.

        Raises:
            DataError: It enters none.
        """
        return crossing_ahead(self.plan, self.index)

    @property
    def _who(self) -> str:
        return f"scenario {self.spec.name} ({self.spec.type})"

    def _cast(self, wanted: Any) -> Any:
        library = self.stage.library
        return library.find(wanted) if isinstance(wanted, str) else cast(library, wanted, self.rng)

    def _vehicle(self, draw: Callable[[], Any], path: Path, along_m: float, right_m: float, speed_mps: float) -> Car:
        actor = self._bring(draw, raised(path.place(along_m, right_m=right_m), 0.2))
        car = Car(self.stage, actor, path, right_m=right_m)
        car.start_from(along_m)
        car.begin_at(speed_mps)
        return car

    def _bring(self, draw: Callable[[], Any], place: Place) -> carla.Actor:
        """Somebody for the part, a little further on where something stands in the way."""
        for attempt in range(ATTEMPTS):
            try:
                actor = self.stage.spawn(draw(), moved(place, attempt * RETRY_M))
            except DataError:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                self.actors.append(actor)
                return actor
        raise AssertionError("the last attempt raises")


def race(*plays: Play) -> Play:
    """Play several behaviours at once until the first of them ends."""
    while True:
        for play in plays:
            try:
                next(play)
            except StopIteration:
                for each in plays:
                    getattr(each, "close", lambda: None)()
                return
        yield


def beside_lane(waypoint: carla.Waypoint, right_m: float, *, up_m: float = 0.0, turned_by_deg: float = 0.0) -> Place:
    """A place so far to the right of a waypoint, turned against its heading."""
    transform = waypoint.transform
    right = transform.get_right_vector()
    location = transform.location
    return Place(
        (location.x + right_m * right.x, location.y + right_m * right.y, location.z + right_m * right.z + up_m),
        float(transform.rotation.yaw) + turned_by_deg,
    )


def moved(place: Place, distance_m: float) -> Place:
    """A place further along its own yaw."""
    yaw = math.radians(place.yaw_deg or 0.0)
    x, y, z = place.location_m
    return Place((x + distance_m * math.cos(yaw), y + distance_m * math.sin(yaw), z), place.yaw_deg)


def raised(place: Place, up_m: float) -> Place:
    """A place, higher."""
    x, y, z = place.location_m
    return Place((x, y, z + up_m), place.yaw_deg)


def trigger_index(plan: DensePlan, spec: ScenarioSpec) -> int:
    """The point of the plan at which a scenario starts.

    Raises:
        DataError: The route does not come by.
    """
    x, y, z = spec.trigger.location_m
    offset = plan.location_m - (x, y, z)
    distance = np.hypot(offset[:, 0], offset[:, 1])
    near = (distance < TRIGGER_M) & (np.abs(offset[:, 2]) < TRIGGER_M)
    if spec.trigger.yaw_deg is not None:
        turned = np.abs([turned_deg(yaw - spec.trigger.yaw_deg) for yaw in plan.yaw_deg])
        near &= turned < TRIGGER_DEG
    if not near.any():
        raise DataError(
            f"scenario {spec.name} ({spec.type}) starts {distance.min():.1f} m from the route: its trigger must lie "
            f"within {TRIGGER_M:g} m of it and {TRIGGER_DEG:g} degrees of its heading"
        )
    first = int(np.flatnonzero(near)[0])
    visit = first + int(np.argmin(np.append(near[first:], False)))  # a route may come by again later
    return first + int(np.argmin(distance[first:visit]))
