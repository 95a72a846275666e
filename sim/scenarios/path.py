"""A line that actors follow, in CARLA's frame (left-handed: x forward, y right, z up; yaw clockwise)."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.sim.routes import Location, Place

if TYPE_CHECKING:
    import carla

__all__ = ["Path", "place_of", "turned_deg"]


class Path:
    """A polyline with places along it.

    Args:
        location_m: (N, 3) its points, two or more; neighbours that coincide count once.

    Raises:
        ContractError: Fewer than two different points.
    """

    def __init__(self, location_m: ArrayLike) -> None:
        points = np.asarray(location_m, dtype=np.float64)
        moved = np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1) > 1e-3
        points = points[np.concatenate([[True], moved])]
        if len(points) < 2:
            raise ContractError("a path needs at least two different points")
        self.location_m = points
        self._step_m = np.diff(points[:, :2], axis=0)
        self._length_m = np.linalg.norm(self._step_m, axis=1)
        self._along_m = np.concatenate([[0.0], np.cumsum(self._length_m)])
        self._yaw_deg = np.degrees(np.unwrap(np.arctan2(self._step_m[:, 1], self._step_m[:, 0])))

    @classmethod
    def through(cls, waypoints: "Sequence[carla.Waypoint]") -> "Path":
        """The line through some waypoints."""
        return cls([_numbers(waypoint.transform.location) for waypoint in waypoints])

    @property
    def length_m(self) -> float:
        """From its first point to its last, level."""
        return float(self._along_m[-1])

    def place(self, along_m: float, *, right_m: float = 0.0, up_m: float = 0.0) -> Place:
        """A place on the path or beside it, with the path's yaw there; beyond its ends it goes on straight."""
        index = int(np.clip(np.searchsorted(self._along_m, along_m, side="right") - 1, 0, len(self._length_m) - 1))
        share = (along_m - self._along_m[index]) / self._length_m[index]
        x, y, z = self.location_m[index] + share * (self.location_m[index + 1] - self.location_m[index])
        yaw_deg = self.yaw_deg(along_m)
        yaw = math.radians(yaw_deg)
        return Place((x - right_m * math.sin(yaw), y + right_m * math.cos(yaw), z + up_m), yaw_deg)

    def yaw_deg(self, along_m: float) -> float:
        """Heading at a place, turning evenly from the middle of one step to the middle of the next."""
        middles = (self._along_m[:-1] + self._along_m[1:]) / 2
        return turned_deg(float(np.interp(along_m, middles, self._yaw_deg)))

    def project(self, location_m: ArrayLike, *, near_m: float | None = None) -> tuple[float, float]:
        """How far along the path a point is, and how far to the right of it.

        Args:
            location_m: (2,) or (3,) x, y and perhaps z.
            near_m: Where along the path it is looked for, within 30 m; everywhere when None.
        """
        begin, end = 0, len(self._length_m)
        if near_m is not None:
            begin = max(int(np.searchsorted(self._along_m, near_m - 30.0)) - 1, 0)
            end = max(int(np.searchsorted(self._along_m, near_m + 30.0)), begin + 1)
        begin = min(begin, len(self._length_m) - 1)
        step, length = self._step_m[begin:end], self._length_m[begin:end]
        offset = np.asarray(location_m, dtype=np.float64)[:2] - self.location_m[begin : begin + len(step), :2]
        share = np.clip(np.sum(offset * step, axis=1) / length**2, 0.0, 1.0)
        distance = np.linalg.norm(offset - share[:, None] * step, axis=1)
        best = int(np.argmin(distance))
        right = (step[best, 0] * offset[best, 1] - step[best, 1] * offset[best, 0]) / length[best]
        return float(self._along_m[begin + best] + share[best] * length[best]), float(right)

    def part(self, begin_m: float, end_m: float) -> "Path":
        """The piece between two places along it."""
        between = (self._along_m > begin_m) & (self._along_m < end_m)
        ends = [np.array(self.place(each).location_m) for each in (begin_m, end_m)]
        return Path(np.concatenate([ends[:1], self.location_m[between], ends[1:]]))

    def shifted(self, right_m: NDArray[np.float64]) -> "Path":
        """The line beside it, so far to the right at each of its points."""
        places = [
            self.place(float(along), right_m=float(right)) for along, right in zip(self._along_m, right_m, strict=True)
        ]
        return Path([place.location_m for place in places])


def place_of(transform: "carla.Transform") -> Place:
    """A transform's location and yaw."""
    return Place(_numbers(transform.location), float(transform.rotation.yaw))


def turned_deg(angle_deg: float) -> float:
    """An angle brought into -180 to 180."""
    return (angle_deg + 180.0) % 360.0 - 180.0


def _numbers(location: "carla.Location") -> Location:
    return float(location.x), float(location.y), float(location.z)
