"""The closed-form junction: the sentence alone says which branch, in two languages and in words never trained on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from drivevla.language.instruction import Instruction
from drivevla.language.kinds import InstructionKind
from drivevla.language.realisation import realise
from drivevla.language.vocabulary import Direction, Place
from drivevla.models.config import FusionConfig, ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.language.answers import save_answers
from drivevla.models.language.pretrained import MINILM, PretrainedReader
from drivevla.models.parts import PartConfig
from drivevla.registry import names
from drivevla.testing.toy_junction import BENDS_PER_M, DT_S, STEPS, branch_of, junction_sample
from drivevla.training.batches import TrainingSample, collate_samples
from drivevla.training.config import ObjectiveConfig, StageConfig, TrainingConfig
from drivevla.training.sources import StreamedBatches
from drivevla.training.stage import train_stage
from drivevla.types import FitsData

OPTIONS: dict[str, dict[str, Any]] = {
    "affordance": {"goal_s": 3.0, "channels": 16, "crop": 5},
    "regression": {},
    "vocabulary": {"size": 40},
}
CELL_M = {"affordance": 0.5}
"""Of the LiDAR's raster; a goal is a cell four times as large, and branches must end in different ones."""
STEPS_OF = {"diffusion": 1200, "vocabulary": 1200}
"""600 for the others."""


def approaches(count: int, split: str, seed: int) -> list[TrainingSample]:
    """Sentences in English and Chinese by turns, phrased by one split of the grammar."""
    rng, places = np.random.default_rng(seed), list(Place)
    samples = []
    for index in range(count):
        branch = list(BENDS_PER_M)[int(rng.integers(3))]
        instruction = Instruction(
            kind=InstructionKind.TURN,
            direction=Direction(branch),
            ordinal=1,
            place=places[int(rng.integers(len(places)))],
        )
        language = ("en", "zh")[index % 2]
        sentence = realise(instruction, language=language, split=split, rng=rng)
        samples.append(junction_sample(branch, sentence, speed_mps=float(rng.uniform(4.0, 7.0)), seed=seed + index))
    return samples


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What MiniLM says to every sentence, asked once for all heads."""
    samples = [*approaches(3000, "train", 0), *approaches(300, "held_out", 10_000)]
    reader = PretrainedReader(1)
    reader.read_all(each.observation.instruction or "" for each in samples)
    path = tmp_path_factory.mktemp("answers") / "minilm.safetensors"
    save_answers(path, reader.answers, model=MINILM)
    return path


def trained(
    head: str, samples: Sequence[TrainingSample], folder: Path, *, steps: int, answers: Path | None = None
) -> DrivingModel:
    """A model that learned some approaches; one that hears nothing where there are no answers to sentences."""
    hears = answers is not None
    torch.manual_seed(0)
    model = DrivingModel(
        ModelConfig(
            width=64,
            steps=STEPS,
            dt_s=DT_S,
            cameras=None,
            lidar=PartConfig(name="raster", options={"cell_m": CELL_M.get(head, 2.0)}),
            readers=("minilm", "characters") if hears else (),
            fusion=FusionConfig(latents=8, layers=2, language="cross" if hears else "none"),
            head=PartConfig(name=head, options=OPTIONS.get(head, {})),
            head_hears=head == "affordance" and hears,
        ),
        answers=answers,
    )
    objectives = {"imitation": ObjectiveConfig(name="imitation")}
    stage = StageConfig(objectives=objectives, steps=steps, batch_size=32, learning_rate=2e-3, warmup_steps=50)
    source = StreamedBatches(samples, steps=STEPS, dt_s=DT_S)
    if isinstance(model.head, FitsData):  # as train_recipe does it
        driven = source.drives()
        model.head.fit(driven.target.waypoints_BT3, driven.speed_N)
    train_stage(
        model,
        TrainingConfig(stages={"only": stage}, save_every=steps),
        stage,
        source,
        states=folder,
        average={},
        report=lambda _: None,
    )
    return model.eval()


def share_right(model: DrivingModel, samples: Sequence[TrainingSample]) -> float:
    batch = collate_samples(samples, steps=STEPS, dt_s=DT_S)
    with torch.no_grad():
        plans = model.head.decode(model.head.forward(model(batch.sensors).context)).waypoints_BT3.numpy()
    right = [
        branch_of(plan, speed_mps=sample.observation.ego.speed_mps) == sample.name.split("-")[0]
        for plan, sample in zip(plans, samples, strict=True)
    ]
    return float(np.mean(right))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("head", names("heads"))
def test_every_head_takes_the_branch_that_the_sentence_says(head: str, answers: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    model = trained(head, approaches(3000, "train", 0), tmp_path, steps=STEPS_OF.get(head, 600), answers=answers)
    assert share_right(model, approaches(300, "held_out", 10_000)) >= 0.99


@pytest.mark.slow
def test_a_model_that_hears_nothing_is_right_one_time_in_three(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    model = trained("vocabulary", approaches(1000, "train", 0), tmp_path, steps=150)
    assert share_right(model, approaches(600, "held_out", 10_000)) == pytest.approx(1 / 3, abs=0.08)
