"""Boxes around the car at the keyframes to come, as the truth file holds them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.truth import OpenLoopTruth
from drivevla.geometry import invert_rigid, transform_points

__all__ = ["KEYFRAMES", "OBJECT_DETAILS", "ObjectsAhead", "box_corners_m", "boxes_in_lidar", "within_reach"]

KEYFRAMES = 7
"""The present keyframe and six to come, half a second apart."""

_EGO_REACH_M = 5.0  # farther than any cell of the ego's box is from its reference point, rounding included
_GRID_REACH_M = 50.0

OBJECT_DETAILS = ("boxes", "boxes_present", "boxes_category")


@dataclass(frozen=True, slots=True)
class ObjectsAhead:
    """Boxes at the present keyframe and the six to come.

    Attributes:
        boxes: (N, 7, M, 7) x, y, z of the middle, length, width, height, yaw; in one present frame for all keyframes.
        present: (N, 7, M) False where there is no box.
        category: (N, M) nuScenes' names.
    """

    boxes: NDArray[np.float64]
    present: NDArray[np.bool_]
    category: NDArray[np.str_]

    @classmethod
    def of(cls, truth: OpenLoopTruth, *, needed_by: str) -> "ObjectsAhead":
        """The boxes of a truth, in the ego frame.

        Raises:
            DataError: The truth lacks one of the arrays, or their numbers of boxes differ.
        """
        boxes = truth.detail("boxes", (KEYFRAMES, "M", 7), needed_by=needed_by)
        present = truth.detail("boxes_present", (KEYFRAMES, "M"), needed_by=needed_by)
        category: NDArray[Any] = truth.detail("boxes_category", ("M",), needed_by=needed_by)
        if present.dtype != np.bool_ or present.shape != boxes.shape[:3] or category.shape != boxes.shape[::2][:2]:
            raise DataError(
                f"boxes_present must be bool {boxes.shape[:3]} and boxes_category {boxes.shape[::2][:2]} for boxes "
                f"{boxes.shape}; got {present.dtype} {present.shape} and {category.shape}"
            )
        return cls(boxes.astype(np.float64), present, category)


def box_corners_m(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The four corners (..., 4, 2), in turn around the box, of (..., 7) x, y, z, length, width, height, yaw."""
    half = 0.5 * boxes[..., None, 3:5] * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])
    cos, sin = np.cos(boxes[..., None, 6]), np.sin(boxes[..., None, 6])
    turned = np.stack([cos * half[..., 0] - sin * half[..., 1], sin * half[..., 0] + cos * half[..., 1]], axis=-1)
    return turned + boxes[..., None, :2]


def boxes_in_lidar(boxes: NDArray[np.float64], ego_from_lidar: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same boxes in the LiDAR's frame (x right, y forward).

    Args:
        boxes: (N, F, M, 7) in the ego frame.
        ego_from_lidar: (N, 4, 4).
    """
    lidar_from_ego = invert_rigid(ego_from_lidar)[:, None]
    moved = boxes.copy()
    moved[..., :3] = transform_points(lidar_from_ego, boxes[..., :3])
    heading = np.stack([np.cos(boxes[..., 6]), np.sin(boxes[..., 6]), np.zeros(boxes.shape[:-1])], axis=-1)
    heading = heading @ np.swapaxes(lidar_from_ego[..., :3, :3], -1, -2)
    moved[..., 6] = np.arctan2(heading[..., 1], heading[..., 0])
    return moved


def within_reach(boxes: NDArray[np.float64], *places_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes could touch the ego's box at one of some places; the others need not be drawn.

    What lies outside the grid of 100 m counts as lying on its border, as in the rasters.

    Args:
        boxes: (N, T, M, 7).
        places_m: Each (N, T, 2), in the frame of the boxes.

    Returns:
        (N, T, M).
    """
    corners = box_corners_m(boxes)
    low, high = (np.clip(each, -_GRID_REACH_M, _GRID_REACH_M) for each in (corners.min(-2), corners.max(-2)))
    near = np.zeros(boxes.shape[:-1], dtype=np.bool_)
    for places in places_m:
        middle = places[..., None, :]
        behind, ahead = (
            np.clip(middle + sign, -_GRID_REACH_M, _GRID_REACH_M) for sign in (-_EGO_REACH_M, _EGO_REACH_M)
        )
        near |= ((low <= ahead) & (high >= behind)).all(axis=-1)
    return near
