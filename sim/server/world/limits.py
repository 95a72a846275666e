"""The speed limit that a vehicle begins with: that of the last sign before its place.

CARLA's vehicles begin with 30 km/h wherever they are, and its documentation promises none before the first sign is
passed. Here that would let a vehicle that begins on a highway crawl until the next interchange.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from drivevla.sim.server.scene.scene import Scene
from drivevla.sim.server.world.traffic import TriggerBoxes

if TYPE_CHECKING:
    import carla

    from drivevla.sim.server.pose import Pose

__all__ = ["SpeedSigns"]

DEFAULT_LIMIT_KMH = 30.0
"""What CARLA's vehicles begin with; here, where no sign stands behind them."""

_STEP_M = 4.0
_FARTHEST_M = 1000.0
_PROBE_HALF_M = (0.5 * _STEP_M, 1.0, 0.75)
"""Half sizes of what is led back along the lane: as wide as a car, as long as a step, so that it leaves no sign out."""


class SpeedSigns:
    """The speed limit signs of a map.

    Args:
        scene: Whose signs and lanes they are.
    """

    def __init__(self, scene: Scene) -> None:
        signs = [signal for signal in scene.signals if signal.kind == "speed_limit"]
        self._map = scene.carla_map
        self._boxes = TriggerBoxes(signs)
        self._limits_kmh = [sign.value_kmh or DEFAULT_LIMIT_KMH for sign in signs]

    def behind_kmh(self, pose: "Pose") -> float:
        """The limit for a vehicle that begins somewhere, as if it had come along the nearest lane."""
        import carla

        waypoint = self._map.get_waypoint(carla.Location(*pose.location_m)) if len(self._boxes) else None
        for _ in range(int(_FARTHEST_M / _STEP_M)):
            if waypoint is None:
                break
            sign = self._at(waypoint)
            if sign is not None:
                return self._limits_kmh[sign]
            waypoint = _straightest(waypoint, waypoint.previous(_STEP_M))
        return DEFAULT_LIMIT_KMH

    def _at(self, waypoint: "carla.Waypoint") -> int | None:
        place = waypoint.transform.location
        center_m = np.array([[place.x, place.y, place.z + _PROBE_HALF_M[2]]])
        yaw_deg = np.array([waypoint.transform.rotation.yaw])
        _, signs = self._boxes.overlaps(center_m, yaw_deg, np.array([_PROBE_HALF_M]))
        return int(signs[-1]) if len(signs) else None


def _straightest(ahead: "carla.Waypoint", before: "list[carla.Waypoint]") -> "carla.Waypoint | None":
    """Where most likely a vehicle came from; the client's order of the ways differs between processes."""

    def bend(waypoint: "carla.Waypoint") -> tuple[float, int, int]:
        turn_deg = waypoint.transform.rotation.yaw - ahead.transform.rotation.yaw
        return round(abs(math.remainder(turn_deg, 360.0)), 3), waypoint.road_id, waypoint.lane_id

    return min(before, key=bend, default=None)
