"""One world, one ego, one route; a ``Truth`` at every tick."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import invert_rigid, transform_points
from drivevla.geometry.carla import transform_from_carla
from drivevla.language import Goal, Instruction, goal_of
from drivevla.sim.routes import DensePlan
from drivevla.sim.truth.actors import ActorReader
from drivevla.sim.truth.lanes import NearLanes
from drivevla.sim.truth.route import RouteTracker
from drivevla.sim.truth.signals import SignalsOnRoute
from drivevla.types import Truth

if TYPE_CHECKING:
    import carla

__all__ = ["TruthMaker"]

_MPS_PER_KMH = 1 / 3.6


class TruthMaker:
    """Reads the truth of a CARLA world, real or embedded, through the client.

    What the map and the route decide is worked out once, when it is made; a tick costs one snapshot.

    Args:
        world: ``carla.World``.
        ego: The car whose frame the truth is in.
        carla_map: The world's map, as ``world.get_map()`` gives it.
        plan: The route.
        actor_from_ego: (4, 4) from our ego frame (rear axle) to the actor's frame made right-handed.
        route_reach_m: How much of the route is told.
        reach_m: How far around the ego others are told, along each axis of the world.
        lane_reach_m: How far around the ego lanes are told.
    """

    def __init__(
        self,
        world: carla.World,
        ego: carla.Vehicle,
        carla_map: carla.Map,
        plan: DensePlan,
        *,
        actor_from_ego: NDArray[np.float64],
        route_reach_m: float = 120.0,
        reach_m: float = 150.0,
        lane_reach_m: float = 60.0,
    ) -> None:
        self._world, self._ego, self._map_name = world, ego, carla_map.name
        self._actor_from_ego = actor_from_ego
        self._route = RouteTracker(plan, reach_m=route_reach_m)
        self._lanes = NearLanes(carla_map, reach_m=lane_reach_m)
        self._actors = ActorReader(world, ego_id=ego.id, reach_m=reach_m)
        self._signals = SignalsOnRoute(
            world.get_actors(),
            points_m=self._route.points_m,
            distance_m=self._route.distance_m,
            in_junction=plan.junction >= 0,
            reach_m=route_reach_m,
        )

    def read(
        self,
        *,
        timestamp_s: float,
        instruction: Instruction | None = None,
        goal: Goal | None = None,
        open_doors: Collection[int] = (),
    ) -> Truth:
        """The truth after the newest tick.

        Args:
            timestamp_s: The observation's time.
            instruction: What the navigator has the driver ask for.
            goal: What must become true for it; that of the instruction when None.
            open_doors: Ids of vehicles with a door open, which CARLA does not tell.
        """
        snapshot = self._world.get_snapshot()
        world_from_ego = self._world_from_ego(snapshot)
        ego_from_world = invert_rigid(world_from_ego)
        position_m = world_from_ego[:3, 3]
        ahead = self._route.ahead(position_m)
        route_m = transform_points(ego_from_world, ahead.points_m)[:, :2]
        along_m = ahead.distance_m - _along(route_m)
        return Truth(
            timestamp_s=timestamp_s,
            world_from_ego=world_from_ego,
            map_name=self._map_name,
            objects=self._actors.read(snapshot, ego_from_world, lanes_at=self._lanes.lanes_at, open_doors=open_doors),
            lights=self._signals.lights(ego_from_world, distance_m=along_m),
            signs=self._signals.signs(ego_from_world, distance_m=along_m),
            lanes=self._lanes.around(ego_from_world, position_m),
            route_m=route_m,
            route_commands=ahead.commands,
            route_lane_ids=ahead.lane_ids,
            route_in_junction=ahead.in_junction,
            route_distance_m=ahead.distance_m,
            route_left_m=ahead.left_m,
            speed_limit_mps=self._speed_limit_mps(),
            instruction=instruction,
            goal=goal_of(instruction) if goal is None and instruction is not None else goal,
        )

    def _speed_limit_mps(self) -> float | None:
        """None where CARLA has not said one yet, which it says as 0."""
        limit_kmh = float(self._ego.get_speed_limit())
        return limit_kmh * _MPS_PER_KMH if limit_kmh > 0.0 else None

    def _world_from_ego(self, snapshot: carla.WorldSnapshot) -> NDArray[np.float64]:
        transform = snapshot.find(self._ego.id).get_transform()
        place, turn = transform.location, transform.rotation
        world_from_actor = transform_from_carla([place.x, place.y, place.z], [turn.pitch, turn.yaw, turn.roll])
        pose: NDArray[np.float64] = world_from_actor @ self._actor_from_ego
        return pose


def _along(route_m: NDArray[np.float64]) -> float:
    """How far the route's first point lies ahead of the ego's origin, along the route; negative when behind."""
    heading = route_m[1] - route_m[0]
    return float(route_m[0] @ heading / max(float(np.linalg.norm(heading)), 1e-6))
