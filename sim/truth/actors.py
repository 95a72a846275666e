"""Vehicles, walkers and props, all from one snapshot of the world."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import transform_points
from drivevla.geometry.carla import transform_from_carla
from drivevla.types import ObjectTruth, VehicleLight

if TYPE_CHECKING:
    import carla

__all__ = ["ActorReader"]

_KINDS = ("vehicle.", "walker.", "static.prop.")
_LEAST_SIZE_M = 0.1
_LIGHTS_EVERY = 4
"""Vehicles' lights are another call to the server, and are asked for at every so many readings."""
_LIGHT_BITS = {
    VehicleLight.BRAKE: 0x8,
    VehicleLight.RIGHT_INDICATOR: 0x10,
    VehicleLight.LEFT_INDICATOR: 0x20,
    VehicleLight.REVERSE: 0x40,
    VehicleLight.EMERGENCY: 0x200 | 0x400,
}
"""Bits of ``carla.VehicleLightState``; Special1 and Special2 are what emergency vehicles flash with."""
_MAX_STEER_RAD = float(np.radians(70.0))
"""Road-wheel angle of a passenger car at full steering; what a vehicle's own is takes a call for each."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What does not change about an actor; the box is its own frame's, ours."""

    actor: Any
    category: str
    track_id: str
    is_vehicle: bool
    box_center_m: NDArray[np.float64]
    size_m: NDArray[np.float64]


class ActorReader:
    """Reads everybody but the ego.

    Args:
        world: ``carla.World``.
        ego_id: Who is left out.
        reach_m: Whoever is nearer to the ego than this is told.
    """

    def __init__(self, world: carla.World, *, ego_id: int, reach_m: float) -> None:
        self._world, self._ego_id, self._reach_m = world, ego_id, reach_m
        self._known: dict[int, _Known | None] = {}
        self._lights: dict[int, frozenset[VehicleLight]] = {}
        self._readings = 0

    def read(
        self,
        snapshot: carla.WorldSnapshot,
        ego_from_world: NDArray[np.float64],
        *,
        lanes_at: Callable[[NDArray[np.float64]], list[str | None]],
        open_doors: Collection[int] = (),
    ) -> tuple[ObjectTruth, ...]:
        """Everybody within reach, in the order of their ids.

        Args:
            snapshot: The world at the instant.
            ego_from_world: (4, 4) at the same instant.
            lanes_at: Names the lanes of (N, 3) places of our world frame.
            open_doors: Vehicles that are known to have a door open; CARLA does not tell.
        """
        if self._readings % _LIGHTS_EVERY == 0:
            self._lights = {
                number: _lights(int(bits)) for number, bits in self._world.get_vehicles_light_states().items()
            }
        self._readings += 1
        known, numbers = self._near(snapshot, ego_from_world)
        if not known:
            return ()
        world_from_actor = transform_from_carla(numbers[:, 0:3], numbers[:, 3:6])
        center_m = np.array([each.box_center_m for each in known])
        world_from_box = world_from_actor.copy()
        world_from_box[:, :3, 3] = transform_points(world_from_actor, center_m[:, None])[:, 0]
        ego_from_box = ego_from_world @ world_from_box
        moves = numbers[:, 6:12].reshape(-1, 2, 3) * (1.0, -1.0, 1.0) @ ego_from_world[:3, :3].T
        yaw_rate = -np.radians(numbers[:, 12])
        lanes = lanes_at(world_from_box[:, :3, 3])
        return tuple(
            self._truth(each, ego_from_box[row], moves[row, :, :2], float(yaw_rate[row]), lanes[row], open_doors)
            for row, each in enumerate(known)
        )

    def _near(
        self, snapshot: carla.WorldSnapshot, ego_from_world: NDArray[np.float64]
    ) -> tuple[list[_Known], NDArray[np.float64]]:
        """Who is near, and location, rotation, velocity, acceleration and turning of each, CARLA's frame."""
        x, y, _ = (-ego_from_world[:3, :3].T @ ego_from_world[:3, 3]).tolist()
        known, numbers = [], []
        for actor in sorted(snapshot, key=lambda each: each.id):
            each = self._known.get(actor.id, _UNSEEN)
            if each is _UNSEEN:
                each = self._meet(actor.id)
            if each is None:
                continue
            transform = actor.get_transform()
            place, turn = transform.location, transform.rotation
            if abs(place.x - x) > self._reach_m or abs(place.y + y) > self._reach_m:
                continue
            v, a, w = actor.get_velocity(), actor.get_acceleration(), actor.get_angular_velocity()
            assert isinstance(each, _Known)
            known.append(each)
            numbers.append(
                (place.x, place.y, place.z, turn.pitch, turn.yaw, turn.roll, v.x, v.y, v.z, a.x, a.y, a.z, w.z)
            )
        return known, np.array(numbers)

    def _meet(self, actor_id: int) -> _Known | None:
        """Look at an actor for the first time; None for what is nobody, such as lights, signs, sensors and the ego."""
        actor = None if actor_id == self._ego_id else self._world.get_actor(actor_id)
        known = None
        if actor is not None and actor.type_id.startswith(_KINDS):
            box = actor.bounding_box
            center_m = np.array([box.location.x, -box.location.y, box.location.z])
            is_walker = actor.type_id.startswith("walker.")
            if not is_walker and center_m[2] < 0.5 * box.extent.z:
                center_m[2] = box.extent.z  # boxes of some props tell no height of their middle
            size_m = 2 * np.array([box.extent.x, box.extent.y, box.extent.z])
            known = _Known(
                actor=actor,
                category=_category(actor),
                track_id=str(actor_id),
                is_vehicle=actor.type_id.startswith("vehicle."),
                box_center_m=center_m,
                size_m=np.maximum(size_m, _LEAST_SIZE_M),
            )
        self._known[actor_id] = known
        return known

    def _truth(
        self,
        known: _Known,
        ego_from_object: NDArray[np.float64],
        moves_m: NDArray[np.float64],
        yaw_rate_radps: float,
        lane_id: str | None,
        open_doors: Collection[int],
    ) -> ObjectTruth:
        control = known.actor.get_control() if known.is_vehicle else None
        return ObjectTruth(
            track_id=known.track_id,
            category=known.category,
            ego_from_object=ego_from_object,
            size_m=known.size_m,
            velocity_mps=moves_m[0],
            acceleration_mps2=moves_m[1],
            yaw_rate_radps=yaw_rate_radps,
            steering_rad=None if control is None else -_MAX_STEER_RAD * control.steer,
            lights=self._lights.get(known.actor.id) if known.is_vehicle else None,
            parked=None if control is None else bool(control.hand_brake),
            door_open=True if known.actor.id in open_doors else None,
            lane_id=lane_id,
        )


_UNSEEN: Any = object()


def _category(actor: carla.Actor) -> str:
    """CARLA's kind of a vehicle ("vehicle.car", "vehicle.bicycle"), or what the actor's type says."""
    base = actor.attributes.get("base_type", "")
    if not actor.type_id.startswith("vehicle."):
        return "walker" if actor.type_id.startswith("walker.") else str(actor.type_id)
    if actor.attributes.get("special_type", "") == "emergency":
        return "vehicle.emergency"
    return f"vehicle.{base.lower()}" if base else "vehicle"


def _lights(bits: int) -> frozenset[VehicleLight]:
    return frozenset(light for light, bit in _LIGHT_BITS.items() if bits & bit)
