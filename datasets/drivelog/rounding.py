"""Numbers of a row: rounded to what is stated, as plain lists."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["pose_of", "pose_row", "rounded"]


def rounded(values: ArrayLike, decimals: int) -> list[float]:
    """The values in one list, with so many decimals; negative zero is written as zero."""
    return (np.round(np.asarray(values, dtype=np.float64), decimals) + 0.0).ravel().tolist()


def pose_row(pose: NDArray[np.float64]) -> list[float]:
    """The upper three rows of a rigid transform, exactly."""
    return pose[:3].ravel().tolist()


def pose_of(row: Sequence[float]) -> NDArray[np.float64]:
    """(4, 4) the rigid transform."""
    pose = np.eye(4)
    pose[:3] = np.asarray(row, dtype=np.float64).reshape(3, 4)
    return pose
