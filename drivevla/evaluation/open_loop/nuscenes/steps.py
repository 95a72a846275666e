"""What the nuScenes protocols share: six steps, displacement errors, and the two ways to average them.

"At t" is the value of the step at t seconds; "up to t" is the mean over all steps until then. The same plan has an
up-to value of roughly half its at value, and tables mix them: every name here says which it is by its protocol.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.metric import Samples
from drivevla.geometry.nuscenes import lidar_plan_from_poses

__all__ = ["HORIZON_S", "STEP_TIMES_S", "Average", "columns_by_second", "in_chunks", "lidar_places_m", "step_errors_m"]

HORIZON_S = 3.0
STEP_TIMES_S = np.arange(1, 7) * 0.5
"""Seconds from now of the six keyframes to come."""

Average = Literal["at", "up_to"]


def step_errors_m(
    planned_m: NDArray[np.float64], driven_m: NDArray[np.float64], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Distance at every step, 0 where the driven place is not known.

    Args:
        planned_m: (N, T, 2).
        driven_m: (N, T, 2).
        known: (N, T).

    Returns:
        (N, T).
    """
    return np.where(known, np.linalg.norm(planned_m - driven_m, axis=-1), 0.0)


def columns_by_second(
    name: str, per_step: NDArray[np.float64], average: Average, *, unit: str = ""
) -> Mapping[str, NDArray[np.float64]]:
    """Values for 1, 2 and 3 s and their mean, one number a sample.

    Args:
        name: Beginning of the names: "L2" gives "L2_1s_m" to "L2_avg_m".
        per_step: (N, 6) at steps of half a second.
        average: "at" t or "up_to" t.
        unit: End of the names.
    """
    ending = f"_{unit}" if unit else ""
    seconds = {
        second: per_step[:, 2 * second - 1] if average == "at" else per_step[:, : 2 * second].mean(axis=1)
        for second in (1, 2, 3)
    }
    columns = {f"{name}_{second}s{ending}": column for second, column in seconds.items()}
    return {**columns, f"{name}_avg{ending}": np.mean(list(seconds.values()), axis=0)}


def lidar_places_m(
    samples: Samples, *, needed_by: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Where the LiDAR's origin is planned to be and was, in the present LiDAR frame (x right, y forward).

    Returns:
        (N, 6, 2) planned, (N, 6, 2) driven and 0 where not known, (N, 6) known.

    Raises:
        DataError: The truth has no calibration or ends before 3 s.
    """
    calibration = samples.truth.detail("ego_from_lidar", (4, 4), needed_by=needed_by)
    poses, known = samples.truth.poses_at(STEP_TIMES_S)
    planned = lidar_plan_from_poses(samples.predictions.chosen_poses_at(STEP_TIMES_S), calibration)
    driven = np.where(known[..., None], lidar_plan_from_poses(poses, calibration), 0.0)
    return planned, driven, known


def in_chunks(count: int, size: int) -> Iterator[slice]:
    """Slices of at most ``size`` samples: rasters of a whole data set do not fit into memory."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
