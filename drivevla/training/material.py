"""What is trained on: readers' samples, the part that is watched and never learned from, and what is said of them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.errors import ConfigError, DataError
from drivevla.language import Split
from drivevla.models.auxiliary.targets import auxiliary_target
from drivevla.training.batches import TrainingSample
from drivevla.training.config import DataConfig
from drivevla.training.data import SkippingSamples
from drivevla.training.sources import Samples
from drivevla.types import QuestionAnswer, Reader, Sample, Scene, SparesSensors

__all__ = ["ReaderSamples", "TrainingMaterial", "read_material", "training_sample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingMaterial:
    """Samples to learn from, and samples to watch.

    Attributes:
        train: To learn from.
        validation: Never learned from; None where the data sets hold none back.
        fingerprint: Of all data sets.
        storage: How what was learned from was stored, as ``StorageConfig.to_dict`` says it; None where it was not
            stored with losses that driving must go through, too.
        datasets: The name of the data set of each sample of ``train``, where samples come from several.
    """

    train: Samples
    validation: Samples | None = None
    fingerprint: str | None = None
    storage: dict[str, Any] | None = None
    datasets: tuple[str, ...] = field(default=())


class ReaderSamples:
    """The samples of some scenes of some readers, read when they are asked for.

    Args:
        places: Reader and token of each sample.
        asking: Languages in which questions are made from the truth, one for each sample; none are made without.
    """

    def __init__(self, places: Sequence[tuple[Reader, str]], *, asking: Sequence[str] = ()) -> None:
        self._places, self._asking = tuple(places), tuple(asking)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> TrainingSample:
        reader, token = self._places[index]
        sample = reader.sample(token)
        made = replace(training_sample(sample), auxiliary=auxiliary_target(sample.truth))
        return replace(made, questions=(*made.questions, *self._questions(sample))) if self._asking else made

    def glance(self, index: int) -> TrainingSample:
        """The sample without what is seen and asked, where its reader can leave that out: what was driven, quickly."""
        reader, token = self._places[index]
        read = reader.sample_without_sensors if isinstance(reader, SparesSensors) else reader.sample
        return training_sample(read(token))

    def _questions(self, sample: Sample) -> tuple[QuestionAnswer, ...]:
        """The same ones each time."""
        from drivevla.datasets.exchanges import questions_of  # brings shapely, which training does without

        rng = np.random.default_rng(zlib.crc32(str(sample.source).encode()))
        language = self._asking[int(rng.integers(len(self._asking)))]
        speed_mps = sample.observation.ego.speed_mps
        return questions_of(sample.truth, speed_mps, language=language, split=Split.TRAIN, rng=rng)


def training_sample(sample: Sample) -> TrainingSample:
    """What is learned from a sample of a data set, but for what auxiliary heads should say.

    Raises:
        DataError: The sample has no future.
    """
    if sample.truth.future is None:
        raise DataError(f"{sample.source} has no future, and there is nothing to learn from it")
    return TrainingSample(
        observation=sample.observation,
        future=sample.truth.future,
        refused=sample.refused,
        target_speed_mps=sample.target_speed_mps,
        name=str(sample.source),
        instruction=sample.truth.instruction,
        alternatives=sample.alternatives or (),
        explanation=sample.explanation,
        questions=sample.questions or (),
    )


def read_material(folders: Sequence[Path], config: DataConfig) -> TrainingMaterial:
    """What the data sets in some folders hold for training.

    Args:
        folders: Of data sets, each as its reader wants it.
        config: Which splits are watched.

    Raises:
        ConfigError: There is nothing to train on, test material is among it, or data sets were stored differently.
        DataError: A folder holds no data set that a reader recognises.
    """
    from drivevla.datasets.held_out import refuse_test_material
    from drivevla.datasets.opening import open_dataset

    readers = [open_dataset(folder) for folder in folders]
    watched: list[tuple[Reader, Scene]] = []
    learned: list[tuple[Reader, Scene]] = []
    for reader in readers:
        for scene in reader.scenes:
            (watched if scene.split in config.validation_splits else learned).append((reader, scene))
    refuse_test_material(scenes=[scene for _, scene in [*watched, *learned]])
    if not any(scene.tokens for _, scene in learned):
        raise ConfigError(f"there is nothing to train on in {', '.join(map(str, folders))}")
    asking = config.languages if config.questions else ()
    train: Samples = ReaderSamples(_places(learned), asking=asking)
    return TrainingMaterial(
        train=SkippingSamples(train, at_most=config.skip_damaged) if config.skip_damaged else train,
        validation=ReaderSamples(_places(watched), asking=asking) if watched else None,
        fingerprint=_fingerprint(readers),
        storage=_storage(readers),
        datasets=tuple(reader.dataset for reader, scene in learned for _ in scene.tokens),
    )


def _places(scenes: Sequence[tuple[Reader, Scene]]) -> list[tuple[Reader, str]]:
    return [(reader, token) for reader, scene in scenes for token in scene.tokens]


def _fingerprint(readers: Sequence[Reader]) -> str:
    """Of what the readers say of themselves, or else of the names of all samples."""
    digest = hashlib.sha256()
    for reader in readers:
        own = getattr(reader, "fingerprint", None)
        tokens = "\n".join(token for scene in reader.scenes for token in scene.tokens)
        digest.update(f"{reader.dataset}\n{own or tokens}\n".encode())
    return digest.hexdigest()


def _storage(readers: Sequence[Reader]) -> dict[str, Any] | None:
    storages = {id(each): each for each in (getattr(reader, "storage", None) for reader in readers)}.values()
    plain = [None if each is None else each.to_dict() for each in storages]
    if any(each != plain[0] for each in plain):
        raise ConfigError(
            f"the data sets were stored in different ways ({plain}), and what drives goes through one of them; "
            "train on data sets that were stored alike"
        )
    return plain[0]
