"""Which pixels moving bodies can cover or shade: rectangles around their projected boxes and shadows."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.pinhole import project
from drivevla.sim.server.render.requests import CameraSpec

__all__ = ["AMBIENT_REACH_M", "pixels_near_bodies"]

AMBIENT_REACH_M = 1.6
"""How far around a body the ground is darkened by it."""

_LONGEST_SHADOW_M = 40.0
_NEAR_M = 0.2


def pixels_near_bodies(
    spec: CameraSpec, pose: Pose, corners_m: NDArray[np.float32], sun_direction: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """(H * W,) whether a body, its shadow or its ambient darkening can fall on the pixel.

    Args:
        spec: Optics.
        pose: The camera in the world.
        corners_m: (A, 8, 3) boxes of the bodies.
        sun_direction: (3,) towards the sun.
    """
    near = np.zeros((spec.height_px, spec.width_px), np.bool_)
    if not len(corners_m):
        return near.ravel()
    middle = corners_m.mean(axis=1, keepdims=True)
    away = corners_m - middle
    grown = corners_m + AMBIENT_REACH_M * away / np.maximum(np.linalg.norm(away, axis=2, keepdims=True), 1e-6) * 1.8
    height = np.ptp(corners_m[..., 2], axis=1)
    rise = max(float(sun_direction[2]), 0.02)
    length = np.minimum((height + 0.5) / rise, _LONGEST_SHADOW_M)
    shadow = corners_m - sun_direction * length[:, None, None]
    points = np.concatenate([grown, shadow], axis=1)
    pixel, depth = project(spec, pose, points)
    in_front = depth > _NEAR_M
    size = np.array([spec.width_px, spec.height_px])
    low = np.clip(np.floor(np.where(in_front[..., None], pixel, np.inf).min(axis=1)) - 1, 0, size)
    high = np.clip(np.ceil(np.where(in_front[..., None], pixel, -np.inf).max(axis=1)) + 1, 0, size)
    # A body that reaches behind the camera can cover anything.
    around = in_front.any(axis=1) & ~in_front.all(axis=1)
    low[around], high[around] = 0, size
    for (left, top), (right, bottom) in zip(low.astype(int), high.astype(int), strict=True):
        near[top:bottom, left:right] = True
    return near.ravel()
