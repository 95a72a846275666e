"""Oriented boxes that touch."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["boxes_touch"]


def boxes_touch(
    one: NDArray[np.float64],
    one_half_m: NDArray[np.float64],
    other: NDArray[np.float64],
    other_half_m: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Whether oriented boxes overlap, by separating axes.

    Args:
        one: (..., 3) x, y, yaw of the boxes' middles.
        one_half_m: (..., 2) half length and half width.
        other: (..., 3), the prefixes broadcasting.
        other_half_m: (..., 2).
    """
    offset = other[..., :2] - one[..., :2]
    turn = other[..., 2] - one[..., 2]
    cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
    touch = np.ones(np.broadcast_shapes(one.shape[:-1], other.shape[:-1]), dtype=np.bool_)
    for pose, mine, theirs in ((one, one_half_m, other_half_m), (other, other_half_m, one_half_m)):
        c, s = np.cos(pose[..., 2]), np.sin(pose[..., 2])
        along = np.abs(offset[..., 0] * c + offset[..., 1] * s)
        across = np.abs(offset[..., 1] * c - offset[..., 0] * s)
        touch &= along <= mine[..., 0] + theirs[..., 0] * cos + theirs[..., 1] * sin
        touch &= across <= mine[..., 1] + theirs[..., 0] * sin + theirs[..., 1] * cos
    return touch
