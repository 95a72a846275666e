"""A trained model at the wheel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drivevla.types import Observation, Plan, PlanModes

if TYPE_CHECKING:
    from drivevla.types import PlanTensors

__all__ = ["LearnedPolicy"]

_REFUSES_ABOVE = 0.5


class LearnedPolicy:
    """Drives with a checkpoint. What it sees is made to tensors by the same code as in training.

    A model that learned from JPEG pictures and rounded sweeps sees them so when it drives: each observation goes
    through the same coding (``drivevla.datasets.codec.as_stored``) before it reaches the model.

    It says in the plan's diagnostics, under ``input.``, what it did without: cameras that it was trained with and
    that are missing, cameras that it does not know and ignores, a missing LiDAR, an instruction too long to be one,
    which it refuses and drives on as if nothing had been said.

    Args:
        checkpoint: The folder of a checkpoint.
        device: Where the model computes.

    Raises:
        CheckpointError: The folder holds no checkpoint that this version reads.
    """

    def __init__(self, checkpoint: str | Path, *, device: str = "cpu") -> None:
        from drivevla.datasets.codec import StorageConfig
        from drivevla.models.checkpoint import load_checkpoint

        self._model, self._about = load_checkpoint(Path(checkpoint), device)
        self._device = device
        stored = self._about.storage
        self._storage = None if stored is None else StorageConfig.from_dict(stored)

    def reset(self, seed: int) -> None:
        """Nothing is remembered from one plan to the next, and driving is not random."""

    def act(self, observation: Observation) -> Plan:
        """The model's plan."""
        import torch

        from drivevla.datasets.codec import as_stored
        from drivevla.models.moving import to_device
        from drivevla.perception.collating import collate_observations

        seen, diagnostics = self._understood(observation)
        if self._storage is not None:
            seen = as_stored(seen, self._storage)
        with torch.inference_mode():
            understanding = self._model(to_device(collate_observations([seen]), self._device))
            tensors = self._model.head.decode(self._model.head.forward(understanding.context))
            refuses = float(understanding.refusal_B.sigmoid()[0])
        unreadable = "input.instruction_characters" in diagnostics
        plan = _plan(tensors, self._about.model.dt_s)
        return replace(
            plan,
            refused=unreadable or refuses > _REFUSES_ABOVE,
            diagnostics={**diagnostics, "refusal": round(refuses, 4)},
        )

    def _understood(self, observation: Observation) -> tuple[Observation, dict[str, str | int | bool]]:
        """The part of an observation that the model was made for, and what is said of the rest."""
        from drivevla.models.language.tokens import LONGEST_SENTENCE

        diagnostics: dict[str, str | int | bool] = {}
        known, came = set(self._about.cameras), set(observation.cameras)
        if known and came - known:
            diagnostics["input.unknown_cameras"] = ", ".join(sorted(came - known))
            kept = {name: frame for name, frame in observation.cameras.items() if name in known}
            observation = replace(observation, cameras=kept)
        if known - came:
            diagnostics["input.missing_cameras"] = ", ".join(sorted(known - came))
        if self._about.model.lidar is not None and observation.lidar is None:
            diagnostics["input.missing_lidar"] = True
        said = observation.instruction or ""
        if len(said) > LONGEST_SENTENCE:
            diagnostics["input.instruction_characters"] = len(said)
            observation = replace(observation, instruction=None)
        return observation, diagnostics


def _plan(tensors: PlanTensors, dt_s: float) -> Plan:
    waypoints = tensors.waypoints_BT3[0].double().cpu().numpy()
    modes = None
    if tensors.modes_BKT3 is not None and tensors.scores_BK is not None:
        scores = tensors.scores_BK[0].double().cpu().numpy()
        modes = PlanModes(waypoints=tensors.modes_BKT3[0].double().cpu().numpy(), scores=scores / scores.sum())
    speed = None if tensors.target_speed_B is None else max(0.0, float(tensors.target_speed_B[0]))
    return Plan(
        waypoints=waypoints,
        dt_s=dt_s,
        path_m=None if tensors.path_BP2 is None else np.asarray(tensors.path_BP2[0].double().cpu()),
        target_speed_mps=speed,
        modes=modes,
    )
