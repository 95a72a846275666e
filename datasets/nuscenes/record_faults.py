"""Records of nuScenes' tables that cannot be: times, calibrations, poses, boxes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from drivevla.datasets.examining import fault, is_finite, is_unit_quaternion, pose_faults
from drivevla.datasets.nuscenes.layout import LIDAR
from drivevla.geometry import matrix_from_quaternion
from drivevla.types import Fault, FaultKind

__all__ = ["channel_of", "record_faults"]

Tables = Mapping[str, Mapping[str, Mapping[str, Any]]]

_MICROSECONDS = (10**15, 3 * 10**15)  # 2001 to 2065
_LONGEST_KEYFRAME_GAP_US = 1_000_000
_LARGEST_OBJECT_M = 40.0
_SIDE = {"CAM_FRONT_LEFT": 1, "CAM_BACK_LEFT": 1, "CAM_FRONT_RIGHT": -1, "CAM_BACK_RIGHT": -1}


def record_faults(version: str, tables: Tables) -> Iterator[Fault]:
    """Every record that is at odds with itself or with its neighbours."""
    yield from _scenes(version, tables)
    yield from _times(version, tables)
    yield from _calibrations(version, tables)
    yield from _poses(version, tables)
    yield from _boxes(version, tables)


def channel_of(record: Mapping[str, Any], tables: Tables) -> str:
    """The sensor of a ``sample_data`` record; "" where the tables do not say."""
    calibrated = tables["calibrated_sensor"].get(record.get("calibrated_sensor_token", ""), {})
    return str(tables["sensor"].get(calibrated.get("sensor_token", ""), {}).get("channel", ""))


def _scenes(version: str, tables: Tables) -> Iterator[Fault]:
    file = f"{version}/scene.json"
    for token, scene in tables["scene"].items():
        chain, sample = [], scene.get("first_sample_token", "")
        while sample in tables["sample"] and sample not in chain:
            chain.append(sample)
            sample = tables["sample"][sample].get("next", "")
        if len(chain) != scene.get("nbr_samples"):
            message = f"{scene.get('name')} has nbr_samples {scene.get('nbr_samples')}, its chain has {len(chain)}"
            yield fault(FaultKind.INCONSISTENT, file, message, token)
        elif chain[-1] != scene.get("last_sample_token"):
            message = f"the chain of {scene.get('name')} does not end at last_sample_token"
            yield fault(FaultKind.INCONSISTENT, file, message, token)


def _times(version: str, tables: Tables) -> Iterator[Fault]:
    for name in ("sample", "sample_data", "ego_pose"):
        for token, record in tables[name].items():
            stamp = record.get("timestamp")
            if not isinstance(stamp, int) or not _MICROSECONDS[0] < stamp < _MICROSECONDS[1]:
                message = f"timestamp {stamp!r} is no integer of microseconds since 1970"
                yield fault(FaultKind.CORRUPT, f"{version}/{name}.json", message, token)
    for name in ("sample", "sample_data"):
        for token, record in tables[name].items():
            later = tables[name].get(record.get("next", ""))
            if later is None or not all(isinstance(each.get("timestamp"), int) for each in (record, later)):
                continue
            gap_us = later["timestamp"] - record["timestamp"]
            if gap_us <= 0 or (name == "sample" and gap_us > _LONGEST_KEYFRAME_GAP_US):
                message = f"the next record is {gap_us / 1e6:.3f} s later"
                yield fault(FaultKind.INCONSISTENT, f"{version}/{name}.json", message, token)


def _calibrations(version: str, tables: Tables) -> Iterator[Fault]:
    file = f"{version}/calibrated_sensor.json"
    for token, record in tables["calibrated_sensor"].items():
        channel = channel_of({"calibrated_sensor_token": token}, tables)
        if not is_unit_quaternion(record.get("rotation")):
            yield fault(FaultKind.CORRUPT, file, f"rotation of {channel} is no unit quaternion", token)
            continue
        if not is_finite(record.get("translation"), 3) or np.abs(record["translation"]).max() > 10.0:
            yield fault(FaultKind.CORRUPT, file, f"translation of {channel} is not within the car", token)
        if not channel.startswith("CAM"):
            continue
        if not _is_pinhole(record.get("camera_intrinsic")):
            yield fault(FaultKind.CORRUPT, file, f"camera_intrinsic of {channel} is no pinhole camera's", token)
        towards_left = float(matrix_from_quaternion(record["rotation"])[1, 2])
        if _SIDE.get(channel, 0) * towards_left < 0:
            message = f"{channel} looks to the {'left' if towards_left > 0 else 'right'}: sides swapped"
            yield fault(FaultKind.INCONSISTENT, file, message, token)


def _is_pinhole(intrinsic: Any) -> bool:
    if not isinstance(intrinsic, list) or len(intrinsic) != 3 or not all(is_finite(row, 3) for row in intrinsic):
        return False
    return intrinsic[0][0] > 0 and intrinsic[1][1] > 0 and intrinsic[2] == [0, 0, 1]


def _poses(version: str, tables: Tables) -> Iterator[Fault]:
    file, broken = f"{version}/ego_pose.json", set()
    for token, record in tables["ego_pose"].items():
        if not is_finite(record.get("translation"), 3) or not is_unit_quaternion(record.get("rotation")):
            broken.add(token)
            yield fault(FaultKind.CORRUPT, file, "the pose is not finite, or its rotation no unit quaternion", token)
    drives: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for record in tables["sample_data"].values():
        sample, pose = tables["sample"].get(record.get("sample_token", "")), record.get("ego_pose_token", "")
        whole = pose in tables["ego_pose"] and pose not in broken and isinstance(record.get("timestamp"), int)
        if sample is not None and whole and channel_of(record, tables) == LIDAR:
            drives[sample.get("scene_token", "")].append((record["timestamp"], pose))
    for drive in drives.values():
        moments = sorted(dict(drive).items())
        poses = [tables["ego_pose"][pose] for _, pose in moments]
        rotations = matrix_from_quaternion(np.array([pose["rotation"] for pose in poses]))
        yield from pose_faults(
            file,
            [pose for _, pose in moments],
            [(stamp - moments[0][0]) * 1e-6 for stamp, _ in moments],
            [pose["translation"][:2] for pose in poses],
            rotations[:, :2, 0],
        )


def _boxes(version: str, tables: Tables) -> Iterator[Fault]:
    file = f"{version}/sample_annotation.json"
    cars, wide = 0, 0
    for token, record in tables["sample_annotation"].items():
        size = record.get("size")
        if not is_finite(record.get("translation"), 3) or not is_unit_quaternion(record.get("rotation")):
            yield fault(FaultKind.CORRUPT, file, "the box's place is not finite, or its rotation no quaternion", token)
        if not is_finite(size, 3) or min(record["size"]) <= 0 or max(record["size"]) > _LARGEST_OBJECT_M:
            message = f"size {size} is no width, length and height in metres"
            yield fault(FaultKind.CORRUPT, file, message, token)
            continue
        level = record.get("visibility_token")
        if level and level not in tables["visibility"]:
            yield fault(FaultKind.MISSING, file, f"visibility_token {level!r} is not in visibility.json", token)
        instance = tables["instance"].get(record.get("instance_token", ""), {})
        category = tables["category"].get(instance.get("category_token", ""), {}).get("name", "")
        if category == "vehicle.car":
            cars += 1
            wide += record["size"][0] > record["size"][1]
    if cars and wide > cars / 2:
        message = f"{wide} of {cars} cars are wider than long: nuScenes' sizes are width, length, height"
        yield fault(FaultKind.INCONSISTENT, file, message)
