"""A sensor rig as JSON values, and back."""

from collections.abc import Mapping
from typing import Any

from drivevla.errors import DataError
from drivevla.types import CameraSpec, LidarSpec, SensorRig

__all__ = ["rig_of", "rig_row"]

_PLAIN = ("name", "gnss", "imu", "speedometer", "capture_hz", "control_hz")
_CAMERA = ("width_px", "height_px", "fov_deg")
_LIDAR = ("channels", "azimuths", "range_m", "upper_fov_deg", "lower_fov_deg")


def rig_row(rig: SensorRig) -> dict[str, Any]:
    """Every sensor of a rig."""
    return {
        **{name: getattr(rig, name) for name in _PLAIN},
        "cameras": {
            name: {**{key: getattr(spec, key) for key in _CAMERA}, "ego_from_camera": spec.ego_from_camera.tolist()}
            for name, spec in rig.cameras.items()
        },
        "lidar": None
        if rig.lidar is None
        else {
            **{key: getattr(rig.lidar, key) for key in _LIDAR},
            "ego_from_lidar": rig.lidar.ego_from_lidar.tolist(),
        },
    }


def rig_of(row: Mapping[str, Any]) -> SensorRig:
    """The rig of a row.

    Raises:
        DataError: A key is missing or unknown, or a value is impossible.
    """
    try:
        lidar = row["lidar"]
        return SensorRig(
            **{
                **row,
                "cameras": {name: CameraSpec(**spec) for name, spec in row["cameras"].items()},
                "lidar": None if lidar is None else LidarSpec(**lidar),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"this is no description of a sensor rig: {error}") from error
