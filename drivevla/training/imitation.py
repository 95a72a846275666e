"""Doing what the teacher did: the objective of most stages.

B batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from drivevla.errors import unknown_name
from drivevla.models.auxiliary.heads import AuxiliaryInput, auxiliary_terms
from drivevla.models.driving import DrivingModel, Understanding
from drivevla.training.augmenting import AugmentationConfig, augmented
from drivevla.training.batches import TrainingBatch
from drivevla.training.shifting import ShiftConfig, drawn_placement, shifted
from drivevla.types import SensorBatch

__all__ = ["Imitation"]

ConfigT = TypeVar("ConfigT", AugmentationConfig, ShiftConfig)


class Imitation:
    """The head's own terms against what the teacher did, and whether it refused.

    Args:
        instruction_dropout: Share of samples that hear nothing, so that the model drives without a word, too.
        sensor_dropout: Share of samples that lose each camera, and the LiDAR, independently.
        ego_dropout: Share of samples that are not told how the car moves: one that stands must not stand on because
            it stands.
        augmentation: How pictures and sweeps are changed, as ``AugmentationConfig`` has it.
        shift: How far the car is moved beside its line, as ``ShiftConfig`` has it.

    Raises:
        ConfigError: A change has no such name, or is too large.
    """

    def __init__(
        self,
        *,
        instruction_dropout: float = 0.0,
        sensor_dropout: float = 0.0,
        ego_dropout: float = 0.0,
        augmentation: Mapping[str, float] | None = None,
        shift: Mapping[str, float] | None = None,
    ) -> None:
        self.instruction_dropout, self.sensor_dropout = instruction_dropout, sensor_dropout
        self.ego_dropout = ego_dropout
        self.augmentation = None if augmentation is None else _config(AugmentationConfig, "augmentation", augmentation)
        self.shift = None if shift is None else _config(ShiftConfig, "shift", shift)

    def loss(self, model: DrivingModel, batch: TrainingBatch, teacher: Any | None = None) -> Mapping[str, Tensor]:
        """The head's terms, those of the auxiliary heads, and ``refusal`` in nats, 0 where nobody knows.

        Raises:
            ContractError: The model has auxiliary heads, and no sample of the batch has a target for any.
        """
        batch = self.placed(model, batch)
        seen = self.seen(model, batch)
        return self.terms(model, model(seen.sensors), seen, batch)

    def placed(self, model: DrivingModel, batch: TrainingBatch) -> TrainingBatch:
        """The batch as cars a little beside the real ones would have recorded it, while the model trains."""
        if self.shift is None or not model.training:
            return batch
        return shifted(batch, drawn_placement(batch.sensors.frames, self.shift))

    def seen(self, model: DrivingModel, batch: TrainingBatch) -> TrainingBatch:
        """The batch as a model in training gets to see it: some sentences and sensors are taken away."""
        return self._dropped(batch) if model.training else batch

    def terms(
        self, model: DrivingModel, understanding: Understanding, seen: TrainingBatch, batch: TrainingBatch
    ) -> dict[str, Tensor]:
        """What ``loss`` gives, for what a model made of a batch that it saw.

        Args:
            model: Whose heads.
            understanding: Of what was seen.
            seen: What was seen, of ``seen``.
            batch: The whole of it.
        """
        terms = dict(model.head.loss(model.head.forward(understanding.context), batch.target))
        known_B = ~seen.refused_B.isnan()
        surprise_B = F.binary_cross_entropy_with_logits(
            understanding.refusal_B, seen.refused_B.nan_to_num(0.0), reduction="none"
        )
        terms["refusal"] = surprise_B.masked_fill(~known_B, 0.0).mean()
        given = AuxiliaryInput(
            tokens_BND=understanding.context.tokens_BSD, scene=understanding.scene, sensors=_calibrated(seen, batch)
        )
        return terms | auxiliary_terms(model.auxiliary, given, batch.auxiliary)

    def _dropped(self, batch: TrainingBatch) -> TrainingBatch:
        """The batch with some sentences and sensors taken away; all chance comes from torch's own generator."""
        sensors, count, frames = batch.sensors, len(batch.names), batch.sensors.frames
        if self.instruction_dropout:
            silent = (torch.rand(count) < self.instruction_dropout).tolist()
            sentences = tuple("" if quiet else said for quiet, said in zip(silent, sensors.sentences, strict=True))
            sensors = replace(sensors, sentences=sentences)
            # Silence is never refused.
            heard_B = torch.tensor([bool(said) for said in sentences]).to(batch.refused_B.device)
            batch = replace(batch, refused_B=batch.refused_B.masked_fill(~heard_B, 0.0))
        if self.sensor_dropout:
            kept = {name: torch.rand(frames) >= self.sensor_dropout for name in sorted(sensors.cameras)}
            cameras = {
                name: replace(camera, present_B=camera.present_B & kept[name].to(camera.present_B.device))
                for name, camera in sensors.cameras.items()
            }
            sensors = replace(sensors, cameras=cameras)
            if sensors.lidar is not None:
                heard = (torch.rand(frames) >= self.sensor_dropout).to(sensors.lidar.keep_BP.device)
                sensors = replace(sensors, lidar=replace(sensors.lidar, keep_BP=sensors.lidar.keep_BP & heard[:, None]))
        if self.ego_dropout:
            told_B = (torch.rand(count) >= self.ego_dropout).to(sensors.ego_BE.device)
            sensors = replace(sensors, ego_keep_B=told_B)
        if self.augmentation is not None:
            sensors = augmented(sensors, self.augmentation)
        return replace(batch, sensors=sensors)


def _calibrated(seen: TrainingBatch, batch: TrainingBatch) -> SensorBatch:
    """All sensors, hidden ones too, a row for each sample; pictures as seen: a window has a calibration of its own."""
    cameras = {
        name: replace(camera, present_B=batch.sensors.cameras[name].present_B)
        for name, camera in seen.sensors.cameras.items()
    }
    return replace(batch.sensors, cameras=cameras).unshared()


def _config(kind: type[ConfigT], what: str, asked: Mapping[str, float]) -> ConfigT:
    known = [field.name for field in fields(kind)]
    for name in asked:
        if name not in known:
            raise unknown_name(what, name, known)
    return kind(**asked)
