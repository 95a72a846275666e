"""A tiny log of our own in Argoverse 2's layout: for tests, and to try things out."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.argoverse2.layout import ANNOTATION_COLUMNS, POSE_COLUMNS, Log
from drivevla.errors import require
from drivevla.geometry import invert_rigid, matrix_from_yaw, quaternion_from_matrix, rigid

__all__ = ["LOG_NAME", "write_argoverse2_fixture"]

LOG_NAME = "00000000-0000-3000-8000-000000000001"
_BEGIN_NS = 315_960_000_000_000_000
_SPEED_MPS, _YAW_RATE_RADPS, _RATE_HZ = 6.0, 0.1, 100
_PARKED_M = (20.0, 4.0)
"""Where a parked car is in the city."""


def write_argoverse2_fixture(root: Path, *, lasts_s: float = 6.0) -> Path:
    """Write one log of the split "val": a bend to the left at 6 m/s past a parked car, annotated 10 times a second.

    As in the real ones, poses are 100 a second, and some are a nanosecond apart.

    Args:
        root: Where to; made if it is not there.
        lasts_s: How long the drive is.

    Returns:
        The log's folder.
    """
    log = Log(root / "sensor" / "val" / LOG_NAME)
    (log.path / "sensors" / "lidar").mkdir(parents=True)
    (log.path / "map").mkdir()
    (log.path / "map" / f"log_map_archive_{LOG_NAME}____PIT_city_1.json").write_text("{}")
    steps_ns = np.arange(round(lasts_s * _RATE_HZ) + 1) * (10**9 // _RATE_HZ)
    times_ns = np.sort(np.concatenate([steps_ns, steps_ns[5::10] + 1]))
    poses = _bend(times_ns * 1e-9)
    _write(log.poses_file, dict(zip(POSE_COLUMNS, [_BEGIN_NS + times_ns, *_pose_columns(poses)], strict=True)))
    instants_ns = steps_ns[::10]
    boxes = invert_rigid(_bend(instants_ns * 1e-9)) @ rigid(np.eye(3), [*_PARKED_M, 0.8])
    count = len(instants_ns)
    values = [
        _BEGIN_NS + instants_ns,
        ["parked"] * count,
        ["REGULAR_VEHICLE"] * count,
        *(np.full(count, side) for side in (4.5, 1.9, 1.6)),
        *_pose_columns(boxes),
        np.full(count, 3),
    ]
    _write(log.annotations_file, dict(zip(ANNOTATION_COLUMNS, values, strict=True)))
    for instant_ns, box in zip(instants_ns, boxes, strict=True):
        _write(log.sweep_file(int(_BEGIN_NS + instant_ns)), _sweep(box))
    return log.path


def _bend(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    yaw, radius_m = _YAW_RATE_RADPS * times_s, _SPEED_MPS / _YAW_RATE_RADPS
    places = np.column_stack([radius_m * np.sin(yaw), radius_m * (1 - np.cos(yaw)), np.zeros_like(yaw)])
    return rigid(matrix_from_yaw(yaw), places)


def _pose_columns(poses: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [*quaternion_from_matrix(poses[:, :3, :3]).T, *poses[:, :3, 3].T]


def _sweep(ego_from_car: NDArray[np.float64]) -> dict[str, Any]:
    """A ring of ground and three returns off the car."""
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ground = np.column_stack([10 * np.cos(turn), 10 * np.sin(turn), np.zeros(60)])
    points = np.vstack([ego_from_car[:3, 3] + [[0.0, 0.0, 0.0], [0.3, 0.0, 0.2], [-0.3, 0.0, 0.4]], ground])
    columns: dict[str, Any] = {axis: points[:, index].astype(np.float16) for index, axis in enumerate("xyz")}
    count = len(points)
    return columns | {
        "intensity": np.full(count, 51, dtype=np.uint8),
        "laser_number": np.zeros(count, dtype=np.uint8),
        "offset_ns": np.zeros(count, dtype=np.int32),
    }


def _write(path: Path, columns: dict[str, Any]) -> None:
    pa: Any = require("pyarrow", "data")
    table = pa.table(columns)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
