"""Scenes into splits, so that what belongs together stays together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from drivevla.errors import ConfigError, DataError
from drivevla.types import Reader, Scene

__all__ = ["Grouping", "KnowsLabels", "read_split", "split_scenes"]

Grouping = Literal["town", "scene", "log"]

_LOG = "log"


@runtime_checkable
class KnowsLabels(Protocol):
    """A reader that knows facts about whole scenes."""

    def labels(self, scene: str) -> Mapping[str, str]:
        """Facts by name."""
        ...


def split_scenes(reader: Reader, *, by: Grouping, shares: Mapping[str, float], seed: int) -> dict[str, list[str]]:
    """Names of scenes by split.

    Groups are shuffled by the seed and given, one after the other, to the split that lacks most samples of its share:
    as many samples as the groups allow, and never a group in two splits.

    Args:
        reader: The data set.
        by: What stays together: a town's scenes, a scene's samples, or the scenes of one recording (label "log").
        shares: Parts of the whole by split, together 1.
        seed: Of the shuffle.

    Raises:
        ConfigError: The shares are no parts of a whole, or there are fewer groups than splits.
        DataError: A scene does not say to which group it belongs.
    """
    if not shares or min(shares.values()) <= 0.0 or abs(sum(shares.values()) - 1.0) > 1e-6:
        raise ConfigError(f"the shares of a split are positive and 1 together, got {dict(shares)}")
    groups: dict[str, list[Scene]] = {}
    for scene in reader.scenes:
        groups.setdefault(_group(reader, scene, by), []).append(scene)
    if len(groups) < len(shares):
        raise ConfigError(f"{len(groups)} groups by {by} cannot be split into {', '.join(shares)}; split by scene")
    order = np.random.default_rng(seed).permutation(sorted(groups)).tolist()
    total = sum(len(scene.tokens) for scene in reader.scenes)
    lacking = {name: share * total for name, share in shares.items()}
    split: dict[str, list[str]] = {name: [] for name in shares}
    for position, group in enumerate(order):
        empty = [name for name in shares if not split[name]]
        open_splits = empty if len(empty) >= len(order) - position else list(shares)
        chosen = max(open_splits, key=lambda name: lacking[name])
        split[chosen] += [scene.name for scene in groups[group]]
        lacking[chosen] -= sum(len(scene.tokens) for scene in groups[group])
    return {name: sorted(scenes) for name, scenes in split.items()}


def read_split(path: Path, name: str, scenes: Iterable[Scene]) -> tuple[Scene, ...]:
    """The scenes of one split of a file that ``drivevla data split`` wrote.

    Raises:
        DataError: The file is damaged, or names a scene that is not there.
        ConfigError: It has no such split.
    """
    try:
        split = json.loads(path.read_text(encoding="utf-8"))["splits"]
        wanted = None if name not in split else list(split[name])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no file of splits: {error!r}") from error
    if wanted is None:
        raise ConfigError(f"{path} has no split {name!r} (it has {', '.join(split)})")
    known = {scene.name: scene for scene in scenes}
    if missing := [each for each in wanted if each not in known]:
        raise DataError(f"{path} names {len(missing)} scenes that are not there: {', '.join(missing[:5])}")
    return tuple(known[each] for each in wanted)


def _group(reader: Reader, scene: Scene, by: Grouping) -> str:
    if by == "scene":
        return scene.name
    if by == "town":
        group = scene.map_name
    else:
        group = reader.labels(scene.name).get(_LOG) if isinstance(reader, KnowsLabels) else None
    if not group:
        raise DataError(f"scene {scene.name!r} of {reader.dataset} does not say its {by}; split by scene")
    return group
