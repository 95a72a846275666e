"""Which drives are judged on, and which the ego-only baseline learns from: never one in both."""

import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivevla.datasets.opening import reader_class
from drivevla.errors import ConfigError, DataError, unknown_name
from drivevla.types import Reader, Scene

__all__ = ["SampleSet", "open_reader", "samples_of", "training_scenes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSet:
    """Samples of one data set, in the order in which they were driven.

    Attributes:
        reader: Whose.
        scenes: Drives with the samples chosen of each.
    """

    reader: Reader
    scenes: tuple[Scene, ...]

    def __len__(self) -> int:
        return sum(len(scene.tokens) for scene in self.scenes)

    def split_hash(self) -> str:
        """A SHA-256 over the data set's name and every token, in order: equal for equal sample sets."""
        lines = [self.reader.dataset, *(f"{scene.name}\t{token}" for scene in self.scenes for token in scene.tokens)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def open_reader(root: Path, name: str | None, *, sensors: bool) -> Reader:
    """A reader of a folder, with its pictures and LiDAR or without.

    Raises:
        DataError: No reader recognises the folder, or it is broken.
    """
    kind = reader_class(root, name)
    without: dict[str, Any] = {"cameras": (), "camera": False, "lidar": False}
    takes = inspect.signature(kind).parameters
    options = {} if sensors else {name: value for name, value in without.items() if name in takes}
    reader = kind(root, **options)
    if not isinstance(reader, Reader):
        raise ConfigError(f"{kind.__name__} is registered as a reader but has no dataset, scenes and sample")
    return reader


def samples_of(reader: Reader, *, split: str | None, scenes: Sequence[str], every: int = 1) -> SampleSet:
    """Choose drives and samples.

    Args:
        reader: Of the data set.
        split: Drives of this split alone; every drive when None.
        scenes: Drives of these names alone; any when empty.
        every: Every so many samples of a drive.

    Raises:
        UnknownName: There is no such split or drive.
        DataError: Nothing is left.
    """
    splits, names = {scene.split for scene in reader.scenes}, {scene.name for scene in reader.scenes}
    if split is not None and split not in splits:
        raise unknown_name(f"split of {reader.dataset}", split, sorted(each for each in splits if each))
    for name in scenes:
        if name not in names:
            raise unknown_name(f"drive of {reader.dataset}", name, names)
    chosen = [
        Scene(name=scene.name, tokens=scene.tokens[::every], split=scene.split, map_name=scene.map_name)
        for scene in reader.scenes
        if split in (None, scene.split) and (not scenes or scene.name in scenes) and scene.tokens
    ]
    if not chosen:
        raise DataError(
            f"{reader.dataset} has no sample in split {split or 'any'}, drives {', '.join(scenes) or 'any'}"
        )
    return SampleSet(reader=reader, scenes=tuple(chosen))


def training_scenes(reader: Reader, judged: SampleSet, *, split: str | None, scenes: Sequence[str]) -> SampleSet | None:
    """The drives that a baseline may learn from, or None where the data set names none.

    Without a split or names, those of the splits that hold "train" in their name. A drive that is judged on is refused
    where it was named, and left out where it was not.

    Args:
        reader: Of the data set to learn from.
        judged: The samples that are judged on.
        split: The split to learn from.
        scenes: The drives to learn from.

    Raises:
        ConfigError: A named drive is judged on.
        UnknownName: There is no such split or drive.
    """
    held = {scene.name for scene in judged.scenes} if judged.reader.dataset == reader.dataset else set()
    both = sorted(held & set(scenes))
    if both:
        raise ConfigError(f"{', '.join(both)} cannot be both learnt from and judged on; name other drives")
    if split is not None or scenes:
        found = samples_of(reader, split=split, scenes=scenes).scenes
    else:
        found = tuple(scene for scene in reader.scenes if scene.split is not None and "train" in scene.split)
    kept = tuple(scene for scene in found if scene.name not in held and scene.tokens)
    return SampleSet(reader=reader, scenes=kept) if kept else None
