"""Positions of plans and futures at a protocol's times; where a time is one of their own, as they stand."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.geometry import interpolate_poses

__all__ = ["point_distances_m", "positions_at"]

_SAME_TIME_S = 1e-9


def positions_at(times_s: NDArray[np.float64], poses: NDArray[np.float64], at_s: ArrayLike) -> NDArray[np.float64]:
    """Where poses are at given times: read where a time is their own, else interpolated; at time 0 in the origin.

    Reading gives what interpolation would, many times sooner: most plans come at their protocol's times.

    Args:
        times_s: (T,) increasing, above 0.
        poses: (..., T, 3) x, y, yaw.
        at_s: (M,) from 0 to the last time.

    Returns:
        (..., M, 2); of the same memory where the times asked for follow each other evenly.

    Raises:
        ContractError: A time lies beyond the last one: nothing is extrapolated.
    """
    wanted = np.asarray(at_s, dtype=np.float64)
    places = np.searchsorted(times_s, wanted - _SAME_TIME_S)
    own = places < len(times_s)
    if own.all() and (np.abs(times_s[places] - wanted) <= _SAME_TIME_S).all() and len(places):
        step = int(places[1] - places[0]) if len(places) > 1 else 1
        if step > 0 and (np.diff(places) == step).all():
            return poses[..., places[0] : places[-1] + 1 : step, :2]
        return poses[..., places, :2]
    present = np.zeros((*poses.shape[:-2], 1, 3))
    return interpolate_poses(np.concatenate([[0.0], times_s]), np.concatenate([present, poses], axis=-2), wanted)[
        ..., :2
    ]


def point_distances_m(some_m: NDArray[np.float64], others_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (...) in the plane between points (..., 2) and (..., 2); broadcast against each other."""
    dx, dy = some_m[..., 0] - others_m[..., 0], some_m[..., 1] - others_m[..., 1]
    dx *= dx
    dy *= dy
    dx += dy
    return np.sqrt(dx, out=dx)
