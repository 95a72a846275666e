"""Landmarks that somebody on the route would notice, and where along it they stand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drivevla.errors import UnknownName
from drivevla.language import COLOURED_LANDMARKS, Colour, Landmark
from drivevla.language.vocabulary import member
from drivevla.sim.maps import Landmark as MapLandmark
from drivevla.sim.routes.plan import DensePlan

__all__ = ["SEEN_WITHIN_M", "Name", "Sight", "name_of", "sights_along", "thing_of"]

SEEN_WITHIN_M = 30.0
"""A landmark whose middle is farther from the route is not spoken of: houses stand before it."""

Name = tuple[Landmark, Colour | None]
"""What instructions call a landmark: its kind, and its colour where that kind has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A landmark as it is passed.

    Attributes:
        name: What it is called: its kind, and its colour where that kind has one.
        location_m: (x, y), CARLA's frame.
        passed_m: Along the plan, where it is abreast.
        offset_m: From the plan, there.
    """

    name: Name
    location_m: tuple[float, float]
    passed_m: float
    offset_m: float


def thing_of(landmark: MapLandmark) -> Name | None:
    """What instructions call a thing that one can stop by, or None if they have no word for it or not its colour."""
    try:
        kind = member(Landmark, landmark.kind)
        colour = None if landmark.color is None else member(Colour, landmark.color)
    except UnknownName:
        return None
    if kind in COLOURED_LANDMARKS and colour is None:
        return None
    return kind, colour if kind in COLOURED_LANDMARKS else None


def name_of(landmark: MapLandmark) -> Name | None:
    """What instructions that lead along a route call a landmark, or None if they do not speak of it.

    A bus is no landmark to find the way by: it may drive off.
    """
    name = thing_of(landmark)
    return None if name is None or name[0] is Landmark.BUS else name


def sights_along(plan: DensePlan, landmarks: Sequence[MapLandmark]) -> tuple[Sight, ...]:
    """The landmarks that are passed within ``SEEN_WITHIN_M``, in the order of the first time they are abreast.

    One that is passed again later on is listed once for each time.
    """
    found = []
    for landmark in landmarks:
        name = name_of(landmark)
        if name is None:
            continue
        x_m, y_m, _ = landmark.location_m
        offset = np.hypot(plan.location_m[:, 0] - x_m, plan.location_m[:, 1] - y_m)
        near = np.concatenate([[False], offset <= SEEN_WITHIN_M, [False]])
        for begin, end in np.flatnonzero(np.diff(near)).reshape(-1, 2).tolist():
            nearest = begin + int(np.argmin(offset[begin:end]))
            found.append(
                Sight(
                    name=name,
                    location_m=(x_m, y_m),
                    passed_m=float(plan.distance_m[nearest]),
                    offset_m=float(offset[nearest]),
                )
            )
    return tuple(sorted(found, key=lambda sight: (sight.passed_m, sight.name)))
