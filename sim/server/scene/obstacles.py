"""Oriented boxes of everything solid that does not move, with an index for what is near a point."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely import STRtree, box, points

from drivevla.errors import ContractError

__all__ = ["StaticObstacles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticObstacles:
    """Solid boxes, upright, in CARLA's world frame.

    Attributes:
        center_m: (M, 3) box centres.
        half_extent_m: (M, 3) half sizes along the box's own axes.
        yaw_deg: (M,) CARLA's yaw of the box's x axis.
        object_id: (M,) uint32, as in ``SceneMesh.object_id``.
        label: (M,) uint8 semantic labels.
    """

    center_m: NDArray[np.float64]
    half_extent_m: NDArray[np.float64]
    yaw_deg: NDArray[np.float64]
    object_id: NDArray[np.uint32]
    label: NDArray[np.uint8]
    _tree: STRtree = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the shapes and index the boxes.

        Raises:
            ContractError: The arrays do not agree.
        """
        count = len(self.center_m)
        shapes = [self.center_m.shape, self.half_extent_m.shape, self.yaw_deg.shape, self.object_id.shape]
        if shapes != [(count, 3), (count, 3), (count,), (count,)] or self.label.shape != (count,):
            raise ContractError(f"obstacle arrays must agree on {count} boxes, got shapes {shapes}, {self.label.shape}")
        yaw_rad = np.radians(self.yaw_deg)
        cos, sin = np.abs(np.cos(yaw_rad)), np.abs(np.sin(yaw_rad))
        half_x = cos * self.half_extent_m[:, 0] + sin * self.half_extent_m[:, 1]
        half_y = sin * self.half_extent_m[:, 0] + cos * self.half_extent_m[:, 1]
        x, y = self.center_m[:, 0], self.center_m[:, 1]
        object.__setattr__(self, "_tree", STRtree(box(x - half_x, y - half_y, x + half_x, y + half_y)))

    def __len__(self) -> int:
        return len(self.center_m)

    def near(self, xy_m: ArrayLike, *, radius_m: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pairs of a point and a box whose axis-aligned hull is within ``radius_m`` of it.

        Args:
            xy_m: (N, 2) points.
            radius_m: How far to look.

        Returns:
            Index of the point and index of the box, two arrays of one length, sorted by point, then box.
        """
        query = points(np.asarray(xy_m, dtype=np.float64).reshape(-1, 2))
        point_index, box_index = self._tree.query(query, predicate="dwithin", distance=radius_m)
        order = np.lexsort((box_index, point_index))
        return point_index[order], box_index[order]
