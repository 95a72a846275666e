"""All routes and repetitions of an evaluation, one process a route, resumable."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import drivevla
from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError
from drivevla.evaluation.closed_loop.guidance import GuidanceConfig
from drivevla.evaluation.closed_loop.job import DRIVE_FILE, RESULT_FILE, DriveSummary, RouteJob, policy_options
from drivevla.evaluation.closed_loop.pictures import check_can_picture
from drivevla.evaluation.closed_loop.summary import ClosedLoopSummary, summarise
from drivevla.evaluation.closed_loop.workers import HANG_S, drive_here, drive_through_ray
from drivevla.evaluation.driving_score import ResultFile, RouteRecord, read_result_file, rule_book, write_result_file
from drivevla.policies.loading import is_privileged
from drivevla.runs import start_run
from drivevla.runs.atomic import write_text_atomically
from drivevla.runs.folder import Existing, Run
from drivevla.sim.routes import Route, find_routes, write_routes
from drivevla.sim.session.traffic import leaderboard_vehicles

__all__ = ["PROTOCOL_FILE", "ROUTES_FILE", "SUMMARY_FILE", "ClosedLoopConfig", "Progress", "evaluate_closed_loop"]

logger = logging.getLogger(__name__)

ROUTES_FILE = "routes.xml"
SUMMARY_FILE = "summary.json"
PROTOCOL_FILE = "protocol.json"
LEADERBOARD = "leaderboard"


@dataclass(frozen=True, kw_only=True)
class ClosedLoopConfig:
    """What is evaluated, and how.

    Attributes:
        routes: A route file, folder or archive, or the name of a suite.
        policy: A name of the registry, or the folder of a checkpoint.
        options: What the policy is made with, ``key=value`` each.
        map: Every route's map; each route's own town when None.
        rules: The rule book.
        guidance: What the policy hears.
        repetitions: How often every route is driven.
        seed: Of the first repetition; each following one has the next number.
        rig: A preset of sensor rigs.
        vehicles: Background traffic on every route; "leaderboard" for as many as leaderboard 1 has in the route's town.
        video: Whether a film of every drive is made.
    """

    routes: str
    policy: str
    options: tuple[str, ...] = ()
    map: str | None = None
    rules: str = "leaderboard-2.1"
    guidance: GuidanceConfig = field(default_factory=GuidanceConfig)
    repetitions: int = 1
    seed: int = 0
    rig: str = "nano"
    vehicles: int | Literal["leaderboard"] = 0
    video: bool = False

    def __post_init__(self) -> None:
        """Check everything that would fail on every route.

        Raises:
            ConfigError: A number is out of range or an option is malformed.
            UnknownName: There is no such policy, rule book or rig.
            MissingExtra: A package for pictures is missing.
        """
        amount_known = 0 <= self.vehicles <= 200 if isinstance(self.vehicles, int) else self.vehicles == LEADERBOARD
        if self.repetitions < 1 or not amount_known:
            raise ConfigError(
                f"repetitions must be at least 1 and vehicles 0 to 200 or {LEADERBOARD!r}, "
                f"got {self.repetitions} and {self.vehicles!r}"
            )
        is_privileged(self.policy)  # there is such a policy or checkpoint
        policy_options(self.options)
        rule_book(self.rules)
        rig = load_rig(self.rig)
        check_can_picture(rig, video=self.video)
        if self.video and not rig.cameras:
            raise ConfigError(f"a film needs a camera, and rig {self.rig!r} has none; give another --rig or no --video")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where an evaluation stands.

    Attributes:
        done: Drives that are finished, those of earlier processes included.
        planned: Drives there are to be.
        route_id: The one under way; with several workers, the one that ended last.
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
    workers: int = 1,
    ray_address: str | None = None,
    existing: Existing = "refuse",
    progress: Callable[[Progress], None] | None = None,
    hang_s: float = HANG_S,
) -> ClosedLoopSummary:
    """Drive and score every route, in a folder that explains itself (``docs/closed-loop.md``).

    A drive's folder is there whole or not at all, so that a run that was killed goes on with at most one route driven
    again for each worker. A route whose process dies or hangs is begun once more, and then counts as crashed.

    Args:
        config: What is evaluated.
        folder: The run's folder.
        host: A running CARLA server; None starts an embedded one for every route.
        port: Its port.
        workers: So many routes are driven at once, each with its own server, through Ray; results do not depend on it.
        ray_address: A Ray cluster; None starts one here, unless ``RAY_ADDRESS`` names one.
        existing: What to do with a run that is in the folder.
        progress: Told at every sign of life.
        hang_s: A route's process without a sign of life for so long is ended.

    Raises:
        UserError: Routes, policy or configuration are not acceptable.
        RunError: The folder cannot be used.
    """
    if workers < 1 or (workers > 1 and host is not None):
        raise ConfigError(
            f"workers must be at least 1, and 1 on a given server, which holds one world; got {workers} and {host}"
        )
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
        write_routes(routes, run.artefacts / ROUTES_FILE)
        _write_protocol(config, routes, run)
        jobs = tuple(_jobs(config, routes, host, port))
        standing = _Standing(jobs, routes, run, progress)
        if workers == 1 and ray_address is None:
            for job in standing.waiting:
                drive_here(job, run.artefacts, hang_s=hang_s, beat=standing.beat(job))
                standing.finished(job)
        else:
            drive_through_ray(
                standing.waiting,
                run.artefacts,
                workers=workers,
                address=ray_address,
                hang_s=hang_s,
                finished=standing.finished,
            )
        return _sum_up(config, jobs, routes, run.artefacts)


def _jobs(config: ClosedLoopConfig, routes: Sequence[Route], host: str | None, port: int) -> Iterator[RouteJob]:
    for repetition in range(config.repetitions):
        for index, route in enumerate(routes):
            yield RouteJob(
                routes_file=f"../{ROUTES_FILE}",
                index=index,
                repetition=repetition,
                planned=len(routes),
                format=route.format,
                map_name=config.map,
                policy=config.policy,
                options=config.options,
                rules=config.rules,
                guidance=config.guidance,
                rig=config.rig,
                vehicles=_vehicles_on(config, config.map or route.town),
                video=config.video,
                seed=config.seed + repetition,
                host=host,
                port=port,
            )


def _vehicles_on(config: ClosedLoopConfig, town: str) -> int:
    return config.vehicles if isinstance(config.vehicles, int) else leaderboard_vehicles(town)


def _write_protocol(config: ClosedLoopConfig, routes: Sequence[Route], run: Run) -> None:
    """What the numbers of the run mean."""
    content = {
        "rules": config.rules,
        "backend": run.manifest.backend,
        "policy": config.policy,
        "options": list(config.options),
        "privileged": is_privileged(config.policy),
        "rig": config.rig,
        "guidance": config.guidance.in_full(),
        "routes": config.routes,
        "route_count": len(routes),
        "repetitions": config.repetitions,
        "seeds": [config.seed + number for number in range(config.repetitions)],
        "vehicles": config.vehicles,
        "version": drivevla.__version__,
    }
    write_text_atomically(run.artefacts / PROTOCOL_FILE, json.dumps(content, indent=2))


class _Standing:
    """Which drives are left to do, and how long that may take."""

    def __init__(
        self,
        jobs: Sequence[RouteJob],
        routes: Sequence[Route],
        run: Run,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.waiting = [job for job in jobs if not (run.artefacts / job.name).is_dir()]
        self._routes, self._run, self._progress = routes, run, progress
        self._planned, self._done = len(jobs), len(jobs) - len(self.waiting)
        self._before, self._began_s = self._done, time.monotonic()

    def beat(self, job: RouteJob) -> Callable[[float, float], None]:
        """What is told of a drive's signs of life."""
        return lambda time_s, percent: self._tell(job, time_s, percent)

    def finished(self, job: RouteJob) -> None:
        """Count a drive that is over."""
        record, drive = _read(self._run.artefacts / job.name, job.rules)
        self._run.metrics.log(job.repetition * job.planned + job.index, {"driving_score": record.score_composed})
        logger.info("%s: %s, driving score %.1f", drive.route_id, record.status, record.score_composed)
        self._done += 1
        self._tell(job, drive.simulated_s, 0.0)

    def _tell(self, job: RouteJob, time_s: float, percent: float) -> None:
        if self._progress is None:
            return
        driven = self._done - self._before
        left_s = (time.monotonic() - self._began_s) / driven * (self._planned - self._done) if driven else None
        self._progress(
            Progress(
                done=self._done,
                planned=self._planned,
                route_id=self._routes[job.index].id,
                time_s=time_s,
                percent=percent,
                left_s=left_s,
            )
        )


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
        sensors=next((drive.sensors for _, drive in drives if drive.sensors), ()),
    )
    write_result_file(artefacts / RESULT_FILE, result)
    summary.write(artefacts / SUMMARY_FILE)
    return summary


def _read(folder: Path, rules: str) -> tuple[RouteRecord, DriveSummary]:
    return read_result_file(folder / RESULT_FILE, rules=rules).records[0], DriveSummary.read(folder / DRIVE_FILE)
