"""The pinhole camera: rays through pixel centres, projection of points, CARLA's depth encoding."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import compiled
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.requests import CameraSpec

__all__ = ["FAR_M", "encode_depth", "pixel_directions", "project", "view_rays", "world_from"]

FAR_M = 1000.0
"""Depth of CARLA's largest depth value (carla.org, "Depth camera")."""


@lru_cache(maxsize=512)
def world_from(pose: Pose) -> NDArray[np.float64]:
    """``pose.matrix()``, read-only: a picture asks for the same few matrices many times."""
    matrix = pose.matrix()
    matrix.flags.writeable = False
    return matrix


def pixel_directions(spec: CameraSpec) -> NDArray[np.float32]:
    """(H * W, 3) directions through the pixel centres in the camera's frame, row by row.

    Their x component is 1, so that the distance along such a vector is the depth along the optical axis.
    """
    right, up = _image_plane(spec)
    directions = np.ones((spec.height_px, spec.width_px, 3), np.float32)
    directions[..., 1] = right
    directions[..., 2] = up[:, None]
    return directions.reshape(-1, 3)


def _image_plane(spec: CameraSpec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(W,) offsets to the right and (H,) offsets upwards of the pixel centres, at depth 1."""
    right = (np.arange(spec.width_px) + 0.5 - spec.width_px / 2.0) / spec.focal_px
    down = (np.arange(spec.height_px) + 0.5 - spec.height_px / 2.0) / spec.focal_px
    return right, -down


def view_rays(spec: CameraSpec, pose: Pose) -> NDArray[np.float32]:
    """(H * W, 6) origins and directions in the world of the rays through the pixel centres."""
    right, up = _image_plane(spec)
    return _through(right, up, world_from(pose))


@compiled
def _through(
    right: NDArray[np.float64], up: NDArray[np.float64], world_from_camera: NDArray[np.float64]
) -> NDArray[np.float32]:
    rays = np.empty((len(up) * len(right), 6), np.float32)
    for row in range(len(up)):
        for column in range(len(right)):
            ray = row * len(right) + column
            for axis in range(3):
                turned = world_from_camera[axis, 0] + world_from_camera[axis, 1] * right[column]
                rays[ray, axis] = world_from_camera[axis, 3]
                rays[ray, 3 + axis] = turned + world_from_camera[axis, 2] * up[row]
    return rays


def project(
    spec: CameraSpec, pose: Pose, points_m: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where world points fall in the image.

    Args:
        spec: Optics.
        pose: The camera in the world.
        points_m: (..., 3) world frame.

    Returns:
        (..., 2) pixel coordinates u to the right and v down, the top-left pixel's centre at (0.5, 0.5), and the (...)
        depth along the optical axis in metres. Pixels of points behind the camera (depth <= 0) mean nothing.
    """
    world_from_camera = world_from(pose)
    in_camera = (np.asarray(points_m, np.float64) - world_from_camera[:3, 3]) @ world_from_camera[:3, :3]
    depth = in_camera[..., 0]
    safe = np.where(np.abs(depth) > 1e-9, depth, 1e-9)
    u = spec.width_px / 2.0 + spec.focal_px * in_camera[..., 1] / safe
    v = spec.height_px / 2.0 - spec.focal_px * in_camera[..., 2] / safe
    return np.stack([u, v], axis=-1), depth


def encode_depth(depth_m: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(..., 4) B, G, R, A bytes: R + 256 G + 65536 B is depth / 1000 m * (2^24 - 1); farther than 1000 m saturates."""
    scaled = np.minimum(depth_m.astype(np.float64) / FAR_M, 1.0) * (2**24 - 1)
    value = np.rint(scaled).astype("<u4")
    low_to_high = value.view(np.uint8).reshape(*value.shape, 4)
    pixels = np.empty((*value.shape, 4), np.uint8)
    pixels[..., 0] = low_to_high[..., 2]
    pixels[..., 1] = low_to_high[..., 1]
    pixels[..., 2] = low_to_high[..., 0]
    pixels[..., 3] = 255
    return pixels
