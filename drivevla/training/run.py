"""A recipe, start to end: stages one after the other in a run's folder, and a checkpoint that drives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from drivevla.config.resolve import plain_config
from drivevla.errors import ConfigError, unknown_name
from drivevla.models.checkpoint import CheckpointAbout, save_checkpoint, take_weights
from drivevla.models.driving import CHARACTERS, DrivingModel
from drivevla.models.language.answers import save_answers
from drivevla.models.language.pretrained import PretrainedReader
from drivevla.policies.loading import CHECKPOINT, checkpoint_folder, shipped_policies
from drivevla.runs import Existing, Run, start_run
from drivevla.runs.atomic import write_text_atomically
from drivevla.training.asking import Wordings, asked_of
from drivevla.training.config import StageConfig, TrainingConfig
from drivevla.training.importance import draw_weights
from drivevla.training.logbook import Logbook, Progress
from drivevla.training.material import TrainingMaterial
from drivevla.training.processes import is_first, process_group
from drivevla.training.recipe import RecipeConfig
from drivevla.training.sources import BatchSource, MemoryBatches, StreamedBatches
from drivevla.training.stage import build_objective, train_stage
from drivevla.training.state import latest_state, state_step
from drivevla.training.validation import validate, validation_batches
from drivevla.types import FitsData

__all__ = ["train_recipe", "write_answers"]

_STATES, _BOARD, _ANEW = "states", "tensorboard", "learned_anew.txt"


class _Sources(NamedTuple):
    train: BatchSource
    validation: BatchSource | None


def train_recipe(
    recipe: RecipeConfig,
    material: TrainingMaterial,
    out: Path,
    *,
    existing: Existing = "refuse",
    device: str = "cpu",
    workers: int = 0,
    answers: Path | None = None,
    tensorboard: bool = False,
    shard: bool = False,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Path:
    """Train what a recipe describes.

    Args:
        recipe: An available one.
        material: What it learns from.
        out: The run's folder.
        existing: What to do where the folder holds a run already; a resumed one goes on bit for bit on a CPU.
        device: Where the model computes.
        workers: Processes that read samples.
        answers: What the pretrained reader answers to the sentences, as a file (``write_answers``); without it the
            reader's own text model is asked.
        tensorboard: Whether TensorBoard's files are written, too.
        shard: Whether several processes spread gradients and moments among them instead of each keeping all.
        tell: Told how far it is.

    Returns:
        The folder of the checkpoint.

    Raises:
        ConfigError: The recipe is only described, or does not fit the data.
        RunError: The folder holds another run, or a loss is not finite.
    """
    if recipe.model is None or recipe.training is None:
        raise ConfigError(
            f"recipe {recipe.name} is {recipe.state}: it says what it reproduces and not yet how to build it"
        )
    _check_stages(recipe.training, material)
    with process_group(device) as device:
        run = nullcontext() if not is_first() else start_run(
            out, kind="train", config=recipe, existing=existing,
            seeds={"training": recipe.training.seed}, data_fingerprint=material.fingerprint,
        )  # fmt: skip
        with run as writing:
            return _Training(
                recipe, material, out, writing,
                device=device, workers=workers, answers=answers, tensorboard=tensorboard, shard=shard, tell=tell,
            ).through()  # fmt: skip


class _Training:
    def __init__(
        self,
        recipe: RecipeConfig,
        material: TrainingMaterial,
        out: Path,
        run: Run | None,
        *,
        device: str,
        workers: int,
        answers: Path | None,
        tensorboard: bool,
        shard: bool,
        tell: Callable[[Progress], None],
    ) -> None:
        assert recipe.model is not None
        assert recipe.training is not None
        self._recipe, self._material, self._run, self._device = recipe, material, run, device
        self._config, self._folder, self._shard = recipe.training, out / "artefacts", shard
        self._sources = self._read(workers)  # before a GPU is touched: reading processes are forked
        torch.manual_seed(self._config.seed)
        self._model = DrivingModel(recipe.model, answers=answers).to(device)
        self._begin()
        self._read_sentences()
        self._average: dict[str, Tensor] = {}
        self._log = Logbook(
            None if run is None else run.metrics,
            self._config.stages,
            log_every=self._config.log_every,
            tell=tell if run is not None else lambda _: None,
            tensorboard=self._folder / _BOARD if tensorboard and run is not None else None,
        )

    def through(self) -> Path:
        """All stages, and the checkpoint."""
        if self._config.compile:
            _compile(self._model)
        if self._run is not None and self._run.resumed:
            self._run.metrics.rewind(self._begun())
        for name, stage in self._config.stages.items():
            self._stage(name, stage)
        folder = self._folder / CHECKPOINT
        if self._run is not None:
            self._store(folder, sum(stage.steps for stage in self._config.stages.values()))
        self._log.close()
        return folder

    def _begin(self) -> None:
        """Fit a head that plans in units of the data; then take a trained policy's weights, where one is named.

        What that policy had no weights for is written down.
        """
        head = self._model.head
        if isinstance(head, FitsData):
            driven = self._sources.train.drives()
            whole_N = driven.target.valid_BT.all(dim=1)
            head.fit(driven.target.waypoints_BT3[whole_N], driven.speed_N[whole_N])
        if self._config.begin_with is None:
            return
        folder = checkpoint_folder(self._config.begin_with)
        if folder is None:
            raise unknown_name("trained policy to begin with", self._config.begin_with, shipped_policies())
        anew = take_weights(self._model, folder)
        if self._run is not None:
            write_text_atomically(self._folder / _ANEW, "".join(f"{name}\n" for name in anew))

    def _states(self, name: str) -> Path:
        return self._folder / _STATES / f"{list(self._config.stages).index(name):02d}_{name}"

    def _begun(self) -> int:
        """Steps of all stages that need not be done again: what was written of later ones will be written anew."""
        done = before = 0
        for name, stage in self._config.stages.items():
            state = latest_state(self._states(name))
            if state is not None:
                done = before + state_step(state)
            before += stage.steps
        return done

    def _stage(self, name: str, stage: StageConfig) -> None:
        self._log.begin(name)
        train_stage(
            self._model,
            self._config,
            stage,
            self._sources.train,
            states=self._states(name),
            average=self._average,
            report=self._log.step,
            weights=self._weights(stage),
            among=self._among(stage),
            after_step=lambda done: self._after(name, stage, done),
        )

    def _after(self, name: str, stage: StageConfig, done: int) -> None:
        """Look at the validation samples, and leave a checkpoint that drives beside each state that goes on."""
        self._look(stage, done)
        if self._run is not None and done % self._config.save_every == 0:
            before = list(self._config.stages).index(name)
            self._store(
                self._folder / CHECKPOINT,
                done + sum(each.steps for each in list(self._config.stages.values())[:before]),
            )

    def _look(self, stage: StageConfig, done: int) -> None:
        """Validate, where it is time to; every process could, and the first does."""
        watched = self._sources.validation
        if self._run is None or watched is None or (done % self._config.validate_every and done != stage.steps):
            return
        objectives = [(build_objective(each), each.weights) for each in stage.objectives.values()]
        batches = validation_batches(watched, self._recipe.data.validation_samples)
        self._log.watched(done, validate(self._model, self._average, self._config, objectives, batches))

    def _read(self, workers: int) -> _Sources:
        data, model = self._recipe.data, self._recipe.model
        assert model is not None
        common: dict[str, Any] = {"steps": model.steps, "dt_s": model.dt_s, "workers": workers}
        common["wordings"] = Wordings(data.wordings, languages=data.languages, seed=self._config.seed)
        watched = self._material.validation
        if data.cache == "none":
            common["device"] = self._device
            return _Sources(
                StreamedBatches(self._material.train, **common),
                None if watched is None else StreamedBatches(watched, **common),
            )
        common |= {"device": self._device, "keep_on": self._device if data.cache == "device" else "cpu"}
        return _Sources(
            MemoryBatches(self._material.train, **common),
            None if watched is None else MemoryBatches(watched, **common),
        )

    def _read_sentences(self) -> None:
        """All that will be said, together and where the model is: one by one they would take as long as training."""
        if self._model.backbone is not None:
            return
        for source in (each for each in self._sources if isinstance(each, MemoryBatches)):
            for encoder in self._model.readers.encoders:
                if isinstance(encoder, PretrainedReader):
                    encoder.read_all(source.sentences, device=self._device)

    def _weights(self, stage: StageConfig) -> Any:
        assert self._recipe.model is not None
        if stage.draw.even:
            return None
        return draw_weights(self._sources.train.drives(), self._recipe.model.dt_s, stage.draw)

    def _among(self, stage: StageConfig) -> list[int] | None:
        if not stage.draw.datasets:
            return None
        return [index for index, name in enumerate(self._material.datasets) if name in stage.draw.datasets]

    def _store(self, folder: Path, step: int) -> None:
        assert self._recipe.model is not None
        own = self._model.state_dict()
        if self._average:
            own = {name: value.clone() for name, value in own.items()}
            self._model.load_state_dict(self._average)
        about = CheckpointAbout(
            model=self._recipe.model,
            recipe=plain_config(self._recipe),
            data_fingerprint=self._material.fingerprint,
            storage=self._material.storage,
            samples=len(self._material.train),
            cameras=tuple(sorted(self._material.train[0].observation.cameras)),
            step=step,
        )
        save_checkpoint(folder, self._model, about, dtype=getattr(torch, self._config.stored_as))
        if self._average:
            self._model.load_state_dict(own)


def write_answers(recipe: RecipeConfig, material: TrainingMaterial, path: Path) -> int:
    """Ask the recipe's text model all sentences of the data once, and keep its answers in a file.

    Returns:
        How many sentences there are.

    Raises:
        ConfigError: The recipe has no reader with a text model, or several.
    """
    named = [] if recipe.model is None else [name for name in recipe.model.readers if name != CHARACTERS]
    if len(named) != 1 or recipe.training is None:
        raise ConfigError(f"answers are those of one text model; recipe {recipe.name} reads with {named or 'none'}")
    wordings = Wordings(recipe.data.wordings, languages=recipe.data.languages, seed=recipe.training.seed)
    said = set[str]()
    for samples in (material.train, material.validation or ()):
        for index in range(len(samples)):
            said |= {way for asked in asked_of(samples[index], wordings) for way in asked.sentences}
    reader = PretrainedReader(1, name=named[0])
    reader.read_all(said)
    save_answers(path, reader.answers, model=named[0])
    return len(reader.answers)


def _check_stages(config: TrainingConfig, material: TrainingMaterial) -> None:
    known = sorted(set(material.datasets))
    for stage in config.stages.values():
        for name in stage.draw.datasets:
            if name not in known:
                raise unknown_name("data set among those to train on", name, known)


def _compile(model: DrivingModel) -> None:
    """Compile the parts whose shapes hardly change; sweeps and sentences differ in length from batch to batch."""
    thinking = model.fusion if model.backbone is None else None
    for part in (model.scene.cameras, getattr(model.scene.lidar, "backbone", None), thinking):
        if isinstance(part, torch.nn.Module):
            part.compile(dynamic=False)
