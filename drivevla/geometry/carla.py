"""CARLA's world from and to ours.

CARLA (Unreal): left-handed, x forward, y right, z up, degrees, yaw clockwise seen from above, positive pitch lifts the
nose, positive roll lowers the right side; a vehicle actor's origin is on the ground below the middle of its box.
Ours: right-handed, y left, radians, counter-clockwise; the ego's origin is under the rear axle. The same point keeps
its x and z and changes the sign of y; polar vectors do likewise, axial ones (angular velocity) the other way round.

Source: CARLA documentation, "Coordinates and transformations"; the tests compare with ``carla.Transform.get_matrix``.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.geometry.angles import wrap_angle, yaw_from_matrix
from drivevla.geometry.camera import camera_axes_from_body_axes
from drivevla.geometry.rotations import matrix_from_euler
from drivevla.geometry.transforms import rigid

__all__ = [
    "angular_velocity_from_carla",
    "angular_velocity_to_carla",
    "ego_from_actor",
    "optical_from_sensor",
    "points_from_carla",
    "points_to_carla",
    "pose_to_carla",
    "transform_from_carla",
    "yaw_from_carla",
    "yaw_from_compass",
    "yaw_to_carla",
]

_MIRROR = np.array([1.0, -1.0, 1.0])


def points_from_carla(xyz: ArrayLike) -> NDArray[np.float64]:
    """Points, velocities or accelerations (..., 3) of CARLA in our handedness."""
    return np.asarray(xyz, dtype=np.float64) * _MIRROR


def points_to_carla(xyz: ArrayLike) -> NDArray[np.float64]:
    """Points, velocities or accelerations (..., 3) of ours in CARLA's handedness."""
    return np.asarray(xyz, dtype=np.float64) * _MIRROR


def angular_velocity_from_carla(angular_velocity_dps: ArrayLike) -> NDArray[np.float64]:
    """Angular velocity (..., 3) of a CARLA snapshot (degrees per second) as radians per second, counter-clockwise."""
    return np.radians(np.asarray(angular_velocity_dps, dtype=np.float64)) * -_MIRROR


def angular_velocity_to_carla(angular_velocity_radps: ArrayLike) -> NDArray[np.float64]:
    """Angular velocity (..., 3) in radians per second, counter-clockwise, as CARLA's degrees per second."""
    return np.degrees(np.asarray(angular_velocity_radps, dtype=np.float64)) * -_MIRROR


def yaw_from_carla(yaw_deg: ArrayLike) -> NDArray[np.float64]:
    """CARLA's yaw (degrees, clockwise) as ours (radians, counter-clockwise)."""
    return wrap_angle(-np.radians(np.asarray(yaw_deg, dtype=np.float64)))


def yaw_to_carla(yaw_rad: ArrayLike) -> NDArray[np.float64]:
    """Our yaw (radians, counter-clockwise) as CARLA's (degrees, clockwise, in [-180, 180))."""
    return np.degrees(wrap_angle(-np.asarray(yaw_rad, dtype=np.float64)))


def yaw_from_compass(compass_rad: ArrayLike) -> NDArray[np.float64]:
    """Our yaw from the IMU's compass, which is 0 towards CARLA's -y (north) and grows clockwise: east is pi / 2."""
    return wrap_angle(np.pi / 2.0 - np.asarray(compass_rad, dtype=np.float64))


def transform_from_carla(location_m: ArrayLike, rotation_deg: ArrayLike) -> NDArray[np.float64]:
    """Our target_from_body of a CARLA transform (a world pose, or a pose relative to a parent).

    Args:
        location_m: (..., 3) x, y, z in CARLA's frame.
        rotation_deg: (..., 3) **pitch, yaw, roll** in degrees, the order of ``carla.Rotation``.

    Returns:
        (..., 4, 4) with the body's axes x forward, y left, z up.
    """
    pitch, yaw, roll = np.moveaxis(np.radians(np.asarray(rotation_deg, dtype=np.float64)), -1, 0)
    return rigid(matrix_from_euler(yaw_rad=-yaw, pitch_rad=-pitch, roll_rad=roll), points_from_carla(location_m))


def pose_to_carla(target_from_body: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """CARLA's location and rotation of our transform.

    Args:
        target_from_body: (..., 4, 4) rigid.

    Returns:
        (..., 3) location in metres, and (..., 3) pitch, yaw, roll in degrees. Looking straight up or down, where yaw
        and roll turn about the same axis, roll is 0.
    """
    matrix = np.asarray(target_from_body, dtype=np.float64)
    location = points_to_carla(matrix[..., :3, 3])
    sine = np.clip(-matrix[..., 2, 0], -1.0, 1.0)
    pitch = np.arcsin(sine)
    vertical = np.abs(sine) > 1.0 - 1e-12
    yaw = np.where(vertical, np.arctan2(-matrix[..., 0, 1], matrix[..., 1, 1]), yaw_from_matrix(matrix))
    roll = np.where(vertical, 0.0, np.arctan2(matrix[..., 2, 1], matrix[..., 2, 2]))
    return location, np.degrees(np.stack([-pitch, -yaw, roll], axis=-1))


def ego_from_actor(rear_axle_x_m: float) -> NDArray[np.float64]:
    """Our ego frame from a vehicle actor's frame (both x forward, y left, z up).

    Args:
        rear_axle_x_m: x of the rear axle in the actor's frame; negative, since the axle lies behind the middle.

    Returns:
        (4, 4).
    """
    return rigid(np.eye(3), [-rear_axle_x_m, 0.0, 0.0])


def optical_from_sensor() -> NDArray[np.float64]:
    """The (4, 4) from a camera's body axes (after ``transform_from_carla``) to its optical frame (x right, y down)."""
    return rigid(camera_axes_from_body_axes(), np.zeros(3))
