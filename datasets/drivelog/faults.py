"""What is wrong with a drive log, file by file and row by row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.datasets.drivelog.arrow import read_table
from drivevla.datasets.drivelog.layout import (
    INFO,
    MARK,
    STAGING,
    STATS,
    TASKS,
    EpisodeFiles,
    episode_tables,
)
from drivevla.datasets.drivelog.reader import DriveLogReader, read_mark
from drivevla.datasets.drivelog.recording import is_abandoned
from drivevla.datasets.drivelog.rounding import pose_of
from drivevla.datasets.examining import fault, pose_faults
from drivevla.errors import DataError
from drivevla.geometry import is_rigid
from drivevla.types import Fault, FaultKind, Scene

__all__ = ["find_faults"]


def find_faults(root: Path) -> Iterator[Fault]:
    """Every fault of the log in a folder."""
    try:
        read_mark(root)
    except DataError as error:
        kind = FaultKind.CORRUPT if (root / MARK).exists() else FaultKind.MISSING
        yield fault(kind, MARK, str(error))
        return
    yield from _left_overs(root)
    rows = []
    for number, path in enumerate(episode_tables(root)):
        try:
            rows.append(read_table(path).to_pylist()[0])
        except (DataError, IndexError) as error:
            yield fault(FaultKind.CORRUPT, path.relative_to(root), str(error))
            return
        if path.relative_to(root) != EpisodeFiles(number).episode:
            yield fault(FaultKind.MISSING, EpisodeFiles(number).episode, "an episode's row is not there")
            return
    yield from _summary_faults(root, rows)
    yield from _double_names(rows)
    damaged = set()
    for number, row in enumerate(rows):
        for each in _file_faults(root, number, row):
            damaged.add(number)
            yield each
    try:
        reader = DriveLogReader(root)
    except DataError as error:
        yield fault(FaultKind.CORRUPT, "meta", str(error))
        return
    for number, scene in enumerate(reader.scenes):
        yield from _row_faults(root, reader, number, scene, poses=number not in damaged)


def _left_overs(root: Path) -> Iterator[Fault]:
    folder = root / STAGING
    for staged in sorted(folder.iterdir()) if folder.is_dir() else []:
        if is_abandoned(staged):
            message = "begun by a process that is gone; the next writer throws it away"
            yield fault(FaultKind.TRUNCATED, staged.relative_to(root), message)


def _summary_faults(root: Path, rows: list[dict[str, Any]]) -> Iterator[Fault]:
    if not rows:
        return
    for path in (INFO, STATS, TASKS):
        if not (root / path).exists():
            yield fault(FaultKind.MISSING, path, "it is not there; opening a writer makes it anew")
    if not (root / INFO).exists():
        return
    try:
        info = json.loads((root / INFO).read_text(encoding="utf-8"))
        counts = {"total_episodes": len(rows), "total_frames": sum(row["length"] for row in rows)}
        for name, count in counts.items():
            if info[name] != count:
                yield fault(FaultKind.INCONSISTENT, INFO, f"{name} is {info[name]}, the episodes' tables say {count}")
    except (ValueError, KeyError, TypeError) as error:
        yield fault(FaultKind.CORRUPT, INFO, f"it cannot be read: {error!r}")


def _double_names(rows: list[dict[str, Any]]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for number, row in enumerate(rows):
        name = row["drivevla/name"]
        if name in seen:
            message = f"episode {seen[name]} bears this name too"
            yield fault(FaultKind.DUPLICATE, EpisodeFiles(number).episode, message, name)
        seen.setdefault(name, number)


def _file_faults(root: Path, number: int, row: dict[str, Any]) -> Iterator[Fault]:
    """Files that are missing or not what was written."""
    digests = json.loads(row["drivevla/sha256"])
    for staged, path in EpisodeFiles(number).contents.items():
        if not (root / path).exists():
            yield fault(FaultKind.MISSING, path, f"a file of episode {row['drivevla/name']!r} is not there")
            continue
        content = (root / path).read_bytes()
        if hashlib.sha256(content).hexdigest() != digests[staged]:
            whole = path.suffix != ".parquet" or content.endswith(b"PAR1")
            kind = FaultKind.CORRUPT if whole else FaultKind.TRUNCATED
            yield fault(kind, path, "the content is not what was written", row["drivevla/name"])


def _row_faults(root: Path, reader: DriveLogReader, number: int, scene: Scene, *, poses: bool) -> Iterator[Fault]:
    """Samples that cannot be read, times and poses that cannot be."""
    files = EpisodeFiles(number)
    for token in scene.tokens:
        try:
            reader.sample(token)
        except DataError as error:
            yield fault(FaultKind.CORRUPT, files.data, str(error), token)
    if not poses:
        return
    yield from _pose_faults(root, files.truth, scene.name)
    yield from _pose_faults(root, files.motion, scene.name)


def _pose_faults(root: Path, path: Path, name: str) -> Iterator[Fault]:
    """Times that do not increase, poses that are none, jumps, and motion across the car's own axis."""
    rows = [row for row in read_table(root / path).to_pylist() if row.get("driven", True)]
    times_s = np.array([row["time_s"] for row in rows])
    world_from_ego = np.array([pose_of(row["world_from_ego"]) for row in rows]).reshape(-1, 4, 4)
    if not np.isfinite(times_s).all() or not all(is_rigid(pose) for pose in world_from_ego):
        yield fault(FaultKind.CORRUPT, path, "a time is no number, or a pose is not rigid", name)
        return
    if not (np.diff(times_s) > 0).all():
        yield fault(FaultKind.INCONSISTENT, path, "the times do not increase", name)
        return
    names = [f"{name} at {time_s:.2f} s" for time_s in times_s]
    yield from pose_faults(str(path), names, times_s, world_from_ego[:, :2, 3], world_from_ego[:, :2, 0])
