"""Where batches come from: read as they are needed, or out of memory."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from drivevla.errors import ConfigError
from drivevla.language import Commentary, InstructionKind
from drivevla.models.moving import to_device
from drivevla.perception.collating import share_frames, told_poses
from drivevla.training.asking import Wordings, asked_of, chosen, with_choice
from drivevla.training.batches import TrainingBatch, TrainingSample, collate_drives, collate_samples, shared_rows
from drivevla.training.columns import join_batches, rows_of
from drivevla.training.config import DrawConfig
from drivevla.training.importance import Driven
from drivevla.training.order import Pick
from drivevla.types import PlanTarget

__all__ = ["AS_ASKED", "BatchSource", "Glances", "MemoryBatches", "Samples", "StreamedBatches"]

AS_ASKED = DrawConfig()
"""Every sample with what was asked for at it."""
_TOGETHER = 32
"""Samples that a reading process hands over at once while memory is filled."""


class Samples(Protocol):
    """A data set of training samples; reading one again gives the same."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> TrainingSample: ...


@runtime_checkable
class Glances(Protocol):
    """Samples that can be had without what is seen."""

    def glance(self, index: int, /) -> TrainingSample:
        """What was driven at a sample, and what was said."""
        ...


class BatchSource(Protocol):
    """Gives the batch of a step."""

    def __len__(self) -> int:
        """How many samples there are."""
        ...

    def drives(self) -> Driven:
        """What was asked for at every sample, and what the teacher did."""
        ...

    def stream(self, picks: Iterable[Sequence[Pick]], draw: DrawConfig = AS_ASKED) -> Iterator[TrainingBatch]:
        """A batch for each list of picks, in their order.

        Args:
            picks: Which samples.
            draw: How many of them ask for something else than was asked for, and for what.
        """
        ...


