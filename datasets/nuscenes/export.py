"""Any data set of ours, written as a nuScenes data set that the devkit loads.

Keyframes are 0.5 s apart, as the planning protocols count them; what lies between stays away. Nothing is interpolated:
a drive whose samples do not fall on every half second is refused. What nuScenes has no table for, the sentence in
force, goes into ``instruction.json`` beside the tables, where our reader finds it and the devkit does not look.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.nuscenes.layout import INSTRUCTIONS, LIDAR
from drivevla.datasets.nuscenes.tables import TableWriter, token_of, write_picture
from drivevla.errors import DataError, UserError
from drivevla.geometry import invert_rigid, matrix_from_yaw, rigid, transform_points
from drivevla.geometry.nuscenes import record_from_transform, size_to_nuscenes
from drivevla.types import ObjectTruth, Reader, Sample, Scene

__all__ = ["EXPORT_VERSION", "export_nuscenes"]

EXPORT_VERSION = "v1.0-export"
_START_US = 1_600_000_000_000_000
_SCENE_US = 3_600_000_000  # scenes begin an hour apart
_KEYFRAME_S, _ON_TIME_S = 0.5, 1e-3
_EGO_FROM_LIDAR = rigid(matrix_from_yaw(-np.pi / 2), np.array([0.94, 0.0, 1.84]))  # as on nuScenes' car
_CATEGORIES = {  # those of ours that nuScenes calls otherwise
    "walker": "human.pedestrian.adult",
    "vehicle.van": "vehicle.car",
    "vehicle.bus": "vehicle.bus.rigid",
}


def export_nuscenes(reader: Reader, root: Path) -> int:
    """Write every drive of a data set.

    Cameras keep their names as channels. Points go into the frame that LIDAR_TOP has on nuScenes' car; where their
    intensity is not known, the column that the format asks for holds 0, and so does the ring.

    Args:
        reader: What to write. Its samples need LiDAR, which says in nuScenes where the car was.
        root: Where to; must not hold an export yet.

    Returns:
        How many keyframes were written.

    Raises:
        UserError: There is a data set already, or no drive has samples at every half second.
        DataError: A sample has no LiDAR.
    """
    if (root / EXPORT_VERSION).exists():
        raise UserError(f"{root} already holds {EXPORT_VERSION}; name another folder")
    drives = [(scene, run) for scene in reader.scenes for run in _keyframe_runs(reader, scene)]
    if not drives:
        raise UserError(
            f"no drive of {reader.dataset} has samples {_KEYFRAME_S} s apart; record with a rate that is a multiple of "
            "2 Hz (capture_hz=10)"
        )
    tables = TableWriter(sorted({_location(scene) for scene, _ in drives}), date="2020-09-13")
    sentences: list[dict[str, str]] = []
    for number, (scene, run) in enumerate(drives):
        name = scene.name if sum(scene is other for other, _ in drives) == 1 else f"{scene.name}-{number}"
        sentences += _Drive(root, tables, name, _START_US + number * _SCENE_US).write(
            scene, [reader.sample(token) for token in run]
        )
    tables.write(root, EXPORT_VERSION, more={INSTRUCTIONS: sentences})
    return sum(len(run) for _, run in drives)


def _location(scene: Scene) -> str:
    return scene.map_name or "unknown"


def _keyframe_runs(reader: Reader, scene: Scene) -> Iterator[list[str]]:
    """Tokens half a second apart, broken where one is missing; single ones are left out."""
    times = [(reader.sample(token).truth.timestamp_s, token) for token in scene.tokens]
    run: list[tuple[float, str]] = []
    for time_s, token in times:
        wanted_s = run[-1][0] + _KEYFRAME_S if run else time_s
        if time_s < wanted_s - _ON_TIME_S:
            continue
        if time_s > wanted_s + _ON_TIME_S:
            if len(run) > 1:
                yield [name for _, name in run]
            run = []
        run.append((time_s, token))
    if len(run) > 1:
        yield [name for _, name in run]


class _Drive:
    """One scene, written table by table."""

    def __init__(self, root: Path, tables: TableWriter, name: str, start_us: int) -> None:
        self.root, self.tables, self.name, self.start_us = root, tables, name, start_us
        self.calibrations: set[str] = set()

    def write(self, scene: Scene, samples: Sequence[Sample]) -> Iterator[dict[str, str]]:
        """The scene's records and files; gives the sentences in force."""
        tokens = [token_of(self.name, "sample", index) for index in range(len(samples))]
        scene_token = token_of(self.name)
        stamps_us = [
            self.start_us + round((each.truth.timestamp_s - samples[0].truth.timestamp_s) * 1e6) for each in samples
        ]
        self.tables.chain(
            "sample",
            [
                {"token": token, "timestamp": stamp_us, "scene_token": scene_token}
                for token, stamp_us in zip(tokens, stamps_us, strict=True)
            ],
        )
        self.tables.add(
            "scene",
            token=scene_token,
            log_token=token_of("log", _location(scene)),
            nbr_samples=len(samples),
            first_sample_token=tokens[0],
            last_sample_token=tokens[-1],
            name=self.name,
            description=scene.description or "",
        )
        frames = list(zip(tokens, stamps_us, samples, strict=True))
        for camera in sorted(set.intersection(*(set(each.observation.cameras) for each in samples))):
            self.tables.chain("sample_data", [self._picture(camera, *frame) for frame in frames])
        self.tables.chain("sample_data", [self._sweep(*frame) for frame in frames])
        self._objects(frames)
        return (
            {"sample_token": token, "sentence": sample.observation.instruction}
            for token, _, sample in frames
            if sample.observation.instruction
        )

    def _data(
        self, channel: str, token: str, stamp_us: int, sample: Sample, calibration: str, size: tuple[int, int]
    ) -> dict[str, object]:
        data = token_of(self.name, channel, stamp_us)
        self.tables.pose(data, stamp_us, sample.truth.world_from_ego)
        ending = "pcd.bin" if channel == LIDAR else "jpg"
        return {
            "token": data,
            "sample_token": token,
            "ego_pose_token": data,
            "calibrated_sensor_token": calibration,
            "timestamp": stamp_us,
            "fileformat": "pcd" if channel == LIDAR else "jpg",
            "is_key_frame": True,
            "height": size[1],
            "width": size[0],
            "filename": f"samples/{channel}/n000-{token_of(self.name)[:12]}__{channel}__{stamp_us}.{ending}",
        }

    def _calibration(
        self, channel: str, ego_from_sensor: NDArray[np.float64], intrinsics_px: NDArray[np.float64] | None
    ) -> str:
        """The token of a calibration, which is added when it is first seen in this scene."""
        seen = [ego_from_sensor.round(6).tolist(), None if intrinsics_px is None else intrinsics_px.round(6).tolist()]
        token = token_of(self.name, channel, seen)
        if token not in self.calibrations:
            self.calibrations.add(token)
            self.tables.calibration(token, channel, ego_from_sensor, intrinsics_px)
        return token

    def _picture(self, camera: str, token: str, stamp_us: int, sample: Sample) -> dict[str, object]:
        frame = sample.observation.cameras[camera]
        calibration = self._calibration(camera, frame.ego_from_camera, frame.intrinsics_px)
        height, width = frame.image.shape[:2]
        record = self._data(camera, token, stamp_us, sample, calibration, (width, height))
        write_picture(self.root / str(record["filename"]), frame.image)
        return record

    def _sweep(self, token: str, stamp_us: int, sample: Sample) -> dict[str, object]:
        sweep = sample.observation.lidar
        if sweep is None:
            raise DataError(f"{sample.source} has no LiDAR, which in nuScenes says where the car was")
        calibration = self._calibration(LIDAR, _EGO_FROM_LIDAR, None)
        record = self._data(LIDAR, token, stamp_us, sample, calibration, (0, 0))
        points = transform_points(invert_rigid(_EGO_FROM_LIDAR), sweep.points_m)
        shine = np.zeros(len(points)) if sweep.intensity is None else sweep.intensity * 255.0
        path = self.root / str(record["filename"])
        path.parent.mkdir(parents=True, exist_ok=True)
        np.column_stack([points, shine, np.zeros(len(points))]).astype("<f4").tofile(path)
        return record

    def _objects(self, frames: Sequence[tuple[str, int, Sample]]) -> None:
        """A chain of boxes for each stretch over which something was seen without a gap."""
        tracks: dict[str, list[tuple[int, dict[str, object], str]]] = {}
        for index, (token, _, sample) in enumerate(frames):
            for thing in sample.truth.objects or ():
                record = self._annotation(token, sample, thing)
                tracks.setdefault(thing.track_id, []).append((index, record, thing.category))
        for name, seen in tracks.items():
            breaks = [0, *(i + 1 for i, (one, other) in enumerate(pairwise(seen)) if other[0] != one[0] + 1), len(seen)]
            for part, (begin, end) in enumerate(pairwise(breaks)):
                self._instance(token_of(self.name, name, part), seen[begin][2], [each[1] for each in seen[begin:end]])

    def _annotation(self, token: str, sample: Sample, thing: ObjectTruth) -> dict[str, object]:
        translation, rotation = record_from_transform(sample.truth.world_from_ego @ thing.ego_from_object)
        points = thing.lidar_points
        return {
            "token": token_of(token, thing.track_id),
            "sample_token": token,
            "visibility_token": "" if thing.visibility is None else str(thing.visibility.value),
            "attribute_tokens": [],
            "translation": translation.tolist(),
            "size": size_to_nuscenes(thing.size_m).tolist(),
            "rotation": rotation.tolist(),
            "num_lidar_pts": _points_inside(sample, thing) if points is None else points,
            "num_radar_pts": 0,
        }

    def _instance(self, token: str, category: str, records: list[dict[str, object]]) -> None:
        called = _CATEGORIES.get(category, category)
        category_token = token_of("category", called)
        if all(each["token"] != category_token for each in self.tables.tables["category"]):
            self.tables.add("category", token=category_token, name=called, description=called)
        for record in records:
            record["instance_token"] = token
        self.tables.chain("sample_annotation", records)
        self.tables.add(
            "instance",
            token=token,
            category_token=category_token,
            nbr_annotations=len(records),
            first_annotation_token=records[0]["token"],
            last_annotation_token=records[-1]["token"],
        )


def _points_inside(sample: Sample, thing: ObjectTruth) -> int:
    """How many returns of the sweep lie in a box."""
    assert sample.observation.lidar is not None  # the sweep was written before
    points = transform_points(invert_rigid(thing.ego_from_object), sample.observation.lidar.points_m)
    return int((np.abs(points) <= thing.size_m / 2).all(axis=1).sum())
