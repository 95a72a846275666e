"""What is true of the car at a tick, for the judge of sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from drivevla.geometry.carla import yaw_from_carla
from drivevla.sim.navigator import EgoShape, Sample

if TYPE_CHECKING:
    from drivevla.sim.session import Session

__all__ = ["Witness"]

_MPS_PER_KMH = 1 / 3.6


class Witness:
    """Reads the car's true pose and speed, at its rear axle.

    Args:
        session: The world and the ego.

    Attributes:
        shape: Of the car.
    """

    def __init__(self, session: Session) -> None:
        import carla

        self._session, self._red = session, carla.TrafficLightState.Red
        self._rear_axle_x_m = float(session.actor_from_ego[0, 3])
        half_m = float(session.ego.bounding_box.extent.x)
        self.shape = EgoShape(front_m=half_m - self._rear_axle_x_m, rear_m=half_m + self._rear_axle_x_m)
        self._others: list[Any] = []

    def meet(self) -> None:
        """Take note of the others, once they are there."""
        actors = self._session.world.get_actors().filter("vehicle.*")
        self._others = [actor for actor in actors if actor.id != self._session.ego.id]

    def sample(self, time_s: float, *, tells_vehicles: bool) -> Sample:
        """The car now.

        Args:
            time_s: Of the tick.
            tells_vehicles: Whether the judge has to know where the others are.
        """
        ego = self._session.ego
        transform, velocity = ego.get_transform(), ego.get_velocity()
        yaw_rad = float(yaw_from_carla(transform.rotation.yaw))
        cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
        limit_kmh = float(ego.get_speed_limit())
        places = None
        if tells_vehicles:
            located = ((actor.id, actor.get_location()) for actor in self._others)
            places = {number: (float(place.x), -float(place.y)) for number, place in located}
        return Sample(
            time_s=time_s,
            pose=(
                transform.location.x + self._rear_axle_x_m * cos,
                -transform.location.y + self._rear_axle_x_m * sin,
                yaw_rad,
            ),
            speed_mps=velocity.x * cos - velocity.y * sin,
            hindered=ego.is_at_traffic_light() and ego.get_traffic_light_state() == self._red,
            speed_limit_mps=limit_kmh * _MPS_PER_KMH if limit_kmh > 0.0 else None,
            vehicles=places,
        )
