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
        self._axis_x = np.stack([np.cos(yaw_rad), np.sin(yaw_rad)], axis=-1).reshape(-1, 2)
        self._axis_y = np.stack([-self._axis_x[:, 1], self._axis_x[:, 0]], axis=-1)
        local = np.array([signal.trigger.center_m for signal in signals]).reshape(-1, 3)
        base = np.array([signal.pose.location_m for signal in signals]).reshape(-1, 3)
        self._center = base + local
        self._center[:, :2] = base[:, :2] + local[:, :1] * self._axis_x + local[:, 1:2] * self._axis_y
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
        between = self._center[None, :, :2] - center_m[:, None, :2]
        distance2 = np.einsum("nmk,nmk->nm", between, between)
        reach = np.hypot(half_extent_m[:, 0], half_extent_m[:, 1])[:, None] + self._radius[None, :]
        vehicle, box = np.nonzero(distance2 < reach * reach)
        if not len(vehicle):
            return vehicle, box
        hit = self._separating_axes(between[vehicle, box], vehicle, box, yaw_deg, half_extent_m)
        height = np.abs(self._center[box, 2] - center_m[vehicle, 2])
        hit &= height <= self._half[box, 2] + half_extent_m[vehicle, 2]
        vehicle, box = vehicle[hit], box[hit]
        order = np.argsort(-distance2[vehicle, box], kind="stable")
        return vehicle[order], box[order]

    def _separating_axes(
        self,
        between: FloatArray,
        vehicle: NDArray[np.intp],
        box: NDArray[np.intp],
        yaw_deg: FloatArray,
        half_extent_m: FloatArray,
    ) -> NDArray[np.bool_]:
        yaw_rad = np.radians(yaw_deg[vehicle])
        forward = np.stack([np.cos(yaw_rad), np.sin(yaw_rad)], axis=-1)
        right = np.stack([-forward[:, 1], forward[:, 0]], axis=-1)
        axis_x, axis_y = self._axis_x[box], self._axis_y[box]
        size, trigger = half_extent_m[vehicle], self._half[box]
        overlap = np.ones(len(vehicle), dtype=bool)
        for axis in (forward, right, axis_x, axis_y):
            reach = (
                size[:, 0] * np.abs(np.einsum("nk,nk->n", forward, axis))
                + size[:, 1] * np.abs(np.einsum("nk,nk->n", right, axis))
                + trigger[:, 0] * np.abs(np.einsum("nk,nk->n", axis_x, axis))
                + trigger[:, 1] * np.abs(np.einsum("nk,nk->n", axis_y, axis))
            )
            overlap &= np.abs(np.einsum("nk,nk->n", between, axis)) <= reach
        return overlap
