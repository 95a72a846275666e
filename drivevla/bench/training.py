"""How many samples a second a recipe learns from on this machine, and how many are read for it.

``python -m drivevla.bench.training [RECIPE]``; frames of the rig nano, driven in the embedded simulator.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from drivevla.bench.loading import record_frames
from drivevla.bench.model import gemm_gflops
from drivevla.config.resolve import load_config
from drivevla.errors import ConfigError
from drivevla.models.driving import DrivingModel
from drivevla.training.asking import Wordings
from drivevla.training.learners import WholeLearner
from drivevla.training.material import TrainingMaterial, read_material
from drivevla.training.optimising import freeze, optimiser_of
from drivevla.training.order import Pick, SampleOrder
from drivevla.training.recipe import RecipeConfig
from drivevla.training.sources import StreamedBatches
from drivevla.training.stage import build_objective, precision_of, weighted_terms

__all__ = ["LearningSpeed", "learning_speed", "report"]

BATCH = 32
READERS = 2
_ROUNDS = 5
_BATCHES = 12
_FRAMES = 150


@dataclass(frozen=True, slots=True)
class LearningSpeed:
    """Samples a second: the best of five rounds, and the median.

    Attributes:
        learned: Optimiser steps on batches that lie ready.
        median_learned: Half of the rounds were faster.
        read: Batches as training gets them, decoded, worded and joined by reading processes, nothing learned beside.
        median_read: Half of the rounds were faster.
    """

    learned: float
    median_learned: float
    read: float
    median_read: float


def learning_speed(recipe: RecipeConfig, material: TrainingMaterial, *, batch: int = BATCH) -> LearningSpeed:
    """Measure the last stage of a recipe on some data.

    Raises:
        ConfigError: The recipe is only described.
    """
    if recipe.model is None or recipe.training is None:
        raise ConfigError(f"recipe {recipe.name} is {recipe.state}: there is nothing to train")
    source = StreamedBatches(
        material.train, steps=recipe.model.steps, dt_s=recipe.model.dt_s, workers=READERS,
        wordings=Wordings(recipe.data.wordings, languages=recipe.data.languages),
    )  # fmt: skip
    read = [_read_once(recipe, source, batch) for _ in range(_ROUNDS)]
    learned = [batch / seconds for seconds in _step_times(recipe, source, batch)]
    return LearningSpeed(
        learned=max(learned),
        median_learned=float(np.median(learned)),
        read=max(read),
        median_read=float(np.median(read)),
    )


def report(name: str = "nano") -> str:
    """A line of what is learned and one of what is read."""
    recipe = load_config(RecipeConfig, name)
    with tempfile.TemporaryDirectory() as folder:
        record_frames(Path(folder) / "log", frames=_FRAMES)
        speed = learning_speed(recipe, read_material([Path(folder) / "log"], recipe.data))
    return "\n".join(
        [
            f"training {name}, batches of {BATCH}, {torch.get_num_threads()} threads; "
            f"calibration: {gemm_gflops():.0f} GFLOP/s in torch's float32 matrix products",
            f"  learned   {speed.learned:6.1f} samples/s (median {speed.median_learned:.1f})",
            f"  read      {speed.read:6.1f} samples/s by {READERS} processes (median {speed.median_read:.1f}), "
            f"{speed.read / speed.learned:.1f} x as many",
        ]
    )


def _picks(recipe: RecipeConfig, source: StreamedBatches, batches: int, batch: int) -> list[list[Pick]]:
    """As the recipe's last stage draws: a frame that it asks for several things at once is looked at once here, too."""
    assert recipe.training is not None
    draw = list(recipe.training.stages.values())[-1].draw
    order = SampleOrder(len(source), batch_size=batch, seed=0, together=draw.together)
    return [order.batch(step) for step in range(batches)]


def _read_once(recipe: RecipeConfig, source: StreamedBatches, batch: int) -> float:
    """Samples a second of one stream; processes start before the clock."""
    stream = source.stream(_picks(recipe, source, 1 + _BATCHES, batch))
    next(stream)
    began_s = time.perf_counter()
    count = sum(len(each.names) for each in stream)
    return count / (time.perf_counter() - began_s)


def _step_times(recipe: RecipeConfig, source: StreamedBatches, batch: int) -> Sequence[float]:
    """Seconds of each step, after one that warms up."""
    assert recipe.model is not None
    assert recipe.training is not None
    config, stage = recipe.training, list(recipe.training.stages.values())[-1]
    torch.manual_seed(0)
    model = DrivingModel(recipe.model).train()
    freeze(model, stage.frozen)
    objectives = [(build_objective(each), each.weights) for each in stage.objectives.values()]
    learner = WholeLearner(model, lambda learning, part: weighted_terms(learning, objectives, part))
    optimiser = optimiser_of(model, stage)
    (ready,) = source.stream(_picks(recipe, source, 1, batch))

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with precision_of(model, config):
            total, _ = learner.loss(ready)
        total.backward()
        learner.gradient(stage.clip_norm)
        optimiser.step()

    return [_seconds(step) for _ in range(1 + _ROUNDS)][1:]


def _seconds(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


if __name__ == "__main__":
    sys.stdout.write(report(*sys.argv[1:2]) + "\n")
