"""Angles: radians, counter-clockwise, in [-pi, pi)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["wrap_angle", "yaw_from_matrix"]


def wrap_angle(angle_rad: ArrayLike) -> NDArray[np.float64]:
    """The same direction in [-pi, pi).

    Args:
        angle_rad: (...) radians.
    """
    wrapped = np.mod(np.asarray(angle_rad, dtype=np.float64) + np.pi, 2 * np.pi) - np.pi
    # A tiny negative angle plus 2 pi rounds up to 2 pi itself.
    return np.where(wrapped >= np.pi, -np.pi, wrapped)


def yaw_from_matrix(rotation: ArrayLike) -> NDArray[np.float64]:
    """Heading of the body's x axis, projected on the ground.

    Args:
        rotation: (..., 3, 3) or (..., 4, 4) target_from_body.
    """
    matrix = np.asarray(rotation, dtype=np.float64)
    # Copies: where numbers lie apart, NumPy 1.26 on AVX-512 takes one of two ways by where the answer will lie, and
    # they differ in the last bit: the same poses would not give the same headings.
    return np.arctan2(matrix[..., 1, 0].copy(), matrix[..., 0, 0].copy())
