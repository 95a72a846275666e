"""What is wrong with clips of Bench2Drive."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.datasets.bench2drive.layout import CAMERAS, RATE_HZ, Clip, find_clips, known_number
from drivevla.datasets.examining import examine_picture, fault, is_finite, pose_faults
from drivevla.errors import DataError
from drivevla.geometry import is_rigid
from drivevla.types import Fault, FaultKind

__all__ = ["find_faults"]

_UNITS_M = 1000.0  # no coordinate on a car is this large
_FIELDS = ("x", "y", "theta", "speed", "acceleration", "angular_velocity", "command_near", "sensors", "bounding_boxes")


def find_faults(root: Path) -> Iterator[Fault]:
    """Every fault, clip after clip."""
    for clip in find_clips(root):
        yield from _clip_faults(root, clip)


def _clip_faults(root: Path, clip: Clip) -> Iterator[Fault]:
    frames = clip.frames()
    anno = str((clip.path / "anno").relative_to(root))
    for missing in sorted(set(range(frames[0], frames[-1] + 1)) - set(frames)):
        yield fault(FaultKind.MISSING, f"{anno}/{missing:05d}.json.gz", "the frames before and after it are there")
    poses: list[tuple[int, float, float, float]] = []
    for frame in frames:
        file = str(clip.annotation_file(frame).relative_to(root))
        try:
            said = clip.annotation(frame)
            poses += _pose(frame, said)
        except DataError as error:
            kind = FaultKind.TRUNCATED if "cut short" in str(error) else FaultKind.CORRUPT
            yield fault(kind, file, str(error))
            continue
        yield from _annotation_faults(file, said)
        yield from _sensor_files(root, clip, frame, said)
    if len(poses) > 1:
        numbers, x, y, yaw = (np.array(column) for column in zip(*poses, strict=True))
        records = [f"frame {int(number)}" for number in numbers]
        forward = np.column_stack([np.cos(yaw), np.sin(yaw)])
        yield from pose_faults(anno, records, numbers / RATE_HZ, np.column_stack([x, y]), forward)


def _pose(frame: int, said: Mapping[str, Any]) -> list[tuple[int, float, float, float]]:
    """Number, place and heading in CARLA's world, where they are all known."""
    known = [known_number(said, name) for name in ("x", "y", "theta")]
    if any(value is None for value in known):
        return []
    x, y, compass = (float(value) for value in known if value is not None)
    return [(frame, x, y, compass - np.pi / 2)]


def _annotation_faults(file: str, said: Mapping[str, Any]) -> Iterator[Fault]:
    if absent := [name for name in _FIELDS if name not in said]:
        yield fault(FaultKind.MISSING, file, f"no field {', '.join(absent)}")
        return
    for name, size in (("acceleration", 3), ("angular_velocity", 3)):
        if not is_finite(said[name], size):
            yield fault(FaultKind.CORRUPT, file, f"{name} is not three finite numbers")
    boxes = said["bounding_boxes"]
    if not boxes or boxes[0].get("class") != "ego_vehicle":
        yield fault(FaultKind.INCONSISTENT, file, "the first of bounding_boxes is not the ego_vehicle")
    seen: set[tuple[str, str]] = set()
    for index, box in enumerate(boxes):
        record, who = f"box {index}", (str(box.get("class")), str(box.get("id")))
        if who in seen and who[0] in {"vehicle", "walker"}:
            yield fault(FaultKind.DUPLICATE, file, f"{who[0]} {who[1]} is there twice", record)
        seen.add(who)
        if "center" in box and not (is_finite(box["center"], 3) and is_finite(box.get("extent"), 3)):
            yield fault(FaultKind.CORRUPT, file, "center and extent are not three finite numbers each", record)
    for camera, sensor in said["sensors"].items():
        for kind, message in _calibration(camera, sensor):
            yield fault(kind, file, message, camera)


def _calibration(name: str, sensor: Mapping[str, Any]) -> Iterator[tuple[FaultKind, str]]:
    for field in ("world2cam", "cam2ego", "world2lidar", "lidar2ego"):
        if field in sensor and not is_rigid(np.asarray(sensor[field], dtype=np.float64)):
            yield FaultKind.CORRUPT, f"{field} is not orthonormal"
    if not is_finite(sensor.get("location"), 3) or not is_finite(sensor.get("rotation"), 3):
        yield FaultKind.CORRUPT, "location and rotation are not three finite numbers each"
    elif np.abs(sensor["location"]).max() > _UNITS_M:
        yield FaultKind.INCONSISTENT, f"location {sensor['location']} is not in metres"
    elif ("LEFT" in name and sensor["location"][1] > 0) or ("RIGHT" in name and sensor["location"][1] < 0):
        yield FaultKind.INCONSISTENT, "a left camera is on the right of the car, or a right one on the left"


def _sensor_files(root: Path, clip: Clip, frame: int, said: Mapping[str, Any]) -> Iterator[Fault]:
    sensors = said.get("sensors", {})
    for camera in (name for name in CAMERAS if name in sensors):
        size = (int(sensors[camera]["image_size_x"]), int(sensors[camera]["image_size_y"]))
        yield from examine_picture(root, str(clip.picture(camera, frame).relative_to(root)), size)
    sweep = clip.sweep(frame)
    file = str(sweep.relative_to(root))
    if not sweep.exists():
        yield fault(FaultKind.MISSING, file, "the sweep is not there")
    elif sweep.stat().st_size < 227:  # the shortest header that the format has
        yield fault(FaultKind.TRUNCATED, file, f"{sweep.stat().st_size} bytes are no LAZ file")
    elif sweep.read_bytes()[:4] != b"LASF":
        yield fault(FaultKind.CORRUPT, file, "it does not begin as a LAZ file does")
