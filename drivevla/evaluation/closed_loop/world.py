"""What the criteria are told of a CARLA world: lights, signs, traffic, contacts and the ego itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drivevla.evaluation.driving_score import ActorPose, Collision, Point, StopSign, Tick, TrafficLight
from drivevla.geometry.carla import points_from_carla, yaw_from_carla
from drivevla.sim.scenarios import Director
from drivevla.sim.session import Session, Snapshot
from drivevla.types import LightState

if TYPE_CHECKING:
    import carla

__all__ = ["Contacts", "JudgedWorld"]

_KMH = 1 / 3.6


class Contacts:
    """What the ego touched, by frame. Contacts come from the simulator's stream a little after their tick."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._heard = 0
        self._waiting: list[tuple[int, Collision]] = []

    def take(self, frame: int) -> tuple[Collision, ...]:
        """The contacts up to a frame that were not taken before, in an order that does not depend on their arrival."""
        news = self._session.collisions[self._heard :]
        self._heard += len(news)
        self._waiting += [(each.frame, Collision(actor_id=each.other_id, type_id=each.other_type)) for each in news]
        taken = [each for each in self._waiting if each[0] <= frame]
        self._waiting = [each for each in self._waiting if each[0] > frame]
        return tuple(contact for _, contact in sorted(taken, key=lambda each: (each[0], each[1].actor_id)))


class JudgedWorld:
    """One world with an ego in it, seen by the rules.

    Args:
        session: Where; its background traffic stands already.

    Attributes:
        lights: All traffic lights.
        stop_signs: All stop signs.
        ego_half_length_m: Half of the ego's box.
        ego_half_width_m: Likewise.
    """

    def __init__(self, session: Session) -> None:
        import carla

        self._session = session
        self._red = carla.TrafficLightState.Red
        self._states = {
            carla.TrafficLightState.Red: LightState.RED,
            carla.TrafficLightState.Yellow: LightState.YELLOW,
            carla.TrafficLightState.Green: LightState.GREEN,
        }
        actors = session.world.get_actors()
        by_id = sorted(actors, key=lambda actor: actor.id)
        self._lights = [actor for actor in by_id if actor.type_id == "traffic.traffic_light"]
        self._background = [actor for actor in by_id if actor.attributes.get("role_name") == "background"]
        self.lights = tuple(map(_light, self._lights))
        self.stop_signs = tuple(_stop_sign(actor) for actor in by_id if actor.type_id == "traffic.stop")
        self.ego_half_length_m = float(session.ego.bounding_box.extent.x)
        self.ego_half_width_m = float(session.ego.bounding_box.extent.y)

    @property
    def speed_limit_mps(self) -> float | None:
        """What applies to the ego now; None where the simulator knows of none, which it says as 0."""
        limit_kmh = float(self._session.ego.get_speed_limit())
        return limit_kmh * _KMH if limit_kmh > 0.0 else None

    @property
    def light_ahead(self) -> LightState | None:
        """What the light shows in whose reach the ego is."""
        ego = self._session.ego
        return self._states.get(ego.get_traffic_light_state()) if ego.is_at_traffic_light() else None

    def tick(self, index: int, snapshot: Snapshot, director: Director) -> Tick:
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
            wrong_lane_excused=director.wrong_lane_excused,
            blocking_scenarios=director.blocking,
            emergency_vehicle=_emergency_vehicle(director),
        )


def _emergency_vehicle(director: Director) -> ActorPose | None:
    state = director.emergency_vehicle
    if state is None:
        return None
    x, y, z = points_from_carla(state.location_m).tolist()
    return ActorPose(position_m=(x, y, z), yaw_rad=float(yaw_from_carla(state.yaw_deg)))


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
