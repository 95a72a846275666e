"""Which light governs each vehicle and how fast it may drive: vehicles against the trigger boxes of signals.

CARLA's rule: a vehicle whose box overlaps the trigger box of a light is governed by it; passing the box of a speed sign
sets the vehicle's limit.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import kernel
from drivevla.sim.server.scene.scene import Signal

__all__ = ["TriggerBoxes"]

FloatArray = NDArray[np.float64]


class TriggerBoxes:
    """The trigger boxes of some signals, as upright boxes in the world.

    Args:
        signals: In the order of the rows that ``overlaps`` speaks of.
    """

    def __init__(self, signals: Sequence[Signal]) -> None:
        yaw_rad = np.radians([signal.pose.rotation_deg[1] for signal in signals])
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        local = np.array([signal.trigger.center_m for signal in signals]).reshape(-1, 3)
        center = np.array([signal.pose.location_m for signal in signals]).reshape(-1, 3) + local
        center[:, 0] += local[:, 0] * (cos - 1.0) - local[:, 1] * sin
        center[:, 1] += local[:, 0] * sin + local[:, 1] * (cos - 1.0)
        half = np.array([signal.trigger.half_extent_m for signal in signals]).reshape(-1, 3)
        self._boxes = center, half, cos, sin, np.hypot(half[:, 0], half[:, 1])
        self._room = _room_for(64)

    def __len__(self) -> int:
        return len(self._boxes[0])

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
        while True:
            count = _overlapping(center_m, np.radians(yaw_deg), half_extent_m, self._boxes, *self._room)
            vehicle, box, distance2 = self._room
            if count <= len(vehicle):
                break
            self._room = _room_for(2 * count)
        if not count:
            return _NOTHING, _NOTHING
        order = np.argsort(-distance2[:count], kind="stable")
        return vehicle[order], box[order]


_NOTHING = np.zeros(0, dtype=np.intp)
_Room = tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]


def _room_for(pairs: int) -> _Room:
    return np.empty(pairs, dtype=np.intp), np.empty(pairs, dtype=np.intp), np.empty(pairs)


@kernel
def _overlapping(
    center_m: FloatArray,
    yaw_rad: FloatArray,
    half_m: FloatArray,
    boxes: tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray],
    vehicles: NDArray[np.intp],
    triggers: NDArray[np.intp],
    distance2_m2: FloatArray,
) -> int:
    """Write the overlapping pairs as far as there is room; how many there are."""
    box_center, box_half, box_cos, box_sin, box_reach = boxes
    count = 0
    for vehicle in range(len(center_m)):
        length, width = half_m[vehicle, 0], half_m[vehicle, 1]
        reach = math.hypot(length, width)
        cos, sin = math.cos(yaw_rad[vehicle]), math.sin(yaw_rad[vehicle])
        for box in range(len(box_center)):
            east, south = box_center[box, 0] - center_m[vehicle, 0], box_center[box, 1] - center_m[vehicle, 1]
            apart2 = east * east + south * south
            together = reach + box_reach[box]
            if apart2 >= together * together:
                continue
            box_length, box_width = box_half[box, 0], box_half[box, 1]
            if abs(box_center[box, 2] - center_m[vehicle, 2]) > box_half[box, 2] + half_m[vehicle, 2]:
                continue
            # Separating axes of rectangles: the two directions of the vehicle, then the two of the trigger box.
            along = abs(cos * box_cos[box] + sin * box_sin[box])
            across = abs(cos * box_sin[box] - sin * box_cos[box])
            if (
                abs(east * cos + south * sin) <= length + box_length * along + box_width * across
                and abs(south * cos - east * sin) <= width + box_length * across + box_width * along
                and abs(east * box_cos[box] + south * box_sin[box]) <= box_length + length * along + width * across
                and abs(south * box_cos[box] - east * box_sin[box]) <= box_width + length * across + width * along
            ):
                if count < len(vehicles):
                    vehicles[count], triggers[count], distance2_m2[count] = vehicle, box, apart2
                count += 1
    return count
