"""``carla.Map`` as the map that criteria ask. It needs the ``carla`` package, but no server."""

from typing import Any

from drivevla.errors import DataError, require
from drivevla.evaluation.driving_score.lane_map import LanePoint
from drivevla.evaluation.driving_score.tick import Point
from drivevla.geometry.carla import points_from_carla, points_to_carla, yaw_from_carla

__all__ = ["CarlaLaneMap"]


class CarlaLaneMap:
    """Answers with CARLA's own nearest-lane query, which official results depend on."""

    def __init__(self, carla_map: Any) -> None:
        """Wrap a ``carla.Map``, made from an OpenDRIVE string or taken from a world.

        Raises:
            MissingExtra: The ``carla`` package is not installed.
        """
        self._carla: Any = require("carla", "sim")
        self._map = carla_map

    def nearest_driving(self, position_m: Point) -> LanePoint:
        """See ``LaneMap``.

        Raises:
            DataError: The map has no driving lane.
        """
        waypoint = self._map.get_waypoint(self._location(position_m), lane_type=self._carla.LaneType.Driving)
        if waypoint is None:
            raise DataError(f"the map {self._map.name!r} has no driving lane, so no drive on it can be scored")
        return _WaypointLanePoint(waypoint)

    def nearest_parking(self, position_m: Point) -> LanePoint | None:
        """See ``LaneMap``."""
        waypoint = self._map.get_waypoint(self._location(position_m), lane_type=self._carla.LaneType.Parking)
        return None if waypoint is None else _WaypointLanePoint(waypoint)

    def _location(self, position_m: Point) -> Any:
        return self._carla.Location(*map(float, points_to_carla(position_m)))


class _WaypointLanePoint:
    def __init__(self, waypoint: Any) -> None:
        self._waypoint = waypoint

    @property
    def road_id(self) -> int:
        return int(self._waypoint.road_id)

    @property
    def lane_id(self) -> int:
        return int(self._waypoint.lane_id)

    @property
    def is_junction(self) -> bool:
        return bool(self._waypoint.is_junction)

    @property
    def width_m(self) -> float:
        return float(self._waypoint.lane_width)

    @property
    def position_m(self) -> Point:
        return _point(self._waypoint.transform.location)

    @property
    def yaw_rad(self) -> float:
        return float(yaw_from_carla(self._waypoint.transform.rotation.yaw))

    @property
    def forward(self) -> Point:
        return _point(self._waypoint.transform.get_forward_vector())

    def ahead(self, distance_m: float) -> "LanePoint | None":
        following = self._waypoint.next(distance_m)
        return _WaypointLanePoint(following[0]) if following else None


def _point(vector: Any) -> Point:
    x, y, z = points_from_carla((vector.x, vector.y, vector.z))
    return float(x), float(y), float(z)
