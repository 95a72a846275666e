"""Products of planar (3, N) vectors without BLAS, whose threads cost more than they bring on three rows."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["dot"]


def dot(vector: NDArray[np.float32], planar: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) scalar products of one (3,) vector with (3, N) vectors."""
    total = planar[0] * vector[0]
    total += planar[1] * vector[1]
    total += planar[2] * vector[2]
    return total
