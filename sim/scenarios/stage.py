"""What scenarios act on: the ego as they see it, the actors they bring, and one batch of commands a tick."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from drivevla.errors import DataError
from drivevla.sim.routes import DensePlan, Location, Place
from drivevla.sim.scenarios.path import Path, turned_deg

if TYPE_CHECKING:
    import carla

__all__ = ["BodyState", "EgoState", "Reserve", "Stage"]

logger = logging.getLogger(__name__)

ROLE = "scenario"
BACKGROUND_ROLE = "background"
SENT_AWAY_M = 100.0
FAR_M = 200.0
BROUGHT_BACK_M = (80.0, 160.0)
BROUGHT_BACK_AT_ONCE = 5
_KMH = 1 / 3.6
_LOOK_AHEAD = 12
"""Points of the plan."""
_HALF_STEP_M = 0.5
"""Of the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyState:
    """Where an actor is and how fast it moves.

    Attributes:
        location_m: Its origin, CARLA's frame.
        yaw_deg: Clockwise.
        speed_mps: Level speed, never negative.
    """

    location_m: Location
    yaw_deg: float
    speed_mps: float

    def distance_m(self, location_m: Location) -> float:
        """To a point, in three dimensions."""
        return math.dist(self.location_m, location_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgoState(BodyState):
    """The ego on its route.

    Attributes:
        along_m: How far along the route's plan it has come; never less than before.
        driven_m: How far it has driven.
        speed_limit_mps: What applies to it.
    """

    along_m: float
    driven_m: float
    speed_limit_mps: float

    def arrives_within(self, location_m: Location, *, time_s: float, distance_m: float) -> bool:
        """Whether it is about to arrive: within a time at its present speed, or nearer than a distance.

        Source: scenario_runner, ``InTimeToArrivalToLocation`` and ``InTriggerDistanceToLocation``, which nearly all
        adversaries start by.
        """
        distance = self.distance_m(location_m)
        return distance < distance_m or (self.speed_mps > 1e-3 and distance / self.speed_mps < time_s)

    def has_passed(self, place: Place) -> bool:
        """Whether it is in front of a place, along that place's yaw."""
        assert place.yaw_deg is not None
        yaw = math.radians(place.yaw_deg)
        dx, dy = (self.location_m[0] - place.location_m[0], self.location_m[1] - place.location_m[1])
        return dx * math.cos(yaw) + dy * math.sin(yaw) > 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """A piece of road that background traffic is kept out of while a scenario runs.

    Attributes:
        path: Its middle.
        half_width_m: To either side.
    """

    path: Path
    half_width_m: float = 1.75

    def holds(self, location_m: Location) -> bool:
        """Whether a point lies on it."""
        along, right = self.path.project(location_m)
        height = abs(self.path.place(along).location_m[2] - location_m[2])
        return abs(right) <= self.half_width_m and 0.0 < along < self.path.length_m and height < 3.0


@dataclass
class Stage:
    """The world as scenarios use it: they read states of the tick that ended, and queue commands for the next one.

    Attributes:
        client: A connected ``carla.Client``.
        world: Its world, synchronous.
        road_map: Its map.
        plan: The ego's route.
        ego_actor: The ego.
        time_s: Simulated time of the tick that ended.
        dt_s: Since the tick before.
        ego: The ego, as of the tick that ended.
        reserves: Road that background traffic is kept out of.
        rng: Decides where background vehicles go on.
    """

    client: carla.Client
    world: carla.World
    road_map: carla.Map
    plan: DensePlan
    ego_actor: carla.Actor
    time_s: float = 0.0
    dt_s: float = 0.05
    reserves: list[Reserve] = field(default_factory=list)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        """Look up what stays the same."""
        self.route = Path(self.plan.location_m)
        self.library = self.world.get_blueprint_library()
        self.ego_half_length_m = float(self.ego_actor.bounding_box.extent.x)
        actors = self.world.get_actors()
        self._background = [each.id for each in actors if each.attributes.get("role_name") == BACKGROUND_ROLE]
        self._commands: list[Any] = []
        self._taken: list[Location] = []
        self._spawn_points: list[carla.Transform] | None = None
        self._index = -1
        self._along_m = 0.0
        self._driven_m = 0.0
        self.observe(0.0)

    def observe(self, time_s: float) -> None:
        """Read the tick that ended."""
        self.dt_s = time_s - self.time_s if time_s > self.time_s else self.dt_s
        self.time_s = time_s
        self._snapshot = self.world.get_snapshot()
        body = self.state(self.ego_actor.id)
        if body is None:
            raise DataError("the ego is not in the world: scenarios need it before their first tick")
        self._driven_m += body.speed_mps * self.dt_s
        self.ego = EgoState(
            location_m=body.location_m,
            yaw_deg=body.yaw_deg,
            speed_mps=body.speed_mps,
            along_m=self._along(body.location_m),
            driven_m=self._driven_m,
            speed_limit_mps=float(self.ego_actor.get_speed_limit()) * _KMH,
        )

    def state(self, actor_id: int) -> BodyState | None:
        """An actor as of the tick that ended; None before its first tick and after its end."""
        found = self._snapshot.find(actor_id)
        if found is None:
            return None
        transform, velocity = found.get_transform(), found.get_velocity()
        location = transform.location
        return BodyState(
            location_m=(location.x, location.y, location.z),
            yaw_deg=float(transform.rotation.yaw),
            speed_mps=math.hypot(velocity.x, velocity.y),
        )

    def command(self, *commands: Any) -> None:
        """Queue batch commands for the coming tick."""
        self._commands.extend(commands)

    def send(self) -> None:
        """Hand over what was queued, in one call."""
        if self._commands:
            self.client.apply_batch(self._commands)
            self._commands = []

    def spawn(self, blueprint: Any, place: Place, *, role: str = ROLE) -> carla.Actor:
        """Bring an actor into the world, after background traffic was moved out of its way.

        Raises:
            DataError: Something else stands there.
        """
        if blueprint.has_attribute("role_name"):
            blueprint.set_attribute("role_name", role)
        self.send_away([each for each in self._background if self._within(each, place.location_m, 8.0)])
        actor = self.world.try_spawn_actor(blueprint, transform_at(place))
        if actor is None:
            raise DataError(f"the place {_shown(place)} of a {blueprint.id} is taken")
        return actor

    def destroy(self, actors: Sequence[carla.Actor]) -> None:
        """Take actors out of the world with the coming tick."""
        import carla

        self.command(*(carla.command.DestroyActor(actor.id) for actor in actors))

    def keep_reserves_free(self) -> None:
        """Move background vehicles that strayed onto reserved road to a spawn point far from the ego."""
        if self.reserves:
            self.send_away([each for each in self._background if self._on_reserve(each)])

    def clear_ahead(self, reach_m: float, *, slower_than_mps: float) -> None:
        """Send away background vehicles that stand or crawl on the route right ahead of the ego."""
        begin_m = self.ego.along_m + self.ego_half_length_m
        way = Reserve(path=self.route.part(begin_m, begin_m + reach_m))
        states = ((each, self.state(each)) for each in self._background)
        self.send_away(
            [
                each
                for each, state in states
                if state is not None and state.speed_mps < slower_than_mps and way.holds(state.location_m)
            ]
        )

    def send_away(self, actor_ids: Sequence[int]) -> None:
        """Put background vehicles on spawn points that are free and out of the ego's sight."""
        self._move(actor_ids, self._free_places(SENT_AWAY_M, math.inf))

    def populate(self) -> None:
        """Bring background vehicles that the ego has left behind back to its surroundings, some at a time.

        Vehicles that drive all over a town are mostly far from the ego. Those further than 200 m away go on in a free
        place 80 to 160 m from it, so that a few dozen make its surroundings as busy as a full town would.
        """
        states = ((each, self.state(each)) for each in self._background)
        far = [each for each, state in states if state is not None and self.ego.distance_m(state.location_m) > FAR_M]
        if far:
            places = self._free_places(*BROUGHT_BACK_M)
            self.rng.shuffle(places)
            self._move(far[:BROUGHT_BACK_AT_ONCE], places[:BROUGHT_BACK_AT_ONCE], or_stay=True)

    def _move(self, actor_ids: Sequence[int], places: Sequence[carla.Transform], *, or_stay: bool = False) -> None:
        """Put vehicles on places, each on another, at rest."""
        import carla

        if len(places) < len(actor_ids) and not or_stay:
            logger.warning("no free spawn point is left for a vehicle that stands in a scenario's way")
        batch = []
        for actor_id, place in zip(actor_ids, places, strict=False):
            self._taken.append((place.location.x, place.location.y, place.location.z))
            batch.append(carla.command.ApplyTransform(actor_id, place))
            batch.append(carla.command.ApplyTargetVelocity(actor_id, carla.Vector3D()))
        if batch:
            self.client.apply_batch_sync(batch, False)

    def traffic_within(self, location_m: Location, radius_m: float) -> list[BodyState]:
        """Background vehicles round a place."""
        states = (self.state(each) for each in self._background)
        return [each for each in states if each is not None and each.distance_m(location_m) < radius_m]

    def _free_places(self, nearest_m: float, furthest_m: float) -> list[carla.Transform]:
        """Spawn points so far from the ego where nobody stands and that no scenario needs."""
        if self._spawn_points is None:
            self._spawn_points = self.road_map.get_spawn_points()
        taken = [state.location_m for each in self._background if (state := self.state(each)) is not None]
        taken.extend(self._taken[-20:])
        free = []
        for place in self._spawn_points:
            here = (place.location.x, place.location.y, place.location.z)
            if not nearest_m <= self.ego.distance_m(here) <= furthest_m:
                continue
            if any(reserve.holds(here) for reserve in self.reserves):
                continue
            if all(math.dist(here, other) > 10.0 for other in taken):
                free.append(place)
        return free

    def _within(self, actor_id: int, location_m: Location, radius_m: float) -> bool:
        state = self.state(actor_id)
        return state is not None and state.distance_m(location_m) < radius_m

    def _on_reserve(self, actor_id: int) -> bool:
        state = self.state(actor_id)
        return state is not None and any(reserve.holds(state.location_m) for reserve in self.reserves)

    def _along(self, location_m: Location) -> float:
        """Progress is looked for a few metres ahead only, so that a route that crosses itself is not cut short."""
        reach = slice(0, None) if self._index < 0 else slice(self._index, self._index + _LOOK_AHEAD)
        points = self.plan.location_m[reach]
        offset = np.array(location_m) - points
        nearest = int(np.argmin(np.linalg.norm(offset, axis=1)))
        self._index = reach.start + nearest
        yaw = math.radians(float(self.plan.yaw_deg[self._index]))
        beyond_m = float(offset[nearest, 0] * math.cos(yaw) + offset[nearest, 1] * math.sin(yaw))
        along_m = float(self.plan.distance_m[self._index]) + min(max(beyond_m, -_HALF_STEP_M), _HALF_STEP_M)
        self._along_m = max(self._along_m, min(max(along_m, 0.0), self.plan.length_m))
        return self._along_m


def transform_at(place: Place) -> carla.Transform:
    """A place as the client wants it."""
    import carla

    x, y, z = place.location_m
    return carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=turned_deg(place.yaw_deg or 0.0)))


def _shown(place: Place) -> str:
    return "({:.1f}, {:.1f}, {:.1f})".format(*place.location_m)
