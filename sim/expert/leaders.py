"""Whom to stay behind."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.expert.body import FRONT_M, HALF_WIDTH_M
from drivevla.sim.expert.following import Leader
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.way import Places, Way

__all__ = ["find_leaders"]

_CORRIDOR_M = 0.25
_ASIDE_RAD = (float(np.radians(50.0)), float(np.radians(130.0)))


def find_leaders(
    path: Way, others: Others, places: Places, forecast: NDArray[np.float64], speed: float
) -> list[Leader]:
    """Who is ahead on the path: now, or within the next second by changing onto it.

    Args:
        path: The ego's.
        others: Everybody.
        places: Where they are along the path.
        forecast: (N, T, 3) where they will be.
        speed: The ego's, m/s.
    """
    if not len(others):
        return []
    begin = places.along_m - places.half_along_m
    ahead = (begin > FRONT_M - 0.5) & (places.along_m > 0.0) & (begin < 100.0)
    inside = np.abs(places.left_m) < places.half_across_m + HALF_WIDTH_M + _CORRIDOR_M
    turned = np.abs(places.turned_rad)
    soon = path.places(forecast[:, 3, :2], forecast[:, 3, 2], others.half_m)
    cuts_in = (np.abs(soon.left_m) < soon.half_across_m + HALF_WIDTH_M) & (turned < _ASIDE_RAD[0])
    cuts_in &= others.is_vehicle & ~others.stands & (np.abs(places.left_m) < 5.0)
    passes = (turned > _ASIDE_RAD[0]) & (turned < _ASIDE_RAD[1]) & (np.abs(others.speed_mps) > 1.0)
    passes &= begin - FRONT_M > 2.5 * speed
    # In a junction whoever crosses is about to be gone: whether we would touch is asked of the forecast.
    at = path.in_junction[np.clip(places.along_m, 0, len(path) - 1).astype(np.int64)]
    passes |= at & (turned > _ASIDE_RAD[0]) & (np.abs(others.speed_mps) > 1.0)
    rows = np.flatnonzero(ahead & ((inside & ~passes) | cuts_in))
    rows = rows[np.argsort(begin[rows], kind="stable")][:3]
    heading = path.yaw_rad[np.clip(places.along_m[rows].astype(np.int64), 0, len(path) - 1)]
    towards = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    pace = np.einsum("ij,ij->i", others.velocity_mps[rows], towards)
    return [
        Leader(
            gap_m=float(begin[row] - FRONT_M),
            speed_mps=float(v),
            acceleration_mps2=float(min(others.acceleration_mps2[row], 0.0)) if others.is_vehicle[row] else 0.0,
            index=int(row),
        )
        for row, v in zip(rows.tolist(), pace.tolist(), strict=True)
    ]
