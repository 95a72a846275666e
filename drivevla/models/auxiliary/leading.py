"""Who is ahead on the car's own way: the gap and the speed along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import cumulative_length_m, resample_path
from drivevla.types import ObjectTruth

__all__ = ["LEAD_REACH_M", "Leader", "leader_on"]

LEAD_REACH_M = 60.0
"""Whoever is further along the way leads nobody."""
_BESIDE_M = 1.25
"""Half a car's width and a hand: whoever comes this near to the way's middle stands in it."""
_SPACING_M = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The nearest object on the way.

    Attributes:
        gap_m: Along the way, from the ego's origin to the object's nearest point.
        speed_mps: Along the way; negative for what comes towards the ego, None where it is not known.
    """

    gap_m: float
    speed_mps: float | None


def leader_on(way_m: NDArray[np.float64], objects: tuple[ObjectTruth, ...]) -> Leader | None:
    """The first object that a way leads into; None where it is free.

    Args:
        way_m: (N, 2) in the ego frame, beginning near the ego; what lies behind the ego is passed over.
        objects: All that are known.
    """
    points = _ahead(way_m)
    if len(points) < 2:
        return None
    tangents = np.gradient(points, axis=0)
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-9)
    best: Leader | None = None
    low, high = points.min(axis=0), points.max(axis=0)
    for each in objects:
        reach_m = _BESIDE_M + float(np.hypot(*each.size_m[:2])) / 2
        middle = each.ego_from_object[:2, 3]
        if (middle < low - reach_m).any() or (middle > high + reach_m).any():
            continue
        away_m = _distance_to_box(points, each)
        met = np.flatnonzero(away_m < _BESIDE_M)
        if not len(met):
            continue
        gap_m = float(met[0] * _SPACING_M)
        if best is None or gap_m < best.gap_m:
            velocity = each.velocity_mps
            best = Leader(gap_m=gap_m, speed_mps=None if velocity is None else float(velocity @ tangents[met[0]]))
    return best


def _ahead(way_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 2) the way from where the ego is on it, as far as a leader is looked for."""
    if len(way_m) < 2 or cumulative_length_m(way_m)[-1] < _SPACING_M:
        return np.zeros((0, 2))
    points = resample_path(way_m, spacing_m=_SPACING_M)
    near = points[: int(20.0 / _SPACING_M)]
    first = int(np.argmin(np.linalg.norm(near, axis=1)))
    return points[first : first + int(LEAD_REACH_M / _SPACING_M) + 1]


def _distance_to_box(points_m: NDArray[np.float64], thing: ObjectTruth) -> NDArray[np.float64]:
    """(N,) from each point to the object's outline on the ground; 0 inside."""
    pose = thing.ego_from_object
    forward = pose[:2, 0] / max(float(np.linalg.norm(pose[:2, 0])), 1e-9)
    offset = points_m - pose[:2, 3]
    along = np.abs(offset @ forward) - thing.size_m[0] / 2
    aside = np.abs(offset @ np.array([-forward[1], forward[0]])) - thing.size_m[1] / 2
    distance: NDArray[np.float64] = np.hypot(np.maximum(along, 0.0), np.maximum(aside, 0.0))
    return distance
