"""Files that nuScenes' tables name and that are missing, cut short or corrupt."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.datasets.examining import examine_picture, fault
from drivevla.types import Fault, FaultKind

__all__ = ["file_faults"]

_LIDAR_RECORD_BYTES = 20  # x, y, z, intensity, ring: float32 each
_FARTHEST_M = 300.0


def file_faults(root: Path, version: str, tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[Fault]:
    """Every sensor file and map that is not as the tables say."""
    owners: dict[str, str] = {}
    for token, record in tables["sample_data"].items():
        name = record.get("filename")
        if not isinstance(name, str) or not name:
            yield fault(FaultKind.CORRUPT, f"{version}/sample_data.json", "the record names no file", token)
        elif owners.setdefault(name, token) != token:
            message = f"{name} belongs to {owners[name]} too"
            yield fault(FaultKind.DUPLICATE, f"{version}/sample_data.json", message, token)
        elif name.endswith((".jpg", ".png")):
            yield from examine_picture(root, name, (record.get("width", 0), record.get("height", 0)))
        elif name.endswith(".pcd.bin"):
            yield from _examine_sweep(root, name)
        elif not (root / name).exists():  # radar
            yield fault(FaultKind.MISSING, name, "the file is not there")
    for record in tables["map"].values():
        if not (root / str(record.get("filename"))).exists():
            yield fault(FaultKind.MISSING, str(record.get("filename")), "the map is not there; the devkit needs it")


def _examine_sweep(root: Path, name: str) -> Iterator[Fault]:
    path = root / name
    if not path.exists():
        yield fault(FaultKind.MISSING, name, "the sweep is not there")
        return
    size = path.stat().st_size
    if size == 0 or size % _LIDAR_RECORD_BYTES:
        message = f"{size} bytes are no whole number of points of {_LIDAR_RECORD_BYTES} bytes"
        yield fault(FaultKind.TRUNCATED, name, message)
        return
    points = np.fromfile(path, dtype="<f4").reshape(-1, 5)
    if not np.isfinite(points[:, :4]).all():
        yield fault(FaultKind.CORRUPT, name, "there are points that are not finite")
    elif np.abs(points[:, :3]).max() > _FARTHEST_M:
        message = f"a point lies {np.abs(points[:, :3]).max():.0f} m away: no metres, or not the sensor's frame"
        yield fault(FaultKind.INCONSISTENT, name, message)
