"""Which light governs each vehicle and how fast it may drive: vehicles against the trigger boxes of signals.

CARLA's rule: a vehicle whose box overlaps the trigger box of a light is governed by it; passing the box of a speed sign
sets the vehicle's limit, which is 30 km/h before the first sign.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.scene import Signal

__all__ = ["DEFAULT_LIMIT_KMH", "TriggerBoxes"]

DEFAULT_LIMIT_KMH = 30.0

FloatArray = NDArray[np.float64]


class TriggerBoxes:
    """The trigger boxes of some signals, as upright boxes in the world.

    Args:
        signals: In the order of the rows that ``overlaps`` speaks of.
    """

    def __init__(self, signals: Sequence[Signal]) -> None:
        yaw_rad = np.radians([signal.pose.rotation_deg[1] for signal in signals])
        self._cos, self._sin = np.cos(yaw_rad), np.sin(yaw_rad)
        local = np.array([signal.trigger.center_m for signal in signals]).reshape(-1, 3)
        self._center = np.array([signal.pose.location_m for signal in signals]).reshape(-1, 3) + local
        self._center[:, 0] += local[:, 0] * (self._cos - 1.0) - local[:, 1] * self._sin
        self._center[:, 1] += local[:, 0] * self._sin + local[:, 1] * (self._cos - 1.0)
        self._half = np.array([signal.trigger.half_extent_m for signal in signals]).reshape(-1, 3)
        self._radius = np.hypot(self._half[:, 0], self._half[:, 1])

    def __len__(self) -> int:
        return len(self._radius)

    def overlaps(
        self, center_m: FloatArray, yaw_deg: FloatArray, half_extent_m: FloatArray
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pairs of a vehicle and a trigger box that overlap.

        Args:
            center_m: (N, 3) centres of the vehicles' boxes.
            yaw_deg: (N,) their headings.
            half_extent_m: (N, 3) their half sizes.

        Returns:
            Index of the vehicle and index of the trigger box; of several boxes over one vehicle the nearest comes last.
        """
        east = self._center[:, 0] - center_m[:, :1]
        south = self._center[:, 1] - center_m[:, 1:2]
        distance2 = east * east + south * south
        reach = np.sqrt(half_extent_m[:, 0] ** 2 + half_extent_m[:, 1] ** 2)[:, None] + self._radius
        vehicle, box = np.nonzero(distance2 < reach * reach)
        if not len(vehicle):
            return vehicle, box
        size, trigger = half_extent_m[vehicle], self._half[box]
        hit = self._separate(east[vehicle, box], south[vehicle, box], np.radians(yaw_deg[vehicle]), box, size)
        hit &= np.abs(self._center[box, 2] - center_m[vehicle, 2]) <= trigger[:, 2] + size[:, 2]
        vehicle, box = vehicle[hit], box[hit]
        order = np.argsort(-distance2[vehicle, box], kind="stable")
        return vehicle[order], box[order]

    def _separate(
        self, east: FloatArray, south: FloatArray, yaw_rad: FloatArray, box: NDArray[np.intp], size: FloatArray
    ) -> NDArray[np.bool_]:
        """Separating axes of rectangles: the two directions of the vehicle, then the two of the trigger box."""
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        box_cos, box_sin, trigger = self._cos[box], self._sin[box], self._half[box]
        along = np.abs(cos * box_cos + sin * box_sin)
        across = np.abs(cos * box_sin - sin * box_cos)
        length, width, box_length, box_width = size[:, 0], size[:, 1], trigger[:, 0], trigger[:, 1]
        meets: NDArray[np.bool_] = np.abs(east * cos + south * sin) <= length + box_length * along + box_width * across
        meets &= np.abs(south * cos - east * sin) <= width + box_length * across + box_width * along
        meets &= np.abs(east * box_cos + south * box_sin) <= box_length + length * along + width * across
        meets &= np.abs(south * box_cos - east * box_sin) <= box_width + length * across + width * along
        return meets
