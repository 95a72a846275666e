"""One episode while it is recorded: encoded frame by frame into a staging folder of its own."""

from __future__ import annotations

import fcntl
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.codec import StorageConfig, encode_image, store_sweep
from drivevla.datasets.drivelog.arrow import arrow, read_table, write_table
from drivevla.datasets.drivelog.rounding import pose_row
from drivevla.datasets.drivelog.rows import Row, row_of
from drivevla.datasets.drivelog.tables import STATE, data_schema, image_column, motion_schema, truth_schema
from drivevla.errors import ContractError
from drivevla.types import Observation, Sample, SensorRig
from drivevla.types.checks import real_number, rigid_transform

__all__ = ["EpisodeRecorder", "EpisodeWords", "Staging", "is_abandoned"]

_LOCK = "lock"
_FRAMES_PER_PART = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeWords:
    """What is known of an episode besides its frames.

    Attributes:
        name: Unique in the log.
        split: "train", "val" or "test"; None where there are no splits.
        map_name: Where it is driven.
        description: What happens.
        labels: Facts about the whole episode by name: "weather": "rain".
    """

    name: str
    split: str | None = None
    map_name: str | None = None
    description: str | None = None
    labels: dict[str, str]


class Staging:
    """A folder that belongs to this process for as long as it lives.

    The mark of its life is a lock of the kernel's, which goes with the process however it ends.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._lock = (folder / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Throw away what is in it."""
        self.clear(self.folder)
        self._lock.close()

    @staticmethod
    def clear(folder: Path) -> None:
        """Throw away a staging folder, this process's or an abandoned one; another process may be at it too."""
        shutil.rmtree(folder, ignore_errors=True)


def is_abandoned(folder: Path) -> bool:
    """Whether the process that made a staging folder is gone; folders are made and judged under the log's lock."""
    if not (folder / _LOCK).exists():
        return True
    with (folder / _LOCK).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


class EpisodeRecorder:
    """Takes the samples of one drive in the order of time.

    Made by ``DriveLogWriter.episode``.
    """

    def __init__(self, staging: Staging, words: EpisodeWords, rig: SensorRig, storage: StorageConfig) -> None:
        self.words = words
        self.frames = 0
        self._staging, self._rig, self._storage = staging, rig, storage
        self._last_s, self._last_driven_s, self._last_motion_s = -np.inf, -np.inf, -np.inf
        self._data: list[Row] = []
        self._truth: list[Row] = []
        self._motion: list[Row] = []
        self._sentences: list[str] = []
        self._parts = 0
        self._lidar: IO[bytes] = (staging.folder / "lidar.bin").open("wb")

    @property
    def sentences(self) -> tuple[str, ...]:
        """The instruction of each frame; empty where nothing was said."""
        return tuple(self._sentences)

    def add(self, sample: Sample) -> None:
        """Store one sample.

        A sample without ``truth.future`` was driven: its future is found from the poses that follow it when the log is
        read. A sample that brings its future (a recovery from a displaced pose) keeps it, and its pose is no part of
        the drive; it may be of the same instant as the one before.

        Raises:
            ContractError: It is out of order, or a camera or sweep is not the rig's.
        """
        self._check(sample.observation, driven=sample.truth.future is None)
        seen, frame = sample.observation, self.frames
        self._data.append(
            {
                **{
                    image_column(name): {"bytes": encode_image(camera.image, self._storage), "path": None}
                    for name, camera in seen.cameras.items()
                },
                STATE: [
                    seen.ego.speed_mps,
                    seen.ego.acceleration_mps2,
                    seen.ego.yaw_rate_radps,
                    np.nan if seen.ego.steering_rad is None else seen.ego.steering_rad,
                ],
                "timestamp": seen.timestamp_s,
                "frame_index": frame,
            }
        )
        self._truth.append({**row_of(sample), **self._sweep_place(seen)})
        self._sentences.append(seen.instruction or "")
        self.frames += 1
        if len(self._data) >= _FRAMES_PER_PART:
            self._flush()

    def add_motion(self, time_s: float, world_from_ego: NDArray[np.float64]) -> None:
        """Store where the car was between frames or after the last one: futures become as fine as these poses.

        Raises:
            ContractError: The time does not increase, or the pose is not rigid.
        """
        now_s = real_number("time_s", time_s)
        if now_s <= self._last_motion_s:
            raise ContractError(f"poses are added in the order of time: {now_s:g} s after {self._last_motion_s:g} s")
        pose = pose_row(rigid_transform("world_from_ego", world_from_ego))
        self._motion.append({"time_s": now_s, "world_from_ego": pose})
        self._last_motion_s = now_s

    def close(self) -> Any:
        """Write what is left; the tables of frames and of truth, and the folder where they lie.

        Returns:
            The table of frames, which lacks the numbers that the episode gets only when it is finished.
        """
        self._flush()
        self._lidar.close()
        pa, folder = arrow(), self._staging.folder
        parts = range(self._parts)
        write_table(pa.Table.from_pylist(self._motion, motion_schema()), folder / "motion.parquet")
        truth = pa.concat_tables([read_table(folder / f"truth-{part:04d}.parquet") for part in parts])
        write_table(truth, folder / "truth.parquet")
        return pa.concat_tables([read_table(folder / f"data-{part:04d}.parquet") for part in parts])

    def abandon(self) -> None:
        """Let go of open files."""
        self._lidar.close()

    def _check(self, seen: Observation, *, driven: bool) -> None:
        now_s = seen.timestamp_s
        if now_s < self._last_s or (driven and now_s <= self._last_driven_s):
            raise ContractError(
                f"samples are added in the order of time: {now_s:g} s came after {self._last_s:g} s, "
                "and only a sample with its own future may be of the same instant as another"
            )
        if foreign := sorted(set(seen.cameras) - set(self._rig.cameras)):
            raise ContractError(f"rig {self._rig.name!r} has no camera {', '.join(foreign)}")
        for name, camera in seen.cameras.items():
            spec = self._rig.cameras[name]
            if camera.image.shape[:2] != (spec.height_px, spec.width_px):
                raise ContractError(
                    f"camera {name!r} of rig {self._rig.name!r} is {spec.width_px} x {spec.height_px} pixels, got "
                    f"{camera.image.shape[1]} x {camera.image.shape[0]}"
                )
        if seen.lidar is not None and self._rig.lidar is None:
            raise ContractError(f"rig {self._rig.name!r} has no LiDAR")
        self._last_s = now_s
        if driven:
            self._last_driven_s = now_s

    def _sweep_place(self, seen: Observation) -> Row:
        if seen.lidar is None:
            return {"lidar_offset": None, "lidar_bytes": None, "lidar_crc32": None}
        sweep, offset = store_sweep(seen.lidar, self._storage), self._lidar.tell()
        self._lidar.write(sweep)
        return {"lidar_offset": offset, "lidar_bytes": len(sweep), "lidar_crc32": zlib.crc32(sweep)}

    def _flush(self) -> None:
        if not self._data:
            return
        pa, folder = arrow(), self._staging.folder
        for name, rows, schema in (
            ("data", self._data, data_schema(self._rig.cameras)),
            ("truth", self._truth, truth_schema()),
        ):
            write_table(pa.Table.from_pylist(rows, schema), folder / f"{name}-{self._parts:04d}.parquet")
            rows.clear()
        self._parts += 1
