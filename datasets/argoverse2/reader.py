"""Logs of Argoverse 2's sensor data set as samples, 10 a second: motion, boxes and sweeps. Pictures are not read.

Source: argoverse/av2-api ``236519b``, guide/src/datasets/sensor.md (columns; boxes and points are in the egovehicle
frame); Wilson et al., Argoverse 2, arXiv 2301.00493, figure of the sensors (the vehicle frame lies in the rear axle).
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.argoverse2.faults import find_faults
from drivevla.datasets.argoverse2.layout import (
    ANNOTATION_COLUMNS,
    POSE_COLUMNS,
    SWEEP_COLUMNS,
    Columns,
    Log,
    find_logs,
    poses_of,
    read_columns,
)
from drivevla.datasets.motion import DrivenPoses, Sampling
from drivevla.errors import ContractError, DataError, unknown_name
from drivevla.types import Fault, LidarSweep, ObjectTruth, Observation, Provenance, Sample, Scene, Truth

__all__ = ["Argoverse2Reader"]


class Argoverse2Reader:
    """Argoverse 2's sensor data set as unpacked; a sample for each annotated sweep.

    The ego frame is the data set's egovehicle frame: origin in the middle of the rear axle, x forward, y left, z up;
    the world is the city. Points are those of the tenth of a second from the sample's time on, brought to that time by
    the data set.

    Args:
        root: A log, or a folder that holds logs up to three folders deep.
        lidar: Whether sweeps are read; a missing one is then an error.
        sampling: At which times past and future are given.

    Raises:
        DataError: There is no log, one is there twice, or its times cannot be read.
    """

    def __init__(self, root: Path, *, lidar: bool = True, sampling: Sampling | None = None) -> None:
        logs = find_logs(Path(root))
        self._logs = {log.name: log for log in logs}
        if not logs:
            raise DataError(f"{root} holds no log of Argoverse 2: no file city_SE3_egovehicle.feather")
        if len(self._logs) < len(logs):
            raise DataError(f"{root} holds {len(logs)} logs but {len(self._logs)} names: one log is there twice")
        self._lidar, self._sampling = lidar, sampling or Sampling()
        self._poses = lru_cache(maxsize=4)(self._read_poses)
        self._boxes = lru_cache(maxsize=4)(self._read_boxes)
        self._scenes = tuple(
            Scene(
                name=log.name,
                tokens=tuple(f"{log.name}/{instant}" for instant in log.instants_ns()),
                split=log.split,
                map_name=log.city,
            )
            for log in logs
        )
        self._scene_of = {token: scene for scene in self._scenes for token in scene.tokens}

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether there is a log in the folder."""
        return bool(find_logs(Path(root)))

    @classmethod
    def find_faults(cls, root: Path) -> Iterator[Fault]:
        """Every fault of poses, annotations and sweeps."""
        yield from find_faults(Path(root))

    @property
    def dataset(self) -> str:
        """Argoverse 2."""
        return "Argoverse 2"

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every log."""
        return self._scenes

    def sample(self, token: str) -> Sample:
        """The annotated sweep of a token ``log/timestamp_ns``.

        Raises:
            DataError: A file is missing or broken.
            UnknownName: There is no such sweep.
        """
        if token not in self._scene_of:
            raise unknown_name("Argoverse 2 sweep", token, ())
        scene = self._scene_of[token]
        log, instant_ns = self._logs[scene.name], int(token.rpartition("/")[2])
        times_ns, poses = self._poses(scene.name)
        now = int(np.searchsorted(times_ns, instant_ns))
        if now == len(times_ns) or times_ns[now] != instant_ns:
            raise DataError(f"{log.poses_file} has no pose of {instant_ns} ns, when a sweep was taken")
        now_s = float(poses.times_s[now])
        return Sample(
            source=Provenance(dataset=self.dataset, scene=scene.name, token=token, split=scene.split),
            observation=Observation(
                timestamp_s=now_s,
                ego=poses.ego_state(now_s),
                lidar=_sweep(log.sweep_file(instant_ns), now_s) if self._lidar else None,
                past=poses.past(now_s, self._sampling),
            ),
            truth=Truth(
                timestamp_s=now_s,
                world_from_ego=poses.world_from_ego[now],
                map_name=scene.map_name,
                future=poses.future(now_s, self._sampling),
                objects=self._objects(log, instant_ns),
            ),
        )

    def _read_poses(self, name: str) -> tuple[NDArray[np.int64], DrivenPoses]:
        log = self._logs[name]
        columns = read_columns(log.poses_file, POSE_COLUMNS)
        times_ns = columns["timestamp_ns"].astype(np.int64)
        try:
            return times_ns, DrivenPoses((times_ns - times_ns[:1]) * 1e-9, poses_of(columns))
        except (ContractError, DataError) as error:
            raise DataError(f"{log.poses_file}: {error}") from error

    def _read_boxes(self, name: str) -> tuple[Columns, NDArray[np.float64]]:
        file = self._logs[name].annotations_file
        columns = read_columns(file, ANNOTATION_COLUMNS)
        try:
            return columns, poses_of(columns)
        except ContractError as error:
            raise DataError(f"{file}: {error}") from error

    def _objects(self, log: Log, instant_ns: int) -> tuple[ObjectTruth, ...] | None:
        """The boxes of an instant; None where the log is not annotated."""
        if not log.annotations_file.exists():
            return None
        columns, poses = self._boxes(log.name)
        try:
            return tuple(
                ObjectTruth(
                    track_id=str(columns["track_uuid"][row]),
                    category=str(columns["category"][row]),
                    ego_from_object=poses[row],
                    size_m=np.array([columns[f"{side}_m"][row] for side in ("length", "width", "height")]),
                    lidar_points=int(columns["num_interior_pts"][row]),
                )
                for row in np.flatnonzero(columns["timestamp_ns"] == instant_ns)
            )
        except ContractError as error:
            raise DataError(f"{log.annotations_file}, {instant_ns} ns: {error}") from error


def _sweep(path: Path, now_s: float) -> LidarSweep:
    columns = read_columns(path, SWEEP_COLUMNS)
    points = np.column_stack([columns[axis] for axis in "xyz"]).astype(np.float32)
    try:
        return LidarSweep(
            points_m=points, timestamp_s=now_s, intensity=columns["intensity"].astype(np.float32) / np.float32(255)
        )
    except ContractError as error:
        raise DataError(f"{path}: {error}") from error
