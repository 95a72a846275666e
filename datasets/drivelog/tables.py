"""The columns of a drive log's tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drivevla.datasets.drivelog.arrow import arrow

__all__ = [
    "EGO_STATE",
    "IMAGE_PREFIX",
    "STATE",
    "data_schema",
    "features",
    "image_column",
    "motion_schema",
    "truth_schema",
]

IMAGE_PREFIX = "observation.images."
STATE = "observation.state"
EGO_STATE = ("speed_mps", "acceleration_mps2", "yaw_rate_radps", "steering_rad")
_NUMBERED = ("frame_index", "episode_index", "index", "task_index")


def image_column(camera: str) -> str:
    """The column of a camera's pictures."""
    return IMAGE_PREFIX + camera


def features(cameras: dict[str, tuple[int, int]]) -> dict[str, dict[str, Any]]:
    """LeRobot's description of every column of ``data/``.

    Args:
        cameras: Height and width by camera.
    """
    described: dict[str, dict[str, Any]] = {
        image_column(name): {"dtype": "image", "shape": [*size, 3], "names": ["height", "width", "channels"]}
        for name, size in cameras.items()
    }
    described[STATE] = {"dtype": "float32", "shape": [len(EGO_STATE)], "names": list(EGO_STATE)}
    described["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
    return described | {name: {"dtype": "int64", "shape": [1], "names": None} for name in _NUMBERED}


def data_schema(cameras: Iterable[str]) -> Any:
    """The table of frames; ``steering_rad`` of the state is NaN where the car reports none."""
    pa = arrow()
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.schema(
        [
            *((image_column(name), picture) for name in cameras),
            (STATE, pa.list_(pa.float32(), len(EGO_STATE))),
            ("timestamp", pa.float32()),
            *((name, pa.int64()) for name in _NUMBERED),
        ]
    )


def motion_schema() -> Any:
    """Poses between frames."""
    pa = arrow()
    return pa.schema([("time_s", pa.float64()), ("world_from_ego", pa.list_(pa.float64(), 12))])


def truth_schema() -> Any:
    """The columns of ``drivevla.datasets.drivelog.rows.Row``, and where the sweep of a frame lies."""
    pa = arrow()
    real, small, text, flag = pa.float64(), pa.float32(), pa.string(), pa.bool_()
    reals, smalls = pa.list_(real), pa.list_(small)
    future = pa.struct(
        [("times_s", reals), ("x_m", smalls), ("y_m", smalls), ("yaw_rad", smalls), ("valid", pa.list_(flag))]
    )
    camera = [("name", text), ("time_s", real), ("intrinsics_px", reals), ("ego_from_camera", reals)]
    alternative = [
        ("sentence", text),
        ("future", future),
        ("refused", flag),
        ("instruction", text),
        ("target_speed_mps", real),
        ("explanation", text),
        ("told_pose", reals),
    ]
    return pa.schema(
        [
            ("time_s", real),
            ("world_from_ego", reals),
            ("driven", flag),
            ("speed_mps", real),
            ("acceleration_mps2", real),
            ("yaw_rate_radps", real),
            ("steering_rad", real),
            ("past", pa.struct([("times_s", reals), ("poses", reals)])),
            ("sentence", text),
            ("command", text),
            ("target_points_m", reals),
            ("cameras", pa.list_(pa.struct(camera))),
            ("lidar_time_s", real),
            ("lidar_offset", pa.int64()),
            ("lidar_bytes", pa.int64()),
            ("lidar_crc32", pa.uint32()),
            ("map_name", text),
            ("future", future),
            *_world_columns(pa),
            ("speed_limit_mps", real),
            ("instruction", text),
            ("goal", text),
            ("commentary", text),
            ("explanation", text),
            ("refused", flag),
            ("target_speed_mps", real),
            ("alternatives", pa.list_(pa.struct(alternative))),
            ("extras", text),
        ]
    )


def _world_columns(pa: Any) -> list[tuple[str, Any]]:
    small, text, flag = pa.float32(), pa.string(), pa.bool_()
    smalls, texts = pa.list_(small), pa.list_(text)
    box = [
        ("track_id", text),
        ("category", text),
        ("position_m", smalls),
        ("rotation_wxyz", smalls),
        ("size_m", smalls),
        ("velocity_mps", smalls),
        ("acceleration_mps2", smalls),
        ("yaw_rate_radps", small),
        ("steering_rad", small),
        ("lidar_points", pa.int32()),
        ("visibility", pa.int8()),
        ("lights", texts),
        ("parked", flag),
        ("door_open", flag),
        ("lane_id", text),
    ]
    place = [("position_m", smalls), ("affects_ego", flag), ("stop_distance_m", small)]
    lane = [
        ("lane_id", text),
        ("centerline_m", smalls),
        ("width_m", small),
        ("in_junction", flag),
        ("left_id", text),
        ("right_id", text),
        ("left_same_direction", flag),
        ("may_change_left", flag),
        ("may_change_right", flag),
        ("successors", texts),
    ]
    route = [
        ("points_m", smalls),
        ("commands", texts),
        ("lane_ids", texts),
        ("in_junction", pa.list_(flag)),
        ("distance_m", pa.float64()),
        ("left_m", pa.float64()),
    ]
    return [
        ("objects", pa.list_(pa.struct(box))),
        ("lights", pa.list_(pa.struct([("light_id", text), ("state", text), *place, ("heads_m", smalls)]))),
        ("signs", pa.list_(pa.struct([("sign_id", text), ("kind", text), *place]))),
        ("lanes", pa.list_(pa.struct(lane))),
        ("route", pa.struct(route)),
    ]
