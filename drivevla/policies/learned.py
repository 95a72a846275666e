"""A trained model at the wheel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drivevla.types import Observation, Plan, PlanModes

if TYPE_CHECKING:
    from drivevla.models.checkpoint import CheckpointAbout
    from drivevla.models.driving import DrivingModel, Understanding
    from drivevla.types import PlanTensors, SensorBatch

__all__ = ["LearnedPolicy"]

_SAYS_EVERY = 5
"""Plans between two sentences: writing one takes several passes of the decoder, and reasons last longer than plans."""


class LearnedPolicy:
    """Drives with a checkpoint. What it sees is made to tensors by the same code as in training.

    A model that learned from JPEG pictures and rounded sweeps sees them so when it drives: each observation goes
    through the same coding (``drivevla.datasets.codec.as_stored``) before it reaches the model.

    It says in the plan's diagnostics, under ``input.``, what it did without: cameras that it was trained with and
    that are missing, cameras that it does not know and ignores, a missing LiDAR, letters of a script that it never
    learned, an instruction too long to be one, which it refuses and drives on as if nothing had been said.

    A model with a text decoder says why with every fifth plan, and again with the plans until the next.

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

        self._plans = 0
        self._why: str | None = None

    @property
    def model(self) -> DrivingModel:
        """What drives."""
        return self._model

    @property
    def about(self) -> CheckpointAbout:
        """What the checkpoint says of itself."""
        return self._about

    def reset(self, seed: int) -> None:
        """Nothing but the last sentence is remembered from one plan to the next, and driving is not random."""
        self._plans, self._why = 0, None

    def act(self, observation: Observation) -> Plan:
        """The model's plan."""
        import torch

        seen, diagnostics = self._understood(observation)
        with torch.inference_mode():
            understanding = self._seen(seen)
            tensors = self._model.head.decode(self._model.head.forward(understanding.context))
            self._explain(understanding, seen.instruction or "")
            refuses = float(understanding.refusal_B.sigmoid()[0])
        unreadable = "input.instruction_characters" in diagnostics
        plan = _plan(tensors, self._about.model.dt_s)
        return replace(
            plan,
            refused=unreadable or refuses > self._about.model.refuses_above,
            text=self._why,
            diagnostics={**diagnostics, "refusal": round(refuses, 4)},
        )

    def answer(self, observation: Observation, question: str) -> str:
        """What the model answers to a question about what it sees; driving goes on as if nobody had asked.

        Raises:
            ContractError: The model has no text decoder, or the question is longer than 1,000 characters.
        """
        import torch

        from drivevla.models.text.decoder import Task
        from drivevla.models.text.speaking import say

        seen, _ = self._understood(observation)
        with torch.inference_mode():
            return say(self._model, self._seen(seen), Task.ANSWER, 0, question)

    def prepared(self, observation: Observation) -> SensorBatch:
        """The observation as the model reads it: through the coding of its data, as tensors where it computes."""
        from drivevla.datasets.codec import as_stored
        from drivevla.models.moving import to_device
        from drivevla.perception.collating import collate_observations

        if self._storage is not None:
            observation = as_stored(observation, self._storage)
        return to_device(collate_observations([observation]), self._device)

    def _seen(self, observation: Observation) -> Understanding:
        understanding: Understanding = self._model(self.prepared(observation))
        return understanding

    def _explain(self, understanding: Understanding, instruction: str) -> None:
        """Say why when it is time to."""
        if self._model.config.text is not None and self._plans % _SAYS_EVERY == 0:
            from drivevla.models.text.decoder import Task
            from drivevla.models.text.speaking import say

            self._why = say(self._model, understanding, Task.COMMENT, 0, instruction, guess=self._why or "")
        self._plans += 1

    def _understood(self, observation: Observation) -> tuple[Observation, dict[str, str | int | bool]]:
        """The part of an observation that the model was made for, and what is said of the rest."""
        from drivevla.models.language.tokens import LONGEST_SENTENCE, unknown_letters

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
        elif foreign := unknown_letters(said):
            diagnostics["input.unknown_letters"] = foreign
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
