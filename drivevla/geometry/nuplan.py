"""nuPlan's and NAVSIM's frames from and to ours.

Both give poses (x, y, heading) at the rear axle with x forward and y left, as we do; their boxes stand at the vehicle's
centre, ahead of the axle. NAVSIM's submission is the future without the present: 8 poses, 0.5 s to 4 s.

Source: nuplan-devkit v1.2 ``vehicle_parameters.py`` (Pacifica), navsim ``common/dataclasses.py`` (Trajectory).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.geometry.trajectories import interpolate_poses
from drivevla.geometry.transforms import compose_se2

__all__ = [
    "NAVSIM_TIMES_S",
    "REAR_AXLE_TO_CENTER_M",
    "center_from_rear_axle",
    "global_from_local",
    "navsim_trajectory_from_poses",
    "rear_axle_from_center",
]

REAR_AXLE_TO_CENTER_M = 1.461
"""Pacifica: the box's centre is this far ahead of the rear axle."""

NAVSIM_TIMES_S = np.arange(1, 9) * 0.5
"""The times of a NAVSIM trajectory, seconds from now."""


def center_from_rear_axle(poses: ArrayLike) -> NDArray[np.float64]:
    """Poses (..., 3) of the box's centre from poses of the rear axle."""
    return compose_se2(poses, np.array([REAR_AXLE_TO_CENTER_M, 0.0, 0.0]))


def rear_axle_from_center(poses: ArrayLike) -> NDArray[np.float64]:
    """Poses (..., 3) of the rear axle from poses of the box's centre."""
    return compose_se2(poses, np.array([-REAR_AXLE_TO_CENTER_M, 0.0, 0.0]))


def global_from_local(ego_pose: ArrayLike, poses: ArrayLike) -> NDArray[np.float64]:
    """Future poses (..., T, 3) in the map's frame from poses in the current rear-axle frame and its pose (..., 3)."""
    return compose_se2(np.asarray(ego_pose, dtype=np.float64)[..., None, :], poses)


def navsim_trajectory_from_poses(times_s: ArrayLike, poses: ArrayLike) -> NDArray[np.float64]:
    """A plan at NAVSIM's eight times.

    Args:
        times_s: (T,) seconds from now, strictly increasing and positive, reaching 4 s.
        poses: (T, 3) x, y, yaw in the current ego frame.

    Returns:
        (8, 3).

    Raises:
        ContractError: The plan ends before 4 s, or its times do not increase from above 0.
    """
    times, plan = np.asarray(times_s, dtype=np.float64), np.asarray(poses, dtype=np.float64)
    if times.ndim != 1 or not times.size or not times[0] > 0:
        raise ContractError(f"times_s must be a row of positive seconds from now, got shape {times.shape}")
    if times[-1] < NAVSIM_TIMES_S[-1] - 1e-6:
        raise ContractError(f"NAVSIM judges 4 s, this plan ends after {times[-1]:g} s; plan at least 4 s ahead")
    with_present = np.concatenate([np.zeros((1, 3)), plan], axis=0)
    return interpolate_poses(np.concatenate([[0.0], times]), with_present, NAVSIM_TIMES_S)
