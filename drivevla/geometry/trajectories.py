"""Trajectories: poses of the plane at times. The one function that changes their rate is here."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.geometry.angles import wrap_angle

__all__ = ["interpolate_poses", "yaw_along"]


def interpolate_poses(times_s: ArrayLike, poses: ArrayLike, at_s: ArrayLike) -> NDArray[np.float64]:
    """Poses between the given ones: positions linearly, headings along the shorter arc. Never outside their times.

    Args:
        times_s: (N,) strictly increasing.
        poses: (..., N, 3) x, y, yaw.
        at_s: (M,) within [times_s[0], times_s[-1]] (1 microsecond of slack for rounding).

    Returns:
        (..., M, 3).

    Raises:
        ContractError: The times do not increase, the shapes disagree, or a time lies outside: nothing is extrapolated.
    """
    times, values = np.asarray(times_s, dtype=np.float64), np.asarray(poses, dtype=np.float64)
    wanted = np.asarray(at_s, dtype=np.float64)
    if values.ndim < 2 or values.shape[-1] != 3 or times.shape != values.shape[-2:-1] or wanted.ndim != 1:
        raise ContractError(
            "times must be (N,), poses (..., N, 3) and wanted times (M,), "
            f"got {times.shape}, {values.shape}, {wanted.shape}"
        )
    if len(times) == 0 or not np.all(np.diff(times) > 0):
        raise ContractError("times must increase strictly and there must be at least one")
    slack = 1e-6
    if wanted.size and not (wanted.min() >= times[0] - slack and wanted.max() <= times[-1] + slack):
        raise ContractError(
            f"wanted times {wanted.min():g} to {wanted.max():g} s reach outside the trajectory's "
            f"{times[0]:g} to {times[-1]:g} s; nothing is extrapolated"
        )
    if len(times) == 1:
        return np.repeat(values, len(wanted), axis=-2)
    right = np.clip(np.searchsorted(times, wanted, side="right"), 1, len(times) - 1)
    left = right - 1
    share = np.clip((wanted - times[left]) / (times[right] - times[left]), 0.0, 1.0)
    before, after = values[..., left, :], values[..., right, :]
    xy = before[..., :2] + share[:, None] * (after[..., :2] - before[..., :2])
    yaw = wrap_angle(before[..., 2] + share * wrap_angle(after[..., 2] - before[..., 2]))
    return np.concatenate([xy, yaw[..., None]], axis=-1)


def yaw_along(xy_m: ArrayLike, *, start_yaw_rad: float = 0.0, min_step_m: float = 0.05) -> NDArray[np.float64]:
    """Heading of a moving point from its positions; a step too short to have a direction keeps the last heading.

    Args:
        xy_m: (N, 2) positions, the first one where the heading is ``start_yaw_rad``.
        start_yaw_rad: Heading at the first position.
        min_step_m: Shorter steps say nothing about direction.

    Returns:
        (N,) radians.
    """
    xy = np.asarray(xy_m, dtype=np.float64)
    yaw = np.full(len(xy), float(start_yaw_rad))
    anchor = xy[0]
    for index in range(1, len(xy)):
        step = xy[index] - anchor
        if np.hypot(*step) >= min_step_m:
            yaw[index], anchor = np.arctan2(step[1], step[0]), xy[index]
        else:
            yaw[index] = yaw[index - 1]
    return yaw
