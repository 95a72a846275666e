"""A tiny clip of our own in Bench2Drive's layout, faults of its recorder included: for tests, and to try things out."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.bench2drive.layout import CAMERAS, RATE_HZ
from drivevla.errors import require
from drivevla.geometry import (
    intrinsics_from_fov,
    invert_rigid,
    matrix_from_yaw,
    project_points,
    rigid,
    transform_points,
)
from drivevla.geometry.carla import (
    optical_from_sensor,
    points_to_carla,
    pose_to_carla,
    transform_from_carla,
)

__all__ = ["CLIP_NAME", "write_bench2drive_fixture"]

CLIP_NAME = "ParkedObstacle_Town03_Route7_Weather5"
_SPEED_MPS, _YAW_RATE = 6.0, 0.1
_PICTURE_PX = (160, 90)
_MOUNTS = {  # x, y, z m; yaw deg; field of view deg, in CARLA's frame: docs/anno.md
    "CAM_FRONT": ((0.80, 0.0, 1.60), 0.0, 70.0),
    "CAM_FRONT_LEFT": ((0.27, -0.55, 1.60), -55.0, 70.0),
    "CAM_FRONT_RIGHT": ((0.27, 0.55, 1.60), 55.0, 70.0),
    "CAM_BACK": ((-2.0, 0.0, 1.60), 180.0, 110.0),
    "CAM_BACK_LEFT": ((-0.32, -0.55, 1.60), -110.0, 70.0),
    "CAM_BACK_RIGHT": ((-0.32, 0.55, 1.60), 110.0, 70.0),
}
_CAR, _PARKED, _WALKER = (24.0, 0.0), (20.0, -5.0), (14.0, 6.0)  # where they are at the beginning, our world
_WALKER_MPS = 1.2
_SIZES = {"ego": (2.45, 0.92, 0.75), "car": (2.2, 0.95, 0.8), "parked": (2.2, 0.95, 0.8), "walker": (0.3, 0.3, 0.9)}


def write_bench2drive_fixture(root: Path, *, frames: int = 12) -> Path:
    """Write one clip: a drive around a bend past a parked car, behind another, and a pedestrian.

    As in the real ones, the pedestrian's speed is always 0, the parked car's location and rotation are wrong, and the
    first frame's compass is NaN.

    Args:
        root: Where to; made if it is not there.
        frames: 10 a second.

    Returns:
        The clip's folder.
    """
    clip = root / CLIP_NAME
    for folder in ("anno", "lidar", *(f"camera/{folder}" for folder in CAMERAS.values())):
        (clip / folder).mkdir(parents=True, exist_ok=True)
    for frame in range(frames):
        actor, boxes = _scene(frame / RATE_HZ)
        said = _annotation(frame, actor, boxes)
        with gzip.open(clip / "anno" / f"{frame:05d}.json.gz", "wt", encoding="utf-8") as file:
            json.dump(said, file)
        _write_pictures(clip, frame, actor, boxes)
        _write_sweep(clip / "lidar" / f"{frame:05d}.laz", actor, boxes)
    return clip


def _scene(time_s: float) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """world_from_actor of the ego, and world_from_box of everybody, in our axes."""
    yaw, radius = _YAW_RATE * time_s, _SPEED_MPS / _YAW_RATE
    actor = rigid(matrix_from_yaw(yaw), np.array([radius * np.sin(yaw), radius * (1 - np.cos(yaw)), 0.0]))
    boxes = {
        "car": rigid(matrix_from_yaw(0.0), np.array([_CAR[0] + _SPEED_MPS * time_s, _CAR[1], 0.8])),
        "parked": rigid(matrix_from_yaw(0.3), np.array([*_PARKED, 0.8])),
        "walker": rigid(matrix_from_yaw(-np.pi / 2), np.array([_WALKER[0], _WALKER[1] - _WALKER_MPS * time_s, 0.9])),
    }
    return actor, boxes


def _annotation(frame: int, actor: NDArray[np.float64], boxes: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    (x, y, z), (_, yaw_deg, _) = pose_to_carla(actor)
    targets = points_to_carla(transform_points(actor, [[20.0, 3.0, 0.0], [40.0, 8.0, 0.0]]))
    return {
        "x": x,
        "y": y,
        "theta": float("nan") if frame == 0 else float(np.radians(yaw_deg) + np.pi / 2),
        "speed": _SPEED_MPS,
        "throttle": 0.3,
        "steer": -0.05,
        "brake": 0.0,
        "reverse": False,
        "acceleration": [0.2, 0.0, 9.81],
        "angular_velocity": [0.0, 0.0, -_YAW_RATE],
        "x_command_near": targets[0, 0],
        "y_command_near": targets[0, 1],
        "command_near": 4,
        "x_command_far": targets[1, 0],
        "y_command_far": targets[1, 1],
        "command_far": 1,
        "weather": {"cloudiness": 10.0},
        "sensors": {name: _sensor(name) for name in _MOUNTS},
        "bounding_boxes": [
            _box("ego_vehicle", "1", actor @ rigid(np.eye(3), np.array([0.0, 0.0, 0.75])), "ego", z=float(z)),
            _box("vehicle", "2", boxes["car"], "car", state="dynamic", base_type="car", speed=_SPEED_MPS),
            _parked(boxes["parked"]),
            _box("walker", "4", boxes["walker"], "walker", speed=0.0),
            {
                "class": "traffic_light",
                "id": "5",
                "location": [40.0, 4.0, 4.0],
                "state": "green",
                "affects_ego": True,
            },
            {
                "class": "traffic_sign",
                "id": "6",
                "type_id": "traffic.stop",
                "location": [60.0, 5.0, 2.0],
                "affects_ego": False,
            },
        ],
    }


def _sensor(name: str) -> dict[str, Any]:
    location, yaw, fov = _MOUNTS[name]
    width, height = _PICTURE_PX
    return {
        "location": list(location),
        "rotation": [0.0, 0.0, yaw],
        "fov": fov,
        "image_size_x": width,
        "image_size_y": height,
        "intrinsic": intrinsics_from_fov(width_px=width, height_px=height, fov_deg=fov).tolist(),
    }


def _box(
    kind: str, name: str, world_from_box: NDArray[np.float64], size: str, *, z: float = 0.0, **more: Any
) -> dict[str, Any]:
    center, (pitch, yaw, roll) = pose_to_carla(world_from_box)
    half = np.array(_SIZES[size])
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])  # GetLocalVertices' order
    return {
        "class": kind,
        "id": name,
        "location": [center[0], center[1], z],
        "rotation": [pitch, roll, yaw],
        "center": center.tolist(),
        "extent": half.tolist(),
        "world_cord": points_to_carla(transform_points(world_from_box, signs * half)).tolist(),
        "num_points": 12,
        **more,
    }


def _parked(world_from_box: NDArray[np.float64]) -> dict[str, Any]:
    box = _box("vehicle", "3", world_from_box, "parked", state="static", base_type="car", speed=0.0)
    return box | {"location": [0.0, 0.0, 0.0], "rotation": [0.0, 0.0, 0.0]}


def _write_pictures(clip: Path, frame: int, actor: NDArray[np.float64], boxes: dict[str, NDArray[np.float64]]) -> None:
    """Sky and road, and a red square where the car's middle is."""
    image: Any = require("PIL.Image", "data")
    width, height = _PICTURE_PX
    for name, (location, yaw, fov) in _MOUNTS.items():
        picture = np.full((height, width, 3), (150, 180, 210), dtype=np.uint8)
        picture[height // 2 :] = (90, 90, 90)
        sensor = transform_from_carla(np.array(location), np.array([0.0, yaw, 0.0]))
        intrinsics = intrinsics_from_fov(width_px=width, height_px=height, fov_deg=fov)
        camera_from_world = optical_from_sensor() @ invert_rigid(actor @ sensor)
        pixels, depth_m = project_points(camera_from_world, intrinsics, boxes["car"][None, :3, 3])
        u, v = np.nan_to_num(pixels[0], nan=-1.0).round().astype(int)
        if depth_m[0] > 1.0 and 2 <= u < width - 2 and 2 <= v < height - 2:
            picture[v - 2 : v + 3, u - 2 : u + 3] = (220, 20, 20)
        image.fromarray(picture).save(clip / "camera" / CAMERAS[name] / f"{frame:05d}.jpg", quality=90)


def _write_sweep(path: Path, actor: NDArray[np.float64], boxes: dict[str, NDArray[np.float64]]) -> None:
    """Points on the car's roof and around us on the ground, in the frame in which the real ones are stored."""
    laspy: Any = require("laspy", "data")
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    ground = np.column_stack([10 * np.cos(turn), 10 * np.sin(turn), np.zeros(90)])
    roof = transform_points(invert_rigid(actor) @ boxes["car"], [[0.0, 0.0, 0.8], [0.5, 0.0, 0.8]])
    points = points_to_carla(np.vstack([roof, ground]))
    header = laspy.LasHeader(point_format=0, version="1.2")
    header.scales, header.offsets = np.full(3, 1e-3), np.zeros(3)
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = points.T
    cloud.write(str(path))
