"""Statistics of features, an episode's and the whole log's, as LeRobot keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.codec import decode_image
from drivevla.datasets.drivelog.tables import IMAGE_PREFIX

__all__ = ["Statistics", "episode_statistics", "merged_statistics", "plain_statistics"]

Statistics = dict[str, dict[str, NDArray[np.float64]]]
"""Feature to "min", "max", "mean", "std" and "count"."""

_PICTURES = 8  # of each camera and episode; every fourth pixel of each


def episode_statistics(table: Any) -> Statistics:
    """Of one episode's table of frames; pictures from a few of them, scaled to 0..1 and by channel (3, 1, 1)."""
    found: Statistics = {}
    for name in table.column_names:
        if name.startswith(IMAGE_PREFIX):
            pictures = [each["bytes"] for each in table.column(name).to_pylist() if each is not None]
            if pictures:
                found[name] = _of_pictures(pictures)
            continue
        values = np.array(table.column(name).to_pylist(), dtype=np.float64).reshape(len(table), -1)
        known = values[np.isfinite(values).all(axis=1)]
        if len(known):
            found[name] = _of(known)
    return found


def merged_statistics(parts: Sequence[Statistics]) -> Statistics:
    """Of all episodes together: means and variances weighted by how many frames each has."""
    merged: Statistics = {}
    for name in sorted({name for part in parts for name in part}):
        of_name = [part[name] for part in parts if name in part]
        counts = np.array([float(part["count"][0]) for part in of_name])
        weights = (counts / counts.sum()).reshape(-1, *(1 for _ in of_name[0]["mean"].shape))
        means = np.stack([part["mean"] for part in of_name])
        mean = (weights * means).sum(axis=0)
        squares = (weights * (np.stack([part["std"] for part in of_name]) ** 2 + means**2)).sum(axis=0)
        merged[name] = {
            "min": np.min([part["min"] for part in of_name], axis=0),
            "max": np.max([part["max"] for part in of_name], axis=0),
            "mean": mean,
            "std": np.sqrt(np.maximum(squares - mean**2, 0.0)),
            "count": np.array([counts.sum()]),
        }
    return merged


def plain_statistics(statistics: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> dict[str, dict[str, Any]]:
    """As JSON values."""
    return {name: {kind: value.tolist() for kind, value in each.items()} for name, each in statistics.items()}


def _of_pictures(pictures: Sequence[bytes]) -> dict[str, NDArray[np.float64]]:
    chosen = np.unique(np.linspace(0, len(pictures) - 1, min(_PICTURES, len(pictures))).round().astype(int))
    pixels = np.concatenate([decode_image(pictures[index])[::4, ::4].reshape(-1, 3) for index in chosen])
    found = {kind: value.reshape(3, 1, 1) for kind, value in _of(pixels / 255.0).items() if kind != "count"}
    return found | {"count": np.array([float(len(pictures))])}


def _of(values: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return {
        "min": values.min(axis=0),
        "max": values.max(axis=0),
        "mean": values.mean(axis=0),
        "std": values.std(axis=0),
        "count": np.array([float(len(values))]),
    }
