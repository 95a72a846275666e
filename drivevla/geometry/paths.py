"""Paths: polylines without time."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError

__all__ = ["cumulative_length_m", "curvature_per_m", "resample_path"]


def cumulative_length_m(points_m: ArrayLike) -> NDArray[np.float64]:
    """Arc length from the first point to each.

    Args:
        points_m: (..., N, D).

    Returns:
        (..., N), starting at 0.
    """
    points = np.asarray(points_m, dtype=np.float64)
    steps = np.linalg.norm(np.diff(points, axis=-2), axis=-1)
    return np.concatenate([np.zeros((*steps.shape[:-1], 1)), np.cumsum(steps, axis=-1)], axis=-1)


def resample_path(points_m: ArrayLike, *, spacing_m: float, count: int | None = None) -> NDArray[np.float64]:
    """The same polyline with points at even arc length, starting at the first point.

    Args:
        points_m: (N, D) with N >= 1; repeated points are allowed.
        spacing_m: Distance along the path between two points of the answer.
        count: How many points; beyond the end the last segment is extended straight. As many as fit when None.

    Returns:
        (M, D).

    Raises:
        ContractError: There is no point, the spacing is not positive, or a path of no length is to be extended.
    """
    points = np.asarray(points_m, dtype=np.float64)
    if points.ndim != 2 or len(points) == 0:
        raise ContractError(f"a path is (N, D) with at least one point, got shape {points.shape}")
    if not spacing_m > 0:
        raise ContractError(f"spacing_m must be positive, got {spacing_m}")
    nanometre = 1e-9  # a step this short has no direction
    moved = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > nanometre])
    points = points[moved]
    length = cumulative_length_m(points)
    if count is None:
        count = int(length[-1] / spacing_m + 1e-9) + 1
    wanted = np.arange(count) * spacing_m
    if len(points) == 1:
        if count > 1:
            raise ContractError(f"a path of no length has no direction to extend to {count} points in")
        return points
    sampled = np.stack([np.interp(wanted, length, column) for column in points.T], axis=-1)
    beyond = np.maximum(wanted - length[-1], 0.0)
    direction = (points[-1] - points[-2]) / (length[-1] - length[-2])
    extended: NDArray[np.float64] = sampled + beyond[:, None] * direction
    return extended


def curvature_per_m(xy_m: ArrayLike) -> NDArray[np.float64]:
    """Signed curvature at each point; positive turns left.

    Args:
        xy_m: (..., N, 2) with N >= 2; 0 where neighbouring points coincide.
    """
    xy = np.asarray(xy_m, dtype=np.float64)
    first = np.gradient(xy, axis=-2)
    second = np.gradient(first, axis=-2)
    cross = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    speed = np.linalg.norm(first, axis=-1)
    return np.where(speed > 1e-6, cross / np.maximum(speed, 1e-6) ** 3, 0.0)
