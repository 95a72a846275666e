"""All routes and repetitions of an evaluation, one process a route, resumable."""

import dataclasses
import hashlib
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivevla import registry
from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError, unknown_name
from drivevla.evaluation.closed_loop.episode import write_outcome
from drivevla.evaluation.closed_loop.job import (
    DRIVE_FILE,
    JOB_FILE,
    RESULT_FILE,
    DriveSummary,
    RouteJob,
    policy_options,
)
from drivevla.evaluation.closed_loop.summary import ClosedLoopSummary, summarise
from drivevla.evaluation.closed_loop.watch import run_child
from drivevla.evaluation.driving_score import ResultFile, RouteRecord, read_result_file, rule_book, write_result_file
from drivevla.runs import start_run
from drivevla.runs.folder import Existing, Run
from drivevla.sim.routes import Route, find_routes, write_routes

__all__ = ["ClosedLoopConfig", "Progress", "evaluate_closed_loop"]

logger = logging.getLogger(__name__)

ROUTES_FILE = "routes.xml"
SUMMARY_FILE = "summary.json"
PART = ".part"
ATTEMPTS = 2
HANG_S = 150.0
"""Longer than a map takes to build and a tick may take (``TIMEOUT_S`` of the session)."""


@dataclass(frozen=True, kw_only=True)
class ClosedLoopConfig:
    """What is evaluated, and how.

    Attributes:
        routes: A route file, folder or archive, or the name of a suite.
        policy: A name of the registry.
        options: What the policy is made with, ``key=value`` each.
        map: Every route's map; each route's own town when None.
        rules: The rule book.
        repetitions: How often every route is driven.
        seed: Of the first repetition; each following one has the next number.
        rig: A preset of sensor rigs.
        vehicles: Background traffic on every route.
    """

    routes: str
    policy: str
    options: tuple[str, ...] = ()
    map: str | None = None
    rules: str = "leaderboard-2.1"
    repetitions: int = 1
    seed: int = 0
    rig: str = "nano"
    vehicles: int = 0

    def __post_init__(self) -> None:
        """Check everything that would fail on every route.

        Raises:
            ConfigError: A number is out of range or an option is malformed.
            UnknownName: There is no such policy, rule book or rig.
        """
        if self.repetitions < 1 or not 0 <= self.vehicles <= 200:
            raise ConfigError(
                f"repetitions must be at least 1 and vehicles 0 to 200, got {self.repetitions} and {self.vehicles}"
            )
        if self.policy not in registry.names("policies"):
            raise unknown_name("policy", self.policy, registry.names("policies"))
        policy_options(self.options)
        rule_book(self.rules)
        load_rig(self.rig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where an evaluation stands.

    Attributes:
        done: Drives that are finished, those of earlier processes included.
        planned: Drives there are to be.
        route_id: The one under way.
        time_s: How long it has been driven, simulated.
        percent: Of its length.
        left_s: Time left on the wall, from what this process has driven; None until it has driven a route.
    """

    done: int
    planned: int
    route_id: str
    time_s: float = 0.0
    percent: float = 0.0
    left_s: float | None = None


def evaluate_closed_loop(
    config: ClosedLoopConfig,
    folder: Path,
    *,
    host: str | None = None,
    port: int = 2000,
    existing: Existing = "refuse",
    progress: Callable[[Progress], None] | None = None,
) -> ClosedLoopSummary:
    """Drive and score every route, in a folder that explains itself.

    ``artefacts/`` then holds ``result.json`` in the leaderboard's layout, ``summary.json``, ``routes.xml``, and for
    every drive a folder with its record, result and log. A folder is there whole or not at all, so that a run that was
    killed goes on with at most one route driven again. A route whose process dies or hangs is begun once more, and
    then counts as crashed.

    Args:
        config: What is evaluated.
        folder: The run's folder.
        host: A running CARLA server; None starts an embedded one for every route.
        port: Its port.
        existing: What to do with a run that is in the folder.
        progress: Told at every sign of life.

    Raises:
        UserError: Routes, policy or configuration are not acceptable.
        RunError: The folder cannot be used.
    """
    routes = find_routes(config.routes)
    fingerprint = hashlib.sha256(repr(routes).encode()).hexdigest()
    with start_run(
        folder,
        kind="evaluate closed-loop",
        config=config,
        existing=existing,
        seeds={"drives": config.seed},
        data_fingerprint=fingerprint,
        backend="embedded" if host is None else "server",
    ) as run:
        file = run.artefacts / ROUTES_FILE
        write_routes(routes, file)
        jobs = tuple(_jobs(config, len(routes), file, host, port))
        _drive_all(jobs, routes, run, progress)
        return _sum_up(config, jobs, routes, run.artefacts)


def _jobs(config: ClosedLoopConfig, count: int, file: Path, host: str | None, port: int) -> Iterator[RouteJob]:
    for repetition in range(config.repetitions):
        for index in range(count):
            yield RouteJob(
                routes_file=str(file.resolve()),
                index=index,
                repetition=repetition,
                planned=count,
                map_name=config.map,
                policy=config.policy,
                options=config.options,
                rules=config.rules,
                rig=config.rig,
                vehicles=config.vehicles,
                seed=config.seed + repetition,
                host=host,
                port=port,
            )


def _drive_all(
    jobs: Sequence[RouteJob], routes: Sequence[Route], run: Run, progress: Callable[[Progress], None] | None
) -> None:
    waiting = [job for job in jobs if not (run.artefacts / job.name).is_dir()]
    began_s = time.monotonic()
    for number, job in enumerate(waiting):
        done = len(jobs) - len(waiting) + number
        left_s = (time.monotonic() - began_s) / number * (len(waiting) - number) if number else None
        standing = Progress(done=done, planned=len(jobs), route_id=routes[job.index].id, left_s=left_s)

        def beat(time_s: float, percent: float, at: Progress = standing) -> None:
            if progress is not None:
                progress(dataclasses.replace(at, time_s=time_s, percent=percent))

        _drive_one(job, routes[job.index], run.artefacts, beat)
        record, drive = _read(run.artefacts / job.name, job.rules)
        run.metrics.log(job.repetition * job.planned + job.index, {"driving_score": record.score_composed})
        logger.info("%s: %s, driving score %.1f", drive.route_id, record.status, record.score_composed)


def _drive_one(job: RouteJob, route: Route, artefacts: Path, beat: Callable[[float, float], None]) -> None:
    part = artefacts / (job.name + PART)
    reasons: list[str] = []
    for _ in range(ATTEMPTS):
        if part.exists():
            shutil.rmtree(part)  # a drive that was not finished
        part.mkdir()
        job.write(part / JOB_FILE)
        reason = run_child(part, hang_s=HANG_S, beat=beat)
        if reason is None:
            break
        logger.warning("route %s: %s", route.id, reason)
        reasons.append(reason)
    else:
        write_outcome(job, route, rule_book(job.rules), part, "; then ".join(reasons))
    if reasons:
        drive = DriveSummary.read(part / DRIVE_FILE)
        dataclasses.replace(drive, attempts=len(reasons) + (len(reasons) < ATTEMPTS)).write(part / DRIVE_FILE)
    part.rename(artefacts / job.name)


def _sum_up(
    config: ClosedLoopConfig, jobs: Sequence[RouteJob], routes: Sequence[Route], artefacts: Path
) -> ClosedLoopSummary:
    rules = rule_book(config.rules)
    drives = [_read(artefacts / job.name, config.rules) for job in jobs]
    summary = summarise(rules, config.policy, drives, routes=len(routes), repetitions=config.repetitions)
    result = ResultFile(
        rules=rules,
        records=tuple(record for record, _ in drives),
        planned_routes=len(jobs),
        backend=", ".join(summary.backends) or None,
    )
    write_result_file(artefacts / RESULT_FILE, result)
    summary.write(artefacts / SUMMARY_FILE)
    return summary


def _read(folder: Path, rules: str) -> tuple[RouteRecord, DriveSummary]:
    return read_result_file(folder / RESULT_FILE, rules=rules).records[0], DriveSummary.read(folder / DRIVE_FILE)
