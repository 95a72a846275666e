"""A tiny data set of our own in nuScenes' exact layout: for tests, and to try things out without a download.

Two drives around a bend, with a parked lorry, a car ahead and a pedestrian. Pictures show the boxes as flat shapes, so
that whatever is drawn over them can be judged by eye.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.nuscenes.layout import CAMERAS, LIDAR
from drivevla.datasets.nuscenes.map_fixture import roads_of_fixture
from drivevla.datasets.nuscenes.map_lanes import EXPANSION
from drivevla.datasets.nuscenes.tables import TableWriter, token_of, write_json, write_picture
from drivevla.errors import require
from drivevla.geometry import (
    camera_axes_from_body_axes,
    intrinsics_from_fov,
    invert_rigid,
    matrix_from_yaw,
    project_points,
    rigid,
    transform_points,
)
from drivevla.geometry.nuscenes import record_from_transform

__all__ = ["write_nuscenes_fixture"]

_VERSION = "v1.0-mini"
_START_US = 1_600_000_000_000_000
_KEYFRAME_US, _SWEEPS_BETWEEN = 500_000, 10
_SPEED_MPS = 6.0
_SCENES = {"scene-0061": 0.08, "scene-0103": -0.08}  # yaw rate; names of mini_train and mini_val
_CAMERA_YAWS_DEG = dict(zip(CAMERAS, (55, 0, -55, 110, 180, -110), strict=True))
_CAMERA_LEAD_US = dict(zip(CAMERAS, (43_000, 35_000, 27_000, -1_000, 10_000, 20_000), strict=True))
_PICTURE_PX = (160, 90)
_OBJECTS = {  # category: (length, width, height), start (x, y) in the world, speed, lateral side
    "vehicle.truck": ((8.0, 2.5, 3.0), (25.0, 6.0), 0.0),
    "vehicle.car": ((4.5, 1.9, 1.6), (14.0, 0.0), 5.0),
    "human.pedestrian.adult": ((0.6, 0.7, 1.8), (12.0, -5.0), 1.0),
}
_LOCATION = "singapore-onenorth"


def write_nuscenes_fixture(
    root: Path, *, keyframes: int = 9, can_bus: bool = False, map_expansion: bool = False
) -> None:
    """Write the data set.

    Args:
        root: Where to; made if it is not there.
        keyframes: Of each scene; 2 a second.
        can_bus: Whether to write the CAN bus expansion as well.
        map_expansion: Whether to write the map expansion as well: lanes along which the drives go.
    """
    tables = TableWriter([_LOCATION], date="2020-09-13")
    for category in _OBJECTS:
        tables.add("category", token=token_of(category), name=category, description=category)
    for channel in (*CAMERAS, LIDAR):
        intrinsics = None if channel == LIDAR else _intrinsics()
        tables.calibration(token_of("calibrated", channel), channel, _ego_from(channel), intrinsics)
    for name, yaw_rate in _SCENES.items():
        _Drive(root, tables, name, yaw_rate, keyframes).write()
        if can_bus:
            write_json(root / "can_bus" / f"{name}_pose.json", list(_can_messages(yaw_rate, keyframes)))
    if map_expansion:
        bend_radius_m = _SPEED_MPS / max(_SCENES.values())
        write_json(root / EXPANSION / f"{_LOCATION}.json", roads_of_fixture(bend_radius_m))
    tables.write(root, _VERSION, more={})


def _ego_from(channel: str) -> NDArray[np.float64]:
    if channel == LIDAR:  # x right, y forward
        return rigid(matrix_from_yaw(-np.pi / 2), np.array([0.94, 0.0, 1.84]))
    yaw = np.radians(_CAMERA_YAWS_DEG[channel])
    return rigid(
        matrix_from_yaw(yaw) @ camera_axes_from_body_axes().T, np.array([1.0 + np.cos(yaw), 0.5 * np.sin(yaw), 1.5])
    )


def _intrinsics() -> NDArray[np.float64]:
    return intrinsics_from_fov(width_px=_PICTURE_PX[0], height_px=_PICTURE_PX[1], fov_deg=70.0)


def _world_from_ego(time_s: float, yaw_rate: float) -> NDArray[np.float64]:
    """On a circle, from the origin along x."""
    yaw, radius = yaw_rate * time_s, _SPEED_MPS / yaw_rate
    return rigid(matrix_from_yaw(yaw), np.array([radius * np.sin(yaw), radius * (1.0 - np.cos(yaw)), 0.0]))


def _world_from_object(category: str, time_s: float) -> NDArray[np.float64]:
    size, start, speed = _OBJECTS[category]
    return rigid(np.eye(3), np.array([start[0] + speed * time_s, start[1], size[2] / 2.0]))


class _Drive:
    """One scene, written table by table."""

    def __init__(self, root: Path, tables: TableWriter, name: str, yaw_rate: float, keyframes: int) -> None:
        self.root, self.tables, self.name, self.yaw_rate, self.keyframes = root, tables, name, yaw_rate, keyframes
        self.start_us = _START_US + 100_000_000 * list(_SCENES).index(name)
        self.samples = [token_of(name, "sample", index) for index in range(keyframes)]

    def write(self) -> None:
        self.tables.chain("sample", [self._sample(index) for index in range(self.keyframes)])
        self.tables.add(
            "scene",
            token=token_of(self.name),
            log_token=token_of("log", _LOCATION),
            nbr_samples=self.keyframes,
            first_sample_token=self.samples[0],
            last_sample_token=self.samples[-1],
            name=self.name,
            description="Bend, parked truck, follow a car",
        )
        for channel in CAMERAS:
            self.tables.chain("sample_data", [self._picture(channel, index) for index in range(self.keyframes)])
        sweeps = (self.keyframes - 1) * _SWEEPS_BETWEEN + 1
        self.tables.chain("sample_data", [self._sweep(index) for index in range(sweeps)])
        for category in _OBJECTS:
            self._add_object(category)

    def _sample(self, index: int) -> dict[str, Any]:
        stamp = self.start_us + index * _KEYFRAME_US
        return {"token": self.samples[index], "timestamp": stamp, "scene_token": token_of(self.name)}

    def _data(self, channel: str, stamp_us: int, sample: int, *, key: bool, size: tuple[int, int]) -> dict[str, Any]:
        token = token_of(self.name, channel, stamp_us)
        pose = _world_from_ego((stamp_us - self.start_us) * 1e-6, self.yaw_rate)
        self.tables.pose(token, stamp_us, pose)
        kind = "pcd.bin" if channel == LIDAR else "jpg"
        folder = "samples" if key else "sweeps"
        return {
            "token": token,
            "sample_token": self.samples[sample],
            "ego_pose_token": token,
            "calibrated_sensor_token": token_of("calibrated", channel),
            "timestamp": stamp_us,
            "fileformat": kind.removesuffix(".bin"),
            "is_key_frame": key,
            "height": size[1],
            "width": size[0],
            "filename": f"{folder}/{channel}/n000-{self.name}__{channel}__{stamp_us}.{kind}",
        }

    def _picture(self, channel: str, index: int) -> dict[str, Any]:
        stamp_us = self.start_us + index * _KEYFRAME_US - _CAMERA_LEAD_US[channel]
        record = self._data(channel, stamp_us, index, key=True, size=_PICTURE_PX)
        time_s = (stamp_us - self.start_us) * 1e-6
        world_from_camera = _world_from_ego(time_s, self.yaw_rate) @ _ego_from(channel)
        write_picture(self.root / record["filename"], _paint(invert_rigid(world_from_camera), time_s))
        return record

    def _sweep(self, index: int) -> dict[str, Any]:
        key, stamp_us = index % _SWEEPS_BETWEEN == 0, self.start_us + index * _KEYFRAME_US // _SWEEPS_BETWEEN
        sample = -(-index // _SWEEPS_BETWEEN)  # a sweep belongs to the keyframe that follows
        record = self._data(LIDAR, stamp_us, sample, key=key, size=(0, 0))
        time_s = (stamp_us - self.start_us) * 1e-6
        lidar_from_world = invert_rigid(_world_from_ego(time_s, self.yaw_rate) @ _ego_from(LIDAR))
        points = transform_points(lidar_from_world, _surface(time_s, self.yaw_rate))
        rows = np.concatenate([points, np.full((len(points), 1), 51.0), np.zeros((len(points), 1))], axis=1)
        path = self.root / record["filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.astype("<f4").tofile(path)
        return record

    def _add_object(self, category: str) -> None:
        length, width, height = _OBJECTS[category][0]
        instance = token_of(self.name, category)
        records = []
        for index in range(self.keyframes):
            time_s = index * _KEYFRAME_US * 1e-6
            translation, rotation = record_from_transform(_world_from_object(category, time_s))
            records.append(
                {
                    "token": token_of(self.name, category, index),
                    "sample_token": self.samples[index],
                    "instance_token": instance,
                    "visibility_token": "4",
                    "attribute_tokens": [],
                    "translation": translation.tolist(),
                    "size": [width, length, height],
                    "rotation": rotation.tolist(),
                    "num_lidar_pts": len(_on_box(category, time_s)),
                    "num_radar_pts": 0,
                }
            )
        self.tables.chain("sample_annotation", records)
        self.tables.add(
            "instance",
            token=instance,
            category_token=token_of(category),
            nbr_annotations=len(records),
            first_annotation_token=records[0]["token"],
            last_annotation_token=records[-1]["token"],
        )


def _on_box(category: str, time_s: float) -> NDArray[np.float64]:
    """(N, 3) points on the sides of a box, in the world."""
    length, width, height = np.array(_OBJECTS[category][0]) / 2.0
    along, up = (axis.ravel() for axis in np.meshgrid(np.linspace(-0.98, 0.98, 9), np.linspace(-0.9, 0.9, 5)))
    sides = [np.stack([along * length, np.full(len(up), side * width), up * height], axis=1) for side in (-1.0, 1.0)]
    ends = [np.stack([np.full(len(up), end * length), along * width, up * height], axis=1) for end in (-1.0, 1.0)]
    return transform_points(_world_from_object(category, time_s), np.concatenate([*sides, *ends]))


def _surface(time_s: float, yaw_rate: float) -> NDArray[np.float64]:
    """(N, 3) what a sweep hits: rings on the road, and boxes."""
    angles = np.linspace(-np.pi, np.pi, 72, endpoint=False)
    rings = [
        np.stack([radius * np.cos(angles), radius * np.sin(angles), np.zeros(len(angles))], axis=1)
        for radius in (4.0, 8.0, 16.0, 32.0)
    ]
    road = transform_points(_world_from_ego(time_s, yaw_rate), np.concatenate(rings))
    return np.concatenate([road, *(_on_box(category, time_s) for category in _OBJECTS)])


def _paint(camera_from_world: NDArray[np.float64], time_s: float) -> NDArray[np.uint8]:
    draw: Any = require("PIL.ImageDraw", "data")
    image: Any = require("PIL.Image", "data").new("RGB", _PICTURE_PX, (150, 180, 210))
    canvas = draw.Draw(image)
    canvas.rectangle([0, _PICTURE_PX[1] // 2, *_PICTURE_PX], fill=(90, 90, 90))
    colours = ((200, 160, 60), (180, 40, 40), (40, 120, 60))
    for category, colour in zip(_OBJECTS, colours, strict=True):
        pixels, depth = project_points(camera_from_world, _intrinsics(), _on_box(category, time_s))
        if (depth > 0.5).all():
            low, high = pixels.min(axis=0), pixels.max(axis=0)
            canvas.rectangle([*low.tolist(), *high.tolist()], fill=colour)
    return np.array(image, dtype=np.uint8)


def _can_messages(yaw_rate: float, keyframes: int) -> Iterator[dict[str, Any]]:
    start_us = _START_US + 100_000_000 * list(_SCENES.values()).index(yaw_rate)
    for offset_us in range(0, keyframes * _KEYFRAME_US, 20_000):
        translation, rotation = record_from_transform(_world_from_ego(offset_us * 1e-6, yaw_rate))
        yield {
            "utime": start_us + offset_us,
            "pos": translation.tolist(),
            "orientation": rotation.tolist(),
            "vel": [_SPEED_MPS, 0.0, 0.0],
            "accel": [0.0, _SPEED_MPS * yaw_rate, 9.8],
            "rotation_rate": [0.0, 0.0, yaw_rate],
        }
