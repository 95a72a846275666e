"""Whether there is room on the lane beside."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.expert.body import FRONT_M, HALF_WIDTH_M, REAR_M
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.way import Places

__all__ = ["in_band", "oncoming_lane_is_free", "room_beside"]

_BESIDE_M = 0.3
_GAP_AHEAD_M, _AHEAD_S = 3.0, 1.5
_GAP_BEHIND_M, _BEHIND_S = 3.0, 2.5
"""Time to collision that the one behind must keep; 2.5 s is its reaction and gentle braking."""
_SLACK_M = 10.0
"""Between the oncoming car and us when we are back: ``check_path_free_safety_distance`` of PDM-Lite."""
_OVERTAKE_MPS2 = 2.0
_ONCOMING_RAD = float(np.radians(110.0))
_LEAST_ONCOMING_MPS = 0.5


def in_band(places: Places, left_m: float, room_m: float = _BESIDE_M) -> NDArray[np.bool_]:
    """(N,) who is in the way of a car that drives so far to the left of the way, with some room beside it."""
    return np.abs(places.left_m - left_m) < places.half_across_m + HALF_WIDTH_M + room_m


def room_beside(places: Places, others: Others, left_m: float, speed_mps: float) -> bool:
    """Whether the ego can move over now without making anybody brake hard.

    Args:
        places: Where the others are along the route.
        others: Who they are.
        left_m: Where the ego wants to be beside the route.
        speed_mps: The ego's.
    """
    band = in_band(places, left_m) & (np.abs(places.along_m) < 100.0)
    pace = others.speed_mps * np.cos(places.turned_rad)
    ahead = places.along_m - places.half_along_m - FRONT_M
    behind = -REAR_M - (places.along_m + places.half_along_m)
    wanted_ahead = _GAP_AHEAD_M + np.maximum(speed_mps - pace, 0.0) * _AHEAD_S
    wanted_behind = _GAP_BEHIND_M + np.maximum(pace - speed_mps, 0.0) * _BEHIND_S
    clear = np.where(places.along_m > 0.0, ahead > wanted_ahead, behind > wanted_behind)
    return bool(np.all(clear | ~band))


def oncoming_lane_is_free(
    places: Places, others: Others, left_m: float, *, until_m: float, speed_mps: float, cruise_mps: float
) -> bool:
    """Whether the ego can drive on the oncoming lane up to a place and be back before anybody comes.

    Args:
        places: Where the others are along the route.
        others: Who they are.
        left_m: Where on that side the ego drives.
        until_m: Where it is back, along the route from the ego's origin.
        speed_mps: The ego's now.
        cruise_mps: What it speeds up to.
    """
    band = in_band(places, left_m) & (places.along_m + places.half_along_m > -REAR_M)
    near_m = places.along_m - places.half_along_m
    needed_s = _time_for(until_m, speed_mps, cruise_mps)
    comes = (np.abs(places.turned_rad) > _ONCOMING_RAD) & (others.speed_mps > _LEAST_ONCOMING_MPS)
    # Somebody who brakes or waits for us may drive on again: reckon with some pace.
    reach = near_m - np.where(comes, np.maximum(others.speed_mps, 3.0) * needed_s, 0.0)
    return bool(np.all(~band | (reach > until_m + np.where(comes, _SLACK_M, 0.0))))


def _time_for(distance_m: float, speed_mps: float, cruise_mps: float) -> float:
    """To go so far, speeding up to the cruising speed."""
    v, top, a = max(speed_mps, 0.0), max(cruise_mps, 1.0), _OVERTAKE_MPS2
    if v >= top:
        return distance_m / top
    speeding_m = (top * top - v * v) / (2.0 * a)
    if distance_m <= speeding_m:
        return float((np.sqrt(v * v + 2.0 * a * distance_m) - v) / a)
    return (top - v) / a + (distance_m - speeding_m) / top
