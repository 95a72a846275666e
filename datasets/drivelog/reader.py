"""Reading a drive log as samples."""

from __future__ import annotations

import functools
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.codec import StorageConfig, decode_image, load_sweep
from drivevla.datasets.drivelog.arrow import arrow, read_table
from drivevla.datasets.drivelog.layout import FORMAT, MARK, EpisodeFiles, episode_tables
from drivevla.datasets.drivelog.rig_text import rig_of
from drivevla.datasets.drivelog.rounding import pose_of
from drivevla.datasets.drivelog.rows import Row, sample_of, told_poses
from drivevla.datasets.drivelog.tables import image_column
from drivevla.datasets.motion import DrivenPoses, Sampling
from drivevla.errors import DataError, unknown_name
from drivevla.types import Fault, Future, LidarSweep, Provenance, Sample, Scene, SensorRig

__all__ = ["DriveLogReader", "read_mark"]

_EPISODES_HELD = 16
_COLUMNS = ("name", "split", "map_name", "description", "labels", "sha256")


class DriveLogReader:
    """A drive log as its writer left it, or while it is being written: the episodes that are finished.

    Args:
        root: The log's folder.
        sampling: At which times futures are given; 4 s at 10 Hz when None.

    Attributes:
        rig: The sensors.
        storage: How they are stored.

    Raises:
        DataError: The folder is no drive log of this format, or a table of episodes is damaged.
    """

    def __init__(self, root: Path, *, sampling: Sampling | None = None) -> None:
        self._root, self._sampling = Path(root), sampling or Sampling()
        mark = read_mark(self._root)
        self._dataset: str = mark["dataset"]
        self.rig: SensorRig = rig_of(mark["rig"])
        self.storage = StorageConfig.from_dict(mark["storage"])
        self._episodes = [_episode(path) for path in episode_tables(self._root)]
        self._scenes = tuple(
            Scene(
                name=episode["name"],
                tokens=tuple(f"{episode['name']}/{frame:06d}" for frame in range(episode["length"])),
                split=episode["split"] or None,
                map_name=episode["map_name"] or None,
                description=episode["description"] or None,
            )
            for episode in self._episodes
        )
        self._places = {
            token: (number, frame)
            for number, scene in enumerate(self._scenes)
            for frame, token in enumerate(scene.tokens)
        }
        self._truth = functools.lru_cache(maxsize=_EPISODES_HELD)(self._read_truth)
        self._frames = functools.lru_cache(maxsize=_EPISODES_HELD)(self._open_frames)
        self._told = functools.lru_cache(maxsize=4 * _EPISODES_HELD)(self._read_told)
        self._poses = functools.lru_cache(maxsize=4 * _EPISODES_HELD)(self._read_poses)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy for another process opens its own files."""
        return functools.partial(DriveLogReader, sampling=self._sampling), (self._root,)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether the folder bears a drive log's mark."""
        return (Path(root) / MARK).exists()

    @classmethod
    def find_faults(cls, root: Path) -> Iterator[Fault]:
        """Every fault of the log."""
        from drivevla.datasets.drivelog.faults import find_faults

        return find_faults(Path(root))

    @property
    def dataset(self) -> str:
        """What the log's writer called it."""
        return self._dataset

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every finished episode."""
        return self._scenes

    @property
    def fingerprint(self) -> str:
        """A digest of everything that is in the log: the names of its episodes and the digests of their files."""
        digest = hashlib.sha256()
        for episode in self._episodes:
            digest.update(f"{episode['name']}\n{episode['sha256']}\n".encode())
        return digest.hexdigest()

    @property
    def stored_bytes(self) -> int:
        """Of all files of the finished episodes."""
        numbers = range(len(self._episodes))
        files = [path for number in numbers for path in EpisodeFiles(number).contents.values()]
        return sum((self._root / path).stat().st_size for path in files if (self._root / path).exists())

    def labels(self, scene: str) -> dict[str, str]:
        """Facts about a whole episode.

        Raises:
            UnknownName: There is no such episode.
        """
        for episode in self._episodes:
            if episode["name"] == scene:
                found: dict[str, str] = json.loads(episode["labels"])
                return found
        raise unknown_name("episode", scene, (each["name"] for each in self._episodes))

    def sample(self, token: str) -> Sample:
        """Read one sample.

        Raises:
            DataError: A file is missing or damaged; the message names it, and where in it.
            UnknownName: There is no such token.
        """
        row, pictures, sweep = self.encoded(token)
        number, frame = self._places[token]
        files = EpisodeFiles(number)
        images = {name: self._picture(name, data, files, frame) for name, data in pictures.items()}
        lidar = None if sweep is None else self._sweep(sweep, row, files)
        return self._sample(token, row, images, lidar)

    def sample_without_sensors(self, token: str) -> Sample:
        """Read one sample but for its pictures and its sweep.

        Raises:
            DataError: A file is missing or damaged.
            UnknownName: There is no such token.
        """
        return self._sample(token, self._row(token), {}, None)

    def _sample(
        self, token: str, row: Row, images: Mapping[str, NDArray[np.uint8]], lidar: LidarSweep | None
    ) -> Sample:
        number, frame = self._places[token]
        scene = self._scenes[number]
        source = Provenance(dataset=self._dataset, scene=scene.name, token=token, split=scene.split)
        try:
            future, told_pose = self._future(number, row), self._told(number)[frame]
        except (TypeError, ValueError) as error:  # a pose that is none, in any frame of the episode
            raise DataError(f"{self._root / EpisodeFiles(number).truth} holds a damaged pose: {error}") from error
        return sample_of(row, source, images=images, lidar=lidar, future=future, told_pose=told_pose)

    def _row(self, token: str) -> Row:
        if token not in self._places:
            raise unknown_name("sample of the drive log", token, ())
        number, frame = self._places[token]
        truth = self._truth(number)
        if frame >= len(truth):
            path = self._root / EpisodeFiles(number).truth
            raise DataError(f"{path} has {len(truth)} rows, frame {frame} is asked for")
        row: Row = truth.slice(frame, 1).to_pylist()[0]
        return row

    def encoded(self, token: str) -> tuple[Row, dict[str, bytes], bytes | None]:
        """A sample as it is stored: its row, its pictures by camera and its sweep.

        Raises:
            DataError: A file is missing or damaged.
            UnknownName: There is no such token.
        """
        row = self._row(token)
        number, frame = self._places[token]
        files = EpisodeFiles(number)
        pictures = self._pictures(number, frame) if row["cameras"] else {}
        missing = sorted({camera["name"] for camera in row["cameras"]} - pictures.keys())
        if missing:
            path = self._root / files.data
            raise DataError(f"{path}, row {frame}: the picture of camera {', '.join(missing)} is missing")
        return row, pictures, self._sweep_bytes(row, files)

    def future(self, token: str) -> Future | None:
        """Where the car went after a sample; the sample's own future where it brings one.

        Raises:
            UnknownName: There is no such token.
        """
        row = self._row(token)
        return self._future(self._places[token][0], row)

    def told_poses(self, scene: Scene) -> list[NDArray[np.float64] | None]:
        """For each sample of an episode: where the car was when it first heard its sentence, as in ``Observation``."""
        return self._told(self._places[scene.tokens[0]][0]) if scene.tokens else []

    def _future(self, number: int, row: Row) -> Future | None:
        return None if row["future"] is not None else self._poses(number).future(row["time_s"], self._sampling)

    def _read_truth(self, number: int) -> Any:
        return read_table(self._root / EpisodeFiles(number).truth)

    def _read_told(self, number: int) -> list[NDArray[np.float64] | None]:
        return told_poses(self._truth(number).select(["sentence", "world_from_ego"]).to_pylist())

    def _read_poses(self, number: int) -> DrivenPoses:
        """Poses of frames and between frames; where both are of one time, the frame's."""
        truth = self._truth(number).select(["time_s", "world_from_ego", "driven"]).to_pylist()
        poses = {row["time_s"]: row["world_from_ego"] for row in truth if row["driven"]}
        near = np.array(sorted(poses))
        for row in read_table(self._root / EpisodeFiles(number).motion).to_pylist():
            if not len(near) or np.abs(near - row["time_s"]).min() > 1e-6:
                poses[row["time_s"]] = row["world_from_ego"]
        times_s = sorted(poses)
        return DrivenPoses(np.array(times_s), np.stack([pose_of(poses[time_s]) for time_s in times_s]))

    def _open_frames(self, number: int) -> tuple[Any, list[int]]:
        """The table of frames, open, and the first row of each group that can be read by itself."""
        pa, path = arrow(), self._root / EpisodeFiles(number).data
        try:
            file = pa.parquet.ParquetFile(path, page_checksum_verification=True, memory_map=True)
        except FileNotFoundError as error:
            raise DataError(f"{path} is missing") from error
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{path} is damaged: {error}") from error
        rows = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        return file, np.cumsum([0, *rows]).tolist()

    def _pictures(self, number: int, frame: int) -> dict[str, bytes]:
        file, firsts = self._frames(number)
        path = self._root / EpisodeFiles(number).data
        if frame >= firsts[-1]:
            raise DataError(f"{path} has {firsts[-1]} rows, frame {frame} is asked for")
        group = int(np.searchsorted(firsts, frame, side="right")) - 1
        columns = {image_column(name): name for name in self.rig.cameras}
        try:
            row = (
                file.read_row_group(group, columns=list(columns), use_threads=False)
                .slice(frame - firsts[group], 1)
                .to_pylist()[0]
            )
        except (OSError, arrow().ArrowException) as error:
            raise DataError(f"{path}, row {frame}: the pictures are damaged: {error}") from error
        return {columns[column]: each["bytes"] for column, each in row.items() if each is not None}

    def _picture(self, name: str, data: bytes, files: EpisodeFiles, frame: int) -> NDArray[np.uint8]:
        spec = self.rig.cameras[name]
        try:
            return decode_image(data, size_px=(spec.width_px, spec.height_px))
        except DataError as error:
            raise DataError(f"{self._root / files.data}, row {frame}, camera {name!r}: {error}") from error

    def _sweep_bytes(self, row: Row, files: EpisodeFiles) -> bytes | None:
        if row["lidar_offset"] is None:
            return None
        path, offset, size = self._root / files.lidar, row["lidar_offset"], row["lidar_bytes"]
        try:
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read(size)
        except FileNotFoundError as error:
            raise DataError(f"{path} is missing") from error
        if len(data) != size or zlib.crc32(data) != row["lidar_crc32"]:
            raise DataError(f"{path}: the sweep of {size} bytes at {offset} is cut short or damaged")
        return data

    def _sweep(self, data: bytes, row: Row, files: EpisodeFiles) -> LidarSweep:
        try:
            return load_sweep(data, self.storage, timestamp_s=row["lidar_time_s"])
        except DataError as error:
            raise DataError(f"{self._root / files.lidar} at {row['lidar_offset']}: {error}") from error


def read_mark(root: Path) -> dict[str, Any]:
    """What a log says about itself.

    Raises:
        DataError: It is missing, damaged, or of another format.
    """
    path = root / MARK
    try:
        mark: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: {root} is no drive log") from error
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}") from error
    if not isinstance(mark, dict) or not {"format", "dataset", "rig", "storage"} <= mark.keys():
        raise DataError(f"{path} is not the mark of a drive log")
    if mark["format"] != FORMAT:
        raise DataError(f"{path} is of format {mark['format']}; this version reads format {FORMAT}")
    return mark


def _episode(path: Path) -> dict[str, Any]:
    rows = read_table(path).to_pylist()
    if len(rows) != 1 or not {"length", *(f"drivevla/{name}" for name in _COLUMNS)} <= rows[0].keys():
        raise DataError(f"{path} is not the table of one episode")
    return {"length": rows[0]["length"]} | {name: rows[0][f"drivevla/{name}"] for name in _COLUMNS}
