"""Which of nuScenes' categories count as what.

Source: nuScenes category list with lidarseg; nuscenes-devkit ``eval/detection/utils.py`` (detection classes).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError

__all__ = ["is_detected", "is_driven", "is_human", "is_vehicle"]

_DRIVEN = (
    "vehicle.bicycle",
    "vehicle.bus.bendy",
    "vehicle.bus.rigid",
    "vehicle.car",
    "vehicle.construction",
    "vehicle.motorcycle",
    "vehicle.trailer",
    "vehicle.truck",
)
_DETECTED = (
    *_DRIVEN,
    "human.pedestrian.adult",
    "human.pedestrian.child",
    "human.pedestrian.construction_worker",
    "human.pedestrian.police_officer",
    "movable_object.barrier",
    "movable_object.trafficcone",
)
_ROOTS = ("animal", "flat", "human", "movable_object", "noise", "static", "static_object", "vehicle")

Names = NDArray[np.str_]


def is_driven(category: Names) -> NDArray[np.bool_]:
    """The vehicles among the detection classes: no emergency vehicles. UniAD and BEV-Planner draw these."""
    return np.isin(_known(category), _DRIVEN)


def is_detected(category: Names) -> NDArray[np.bool_]:
    """The ten detection classes."""
    return np.isin(_known(category), _DETECTED)


def is_vehicle(category: Names) -> NDArray[np.bool_]:
    """Every vehicle, emergency vehicles too: indices 14 to 23 of the list with lidarseg."""
    return np.char.startswith(_known(category), "vehicle.")


def is_human(category: Names) -> NDArray[np.bool_]:
    """Every human, strollers and wheelchairs too: indices 2 to 8 of the list with lidarseg."""
    return np.char.startswith(_known(category), "human.")


def _known(category: NDArray[Any]) -> Names:
    """Empty names stand for places without an object.

    Raises:
        DataError: A name is none of nuScenes': it would silently count as nothing.
    """
    if not np.issubdtype(category.dtype, np.str_):
        raise DataError(f"categories must be texts, got {category.dtype}")
    names = np.unique(category)
    strange = [str(name) for name in names if name and name.partition(".")[0] not in _ROOTS]
    if strange:
        raise DataError(
            f"{strange[:3]} are no categories of nuScenes, such as 'vehicle.car' or 'human.pedestrian.adult'; "
            "name objects by its list, or they would count as nothing"
        )
    return category
