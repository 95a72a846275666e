"""Samples to batches: what the model sees, and what the teacher did.

B batch, T future steps, P path points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drivevla.errors import ContractError
from drivevla.geometry import cumulative_length_m, interpolate_poses, resample_path
from drivevla.language import Commentary, Instruction
from drivevla.models.auxiliary.targets import AuxiliaryBatch, AuxiliaryTarget, collate_auxiliary
from drivevla.perception.collating import collate_observations, share_frames, told_poses
from drivevla.types import Alternative, Future, Observation, PlanTarget, QuestionAnswer, SensorBatch

__all__ = ["Drive", "TrainingBatch", "TrainingSample", "collate_drives", "collate_samples", "shared_rows"]

PATH_POINTS = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSample:
    """One thing to learn.

    Attributes:
        observation: What is seen and heard.
        future: What the teacher did then.
        refused: Whether the teacher refused what was asked for; None where nobody knows.
        target_speed_mps: The speed that the teacher aimed for, where it is known.
        name: Where it comes from, for messages.
        instruction: The observation's instruction as kind and slots, where they are known: it can be said in other
            words.
        alternatives: What would have followed other instructions.
        auxiliary: What auxiliary heads should say.
        explanation: What the teacher does then and why, where it is known.
        questions: Questions about the scene with their answers.
    """

    observation: Observation
    future: Future
    refused: bool | None = None
    target_speed_mps: float | None = None
    name: str = ""
    instruction: Instruction | None = None
    alternatives: tuple[Alternative, ...] = ()
    auxiliary: AuxiliaryTarget | None = None
    explanation: Commentary | None = None
    questions: tuple[QuestionAnswer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBatch:
    """A batch to learn from.

    Attributes:
        sensors: What is seen and heard.
        target: What the teacher did.
        refused_B: 1 where the teacher refused, 0 where it did not; NaN where nobody knows.
        names: Where the samples come from.
        auxiliary: What auxiliary heads should say; None where no sample has any.
        explanations: What the teacher does and why; None where nobody knows.
        questions: Of each sample.
    """

    sensors: SensorBatch
    target: PlanTarget
    refused_B: Tensor
    names: tuple[str, ...]
    auxiliary: AuxiliaryBatch | None = None
    explanations: tuple[Commentary | None, ...] = ()
    questions: tuple[tuple[QuestionAnswer, ...], ...] = ()


class Drive(Protocol):
    """What a teacher does: a sample's own drive, or that of something else that could be asked for."""

    @property
    def future(self) -> Future:
        """Where it goes."""
        ...

    @property
    def refused(self) -> bool | None:
        """Whether it refuses; None where nobody knows."""
        ...

    @property
    def target_speed_mps(self) -> float | None:
        """The speed that it aims for; None where it is not known."""
        ...


def collate_samples(
    samples: Sequence[TrainingSample], *, steps: int, dt_s: float, frames: Sequence[int] | None = None
) -> TrainingBatch:
    """A batch of samples at a model's rate.

    Args:
        samples: At least one.
        steps: Waypoints in the model's plan.
        dt_s: Time between them.
        frames: A number for the frame that each sample is of: those with the same one share its pictures and sweep.
    """
    target, refused_B = collate_drives(samples, steps=steps, dt_s=dt_s)
    rows = shared_rows(frames) if frames is not None else list(range(len(samples)))
    first = [rows.index(row) for row in range(max(rows) + 1)]
    sensors = collate_observations([samples[index].observation for index in first])
    if len(first) < len(samples):
        heard = [sample.observation.instruction or "" for sample in samples]
        sensors = share_frames(sensors, rows, heard, told_poses([sample.observation.told_pose for sample in samples]))
    return TrainingBatch(
        sensors=sensors,
        target=target,
        refused_B=refused_B,
        names=tuple(sample.name for sample in samples),
        auxiliary=collate_auxiliary([sample.auxiliary for sample in samples]),
        explanations=tuple(sample.explanation for sample in samples),
        questions=tuple(sample.questions for sample in samples),
    )


def shared_rows(frames: Sequence[int]) -> list[int]:
    """The row that each sample's frame has among the different ones, in the order in which they come first."""
    place = {frame: row for row, frame in enumerate(dict.fromkeys(frames))}
    return [place[frame] for frame in frames]


def collate_drives(drives: Sequence[Drive], *, steps: int, dt_s: float) -> tuple[PlanTarget, Tensor]:
    """What teachers do, at a model's rate, and whether they refuse as in ``TrainingBatch``.

    Args:
        drives: At least one.
        steps: Waypoints in the model's plan.
        dt_s: Time between them.
    """
    ways = [_waypoints(drive.future, steps, dt_s) for drive in drives]
    paths = [_path(drive.future) for drive in drives]
    target = PlanTarget(
        waypoints_BT3=torch.from_numpy(np.stack([way for way, _ in ways]).astype(np.float32)),
        valid_BT=torch.from_numpy(np.stack([valid for _, valid in ways])),
        path_BP2=torch.from_numpy(np.stack([path for path, _ in paths]).astype(np.float32)),
        path_valid_BP=torch.from_numpy(np.stack([valid for _, valid in paths])),
        target_speed_B=_numbers([drive.target_speed_mps for drive in drives]),
    )
    return target, _numbers([drive.refused for drive in drives])


def _waypoints(future: Future, steps: int, dt_s: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(T, 3) the future at the model's times, and (T,) where it is known; nothing is extrapolated.

    Raises:
        ContractError: The future has a gap: valid poses follow invalid ones.
    """
    known = int(np.argmin(future.valid)) if not future.valid.all() else len(future.valid)
    if future.valid[known:].any():
        raise ContractError("a future must be known from its beginning to some end, and this one has a gap")
    times_s, poses = _with_present(future, known)
    wanted_s = np.arange(1, steps + 1) * dt_s
    valid = wanted_s <= times_s[-1] + 1e-6
    way = np.zeros((steps, 3))
    if valid.any():
        way[valid] = interpolate_poses(times_s, poses, wanted_s[valid])
    return way, valid


def _path(future: Future) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(P, 2) the future as points a metre apart, the car first, and (P,) how far it reaches."""
    _, poses = _with_present(future, int(future.valid.sum()))
    length_m = float(cumulative_length_m(poses[:, :2])[-1])
    valid = np.arange(PATH_POINTS) <= length_m
    if length_m < 0.5:
        return np.zeros((PATH_POINTS, 2)), np.zeros(PATH_POINTS, dtype=np.bool_)
    return resample_path(poses[:, :2], spacing_m=1.0, count=PATH_POINTS), valid


def _with_present(future: Future, known: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    times_s = np.concatenate([[0.0], future.times_s[:known]])
    return times_s, np.concatenate([np.zeros((1, 3)), future.poses[:known]])


def _numbers(values: Sequence[float | None]) -> Tensor:
    return torch.tensor([float("nan") if value is None else float(value) for value in values])
