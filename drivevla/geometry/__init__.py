"""Geometry in one frame, and every conversion from and to anybody else's.

Ours: ego frame x forward, y left, z up, metres, origin on the ground under the rear axle; radians, counter-clockwise;
right-handed. A transform is ``target_from_source``, so that names cancel when read from left to right:
``camera_from_world = camera_from_ego @ ego_from_world``. Functions take any batch prefix ``(...)``.

Foreign conventions live in one module each: ``carla``, ``nuscenes``, ``covla``, ``nuplan``. Only readers, the session
and the official-harness agent call them.
"""

from drivevla.geometry.angles import wrap_angle, yaw_from_matrix
from drivevla.geometry.camera import (
    camera_axes_from_body_axes,
    fov_deg_from_intrinsics,
    intrinsics_from_fov,
    project_points,
)
from drivevla.geometry.paths import cumulative_length_m, curvature_per_m, resample_path
from drivevla.geometry.rotations import (
    matrix_from_euler,
    matrix_from_quaternion,
    matrix_from_yaw,
    quaternion_from_matrix,
)
from drivevla.geometry.trajectories import interpolate_poses, yaw_along
from drivevla.geometry.transforms import (
    compose_se2,
    invert_rigid,
    invert_se2,
    is_rigid,
    rigid,
    rotate_points,
    transform_points,
    transform_points_se2,
)

__all__ = [
    "camera_axes_from_body_axes",
    "compose_se2",
    "cumulative_length_m",
    "curvature_per_m",
    "fov_deg_from_intrinsics",
    "interpolate_poses",
    "intrinsics_from_fov",
    "invert_rigid",
    "invert_se2",
    "is_rigid",
    "matrix_from_euler",
    "matrix_from_quaternion",
    "matrix_from_yaw",
    "project_points",
    "quaternion_from_matrix",
    "resample_path",
    "rigid",
    "rotate_points",
    "transform_points",
    "transform_points_se2",
    "wrap_angle",
    "yaw_along",
    "yaw_from_matrix",
]
