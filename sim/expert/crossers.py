"""Walkers and cyclists who cross the path: the ego keeps time from them, not only room."""

import numpy as np

from drivevla.sim.expert.body import FRONT_M, HALF_WIDTH_M, REAR_M
from drivevla.sim.expert.profile import Profile, Stop
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.way import Places, Way

__all__ = ["let_cross"]

_BEFORE_S, _AFTER_S = 1.0, 0.4
"""Between the ego's tail and who comes, and between who has passed and the ego's front. A walker's pace is not known to
more than that: PDM-Lite keeps clear of the whole way that a pedestrian can go in its forecast."""
_HORIZON_S = 4.5
_ASIDE_M = 0.4
_LEAST_MPS = 0.3
_LEAST_HALF_M = 0.3
_BEFORE_M = 1.5
_LOOK_M = 50.0
_BRAKES_MPS2 = 8.0


def let_cross(path: Way, others: Others, places: Places, profile: Profile) -> list[Stop]:
    """Stops before walkers and cyclists whose way across the path the ego would meet, or pass too soon before or after.

    Args:
        path: The ego's.
        others: Everybody.
        places: Where they are along the path.
        profile: The ego's speed if nobody crossed.
    """
    heading = path.yaw_rad[np.clip(places.along_m, 0, len(path) - 1).astype(np.int64)]
    v = others.velocity_mps
    across = v[:, 1] * np.cos(heading) - v[:, 0] * np.sin(heading)
    crosses = (others.is_walker | others.is_bicycle) & (np.abs(across) > _LEAST_MPS)
    crosses &= np.abs(across) > np.abs(v[:, 0] * np.cos(heading) + v[:, 1] * np.sin(heading))
    crosses &= (places.along_m > 0.0) & (places.along_m < _LOOK_M)
    stops = []
    for row in np.flatnonzero(crosses).tolist():
        width_m = HALF_WIDTH_M + _ASIDE_M + max(float(places.half_across_m[row]), _LEAST_HALF_M)
        pace, away_m = abs(float(across[row])), -float(places.left_m[row] * np.sign(across[row]))
        enters_s, leaves_s = max((away_m - width_m) / pace, 0.0), (away_m + width_m) / pace
        begin_m = float(places.along_m[row] - places.half_along_m[row]) - FRONT_M
        end_m = float(places.along_m[row] + places.half_along_m[row]) + REAR_M
        if leaves_s < 0.0 or enters_s > _HORIZON_S or begin_m < -0.5:
            continue
        comes_s, gone_s = profile.when(max(begin_m, 0.0)), profile.when(end_m)
        if comes_s > leaves_s + _AFTER_S or gone_s < enters_s - _BEFORE_S:
            continue
        too_late = float(profile.speed_mps[0]) ** 2 > 2.0 * _BRAKES_MPS2 * max(begin_m, 0.1)
        if too_late and gone_s < enters_s:
            continue
        stops.append(Stop(distance_m=max(begin_m - _BEFORE_M, 0.0), key="collision", index=row))
    return stops
