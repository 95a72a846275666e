"""What the criteria are told of a CARLA world: lights, signs, traffic, contacts and the ego itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.driving_score import ActorPose, Collision, Point, StopSign, Tick, TrafficLight
from drivevla.geometry.carla import points_from_carla, transform_from_carla, yaw_from_carla
from drivevla.sim.session import Session, Snapshot

if TYPE_CHECKING:
    import carla

__all__ = ["Contacts", "JudgedWorld", "ego_pose", "watch_contacts"]

_KMH = 1 / 3.6


class Contacts:
    """What the ego touched, by frame. Contacts come from the simulator's stream a little after their tick."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, Collision]] = []

    def note(self, event: Any) -> None:
        """Take one event of the collision sensor."""
        other = event.other_actor
        contact = Collision(actor_id=other.id if other is not None else 0, type_id=other.type_id if other else "")
        with self._lock:
            self._waiting.append((event.frame, contact))

    def take(self, frame: int) -> tuple[Collision, ...]:
        """The contacts up to a frame that were not taken before, in an order that does not depend on their arrival."""
        with self._lock:
            taken = [each for each in self._waiting if each[0] <= frame]
            self._waiting = [each for each in self._waiting if each[0] > frame]
        return tuple(contact for _, contact in sorted(taken, key=lambda each: (each[0], each[1].actor_id)))


@contextmanager
def watch_contacts(session: Session) -> Iterator[Contacts]:
    """A collision sensor on the ego for as long as the context lasts.

    The session's own sensor does not tell which actor was touched, and the rules count an actor once.
    """
    import carla

    contacts = Contacts()
    blueprint = session.world.get_blueprint_library().find("sensor.other.collision")
    sensor = session.world.spawn_actor(blueprint, carla.Transform(), attach_to=session.ego)
    sensor.listen(contacts.note)
    try:
        yield contacts
    finally:
        sensor.stop()
        # In a batch, and without its tick: the client may block in any other form.
        session.client.apply_batch_sync([carla.command.DestroyActor(sensor.id)], False)


class JudgedWorld:
    """One world with an ego in it, seen by the rules.

    Args:
        session: Where; its background traffic stands already.

    Attributes:
        lights: All traffic lights.
        stop_signs: All stop signs.
        ego_half_length_m: Half of the ego's box.
    """

    def __init__(self, session: Session) -> None:
        import carla

        self._session = session
        self._red = carla.TrafficLightState.Red
        actors = session.world.get_actors()
        by_id = sorted(actors, key=lambda actor: actor.id)
        self._lights = [actor for actor in by_id if actor.type_id == "traffic.traffic_light"]
        self._background = [actor for actor in by_id if actor.attributes.get("role_name") == "background"]
        self.lights = tuple(map(_light, self._lights))
        self.stop_signs = tuple(_stop_sign(actor) for actor in by_id if actor.type_id == "traffic.stop")
        self.ego_half_length_m = float(session.ego.bounding_box.extent.x)

    @property
    def speed_limit_mps(self) -> float:
        """What applies to the ego now."""
        return float(self._session.ego.get_speed_limit()) * _KMH

    def tick(self, index: int, snapshot: Snapshot) -> Tick:
        """The tick that just ended, without its contacts, which come later."""
        ego = self._session.ego
        transform = ego.get_transform()
        return Tick(
            index=index,
            time_s=snapshot.time_s,
            ego=ActorPose(
                position_m=_point(transform.location),
                yaw_rad=float(yaw_from_carla(transform.rotation.yaw)),
                pitch_rad=-float(np.radians(transform.rotation.pitch)),
            ),
            velocity_mps=_point(ego.get_velocity()),
            speed_limit_mps=self.speed_limit_mps,
            background_speeds_mps=tuple(_planar_speed(actor) for actor in self._background),
            red_lights=frozenset(light.id for light in self._lights if light.get_state() == self._red),
        )


def ego_pose(session: Session) -> NDArray[np.float64]:
    """(4, 4) world_from_ego as the simulator knows it, for those who may know the truth."""
    transform = session.ego.get_transform()
    location, rotation = transform.location, transform.rotation
    world_from_actor = transform_from_carla(
        [location.x, location.y, location.z], [rotation.pitch, rotation.yaw, rotation.roll]
    )
    pose: NDArray[np.float64] = world_from_actor @ session.actor_from_ego
    return pose


def _light(actor: carla.Actor) -> TrafficLight:
    transform, box = actor.get_transform(), actor.trigger_volume
    return TrafficLight(
        light_id=actor.id,
        position_m=_point(transform.location),
        yaw_rad=float(yaw_from_carla(transform.rotation.yaw)),
        trigger_center_m=_point(transform.transform(box.location)),
        trigger_half_width_m=float(box.extent.x),
    )


def _stop_sign(actor: carla.Actor) -> StopSign:
    transform, box = actor.get_transform(), actor.trigger_volume
    return StopSign(
        sign_id=actor.id,
        position_m=_point(transform.location),
        trigger_center_m=_point(transform.transform(box.location)),
        trigger_half_size_m=(float(box.extent.x), float(box.extent.y)),
    )


def _planar_speed(actor: carla.Actor) -> float:
    velocity = actor.get_velocity()
    return float(np.hypot(velocity.x, velocity.y))


def _point(vector: Any) -> Point:
    x, y, z = points_from_carla((vector.x, vector.y, vector.z))
    return float(x), float(y), float(z)
