"""Observations to tensors: the one way, for training and for driving.

B batch, P points, S past poses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drivevla.errors import ContractError
from drivevla.geometry import interpolate_poses
from drivevla.types import (
    CameraBatch,
    CameraFrame,
    EgoState,
    LidarBatch,
    LidarSweep,
    Observation,
    PastPoses,
    SensorBatch,
)

__all__ = ["EGO_FEATURES", "LONGEST_STAND_S", "PAST_S", "collate_observations", "share_frames", "told_poses"]

EGO_FEATURES = ("speed_mps", "acceleration_mps2", "yaw_rate_radps", "steering_rad", "steering_known", "standing_s")
"""What ``ego_BE`` holds. An absent steering angle is said, not taken for straight. ``standing_s`` is for how long the
car has not moved, up to ``LONGEST_STAND_S``; 0 where its past is not known."""
LONGEST_STAND_S = 1.0
"""Long enough to tell a stop that has been made from one that is being made; longer would only tell the model to go
on standing because it stands."""
_STOOD_M = 0.05
PAST_S = (0.5, 1.0, 1.5, 2.0)
"""Ages of the past poses that the model sees: as many as nuScenes' planners get."""


def collate_observations(observations: Sequence[Observation]) -> SensorBatch:
    """A batch of observations.

    Cameras that only some samples have are marked absent in the others; a LiDAR that none has is None.

    Raises:
        ContractError: There is no observation, or a camera has pictures of different sizes.
    """
    if not observations:
        raise ContractError("a batch needs at least one observation")
    names = sorted({name for each in observations for name in each.cameras})
    past_BS3, past_keep_BS = _past([each.past for each in observations])
    return SensorBatch(
        cameras={name: _camera(name, [each.cameras.get(name) for each in observations]) for name in names},
        lidar=_lidar([each.lidar for each in observations]),
        ego_BE=torch.tensor([_ego(each.ego, each.past) for each in observations], dtype=torch.float32),
        past_BS3=past_BS3,
        past_keep_BS=past_keep_BS,
        sentences=tuple(each.instruction or "" for each in observations),
        told_B3=told_poses([each.told_pose for each in observations]),
    )


def told_poses(poses: Sequence[NDArray[np.float64] | None]) -> Tensor:
    """(B, 3) where each car was when it first heard what it was told; where it is where that is not known."""
    here = np.zeros(3)
    return torch.from_numpy(np.stack([here if pose is None else pose for pose in poses]).astype(np.float32))


def share_frames(
    batch: SensorBatch, frame_B: Sequence[int], sentences: Sequence[str], told_B3: Tensor | None
) -> SensorBatch:
    """Samples that see the frames of a batch, several of them one frame, and hear each its own.

    Args:
        batch: The frames.
        frame_B: Which one each sample sees.
        sentences: What each sample hears.
        told_B3: Where each was when it first heard that, as in ``SensorBatch``.
    """
    row = torch.tensor(frame_B, device=batch.ego_BE.device)
    shares = bool(batch.cameras) or batch.lidar is not None  # of nothing there is nothing to share
    return replace(
        batch,
        ego_BE=batch.ego_BE[row],
        past_BS3=batch.past_BS3[row],
        past_keep_BS=batch.past_keep_BS[row],
        ego_keep_B=None if batch.ego_keep_B is None else batch.ego_keep_B[row],
        sentences=tuple(sentences),
        told_B3=told_B3,
        frame_B=row if shares else None,
    )


def _ego(ego: EgoState, past: PastPoses | None) -> list[float]:
    steering_known = float(ego.steering_rad is not None)
    moves = [ego.speed_mps, ego.acceleration_mps2, ego.yaw_rate_radps]
    return [*moves, ego.steering_rad or 0.0, steering_known, _standing_s(past)]


def _standing_s(past: PastPoses | None) -> float:
    """For how long the car has been where it is."""
    if past is None or len(past.times_s) == 0:
        return 0.0
    elsewhere = np.flatnonzero(np.hypot(past.poses[:, 0], past.poses[:, 1]) > _STOOD_M)
    first = int(elsewhere[-1]) + 1 if len(elsewhere) else 0
    since_s = -float(past.times_s[first]) if first < len(past.times_s) else 0.0
    return min(since_s, LONGEST_STAND_S)


def _camera(name: str, frames: Sequence[CameraFrame | None]) -> CameraBatch:
    shapes = {frame.image.shape for frame in frames if frame is not None}
    if len(shapes) > 1:
        raise ContractError(f"camera {name!r} has pictures of different sizes in one batch: {sorted(shapes)}")
    shape = shapes.pop()
    images = np.zeros((len(frames), *shape), dtype=np.uint8)
    intrinsics = np.tile(np.eye(3, dtype=np.float32), (len(frames), 1, 1))
    poses = np.tile(np.eye(4, dtype=np.float32), (len(frames), 1, 1))
    for index, frame in enumerate(frames):
        if frame is not None:
            images[index], intrinsics[index], poses[index] = frame.image, frame.intrinsics_px, frame.ego_from_camera
    return CameraBatch(
        images_B3HW=torch.from_numpy(images).permute(0, 3, 1, 2),
        intrinsics_B33=torch.from_numpy(intrinsics),
        ego_from_camera_B44=torch.from_numpy(poses),
        present_B=torch.tensor([frame is not None for frame in frames]),
    )


def _lidar(sweeps: Sequence[LidarSweep | None]) -> LidarBatch | None:
    if all(sweep is None for sweep in sweeps):
        return None
    longest = max(len(sweep.points_m) for sweep in sweeps if sweep is not None)
    points = np.zeros((len(sweeps), longest, 4), dtype=np.float32)
    keep = np.zeros((len(sweeps), longest), dtype=np.bool_)
    for index, sweep in enumerate(sweeps):
        if sweep is not None:
            count = len(sweep.points_m)
            points[index, :count, :3], keep[index, :count] = sweep.points_m, True
            if sweep.intensity is not None:
                points[index, :count, 3] = sweep.intensity
    return LidarBatch(points_BP4=torch.from_numpy(points), keep_BP=torch.from_numpy(keep))


def _past(pasts: Sequence[PastPoses | None]) -> tuple[Tensor, Tensor]:
    poses = np.zeros((len(pasts), len(PAST_S), 3), dtype=np.float32)
    keep = np.zeros((len(pasts), len(PAST_S)), dtype=np.bool_)
    ages = -np.array(PAST_S)
    for index, past in enumerate(pasts):
        known = _covered(past, ages)
        if past is not None and known.any():
            poses[index, known], keep[index] = interpolate_poses(past.times_s, past.poses, ages[known]), known
    return torch.from_numpy(poses), torch.from_numpy(keep)


def _covered(past: PastPoses | None, ages_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which ages lie within what is known; nothing is extrapolated."""
    if past is None or len(past.times_s) == 0:
        return np.zeros(len(ages_s), dtype=np.bool_)
    return (ages_s >= past.times_s[0] - 1e-6) & (ages_s <= past.times_s[-1] + 1e-6)
