"""Points in the car's frame to places in a picture.

B batch, N points.
"""

from __future__ import annotations

import torch
from torch import Tensor

from drivevla.types import CameraBatch

__all__ = ["project_points"]

_NEAREST_M = 0.5


def project_points(camera: CameraBatch, points_m: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where a camera sees points.

    Args:
        camera: A batch of pictures with their calibrations.
        points_m: (N, 3) the same for all, or (B, N, 3), ego frame.

    Returns:
        (B, N, 2) places in the picture from -1 to 1, (B, N) depths along the optical axis in metres, and (B, N)
        whether the camera is there and the point before it and within the picture.
    """
    camera_from_ego = torch.linalg.inv(camera.ego_from_camera_B44)
    rotation, translation = camera_from_ego[:, :3, :3], camera_from_ego[:, :3, 3]
    points_m = points_m.expand(len(rotation), -1, -1)
    pixels_from_ego = camera.intrinsics_B33 @ rotation
    offset = camera.intrinsics_B33 @ translation[..., None]
    pixels = points_m @ pixels_from_ego.mT + offset.mT
    depth = pixels[..., 2]
    uv = pixels[..., :2] / depth.clamp_min(_NEAREST_M)[..., None]
    height, width = camera.images_B3HW.shape[2:]
    where = uv / uv.new_tensor([width, height]) * 2 - 1
    visible = (depth > _NEAREST_M) & (where.abs() < 1).all(dim=-1) & camera.present_B[:, None]
    return where, depth, visible
