"""Where the files of an Argoverse 2 log lie, and its tables.

Source: argoverse/av2-api ``236519b``, guide/src/datasets/sensor.md (layout, columns); the city stands in the name of
the map's archive.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError, require
from drivevla.geometry import matrix_from_quaternion, rigid

__all__ = [
    "ANNOTATION_COLUMNS",
    "POSE_COLUMNS",
    "SWEEP_COLUMNS",
    "Columns",
    "Log",
    "find_logs",
    "poses_of",
    "read_columns",
]

Columns = Mapping[str, NDArray[Any]]

_POSES = "city_SE3_egovehicle.feather"
_POSE = ("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m")
POSE_COLUMNS = ("timestamp_ns", *_POSE)
ANNOTATION_COLUMNS = (
    "timestamp_ns",
    "track_uuid",
    "category",
    "length_m",
    "width_m",
    "height_m",
    *_POSE,
    "num_interior_pts",
)
SWEEP_COLUMNS = ("x", "y", "z", "intensity")


class Log:
    """One folder with the poses of a drive.

    Args:
        path: The folder, named after the log.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name
        self.poses_file = path / _POSES
        self.annotations_file = path / "annotations.feather"
        split = path.resolve().parent.name
        self.split = split if split in {"train", "val", "test"} else None

    @property
    def city(self) -> str | None:
        """Three letters, such as "PIT"; None where the map is not there."""
        for archive in (self.path / "map").glob("log_map_archive_*____*_city_*.json"):
            return archive.name.split("____")[1].split("_")[0]
        return None

    def sweep_file(self, timestamp_ns: int) -> Path:
        """The sweep of an instant."""
        return self.path / "sensors" / "lidar" / f"{timestamp_ns}.feather"

    def instants_ns(self) -> NDArray[np.int64]:
        """(N,) times of the annotations; of the sweeps where nothing is annotated, as in the split "test".

        Raises:
            DataError: The annotations cannot be read.
        """
        if self.annotations_file.exists():
            return np.unique(read_columns(self.annotations_file, ("timestamp_ns",))["timestamp_ns"].astype(np.int64))
        sweeps = (self.path / "sensors" / "lidar").glob("*.feather")
        return np.array(sorted(int(sweep.stem) for sweep in sweeps if sweep.stem.isdigit()), dtype=np.int64)


def find_logs(root: Path) -> list[Log]:
    """Every log of a folder: it is one, or holds them, or their splits, or a folder "sensor" of these."""
    for depth in ("", "*/", "*/*/", "*/*/*/"):
        if found := sorted(root.glob(depth + _POSES)):
            return [Log(path.parent) for path in found]
    return []


def read_columns(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Columns of a Feather file by name.

    Raises:
        DataError: The file is missing or damaged, or lacks a column.
    """
    pa: Any = require("pyarrow", "data")
    try:
        with pa.OSFile(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing") from error
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    if absent := [name for name in names if name not in table.column_names]:
        raise DataError(f"{path} has no column {', '.join(absent)}; it has {', '.join(table.column_names)}")
    return {name: table[name].to_numpy() for name in names}


def poses_of(columns: Columns) -> NDArray[np.float64]:
    """(N, 4, 4) poses from quaternions and translations."""
    turned = np.column_stack([columns[name] for name in _POSE[:4]])
    return rigid(matrix_from_quaternion(turned), np.column_stack([columns[name] for name in _POSE[4:]]))