class StreamedBatches:
    """Reads samples when they are needed, in other processes where there are any.

    Args:
        samples: The data set; it travels to every process.
        steps: Waypoints in the model's plan.
        dt_s: Time between them.
        wordings: Other words for what was asked for.
        workers: Reading processes; 0 reads in this one.
        device: Where batches are brought to.
    """

    def __init__(
        self,
        samples: Samples,
        *,
        steps: int,
        dt_s: float,
        wordings: Wordings | None = None,
        workers: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        if not len(samples):
            raise ConfigError("there is no sample to train on")
        self._samples, self._steps, self._dt_s = samples, steps, dt_s
        self._wordings, self._workers, self._device = wordings or Wordings(0), workers, device
        self._driven: Driven | None = None

    def __len__(self) -> int:
        return len(self._samples)

    def drives(self) -> Driven:
        """What was asked for at every sample, and what the teacher did; reads them all, once and for all stages."""
        if self._driven is None:
            self._driven = self._read_drives()
        return self._driven

    def _read_drives(self) -> Driven:
        loader: DataLoader[Any] = DataLoader(
            _Indexed(self._samples), batch_size=_TOGETHER, num_workers=self._workers,
            collate_fn=_Glance(self._steps, self._dt_s), generator=torch.Generator(),
        )  # fmt: skip
        return join_batches(list(loader))

    def stream(self, picks: Iterable[Sequence[Pick]], draw: DrawConfig = AS_ASKED) -> Iterator[TrainingBatch]:
        """A batch for each list of picks; the next ones are read while one is used."""
        if not self._workers:
            collate = _Collate(self._steps, self._dt_s)
            for each in picks:
                yield to_device(collate(self._chosen(each, draw)), self._device)
            return
        loader: DataLoader[Any] = DataLoader(
            _PickedSamples(self, draw),
            batch_sampler=picks,  # type: ignore[arg-type]  # any iterable of lists of keys
            num_workers=self._workers,
            collate_fn=_Collate(self._steps, self._dt_s),
            pin_memory=torch.device(self._device).type == "cuda",
            generator=torch.Generator(),  # its own: the model's random numbers must not depend on reading
        )
        for batch in loader:
            yield to_device(batch, self._device)

    def _chosen(self, picks: Sequence[Pick], draw: DrawConfig) -> list[tuple[int, TrainingSample]]:
        """Each pick's frame and sample; a frame that comes several times is read once."""
        read = {index: self._samples[index] for index in dict.fromkeys(pick.index for pick in picks)}
        return [(pick.index, with_choice(read[pick.index], self._wordings, pick, draw)) for pick in picks]


class MemoryBatches:
    """Every sample decoded once and kept as tensors; a batch is rows of them.

    20,000 frames of the nano rig take some 15 GB.

    Args:
        samples: The data set, read at once.
        steps: Waypoints in the model's plan.
        dt_s: Time between them.
        wordings: Other words for what was asked for.
        workers: Reading processes; 0 reads in this one.
        device: Where batches are brought to.
        keep_on: Where everything is kept: the same device where it fits, the CPU's memory where it does not.
    """

    def __init__(
        self,
        samples: Samples,
        *,
        steps: int,
        dt_s: float,
        wordings: Wordings | None = None,
        workers: int = 0,
        device: torch.device | str = "cpu",
        keep_on: torch.device | str = "cpu",
    ) -> None:
        if not len(samples):
            raise ConfigError("there is no sample to train on")
        self._device = device
        keep = _Keep(samples, wordings or Wordings(0), steps, dt_s)
        kept = join_batches([to_device(part, keep_on) for part in _all_kept(keep, len(samples), workers)])
        self._sensors, self._drives, self._refused_R = kept.own.sensors, kept.target_R, kept.refused_R
        self._told_R3 = kept.told_R3
        self._rest = replace(kept.own, sensors=replace(kept.own.sensors, cameras={}, lidar=None))
        self._sentences, self._explanations, self._kinds = kept.sentences, kept.explanations, kept.kinds
        counts = torch.tensor([len(each) for each in kept.sentences])
        self._first_row: list[int] = (counts.cumsum(0) - counts).tolist()

    def __len__(self) -> int:
        return len(self._sentences)

    @property
    def sentences(self) -> frozenset[str]:
        """All that can be said at any sample."""
        return frozenset(said for asked in self._sentences for ways in asked for said in ways)

    def drives(self) -> Driven:
        """What was asked for at every sample, and what the teacher did."""
        return Driven(
            rows_of(self._drives, self._first_row), self._sensors.ego_BE[:, 0], tuple(kinds[0] for kinds in self._kinds)
        )

    def stream(self, picks: Iterable[Sequence[Pick]], draw: DrawConfig = AS_ASKED) -> Iterator[TrainingBatch]:
        """A batch for each list of picks."""
        for each in picks:
            yield to_device(self._batch(each, draw), self._device)

    def _batch(self, picks: Sequence[Pick], draw: DrawConfig) -> TrainingBatch:
        asked = [chosen(self._sentences[pick.index], self._kinds[pick.index], pick, draw) for pick in picks]
        rows = [self._first_row[pick.index] + index for pick, (index, _) in zip(picks, asked, strict=True)]
        drives = rows_of(_Drives(self._drives, self._refused_R, self._told_R3, self._explanations), rows)
        sentences = tuple(sentence for _, sentence in asked)
        batch = self._seen([pick.index for pick in picks], sentences, drives.told_B3)
        return replace(
            batch,
            target=drives.target,
            refused_B=drives.refused_B,
            explanations=drives.explanations,
        )

    def _seen(self, frames: Sequence[int], sentences: tuple[str, ...], told_B3: Tensor) -> TrainingBatch:
        """The samples of some frames with what they hear; pictures and sweep of one that comes several times, once."""
        rest = rows_of(self._rest, frames)
        different = list(dict.fromkeys(frames))
        sensors = rows_of(self._sensors, different)
        if len(different) < len(frames):
            sensors = share_frames(sensors, shared_rows(frames), sentences, told_B3)
        return replace(rest, sensors=replace(sensors, sentences=sentences, told_B3=told_B3))


@dataclass(frozen=True, slots=True)
class _Drives:
    target: PlanTarget
    refused_B: Tensor
    told_B3: Tensor
    explanations: tuple[Commentary | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """Some samples, and a row R for each thing that could be asked for at one of them."""

    own: TrainingBatch
    target_R: PlanTarget
    refused_R: Tensor
    told_R3: Tensor
    explanations: tuple[Commentary | None, ...]
    sentences: tuple[tuple[tuple[str, ...], ...], ...]
    kinds: tuple[tuple[InstructionKind | None, ...], ...]


class _PickedSamples(Dataset[tuple[int, TrainingSample]]):
    def __init__(self, source: StreamedBatches, draw: DrawConfig) -> None:
        self._source, self._draw = source, draw

    def __getitem__(self, pick: Pick) -> tuple[int, TrainingSample]:
        return self.__getitems__([pick])[0]

    def __getitems__(self, picks: Sequence[Pick]) -> list[tuple[int, TrainingSample]]:
        """A whole batch, as the loader asks for it where it can."""
        return self._source._chosen(picks, self._draw)


class _Collate:
    def __init__(self, steps: int, dt_s: float) -> None:
        self._steps, self._dt_s = steps, dt_s

    def __call__(self, picked: Sequence[tuple[int, TrainingSample]]) -> TrainingBatch:
        frames, samples = zip(*picked, strict=True)
        return collate_samples(samples, steps=self._steps, dt_s=self._dt_s, frames=frames)


class _Indexed(Dataset[TrainingSample]):
    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> TrainingSample:
        samples = self._samples
        return samples.glance(index) if isinstance(samples, Glances) else samples[index]


class _Glance:
    def __init__(self, steps: int, dt_s: float) -> None:
        self._steps, self._dt_s = steps, dt_s

    def __call__(self, samples: Sequence[TrainingSample]) -> Driven:
        target, _ = collate_drives(samples, steps=self._steps, dt_s=self._dt_s)
        speed_N = torch.tensor([sample.observation.ego.speed_mps for sample in samples])
        return Driven(target, speed_N, _kinds(samples))


class _Keep:
    """Reads samples with all that could be asked for."""

    def __init__(self, samples: Samples, wordings: Wordings, steps: int, dt_s: float) -> None:
        self._samples, self._wordings, self._steps, self._dt_s = samples, wordings, steps, dt_s

    def __call__(self, indices: Sequence[int]) -> _Kept:
        samples = [self._samples[index] for index in indices]
        asked = [asked_of(sample, self._wordings) for sample in samples]
        drives = [each for everything in asked for each in everything]
        target_R, refused_R = collate_drives(drives, steps=self._steps, dt_s=self._dt_s)
        return _Kept(
            own=collate_samples(samples, steps=self._steps, dt_s=self._dt_s),
            target_R=target_R,
            refused_R=refused_R,
            told_R3=told_poses([each.told_pose for each in drives]),
            explanations=tuple(each.explanation for each in drives),
            sentences=tuple(tuple(each.sentences for each in everything) for everything in asked),
            kinds=tuple(tuple(each.kind for each in everything) for everything in asked),
        )


def _kinds(samples: Sequence[TrainingSample]) -> tuple[InstructionKind | None, ...]:
    return tuple(None if sample.instruction is None else sample.instruction.kind for sample in samples)


def _all_kept(keep: _Keep, count: int, workers: int) -> Iterator[_Kept]:
    """All samples, some at a time, in order.

    Processes send bytes through their pipes: the shared memory that torch would send tensors through is small in
    containers, and a tensor that is kept would hold a file of it open.
    """
    parts = [range(first, min(first + _TOGETHER, count)) for first in range(0, count, _TOGETHER)]
    if not workers:
        yield from map(keep, parts)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_remember, initargs=(keep,)) as pool:
        for sent in pool.map(_kept_as_bytes, parts):
            yield pickle.loads(sent)


_at_hand: list[_Keep] = []
"""Of a reading process: what it reads with."""


def _remember(keep: _Keep) -> None:
    torch.set_num_threads(1)
    _at_hand.append(keep)


def _kept_as_bytes(indices: Sequence[int]) -> bytes:
    return pickle.dumps(_at_hand[-1](indices), protocol=pickle.HIGHEST_PROTOCOL)
