"""Pinhole cameras.

The optical frame is x right, y down, z forward. Pixel i covers [i, i + 1), so that a point on the optical axis falls on
(width / 2, height / 2) and the middle of the first pixel is (0.5, 0.5).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.geometry.transforms import transform_points

__all__ = [
    "camera_axes_from_body_axes",
    "fov_deg_from_intrinsics",
    "intrinsics_from_fov",
    "project_points",
]


def camera_axes_from_body_axes() -> NDArray[np.float64]:
    """The (3, 3) rotation from body axes (x forward, y left, z up) to optical axes (x right, y down, z forward)."""
    return np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])


def intrinsics_from_fov(*, width_px: int, height_px: int, fov_deg: float) -> NDArray[np.float64]:
    """Intrinsics of an ideal camera with square pixels and its centre in the middle, as CARLA's cameras have.

    Args:
        width_px: Image width.
        height_px: Image height.
        fov_deg: Horizontal field of view.

    Returns:
        (3, 3) pixels.

    Raises:
        ContractError: A size is not positive, or the field of view is not between 0 and 180 degrees.
    """
    if width_px < 1 or height_px < 1:
        raise ContractError(f"an image has at least 1 x 1 pixels, got {width_px} x {height_px}")
    if not 0.0 < fov_deg < 180.0:
        raise ContractError(
            f"a pinhole camera's horizontal field of view lies between 0 and 180 degrees, got {fov_deg}"
        )
    focal_px = width_px / (2.0 * np.tan(np.radians(fov_deg) / 2.0))
    return np.array([[focal_px, 0.0, width_px / 2.0], [0.0, focal_px, height_px / 2.0], [0.0, 0.0, 1.0]])


def fov_deg_from_intrinsics(intrinsics_px: ArrayLike, *, width_px: int) -> float:
    """Horizontal field of view of a camera whose centre lies in the middle of the image."""
    return float(np.degrees(2.0 * np.arctan2(width_px / 2.0, np.asarray(intrinsics_px, dtype=np.float64)[0, 0])))


def project_points(
    camera_from_source: ArrayLike, intrinsics_px: ArrayLike, points_m: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where points appear in the image.

    Args:
        camera_from_source: (..., 4, 4) into the optical frame.
        intrinsics_px: (..., 3, 3).
        points_m: (..., N, 3) in the source frame.

    Returns:
        (..., N, 2) pixels, NaN for points at or behind the camera's plane, and (..., N) depth along the optical axis
        in metres.
    """
    optical = transform_points(camera_from_source, points_m)
    depth = optical[..., 2]
    homogeneous = optical @ np.swapaxes(np.asarray(intrinsics_px, dtype=np.float64), -1, -2)
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = homogeneous[..., :2] / depth[..., None]
    return np.where(depth[..., None] > 0.0, pixels, np.nan), depth
