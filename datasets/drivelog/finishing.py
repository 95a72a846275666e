"""A recorded episode becomes part of the log: in one step, under a lock, whatever was interrupted before.

All files of the episode are moved to their places first; the row under ``meta/episodes`` comes last and is what makes
it part of the log. Files without such a row are left-overs of a process that was killed in between.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.datasets.drivelog.arrow import arrow, read_table, write_table
from drivevla.datasets.drivelog.layout import (
    DATA_PATH,
    FILES_PER_CHUNK,
    INFO,
    LEROBOT_VERSION,
    STATS,
    TASKS,
    EpisodeFiles,
    episode_tables,
)
from drivevla.datasets.drivelog.recording import EpisodeRecorder
from drivevla.datasets.drivelog.statistics import (
    Statistics,
    episode_statistics,
    merged_statistics,
    plain_statistics,
)
from drivevla.datasets.drivelog.tables import features
from drivevla.errors import RunError
from drivevla.types import SensorRig

__all__ = ["EpisodeRows", "finish_episode", "locked", "remove_orphans", "replace_text", "write_summary"]

logger = logging.getLogger(__name__)

_FRAMES_PER_GROUP = 16
_STATISTIC_PREFIX = "stats/"


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """While one process changes the log, others wait."""
    path = root / "meta" / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class EpisodeRows:
    """The rows of a log's episodes; each file is read once, however often they are asked for.

    Args:
        root: The log's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._read: dict[Path, tuple[tuple[int, int], dict[str, Any]]] = {}

    def all(self) -> list[dict[str, Any]]:
        """Of every episode that is finished now, in order."""
        return [self._row(path) for path in episode_tables(self.root)]

    @property
    def names(self) -> frozenset[str]:
        """What the episodes are called."""
        return frozenset(row["drivevla/name"] for row in self.all())

    def _row(self, path: Path) -> dict[str, Any]:
        seen = path.stat()
        version = (seen.st_ino, seen.st_mtime_ns)
        known = self._read.get(path)
        if known is None or known[0] != version:
            known = self._read[path] = (version, read_table(path).to_pylist()[0])
        return known[1]


def finish_episode(episodes: EpisodeRows, folder: Path, recorder: EpisodeRecorder, rig: SensorRig) -> None:
    """Give a recorded episode its number and its place; the lock must be held.

    Raises:
        RunError: There is an episode of that name.
    """
    root, rows = episodes.root, episodes.all()
    if any(row["drivevla/name"] == recorder.words.name for row in rows):
        raise RunError(f"{root} holds an episode {recorder.words.name!r} already; another process recorded it")
    remove_orphans(root, len(rows))
    tasks = _with_tasks(root, recorder.sentences)
    files = EpisodeFiles(len(rows))
    first = rows[-1]["dataset_to_index"] if rows else 0
    table = _numbered(recorder, number=files.number, first=first, tasks=tasks)
    write_table(table, folder / "data.parquet", rows_per_group=_FRAMES_PER_GROUP)
    row = _episode_row(folder, recorder, files, first, episode_statistics(table))
    write_table(arrow().Table.from_pylist([row]), folder / "episode.parquet")
    for staged, place in [*files.contents.items(), ("episode.parquet", files.episode)]:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        _force_to_disk(folder / staged)
        (folder / staged).replace(root / place)
    _force_to_disk((root / files.episode).parent)
    write_summary(episodes, rig)


def remove_orphans(root: Path, episodes: int) -> None:
    """Remove the files of an episode whose process was killed while it was being finished."""
    for path in EpisodeFiles(episodes).contents.values():
        if (root / path).exists():
            logger.warning("%s belongs to no episode: it was left by a process that was killed; removed", root / path)
            (root / path).unlink()


