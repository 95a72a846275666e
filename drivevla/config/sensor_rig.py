"""From the rig that is written down to the rig that simulators and readers take."""

from collections.abc import Sequence

import numpy as np

from drivevla.config.resolve import load_config
from drivevla.config.rig import CameraConfig, LidarConfig, RigConfig
from drivevla.geometry import camera_axes_from_body_axes, matrix_from_euler, rigid
from drivevla.types import CameraSpec, LidarSpec, SensorRig

__all__ = ["load_rig", "sensor_rig"]


def load_rig(name: str, overrides: Sequence[str] = ()) -> SensorRig:
    """The sensor rig that a preset of ``configs/rigs`` and its overrides describe.

    Args:
        name: A preset, or the path of a YAML file of the same kind.
        overrides: ``key=value`` each, as for ``load_config``.

    Raises:
        UnknownName: There is no such preset or key; the message holds the nearest match.
        ConfigError: A value is of the wrong type, out of range or missing, or a file cannot be read.
    """
    return sensor_rig(load_config(RigConfig, name, overrides))


def sensor_rig(config: RigConfig) -> SensorRig:
    """The sensor rig that a configuration describes: mounting positions and angles become transforms."""
    return SensorRig(
        name=config.name,
        cameras={name: _camera(camera) for name, camera in config.cameras.items()},
        lidar=None if config.lidar is None else _lidar(config.lidar),
        gnss=config.gnss,
        imu=config.imu,
        speedometer=config.speedometer,
        capture_hz=config.capture_hz,
        control_hz=config.control_hz,
    )


def _camera(config: CameraConfig) -> CameraSpec:
    ego_from_body = matrix_from_euler(
        yaw_rad=np.radians(config.yaw_deg), pitch_rad=np.radians(config.pitch_deg), roll_rad=np.radians(config.roll_deg)
    )
    return CameraSpec(
        width_px=config.width_px,
        height_px=config.height_px,
        fov_deg=config.fov_deg,
        ego_from_camera=rigid(ego_from_body @ camera_axes_from_body_axes().T, config.position_m),
    )


def _lidar(config: LidarConfig) -> LidarSpec:
    return LidarSpec(
        channels=config.channels,
        azimuths=config.azimuths,
        range_m=config.range_m,
        upper_fov_deg=config.upper_fov_deg,
        lower_fov_deg=config.lower_fov_deg,
        ego_from_lidar=rigid(np.eye(3), config.position_m),
    )
