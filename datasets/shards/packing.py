"""From a drive log to training shards: compact, without pyarrow, all in files of at most 16 MB."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.drivelog import DriveLogReader
from drivevla.datasets.drivelog.rig_text import rig_row
from drivevla.datasets.drivelog.rows import Row, future_row
from drivevla.datasets.shards.layout import FORMAT, INDEX, LARGEST_SHARD_BYTES
from drivevla.datasets.shards.record import pack_record
from drivevla.datasets.shards.shard_file import shard_bytes
from drivevla.errors import DataError, RunError
from drivevla.types import Scene

__all__ = ["Packed", "pack_drive_log"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What was packed.

    Attributes:
        frames: How many.
        bytes: In all shards together.
        shards: How many files.
    """

    frames: int
    bytes: int
    shards: int

    @property
    def bytes_per_frame(self) -> float:
        """On average."""
        return self.bytes / max(self.frames, 1)


def pack_drive_log(
    reader: DriveLogReader,
    out: Path,
    *,
    scenes: tuple[Scene, ...] | None = None,
    progress: Callable[[Scene], None] | None = None,
) -> Packed:
    """Write shards of a drive log.

    Args:
        reader: The log.
        out: A folder that is not there yet, or empty.
        scenes: Which of the log's episodes; all when None.
        progress: Told of each episode once it is packed.

    Raises:
        RunError: The folder holds something.
        DataError: There is nothing to pack, or a record of the log is damaged.
    """
    if out.exists() and any(out.iterdir()):
        raise RunError(f"{out} is not empty; shards are written into a folder of their own")
    chosen = reader.scenes if scenes is None else scenes
    if not any(scene.tokens for scene in chosen):
        raise DataError("there is no frame to pack")
    out.mkdir(parents=True, exist_ok=True)
    shards: list[dict[str, Any]] = []
    summary = _Summary()
    for number, records in enumerate(_filled(_records(reader, chosen, summary, progress))):
        content = shard_bytes(records)
        name = f"shard-{number:05d}.bin"
        (out / name).write_bytes(content)
        shards.append({"file": name, "bytes": len(content), "records": len(records)})
    index = {
        "format": FORMAT,
        "dataset": reader.dataset,
        "rig": rig_row(reader.rig),
        "storage": reader.storage.to_dict(),
        "fingerprint": reader.fingerprint,
        "statistics": summary.plain(),
        "scenes": [_scene_row(reader, scene) for scene in chosen],
        "shards": shards,
    }
    beside = out / f".{INDEX}.part"
    beside.write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    beside.replace(out / INDEX)
    total = sum(shard["bytes"] for shard in shards)
    return Packed(frames=sum(len(scene.tokens) for scene in chosen), bytes=total, shards=len(shards))


def _records(
    reader: DriveLogReader, scenes: tuple[Scene, ...], summary: _Summary, progress: Callable[[Scene], None] | None
) -> Iterator[bytes]:
    for scene in scenes:
        for token in scene.tokens:
            row, pictures, sweep = reader.encoded(token)
            future = reader.future(token)
            if future is not None:
                row = {**row, "future": future_row(future)}
            summary.add(row)
            yield pack_record(_without_places(row), pictures, sweep)
        if progress is not None:
            progress(scene)


def _without_places(row: Row) -> Row:
    """The row less where its sweep lay in the log."""
    return {name: value for name, value in row.items() if name not in {"lidar_offset", "lidar_bytes", "lidar_crc32"}}


def _filled(records: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Records in groups that fill a shard each."""
    group: list[bytes] = []
    size = 0
    for record in records:
        if group and size + len(record) > LARGEST_SHARD_BYTES - 16 * (len(group) + 2):
            yield group
            group, size = [], 0
        group.append(record)
        size += len(record)
    if group:
        yield group


def _scene_row(reader: DriveLogReader, scene: Scene) -> dict[str, Any]:
    return {
        "name": scene.name,
        "frames": len(scene.tokens),
        "split": scene.split,
        "map_name": scene.map_name,
        "description": scene.description,
        "labels": reader.labels(scene.name),
        "told_poses": [None if pose is None else pose.tolist() for pose in reader.told_poses(scene)],
    }


class _Summary:
    """Means and spreads for normalisation, gathered while packing."""

    def __init__(self) -> None:
        self._speeds: list[float] = []
        self._targets: list[float] = []
        self._ends: list[NDArray[np.float64]] = []

    def add(self, row: Row) -> None:
        self._speeds.append(row["speed_mps"])
        if row["target_speed_mps"] is not None:
            self._targets.append(row["target_speed_mps"])
        future = row["future"]
        if future is not None and all(future["valid"]):
            self._ends.append(np.array([future["x_m"][-1], future["y_m"][-1], future["yaw_rad"][-1]]))

    def plain(self) -> dict[str, Any]:
        columns = {"speed_mps": self._speeds, "target_speed_mps": self._targets, "future_end": self._ends}
        gathered = {name: np.array(values, dtype=np.float64) for name, values in columns.items() if values}
        return {
            name: {"mean": each.mean(axis=0).tolist(), "std": each.std(axis=0).tolist(), "count": len(each)}
            for name, each in gathered.items()
        }
