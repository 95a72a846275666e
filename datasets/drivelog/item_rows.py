"""Things in the world as plain values, and back: boxes, lights, signs, lanes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.drivelog.rounding import rounded
from drivevla.geometry import matrix_from_quaternion, quaternion_from_matrix, rigid
from drivevla.types import (
    LaneTruth,
    LightState,
    LightTruth,
    ObjectTruth,
    SignKind,
    SignTruth,
    VehicleLight,
    Visibility,
)

__all__ = ["lane_of", "lane_row", "light_of", "light_row", "object_row", "objects_of", "sign_of", "sign_row"]

Row = dict[str, Any]

_MM, _CM = 3, 2


def object_row(item: ObjectTruth) -> Row:
    """A box."""
    return {
        "track_id": item.track_id,
        "category": item.category,
        "position_m": rounded(item.ego_from_object[:3, 3], _MM),
        "rotation_wxyz": rounded(quaternion_from_matrix(item.ego_from_object[:3, :3]), 6),
        "size_m": rounded(item.size_m, _MM),
        "velocity_mps": _rounded(item.velocity_mps),
        "acceleration_mps2": _rounded(item.acceleration_mps2),
        "yaw_rate_radps": _to(item.yaw_rate_radps, 4),
        "steering_rad": _to(item.steering_rad, 4),
        "lidar_points": item.lidar_points,
        "visibility": None if item.visibility is None else item.visibility.value,
        "lights": None if item.lights is None else sorted(light.value for light in item.lights),
        "parked": item.parked,
        "door_open": item.door_open,
        "lane_id": item.lane_id,
    }


def objects_of(rows: Sequence[Mapping[str, Any]] | None) -> tuple[ObjectTruth, ...] | None:
    """The boxes of rows."""
    if not rows:
        return None if rows is None else ()
    quaternions = np.array([row["rotation_wxyz"] for row in rows], dtype=np.float64).reshape(-1, 4)
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    poses = rigid(matrix_from_quaternion(quaternions), np.array([row["position_m"] for row in rows]).reshape(-1, 3))
    return tuple(_object_of(row, pose) for row, pose in zip(rows, poses, strict=True))


def _object_of(row: Mapping[str, Any], pose: NDArray[np.float64]) -> ObjectTruth:
    lights, seen = row["lights"], row["visibility"]
    return ObjectTruth(
        track_id=row["track_id"],
        category=row["category"],
        ego_from_object=pose,
        size_m=np.asarray(row["size_m"]),
        velocity_mps=row["velocity_mps"],
        acceleration_mps2=row["acceleration_mps2"],
        yaw_rate_radps=row["yaw_rate_radps"],
        steering_rad=row["steering_rad"],
        lidar_points=row["lidar_points"],
        visibility=None if seen is None else Visibility(seen),
        lights=None if lights is None else frozenset(VehicleLight(light) for light in lights),
        parked=row["parked"],
        door_open=row["door_open"],
        lane_id=row["lane_id"],
    )


def light_row(item: LightTruth) -> Row:
    """A traffic light."""
    return {
        "light_id": item.light_id,
        "state": item.state.value,
        "position_m": rounded(item.position_m, _MM),
        "affects_ego": item.affects_ego,
        "stop_distance_m": _to(item.stop_distance_m, _MM),
        "heads_m": None if item.heads_m is None else rounded(item.heads_m.ravel(), _MM),
    }


def light_of(row: Mapping[str, Any]) -> LightTruth:
    """The traffic light of a row; logs of before heads were told have none."""
    heads = row.get("heads_m")
    heads_m = None if heads is None else np.asarray(heads, dtype=np.float64).reshape(-1, 3)
    return LightTruth(**{**row, "state": LightState(row["state"]), "heads_m": heads_m})


def sign_row(item: SignTruth) -> Row:
    """A stop or yield sign."""
    return {
        "sign_id": item.sign_id,
        "kind": item.kind.value,
        "position_m": rounded(item.position_m, _MM),
        "affects_ego": item.affects_ego,
        "stop_distance_m": _to(item.stop_distance_m, _MM),
    }


def sign_of(row: Mapping[str, Any]) -> SignTruth:
    """The sign of a row."""
    return SignTruth(**{**row, "kind": SignKind(row["kind"])})


def lane_row(item: LaneTruth) -> Row:
    """A lane."""
    return {
        "lane_id": item.lane_id,
        "centerline_m": rounded(item.centerline_m, _CM),
        "width_m": _to(item.width_m, _MM),
        "in_junction": item.in_junction,
        "left_id": item.left_id,
        "right_id": item.right_id,
        "left_same_direction": item.left_same_direction,
        "may_change_left": item.may_change_left,
        "may_change_right": item.may_change_right,
        "successors": None if item.successors is None else list(item.successors),
    }


def lane_of(row: Mapping[str, Any]) -> LaneTruth:
    """The lane of a row."""
    onward = row["successors"]
    points = np.asarray(row["centerline_m"], dtype=np.float64).reshape(-1, 2)
    return LaneTruth(**{**row, "centerline_m": points, "successors": None if onward is None else tuple(onward)})


def _rounded(values: NDArray[np.float64] | None) -> list[float] | None:
    return None if values is None else rounded(values, _MM)


def _to(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
