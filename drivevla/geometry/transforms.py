"""Rigid transforms in space (4 x 4) and in the plane (x, y, yaw)."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.geometry.angles import wrap_angle

__all__ = [
    "compose_se2",
    "invert_rigid",
    "invert_se2",
    "is_rigid",
    "rigid",
    "rotate_points",
    "transform_points",
    "transform_points_se2",
]


def rigid(rotation: ArrayLike, translation_m: ArrayLike) -> NDArray[np.float64]:
    """The (..., 4, 4) target_from_source of a rotation and the source's origin seen from the target.

    Args:
        rotation: (..., 3, 3).
        translation_m: (..., 3).
    """
    rotation_, translation = np.asarray(rotation, dtype=np.float64), np.asarray(translation_m, dtype=np.float64)
    prefix = np.broadcast_shapes(rotation_.shape[:-2], translation.shape[:-1])
    matrix = np.zeros((*prefix, 4, 4))
    matrix[..., :3, :3] = rotation_
    matrix[..., :3, 3] = translation
    matrix[..., 3, 3] = 1.0
    return matrix


def is_rigid(matrix: ArrayLike, *, tolerance: float = 1e-4) -> bool:
    """Whether every (..., 4, 4) matrix is finite, orthonormal, right-handed and homogeneous."""
    m = np.asarray(matrix, dtype=np.float64)
    if m.shape == (4, 4):
        return _is_rigid_one(m, tolerance)
    if m.shape[-2:] != (4, 4) or not np.isfinite(m).all():
        return False
    rotation = m[..., :3, :3]
    orthonormal = np.abs(rotation @ np.swapaxes(rotation, -1, -2) - np.eye(3)).max(initial=0.0) < tolerance
    homogeneous = np.abs(m[..., 3, :] - [0.0, 0.0, 0.0, 1.0]).max(initial=0.0) < tolerance
    return bool(orthonormal and homogeneous and np.all(np.linalg.det(rotation) > 0))


def _is_rigid_one(matrix: NDArray[np.float64], tolerance: float) -> bool:
    """The same for a single one in plain numbers: contracts check dozens of them in every tick of a simulator."""
    (a, b, c, _), (d, e, f, _), (g, h, i, _), last = matrix.tolist()
    products = (
        a * a + b * b + c * c - 1.0,
        d * d + e * e + f * f - 1.0,
        g * g + h * h + i * i - 1.0,
        a * d + b * e + c * f,
        a * g + b * h + c * i,
        d * g + e * h + f * i,
        *last[:3],
        last[3] - 1.0,
    )
    if not all(abs(each) < tolerance for each in products):  # false for NaN, too
        return False
    finite = all(math.isfinite(row) for row in matrix[:3, 3].tolist())
    return finite and a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) > 0.0


def invert_rigid(target_from_source: ArrayLike) -> NDArray[np.float64]:
    """source_from_target of a rigid (..., 4, 4) transform."""
    matrix = np.asarray(target_from_source, dtype=np.float64)
    transposed = np.swapaxes(matrix[..., :3, :3], -1, -2)
    return rigid(transposed, -(transposed @ matrix[..., :3, 3:])[..., 0])


def transform_points(target_from_source: ArrayLike, points_m: ArrayLike) -> NDArray[np.float64]:
    """Points of the source frame, seen from the target frame.

    Args:
        target_from_source: (..., 4, 4).
        points_m: (..., N, 3), the prefix broadcasting with that of the transform.

    Returns:
        (..., N, 3).
    """
    matrix, points = np.asarray(target_from_source, dtype=np.float64), np.asarray(points_m, dtype=np.float64)
    return points @ np.swapaxes(matrix[..., :3, :3], -1, -2) + matrix[..., None, :3, 3]


def rotate_points(xy_m: ArrayLike, yaw_rad: ArrayLike) -> NDArray[np.float64]:
    """Vectors of the plane turned counter-clockwise.

    Args:
        xy_m: (..., 2).
        yaw_rad: (...) broadcasting with the prefix of ``xy_m``.
    """
    xy, yaw = np.asarray(xy_m, dtype=np.float64), np.asarray(yaw_rad, dtype=np.float64)
    c, s = np.cos(yaw), np.sin(yaw)
    return np.stack([c * xy[..., 0] - s * xy[..., 1], s * xy[..., 0] + c * xy[..., 1]], axis=-1)


def transform_points_se2(target_from_source: ArrayLike, xy_m: ArrayLike) -> NDArray[np.float64]:
    """Points of the plane, seen from the target frame.

    Args:
        target_from_source: (..., 3) x, y, yaw: the source's pose in the target frame.
        xy_m: (..., 2), broadcasting with the prefix of the pose.
    """
    pose = np.asarray(target_from_source, dtype=np.float64)
    return rotate_points(xy_m, pose[..., 2]) + pose[..., :2]


def compose_se2(a_from_b: ArrayLike, b_from_c: ArrayLike) -> NDArray[np.float64]:
    """a_from_c of two plane poses (..., 3) x, y, yaw."""
    outer, inner = np.asarray(a_from_b, dtype=np.float64), np.asarray(b_from_c, dtype=np.float64)
    xy = transform_points_se2(outer, inner[..., :2])
    yaw = wrap_angle(outer[..., 2] + inner[..., 2])
    return np.concatenate([xy, yaw[..., None]], axis=-1)


def invert_se2(target_from_source: ArrayLike) -> NDArray[np.float64]:
    """source_from_target of a plane pose (..., 3) x, y, yaw."""
    pose = np.asarray(target_from_source, dtype=np.float64)
    xy = rotate_points(-pose[..., :2], -pose[..., 2])
    return np.concatenate([xy, wrap_angle(-pose[..., 2])[..., None]], axis=-1)
