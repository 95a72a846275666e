"""The boxes of a frame, its lights and its signs, with the recorder's known faults seen to.

Source: Bench2Drive, docs/anno.md; Bench2DriveZoo, ``mmcv/datasets/B2D_dataset.py`` and its converter; CARLA,
``BoundingBox::GetLocalVertices`` for the order of a box's corners.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.geometry import invert_rigid, matrix_from_yaw, rigid, transform_points, yaw_from_matrix
from drivevla.geometry.carla import points_from_carla, transform_from_carla
from drivevla.types import LightState, LightTruth, ObjectTruth, SignKind, SignTruth

__all__ = ["ego_box", "lights_of", "objects_of", "signs_of"]

_CORNERS_AGREE_M = 0.5
_SIGNS = {"traffic.stop": SignKind.STOP, "traffic.yield": SignKind.YIELD}


def ego_box(boxes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The ego's own entry, the first.

    Raises:
        DataError: It is another.
    """
    if not boxes or boxes[0].get("class") != "ego_vehicle":
        raise DataError("the first of bounding_boxes must be the ego_vehicle")
    return boxes[0]


def objects_of(
    boxes: Sequence[Mapping[str, Any]],
    world_from_ego: NDArray[np.float64],
    walkers_before: Mapping[str, NDArray[np.float64]],
    step_s: float,
) -> tuple[tuple[ObjectTruth, ...], int]:
    """Everybody but the ego.

    Pedestrians' recorded speeds are always 0: their velocity comes from where they were before. Parked vehicles'
    location and rotation are wrong: their middle and corners are taken.

    Args:
        boxes: ``bounding_boxes`` of the annotation.
        world_from_ego: (4, 4).
        walkers_before: (3,) middles of the pedestrians one frame earlier, CARLA's world, by id; empty at the start.
        step_s: How much earlier.

    Returns:
        The objects, and how many parked vehicles were left out, because nothing says which way they face.
    """
    ego_from_world = invert_rigid(world_from_ego)
    found, left_out = [], 0
    for box in boxes:
        if box.get("class") not in {"vehicle", "walker"}:
            continue
        world_from_box = _pose(box)
        if world_from_box is None:
            left_out += 1
            continue
        velocity = _velocity(box, world_from_box, walkers_before, step_s)
        known = None if velocity is None else (ego_from_world[:3, :3] @ velocity)[:2]
        found.append(
            ObjectTruth(
                track_id=str(box["id"]),
                category=_category(box),
                ego_from_object=ego_from_world @ world_from_box,
                size_m=2.0 * np.asarray(box["extent"], dtype=np.float64),
                velocity_mps=known,
                lidar_points=int(box["num_points"]) if box.get("num_points", -1) >= 0 else None,
                parked=True if box.get("state") == "static" else None,
            )
        )
    return tuple(found), left_out


def lights_of(boxes: Sequence[Mapping[str, Any]], world_from_ego: NDArray[np.float64]) -> tuple[LightTruth, ...]:
    """The traffic lights; where their stop lines are is not told."""
    states = {state.value: state for state in LightState}
    return tuple(
        LightTruth(
            light_id=str(box["id"]),
            state=states.get(str(box.get("state")).lower(), LightState.UNKNOWN),
            position_m=_seen_from(world_from_ego, box["location"]),
            affects_ego=bool(box["affects_ego"]),
        )
        for box in boxes
        if box.get("class") == "traffic_light"
    )


def signs_of(boxes: Sequence[Mapping[str, Any]], world_from_ego: NDArray[np.float64]) -> tuple[SignTruth, ...]:
    """The signs that say who goes first."""
    return tuple(
        SignTruth(
            sign_id=str(box["id"]),
            kind=_SIGNS[box["type_id"]],
            position_m=_seen_from(world_from_ego, box["location"]),
            affects_ego=bool(box["affects_ego"]),
        )
        for box in boxes
        if box.get("class") == "traffic_sign" and box.get("type_id") in _SIGNS
    )


def _seen_from(world_from_ego: NDArray[np.float64], location: Any) -> NDArray[np.float64]:
    return transform_points(invert_rigid(world_from_ego), points_from_carla(location)[None])[0]


def _category(box: Mapping[str, Any]) -> str:
    """As our own recorder names it: "walker", "vehicle.car"."""
    if box["class"] == "walker":
        return "walker"
    base = str(box.get("base_type", "")).lower()
    return f"vehicle.{base}" if base else "vehicle"


def _pose(box: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """world_from_box; None for a parked vehicle whose corners do not say where it faces."""
    middle = points_from_carla(box["center"])
    if box["class"] == "vehicle" and box.get("state") == "static":
        corners = points_from_carla(np.reshape(box.get("world_cord", []), (-1, 3)))
        if len(corners) != 8 or np.linalg.norm(corners.mean(axis=0) - middle) > _CORNERS_AGREE_M:
            return None
        ahead = corners[4:].mean(axis=0) - corners[:4].mean(axis=0)
        return rigid(matrix_from_yaw(float(np.arctan2(ahead[1], ahead[0]))), middle)
    pitch, roll, yaw = box["rotation"]
    turned = transform_from_carla(box["location"], np.array([pitch, yaw, roll]))
    return rigid(turned[:3, :3], middle)


def _velocity(
    box: Mapping[str, Any],
    world_from_box: NDArray[np.float64],
    walkers_before: Mapping[str, NDArray[np.float64]],
    step_s: float,
) -> NDArray[np.float64] | None:
    """(3,) in our world; None for a pedestrian who was not there a frame ago."""
    if box["class"] == "walker":
        before = walkers_before.get(str(box["id"]))
        return None if before is None else points_from_carla(np.asarray(box["center"]) - before) / step_s
    yaw = float(yaw_from_matrix(world_from_box[:3, :3]))
    return float(box["speed"]) * np.array([np.cos(yaw), np.sin(yaw), 0.0])
