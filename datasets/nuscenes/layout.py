"""What a nuScenes release holds, by name."""

from pathlib import Path

from drivevla.errors import DataError
from drivevla.types import Visibility

__all__ = ["CAMERAS", "INSTRUCTIONS", "LIDAR", "TABLES", "VISIBILITY", "find_version"]

CAMERAS = ("CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_BACK_LEFT", "CAM_BACK", "CAM_BACK_RIGHT")
LIDAR = "LIDAR_TOP"
INSTRUCTIONS = "instruction"
"""Our own table of sentences in force, where a data set has one."""
TABLES = (
    "attribute",
    "calibrated_sensor",
    "category",
    "ego_pose",
    "instance",
    "log",
    "map",
    "sample",
    "sample_annotation",
    "sample_data",
    "scene",
    "sensor",
    "visibility",
)
VISIBILITY = {
    "v0-40": Visibility.BELOW_40_PERCENT,
    "v40-60": Visibility.BELOW_60_PERCENT,
    "v60-80": Visibility.BELOW_80_PERCENT,
    "v80-100": Visibility.UP_TO_100_PERCENT,
}
"""Steps by the ``level`` of the table ``visibility``, whose tokens differ between releases."""


def find_version(root: Path, version: str | None = None) -> str:
    """The release that lies in a folder.

    Raises:
        DataError: There is none, not the one asked for, or several and none was asked for.
    """
    found = sorted(folder.name for folder in root.glob("v1.0-*") if folder.is_dir())
    if version is not None and version not in found:
        raise DataError(f"{root} holds no {version} (there: {', '.join(found) or 'no nuScenes tables'})")
    if version is None and len(found) != 1:
        several = f"several releases ({', '.join(found)}): name one with version=" if found else "no folder v1.0-*"
        raise DataError(f"{root} holds {several}")
    return version or found[0]