def write_summary(episodes: EpisodeRows, rig: SensorRig) -> None:
    """``info.json`` and ``stats.json`` from the episodes there are."""
    root, rows = episodes.root, episodes.all()
    sizes = {name: (spec.height_px, spec.width_px) for name, spec in rig.cameras.items()}
    info = {
        "codebase_version": LEROBOT_VERSION,
        "robot_type": rig.name,
        "total_episodes": len(rows),
        "total_frames": sum(row["length"] for row in rows),
        "total_tasks": len(_tasks(root)),
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": round(rig.capture_hz),
        "splits": {"train": f"0:{len(rows)}"},
        "data_path": DATA_PATH,
        "video_path": None,
        "features": features(sizes),
    }
    statistics = merged_statistics([_statistics_of(row) for row in rows])
    replace_text(root / STATS, json.dumps(plain_statistics(statistics), indent=1))
    replace_text(root / INFO, json.dumps(info, indent=4))


def replace_text(path: Path, text: str) -> None:
    """A file's text in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    beside.write_text(text, encoding="utf-8")
    _force_to_disk(beside)
    beside.replace(path)


def _tasks(root: Path) -> dict[str, int]:
    if not (root / TASKS).exists():
        return {}
    table = read_table(root / TASKS)
    return dict(zip(table.column("task").to_pylist(), table.column("task_index").to_pylist(), strict=True))


def _with_tasks(root: Path, sentences: tuple[str, ...]) -> dict[str, int]:
    """Every sentence by its number; new ones get the next numbers, and are on the disk before they are used."""
    tasks = _tasks(root)
    known = len(tasks)
    for sentence in sentences:
        tasks.setdefault(sentence, len(tasks))
    if len(tasks) > known or not known:
        pa = arrow()
        # LeRobot reads this table through pandas with the sentence as its index; the note says so.
        index = {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object"}
        number = {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64"}
        note = {
            "index_columns": ["task"],
            "column_indexes": [],
            "columns": [number | {"metadata": None}, index | {"metadata": None}],
            "pandas_version": "2.2.0",
        }
        schema = pa.schema([("task_index", pa.int64()), ("task", pa.string())], {"pandas": json.dumps(note)})
        table = pa.table({"task_index": list(tasks.values()), "task": list(tasks)}, schema=schema)
        beside = root / TASKS.with_name(f".tasks.{os.getpid()}.part")
        write_table(table, beside)
        beside.replace(root / TASKS)
    return tasks


def _numbered(recorder: EpisodeRecorder, *, number: int, first: int, tasks: dict[str, int]) -> Any:
    pa, table = arrow(), recorder.close()
    count = len(table)
    columns = {
        "episode_index": np.full(count, number),
        "index": np.arange(first, first + count),
        "task_index": np.array([tasks[sentence] for sentence in recorder.sentences]),
    }
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values, pa.int64()))
    return table


def _episode_row(
    folder: Path, recorder: EpisodeRecorder, files: EpisodeFiles, first: int, statistics: Statistics
) -> dict[str, Any]:
    words = recorder.words
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files.contents}
    return {
        "episode_index": files.number,
        "tasks": sorted(set(recorder.sentences)),
        "length": recorder.frames,
        "data/chunk_index": files.chunk,
        "data/file_index": files.file,
        "meta/episodes/chunk_index": files.chunk,
        "meta/episodes/file_index": files.file,
        "dataset_from_index": first,
        "dataset_to_index": first + recorder.frames,
        **{
            f"{_STATISTIC_PREFIX}{name}/{kind}": value.tolist()
            for name, of_name in statistics.items()
            for kind, value in of_name.items()
        },
        "drivevla/name": words.name,
        "drivevla/split": words.split or "",
        "drivevla/map_name": words.map_name or "",
        "drivevla/description": words.description or "",
        "drivevla/labels": json.dumps(words.labels, ensure_ascii=False, sort_keys=True),
        "drivevla/sha256": json.dumps(digests, sort_keys=True),
    }


def _statistics_of(row: dict[str, Any]) -> Statistics:
    found: Statistics = {}
    for key, value in row.items():
        if key.startswith(_STATISTIC_PREFIX) and value is not None:
            name, _, kind = key.removeprefix(_STATISTIC_PREFIX).rpartition("/")
            found.setdefault(name, {})[kind] = np.array(value, dtype=np.float64)
    return found


def _force_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
