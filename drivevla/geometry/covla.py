"""CoVLA's (and comma2k19's) frames from and to ours.

CoVLA: a ``trajectory`` of 60 points (x forward, y left, z up, metres) at 20 Hz of the recording device in the car,
point 0 at the origin, so that point i is i x 0.05 s ahead. The device sits behind the windscreen: its path differs from
the rear axle's by the swing of the lever between them. ``extrinsic_matrix`` is camera_from_device (3 x 4 or 4 x 4).
comma2k19: ECEF positions and quaternions (w, x, y, z) that turn (forward, right, down) into ECEF.

Source: records of clip 0a0fc7a5db365174 as quoted in Milvus' documentation and the loader of FarmerJohnsBessie/CoVLA;
commaai/comma2k19 README; the axes are checked on comma2k19's example segment in the tests.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.geometry.rotations import matrix_from_quaternion
from drivevla.geometry.trajectories import yaw_along
from drivevla.geometry.transforms import invert_rigid, rigid, rotate_points

__all__ = [
    "RATE_HZ",
    "device_from_camera",
    "device_points_from_ecef",
    "device_trajectory_from_poses",
    "enu_from_ecef",
    "poses_from_device_trajectory",
    "steering_rad_from_degrees",
]

RATE_HZ = 20.0
"""States and trajectories are sampled at this rate."""
_WGS84_ECCENTRICITY_SQUARED = 6.69437999014e-3


def device_from_camera(extrinsic: ArrayLike) -> NDArray[np.float64]:
    """The (4, 4) device_from_camera of a record's ``extrinsic_matrix`` (camera_from_device, 3 x 4 or 4 x 4).

    Raises:
        ContractError: The matrix has another shape.
    """
    matrix = np.asarray(extrinsic, dtype=np.float64)
    if matrix.shape not in {(3, 4), (4, 4)}:
        raise ContractError(f"extrinsic_matrix is 3 x 4 or 4 x 4, got shape {matrix.shape}")
    return invert_rigid(rigid(matrix[:3, :3], matrix[:3, 3]))


def poses_from_device_trajectory(
    trajectory_m: ArrayLike, *, device_x_m: float, device_y_m: float = 0.0
) -> NDArray[np.float64]:
    """Future poses of the ego frame from the device's points.

    Args:
        trajectory_m: (T, 3) x, y, z of the device; point 0 is now.
        device_x_m: How far the device is ahead of the rear axle.
        device_y_m: How far it is to the left of the middle.

    Returns:
        (T, 3) x, y, yaw of the ego frame (under the rear axle) in the current ego frame. Headings follow the device's
        steps, which is what its records determine.

    Raises:
        ContractError: The trajectory is not (T, 3).
    """
    points = np.asarray(trajectory_m, dtype=np.float64)
    if points.ndim != 2 or points.shape[-1] != 3:
        raise ContractError(f"a CoVLA trajectory is (T, 3) x, y, z, got shape {points.shape}")
    lever = np.array([device_x_m, device_y_m])
    yaw = yaw_along(points[:, :2])
    xy = lever + points[:, :2] - rotate_points(np.broadcast_to(lever, points[:, :2].shape), yaw)
    return np.concatenate([xy, yaw[:, None]], axis=-1)


def device_trajectory_from_poses(
    poses: ArrayLike, *, device_x_m: float, device_y_m: float = 0.0
) -> NDArray[np.float64]:
    """The device's future positions (..., T, 2), in its own current frame, from poses (..., T, 3) of the ego frame."""
    plan = np.asarray(poses, dtype=np.float64)
    lever = np.array([device_x_m, device_y_m])
    return plan[..., :2] + rotate_points(np.broadcast_to(lever, plan[..., :2].shape), plan[..., 2]) - lever


def device_points_from_ecef(
    positions_ecef_m: ArrayLike, *, origin_ecef_m: ArrayLike, orientation_wxyz: ArrayLike
) -> NDArray[np.float64]:
    """Positions around one pose of comma2k19 in CoVLA's device axes.

    Args:
        positions_ecef_m: (N, 3).
        origin_ecef_m: (3,) the device's position now.
        orientation_wxyz: (4,) its ``frame_orientations`` entry: ECEF from (forward, right, down).

    Returns:
        (N, 3) x forward, y left, z up.
    """
    ecef_from_frd = matrix_from_quaternion(orientation_wxyz)
    offset = np.asarray(positions_ecef_m, dtype=np.float64) - np.asarray(origin_ecef_m, dtype=np.float64)
    return (offset @ ecef_from_frd) * np.array([1.0, -1.0, -1.0])


def enu_from_ecef(origin_ecef_m: ArrayLike) -> NDArray[np.float64]:
    """The (3, 3) rotation from ECEF to east, north and up at a place near the ground.

    Latitude is the one of the ellipsoid's surface (WGS 84), which a kilometre of height changes by less than 1e-6 rad.
    """
    x, y, z = np.asarray(origin_ecef_m, dtype=np.float64)
    longitude = np.arctan2(y, x)
    latitude = np.arctan2(z, (1.0 - _WGS84_ECCENTRICITY_SQUARED) * np.hypot(x, y))
    east = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
    up = np.array([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])
    return np.stack([east, np.cross(up, east), up])


def steering_rad_from_degrees(steering_angle_deg: ArrayLike) -> NDArray[np.float64]:
    """Steering wheel angle in radians, positive to the left, from CAN's ``steeringAngleDeg`` (left positive too)."""
    return np.radians(np.asarray(steering_angle_deg, dtype=np.float64))
