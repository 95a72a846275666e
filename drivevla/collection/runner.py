"""All towns of a collection, several at once, each in a process of its own; resumable."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from drivevla.collection.config import CollectionConfig
from drivevla.collection.coverage import add_up, write_coverage
from drivevla.collection.job import JOB_FILE, TOWN_FILE, RouteReport, TownJob, read_reports
from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError
from drivevla.evaluation.closed_loop.watch import run_child
from drivevla.policies.loading import is_privileged
from drivevla.runs import start_run
from drivevla.runs.atomic import write_text_atomically
from drivevla.runs.folder import Existing

__all__ = ["CollectionSummary", "Progress", "collect"]

logger = logging.getLogger(__name__)

RUN_FOLDER = "meta/collection"
"""In the log's folder: how it was made."""
ATTEMPTS = 3
HANG_S = 240.0
"""Longer than a town takes to build on a busy machine."""
COUNT_EVERY_S = 15.0
CHILD = "drivevla.collection.child"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a collection stands.

    Attributes:
        towns_done: Towns that are done with, those of earlier processes included.
        towns: Of so many.
        frames: In the log, those of earlier processes included.
        share: Of all towns, those under way by their share.
        frames_per_s: Since this process began; None until it has written any.
        left_s: Time left on the wall; None until something is done.
    """

    towns_done: int
    towns: int
    frames: int
    share: float
    frames_per_s: float | None
    left_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSummary:
    """What came of it.

    Attributes:
        frames: In the log.
        episodes: Routes that are in it.
        endings: How many routes ended how.
        failed_towns: Towns in which the simulator failed again and again.
    """

    frames: int
    episodes: int
    endings: dict[str, int]
    failed_towns: tuple[str, ...]


def collect(
    config: CollectionConfig,
    log: Path,
    *,
    rig: str = "nano",
    workers: int = 1,
    existing: Existing = "refuse",
    progress: Callable[[Progress], None] | None = None,
) -> CollectionSummary:
    """Collect a suite into a drive log; ``docs/collection.md`` says what is written where.

    Args:
        config: What is collected.
        log: The drive log's folder; how it was made lies in ``meta/collection`` there.
        rig: A preset of sensor rigs.
        workers: So many towns at once, each with its own simulator. What is written does not depend on it.
        existing: What to do with a collection that is in the folder.
        progress: Told at every sign of life.

    Raises:
        UserError: The configuration is not acceptable.
        RunError: The folder cannot be used.
    """
    if workers < 1:
        raise ConfigError(f"workers must be at least 1, got {workers}")
    if not load_rig(rig).cameras:
        raise ConfigError(f"rig {rig!r} has no camera; a collection needs pictures")
    if config.student and is_privileged(config.student):
        raise ConfigError(f"student {config.student!r} is told the truth: it needs no teacher; name a policy that sees")
    with start_run(
        log / RUN_FOLDER,
        kind="collect",
        config=config,
        existing=existing,
        seeds={"collection": config.seed},
        backend="embedded",
    ) as run:
        standing = _Standing(config, run.artefacts, progress)
        jobs = [TownJob(town=town, log=log, rig=rig, config=config) for town in config.towns]
        waiting = [job for job in jobs if not (run.artefacts / job.town / TOWN_FILE).exists()]
        with ThreadPoolExecutor(workers) as pool:
            threads = max(1, (os.cpu_count() or 1) // workers)
            for _ in pool.map(lambda job: _collect_town(job, run.artefacts / job.town, standing, threads), waiting):
                standing.write_coverage()
        standing.write_coverage()
        return standing.summary()


def _collect_town(job: TownJob, folder: Path, standing: _Standing, threads: int) -> None:
    folder.mkdir(exist_ok=True)
    job.write(folder / JOB_FILE)
    reasons: list[str] = []
    for _ in range(ATTEMPTS):
        reason = run_child(
            folder,
            hang_s=HANG_S,
            beat=lambda _, percent: standing.tell(job.town, percent / 100.0),
            module=CHILD,
            threads=threads,
        )
        if reason is None:
            write_text_atomically(folder / TOWN_FILE, "{}")
            break
        logger.warning("%s: %s", job.town, reason)
        reasons.append(reason)
    else:
        standing.failed(job.town)
    standing.tell(job.town, 1.0)


class _Standing:
    """What is done, what is under way, and how long the rest may take."""

    def __init__(self, config: CollectionConfig, folder: Path, progress: Callable[[Progress], None] | None) -> None:
        self._config, self._folder, self._progress = config, folder, progress
        self._shares = {town: 1.0 if (folder / town / TOWN_FILE).exists() else 0.0 for town in config.towns}
        self._failed: list[str] = []
        self._began_s, self._share_before = time.monotonic(), self._share
        self._frames = self._frames_before = sum(each.frames for each in self._reports())
        self._counted_s = self._began_s
        self._lock = Lock()

    def tell(self, town: str, share: float) -> None:
        """A sign of life."""
        if self._progress is None:
            return
        with self._lock:
            self._shares[town] = share
            taken_s, gained = time.monotonic() - self._began_s, self._share - self._share_before
            if time.monotonic() - self._counted_s > COUNT_EVERY_S:
                self._frames, self._counted_s = sum(each.frames for each in self._reports()), time.monotonic()
            rate = (self._frames - self._frames_before) / taken_s
            self._progress(
                Progress(
                    towns_done=sum(each >= 1.0 for each in self._shares.values()),
                    towns=len(self._shares),
                    frames=self._frames,
                    share=self._share,
                    frames_per_s=rate or None,
                    left_s=taken_s / gained * (1.0 - self._share) if gained > 1e-3 else None,
                )
            )

    def failed(self, town: str) -> None:
        """Count a town that could not be collected in."""
        self._failed.append(town)

    def summary(self) -> CollectionSummary:
        """What came of it."""
        reports = self._reports()
        endings: dict[str, int] = {}
        for each in reports:
            endings[each.ending] = endings.get(each.ending, 0) + 1
        return CollectionSummary(
            frames=sum(each.frames for each in reports),
            episodes=sum(each.frames > 0 for each in reports),
            endings=endings,
            failed_towns=tuple(self._failed),
        )

    def write_coverage(self) -> None:
        """Bring the coverage report up to date."""
        with self._lock:
            reports, summary = self._reports(), self.summary()
            facts = {
                "collection": self._config.name,
                "frames": summary.frames,
                "episodes": summary.episodes,
                "endings": summary.endings,
                "captures": sum(each.captures for each in reports),
                "simulated hours": round(sum(each.simulated_s for each in reports) / 3600.0, 2),
                "hours on the wall, workers added": round(sum(each.wall_s for each in reports) / 3600.0, 2),
            }
            write_coverage(add_up(each.tallies for each in reports), facts, self._folder)

    @property
    def _share(self) -> float:
        return sum(self._shares.values()) / len(self._shares)

    def _reports(self) -> list[RouteReport]:
        return [each for town in self._config.towns for each in read_reports(self._folder / town)]
