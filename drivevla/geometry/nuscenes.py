"""nuScenes' frames from and to ours.

nuScenes: quaternions (w, x, y, z); box sizes width, length, height; times in integer microseconds. Its ego frame (x
forward, y left, z up, on the ground under the rear axle) is ours, its global frame is right-handed with z up.
LIDAR_TOP: x right, y forward, z up. The planning protocols give future positions **of the LiDAR's origin in the current
LiDAR frame**.

Source: nuScenes documentation ("Data format"), nuscenes-devkit ``data_classes.py``; planning: UniAD and VAD evaluation.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.geometry.rotations import matrix_from_quaternion, matrix_from_yaw, quaternion_from_matrix
from drivevla.geometry.transforms import invert_rigid, rigid, transform_points

__all__ = [
    "lidar_plan_from_poses",
    "record_from_transform",
    "seconds_from_microseconds",
    "size_from_nuscenes",
    "size_to_nuscenes",
    "transform_from_record",
]


def transform_from_record(translation_m: ArrayLike, rotation_wxyz: ArrayLike) -> NDArray[np.float64]:
    """The (..., 4, 4) of an ``ego_pose`` (global_from_ego) or a ``calibrated_sensor`` record (ego_from_sensor)."""
    return rigid(matrix_from_quaternion(rotation_wxyz), translation_m)


def record_from_transform(target_from_source: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Translation (..., 3) and quaternion (..., 4) w, x, y, z of a transform, as nuScenes' tables hold them."""
    matrix = np.asarray(target_from_source, dtype=np.float64)
    return matrix[..., :3, 3], quaternion_from_matrix(matrix[..., :3, :3])


def size_from_nuscenes(width_length_height_m: ArrayLike) -> NDArray[np.float64]:
    """Box size (..., 3) as length, width, height."""
    return np.asarray(width_length_height_m, dtype=np.float64)[..., [1, 0, 2]]


def size_to_nuscenes(length_width_height_m: ArrayLike) -> NDArray[np.float64]:
    """Box size (..., 3) as nuScenes' width, length, height."""
    return np.asarray(length_width_height_m, dtype=np.float64)[..., [1, 0, 2]]


def seconds_from_microseconds(timestamp_us: int, *, origin_us: int) -> float:
    """Seconds since ``origin_us``, subtracted as integers: a float holds Unix microseconds only to a quarter of one."""
    return (int(timestamp_us) - int(origin_us)) * 1e-6


def lidar_plan_from_poses(poses: ArrayLike, ego_from_lidar: ArrayLike) -> NDArray[np.float64]:
    """What the nuScenes planning protocols compare: where the LiDAR's origin will be, in the current LiDAR frame.

    Args:
        poses: (..., T, 3) x, y, yaw of the ego frame at future times, in the current ego frame.
        ego_from_lidar: (4, 4) calibration, or (..., 4, 4) with the prefix of the poses.

    Returns:
        (..., T, 2) x right, y forward, metres.

    Raises:
        ContractError: The poses are not (..., T, 3).
    """
    plan, calibration = np.asarray(poses, dtype=np.float64), np.asarray(ego_from_lidar, dtype=np.float64)
    if plan.ndim < 2 or plan.shape[-1] != 3:
        raise ContractError(f"poses must be (..., T, 3) x, y, yaw, got {plan.shape}")
    translation = np.concatenate([plan[..., :2], np.zeros((*plan.shape[:-1], 1))], axis=-1)
    ego_from_future_ego = rigid(matrix_from_yaw(plan[..., 2]), translation)
    origin = (ego_from_future_ego @ calibration[..., None, :, :])[..., :3, 3]
    return transform_points(invert_rigid(calibration), origin)[..., :2]
