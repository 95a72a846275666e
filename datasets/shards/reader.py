"""Reading training shards as samples; needs NumPy and Pillow, no pyarrow."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.datasets.codec import StorageConfig, decode_image, load_sweep
from drivevla.datasets.drivelog.rig_text import rig_of
from drivevla.datasets.drivelog.rows import sample_of
from drivevla.datasets.examining import fault
from drivevla.datasets.shards.layout import FORMAT, INDEX
from drivevla.datasets.shards.record import unpack_record
from drivevla.datasets.shards.shard_file import ShardFile
from drivevla.errors import DataError, unknown_name
from drivevla.types import Fault, FaultKind, Provenance, Sample, Scene, SensorRig

__all__ = ["ShardReader"]


class ShardReader:
    """Shards as ``drivevla data pack`` writes them.

    Args:
        root: The folder with ``shards.json``.

    Attributes:
        rig: The sensors.
        storage: How they are stored.
        fingerprint: Of the drive log that was packed.
        statistics: For normalisation: feature to mean, std and count.

    Raises:
        DataError: The folder holds no shards of this format, or a shard is missing or cut short.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(root)
        index = _read_index(self._root)
        self._dataset: str = index["dataset"]
        self.rig: SensorRig = rig_of(index["rig"])
        self.storage = StorageConfig.from_dict(index["storage"])
        self.fingerprint: str = index["fingerprint"]
        self.statistics: dict[str, Any] = index["statistics"]
        self._files = [_shard(self._root, shard) for shard in index["shards"]]
        self._ends = list(accumulate(len(file) for file in self._files))
        self._scenes = tuple(
            Scene(
                name=row["name"],
                tokens=tuple(f"{row['name']}/{frame:06d}" for frame in range(row["frames"])),
                split=row["split"],
                map_name=row["map_name"],
                description=row["description"],
            )
            for row in index["scenes"]
        )
        self._labels: dict[str, dict[str, str]] = {row["name"]: row["labels"] for row in index["scenes"]}
        self._places = {
            token: (number, scene)
            for number, (token, scene) in enumerate((token, scene) for scene in self._scenes for token in scene.tokens)
        }
        self._told: list[list[float] | None] = [pose for row in index["scenes"] for pose in row["told_poses"]]
        if not len(self._places) == len(self._told) == self._ends[-1]:
            raise DataError(
                f"{root}: {len(self._places)} samples are named, with {len(self._told)} places where they were told, "
                f"and {self._ends[-1]} records are there"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy for another process reads its own index."""
        return ShardReader, (self._root,)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether the folder holds shards."""
        return (Path(root) / INDEX).exists()

    @classmethod
    def find_faults(cls, root: Path) -> Iterator[Fault]:
        """Every fault of the shards."""
        try:
            reader = cls(root)
        except DataError as error:
            kind = FaultKind.CORRUPT if cls.recognises(root) else FaultKind.MISSING
            yield fault(kind, INDEX, str(error))
            return
        for token in reader._places:
            try:
                reader.sample(token)
            except DataError as error:
                yield fault(FaultKind.CORRUPT, reader._file_of(token).path.name, str(error), token)

    @property
    def dataset(self) -> str:
        """What the packed log was called."""
        return self._dataset

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every episode that was packed."""
        return self._scenes

    @property
    def stored_bytes(self) -> int:
        """Of all shards."""
        return sum(file.path.stat().st_size for file in self._files)

    def labels(self, scene: str) -> dict[str, str]:
        """Facts about a whole episode.

        Raises:
            UnknownName: There is no such episode.
        """
        if scene not in self._labels:
            raise unknown_name("episode", scene, self._labels)
        return dict(self._labels[scene])

    def sample(self, token: str) -> Sample:
        """Read one sample.

        Raises:
            DataError: The record is damaged; the message names file and offset.
            UnknownName: There is no such token.
        """
        return self._read(token, sensors=True)

    def sample_without_sensors(self, token: str) -> Sample:
        """Read one sample but for its pictures and its sweep.

        Raises:
            DataError: The record is damaged; the message names file and offset.
            UnknownName: There is no such token.
        """
        return self._read(token, sensors=False)

    def _read(self, token: str, *, sensors: bool) -> Sample:
        if token not in self._places:
            raise unknown_name("sample of the shards", token, ())
        number, scene = self._places[token]
        file, index = self._locate(number)
        try:
            row, pictures, sweep = unpack_record(file.record(index))
            if not sensors:
                pictures, sweep = {}, None
            sizes = {name: (spec.width_px, spec.height_px) for name, spec in self.rig.cameras.items()}
            images = {name: decode_image(data, size_px=sizes[name]) for name, data in pictures.items()}
            lidar = None if sweep is None else load_sweep(sweep, self.storage, timestamp_s=row["lidar_time_s"])
        except (DataError, KeyError, TypeError) as error:
            raise DataError(f"{file.path}: record {index} at {file.place(index)}: {error}") from error
        source = Provenance(dataset=self._dataset, scene=scene.name, token=token, split=scene.split)
        told = self._told[number]
        told_pose = None if told is None else np.array(told)
        return sample_of(row, source, images=images, lidar=lidar, future=None, told_pose=told_pose)

    def _locate(self, number: int) -> tuple[ShardFile, int]:
        shard = bisect_right(self._ends, number)
        return self._files[shard], number - (self._ends[shard - 1] if shard else 0)

    def _file_of(self, token: str) -> ShardFile:
        return self._locate(self._places[token][0])[0]


def _read_index(root: Path) -> dict[str, Any]:
    path = root / INDEX
    try:
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: {root} holds no shards") from error
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}") from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise DataError(
            f"{path} is of another format; this version reads format {FORMAT}; pack the log again (drivevla data pack)"
        )
    keys = {"dataset", "rig", "storage", "fingerprint", "statistics", "scenes", "shards"}
    if missing := sorted(keys - index.keys()):
        raise DataError(f"{path} lacks {', '.join(missing)}")
    of_scene = {"name", "frames", "split", "map_name", "description", "labels", "told_poses"}
    for number, scene in enumerate(index["scenes"]):
        if missing := sorted(of_scene - scene.keys()):
            raise DataError(f"{path}: scene {number} lacks {', '.join(missing)}")
    if not index["shards"]:
        raise DataError(f"{path} names no shard")
    return index


def _shard(root: Path, row: dict[str, Any]) -> ShardFile:
    file = ShardFile(root / row["file"])
    size = file.path.stat().st_size
    if size != row["bytes"] or len(file) != row["records"]:
        raise DataError(
            f"{file.path} has {size} bytes and {len(file)} records, {row['bytes']} and {row['records']} were"
        )
    return file
