"""A sample without its sensors as plain values, and back: the one form that tables and shards share.

What is seen is kept exactly. What is true is rounded: places to a millimetre (lanes and routes to a centimetre), angles
of trajectories to 1e-5 rad, quaternions to 1e-6, speeds to a millimetre a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.datasets.drivelog.item_rows import (
    lane_of,
    lane_row,
    light_of,
    light_row,
    object_row,
    objects_of,
    sign_of,
    sign_row,
)
from drivevla.datasets.drivelog.rounding import pose_of, pose_row, rounded
from drivevla.datasets.drivelog.said_rows import (
    explanation_of,
    explanation_row,
    extras_of,
    extras_row,
    goal_of_row,
    goal_row,
    instruction_of,
    instruction_row,
)
from drivevla.errors import DataError
from drivevla.geometry import invert_rigid, yaw_from_matrix
from drivevla.types import (
    Alternative,
    CameraFrame,
    Command,
    EgoState,
    Future,
    LidarSweep,
    Observation,
    PastPoses,
    Provenance,
    Sample,
    Truth,
)

__all__ = ["Row", "future_of", "future_row", "row_of", "sample_of", "told_poses"]

Row = dict[str, Any]


def row_of(sample: Sample) -> Row:
    """A sample as plain values; pictures and sweep are not among them."""
    seen, truth = sample.observation, sample.truth
    return {
        "time_s": seen.timestamp_s,
        "world_from_ego": pose_row(truth.world_from_ego),
        "driven": truth.future is None,
        **_ego_row(seen),
        "cameras": [_camera_row(name, frame) for name, frame in seen.cameras.items()],
        "lidar_time_s": None if seen.lidar is None else seen.lidar.timestamp_s,
        "map_name": truth.map_name,
        "future": None if truth.future is None else future_row(truth.future),
        "objects": _rows(truth.objects, object_row),
        "lights": _rows(truth.lights, light_row),
        "signs": _rows(truth.signs, sign_row),
        "lanes": _rows(truth.lanes, lane_row),
        "route": _route_row(truth),
        "speed_limit_mps": truth.speed_limit_mps,
        "instruction": instruction_row(truth.instruction),
        "goal": goal_row(truth.goal, truth.instruction),
        "commentary": sample.commentary,
        "explanation": explanation_row(sample.explanation),
        "refused": sample.refused,
        "target_speed_mps": sample.target_speed_mps,
        "alternatives": _rows(sample.alternatives, _alternative_row),
        "extras": extras_row(sample),
    }


def sample_of(
    row: Mapping[str, Any],
    source: Provenance,
    *,
    images: Mapping[str, NDArray[np.uint8]],
    lidar: LidarSweep | None,
    future: Future | None,
    told_pose: NDArray[np.float64] | None,
) -> Sample:
    """The sample of a row.

    Args:
        row: What ``row_of`` gave.
        source: Where it comes from.
        images: The row's pictures by camera.
        lidar: Its sweep.
        future: Where the car went, for a row that holds none of its own.
        told_pose: Where the car was when it first heard the row's sentence, of ``told_poses``.

    Raises:
        DataError: The row is not what ``row_of`` writes; ``source`` is named.
    """
    try:
        observation = replace(_observation_of(row, images, lidar), told_pose=told_pose)
        return Sample(
            source=source,
            observation=observation,
            truth=_truth_of(row, future if row["future"] is None else future_of(row["future"])),
            commentary=row["commentary"],
            refused=row["refused"],
            target_speed_mps=row["target_speed_mps"],
            explanation=explanation_of(row["explanation"]),
            alternatives=_items(row["alternatives"], _alternative_of),
            **extras_of(row["extras"]),
        )
    except (KeyError, TypeError, ValueError) as error:  # ValueError is every ContractError too
        raise DataError(f"{source}: the record is damaged: {error}") from error


def told_poses(rows: Sequence[Mapping[str, Any]]) -> list[NDArray[np.float64] | None]:
    """For each row of an episode, in order: where the car was when it first heard the sentence, x, y, yaw in its frame.

    None where nothing was said. A sentence is first heard in the first of the rows, one after the other, that have it.

    Args:
        rows: With ``sentence`` and ``world_from_ego``.
    """
    found: list[NDArray[np.float64] | None] = []
    heard: str | None = None
    world_from_told = np.eye(4)
    for row in rows:
        world_from_ego = pose_of(row["world_from_ego"])
        if row["sentence"] != heard:
            heard, world_from_told = row["sentence"], world_from_ego
        ego_from_told = invert_rigid(world_from_ego) @ world_from_told
        pose = np.array([*ego_from_told[:2, 3], yaw_from_matrix(ego_from_told[:3, :3])])
        found.append(None if heard is None else np.array(_told_row(pose)))
    return found


def future_row(future: Future) -> Row:
    """A future as plain values."""
    return {
        "times_s": rounded(future.times_s, 6),
        "x_m": rounded(future.poses[:, 0], 3),
        "y_m": rounded(future.poses[:, 1], 3),
        "yaw_rad": rounded(future.poses[:, 2], 5),
        "valid": future.valid.tolist(),
    }


def future_of(row: Mapping[str, Any]) -> Future:
    """The future of a row."""
    columns = [row["x_m"], row["y_m"], row["yaw_rad"]]
    return Future(times_s=row["times_s"], poses=np.array(columns).T.reshape(-1, 3), valid=np.array(row["valid"], bool))


def _ego_row(seen: Observation) -> Row:
    past = seen.past
    return {
        "speed_mps": seen.ego.speed_mps,
        "acceleration_mps2": seen.ego.acceleration_mps2,
        "yaw_rate_radps": seen.ego.yaw_rate_radps,
        "steering_rad": seen.ego.steering_rad,
        "past": None if past is None else {"times_s": past.times_s.tolist(), "poses": past.poses.ravel().tolist()},
        "sentence": seen.instruction,
        "command": None if seen.command is None else seen.command.value,
        "target_points_m": None if seen.target_points_m is None else seen.target_points_m.ravel().tolist(),
    }


def _camera_row(name: str, frame: CameraFrame) -> Row:
    return {
        "name": name,
        "time_s": frame.timestamp_s,
        "intrinsics_px": frame.intrinsics_px.ravel().tolist(),
        "ego_from_camera": pose_row(frame.ego_from_camera),
    }


def _observation_of(
    row: Mapping[str, Any], images: Mapping[str, NDArray[np.uint8]], lidar: LidarSweep | None
) -> Observation:
    past, points = row["past"], row["target_points_m"]
    return Observation(
        timestamp_s=row["time_s"],
        ego=EgoState(
            speed_mps=row["speed_mps"],
            acceleration_mps2=row["acceleration_mps2"],
            yaw_rate_radps=row["yaw_rate_radps"],
            steering_rad=row["steering_rad"],
        ),
        cameras={
            camera["name"]: CameraFrame(
                image=images[camera["name"]],
                intrinsics_px=_array(camera["intrinsics_px"], 3),
                ego_from_camera=pose_of(camera["ego_from_camera"]),
                timestamp_s=camera["time_s"],
            )
            for camera in row["cameras"]
            if camera["name"] in images
        },
        lidar=lidar,
        past=None if past is None else PastPoses(times_s=past["times_s"], poses=_array(past["poses"], 3)),
        instruction=row["sentence"],
        command=None if row["command"] is None else Command(row["command"]),
        target_points_m=None if points is None else _array(points, 2),
    )


def _truth_of(row: Mapping[str, Any], future: Future | None) -> Truth:
    instruction = instruction_of(row["instruction"])
    return Truth(
        timestamp_s=row["time_s"],
        world_from_ego=pose_of(row["world_from_ego"]),
        map_name=row["map_name"],
        future=future,
        objects=objects_of(row["objects"]),
        lights=_items(row["lights"], light_of),
        signs=_items(row["signs"], sign_of),
        lanes=_items(row["lanes"], lane_of),
        **({} if row["route"] is None else _route_of(row["route"])),
        speed_limit_mps=row["speed_limit_mps"],
        instruction=instruction,
        goal=goal_of_row(row["goal"], instruction),
    )


def _route_row(truth: Truth) -> Row | None:
    if truth.route_m is None:
        return None
    commands, junctions = truth.route_commands, truth.route_in_junction
    return {
        "points_m": rounded(truth.route_m, 2),
        "commands": None if commands is None else [command.value for command in commands],
        "lane_ids": None if truth.route_lane_ids is None else list(truth.route_lane_ids),
        "in_junction": None if junctions is None else junctions.tolist(),
        "distance_m": truth.route_distance_m,
        "left_m": truth.route_left_m,
    }


def _route_of(row: Mapping[str, Any]) -> dict[str, Any]:
    commands, lanes, junctions = row["commands"], row["lane_ids"], row["in_junction"]
    return {
        "route_m": _array(row["points_m"], 2),
        "route_commands": None if commands is None else tuple(Command(command) for command in commands),
        "route_lane_ids": None if lanes is None else tuple(lanes),
        "route_in_junction": None if junctions is None else np.array(junctions, dtype=np.bool_),
        "route_distance_m": row["distance_m"],
        "route_left_m": row["left_m"],
    }


def _alternative_row(alternative: Alternative) -> Row:
    return {
        "sentence": alternative.sentence,
        "future": future_row(alternative.future),
        "refused": alternative.refused,
        "instruction": instruction_row(alternative.instruction),
        "target_speed_mps": alternative.target_speed_mps,
        "explanation": explanation_row(alternative.explanation),
        "told_pose": None if alternative.told_pose is None else _told_row(alternative.told_pose),
    }


def _alternative_of(row: Mapping[str, Any]) -> Alternative:
    return Alternative(
        sentence=row["sentence"],
        future=future_of(row["future"]),
        refused=row["refused"],
        instruction=instruction_of(row["instruction"]),
        target_speed_mps=row["target_speed_mps"],
        explanation=explanation_of(row["explanation"]),
        told_pose=row.get("told_pose"),  # before it was written, everything was asked for here and now
    )


def _told_row(pose: NDArray[np.float64]) -> list[float]:
    return [*rounded(pose[:2], 3), *rounded(pose[2], 5)]


def _array(values: ArrayLike, columns: int) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).reshape(-1, columns)


def _rows(items: Sequence[Any] | None, row: Any) -> list[Row] | None:
    return None if items is None else [row(item) for item in items]


def _items(rows: Sequence[Any] | None, item: Any) -> tuple[Any, ...] | None:
    return None if rows is None else tuple(item(row) for row in rows)
