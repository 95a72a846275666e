"""Writing a drive log: episodes appear in it whole or not at all."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from drivevla.datasets.codec import StorageConfig
from drivevla.datasets.drivelog.finishing import (
    EpisodeRows,
    finish_episode,
    locked,
    remove_orphans,
    replace_text,
    write_summary,
)
from drivevla.datasets.drivelog.layout import FORMAT, INFO, MARK, STAGING, episode_tables
from drivevla.datasets.drivelog.recording import EpisodeRecorder, EpisodeWords, Staging, is_abandoned
from drivevla.datasets.drivelog.rig_text import rig_row
from drivevla.errors import ConfigError, DataError, RunError
from drivevla.types import SensorRig

__all__ = ["DriveLogWriter"]

logger = logging.getLogger(__name__)


class DriveLogWriter:
    """The only writer of drive logs; several processes may write into one folder at once.

    Opening it throws away what processes that are gone had begun, and says so::

        writer = DriveLogWriter(Path("log"), rig=load_rig("nano"))
        with writer.episode("Gen_grid_1/0003", split="train", map_name="Gen_grid_1") as episode:
            episode.add(sample)

    An episode whose body ends with an exception, or that holds no frame, leaves nothing.

    Args:
        root: The log's folder; made where it is not there.
        rig: The sensors of every sample.
        storage: How sensors are stored; the default for the rig when None.
        dataset: What samples say that they come from.

    Raises:
        ConfigError: The rig's capture rate is no whole number, which LeRobot's tables need.
        RunError: The folder holds a log of another rig, storage or format, or something else.
    """

    def __init__(
        self, root: Path, *, rig: SensorRig, storage: StorageConfig | None = None, dataset: str = "drivelog"
    ) -> None:
        if abs(rig.capture_hz - round(rig.capture_hz)) > 1e-9:
            raise ConfigError(f"a drive log needs a whole number of frames a second, got {rig.capture_hz:g}")
        self.root, self.rig = Path(root), rig
        self.storage = storage or StorageConfig.for_rig(rig)
        self._episodes = EpisodeRows(self.root)
        self.discarded: tuple[str, ...] = ()
        """The staging folders that were thrown away on opening."""
        mark = {
            "format": FORMAT,
            "dataset": dataset,
            "rig": rig_row(rig),
            "storage": self.storage.to_dict(),
        }
        with locked(self.root):
            self._take(mark)
            self.discarded = tuple(self._discard_abandoned())
            self._bring_up_to_date()

    @property
    def finished(self) -> frozenset[str]:
        """Names of the episodes that are in the log."""
        return self._episodes.names

    @contextlib.contextmanager
    def episode(
        self,
        name: str,
        *,
        split: str | None = None,
        map_name: str | None = None,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Iterator[EpisodeRecorder]:
        """Record one episode.

        Args:
            name: Unique in the log.
            split: "train", "val", "test" or another name.
            map_name: Where it is driven.
            description: What happens.
            labels: Facts about the whole episode by name.

        Raises:
            RunError: The log holds an episode of that name.
        """
        if not name:
            raise ConfigError("an episode needs a name")
        if name in self.finished:
            raise RunError(f"{self.root} holds an episode {name!r} already; see DriveLogWriter.finished")
        words = EpisodeWords(
            name=name, split=split, map_name=map_name, description=description, labels=dict(labels or {})
        )
        with locked(self.root):
            staging = Staging(self.root / STAGING / f"{_file_name(name)}-{os.getpid()}-{secrets.token_hex(4)}")
        recorder = EpisodeRecorder(staging, words, self.rig, self.storage)
        try:
            yield recorder
            if recorder.frames:
                with locked(self.root):
                    finish_episode(self._episodes, staging.folder, recorder, self.rig)
            else:
                logger.warning("episode %s holds no frame and is left out", name)
        finally:
            recorder.abandon()
            staging.remove()

    def _take(self, mark: dict[str, object]) -> None:
        """Make the folder a drive log, or see that it is the same one."""
        path = self.root / MARK
        if not path.exists():
            foreign = sorted(each.name for each in self.root.iterdir() if each.name not in {"meta", STAGING.name})
            if foreign:
                raise RunError(f"{self.root} is no drive log and holds {', '.join(foreign[:5])}; choose another folder")
            replace_text(path, json.dumps(mark, indent=1))
            return
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{path} is damaged: {error}") from error
        different = sorted(key for key in mark.keys() | there.keys() if mark.get(key) != there.get(key))
        if different:
            raise RunError(
                f"{self.root} was written with another {', '.join(different)}; a log has one of each: choose another "
                "folder, or the same settings"
            )

    def _discard_abandoned(self) -> Iterator[str]:
        folder = self.root / STAGING
        for staged in sorted(folder.iterdir()) if folder.is_dir() else []:
            if is_abandoned(staged):
                logger.warning("%s was being recorded by a process that is gone; thrown away", staged)
                Staging.clear(staged)
                yield staged.name

    def _bring_up_to_date(self) -> None:
        """The summary is written after the episode; a process may have been killed in between."""
        tables = episode_tables(self.root)
        remove_orphans(self.root, len(tables))
        info = self.root / INFO
        if not info.exists() or json.loads(info.read_text(encoding="utf-8"))["total_episodes"] != len(tables):
            write_summary(self._episodes, self.rig)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
