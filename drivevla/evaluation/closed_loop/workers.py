"""Who drives the routes: this process one after the other, or the workers of a Ray cluster several at once."""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from drivevla.errors import RunError, require
from drivevla.evaluation.closed_loop.job import DRIVE_FILE, JOB_FILE, DriveSummary, RouteJob
from drivevla.evaluation.closed_loop.outcome import Drive, write_outcome
from drivevla.evaluation.closed_loop.watch import run_child
from drivevla.evaluation.driving_score import Failure, rule_book
from drivevla.runs.atomic import write_bytes_atomically
from drivevla.sim.routes import load_routes

__all__ = ["HANG_S", "drive_here", "drive_through_ray"]

logger = logging.getLogger(__name__)

PART = ".part"
ATTEMPTS = 2
HANG_S = 150.0
"""Longer than a map takes to build and a tick may take (``TIMEOUT_S`` of the session)."""
WORKER_DIED_RETRIES = 1
RAY_START_ATTEMPTS = 3
"""Ray's node manager gives the agent that it starts about 15 s to write its port down, and ends itself otherwise (Ray
2.60, "Timed out waiting for file .../metrics_agent_port"). It cannot be told to wait longer, and a second start finds
the agent's modules in memory."""


def drive_here(job: RouteJob, artefacts: Path, *, hang_s: float, beat: Callable[[float, float], None]) -> None:
    """Drive a job in a child process, twice if need be; its folder appears whole.

    Args:
        job: What is driven; its routes lie in the folder of all drives.
        artefacts: The folder of all drives.
        hang_s: Without a sign of life for so long the process is ended.
        beat: Told at every sign of life.
    """
    part = artefacts / (job.name + PART)
    reasons: list[str] = []
    for _ in range(ATTEMPTS):
        if part.exists():
            shutil.rmtree(part)  # a drive that was not finished
        part.mkdir()
        job.write(part / JOB_FILE)
        reason = run_child(part, hang_s=hang_s, beat=beat)
        if reason is None:
            break
        logger.warning("drive %s: %s", job.name, reason)
        reasons.append(reason)
    else:
        route = load_routes(part / job.routes_file)[job.index]
        crashed = Drive(failure=Failure.SIMULATION, error="; then ".join(reasons))
        write_outcome(job, route, rule_book(job.rules), part, crashed)
    if reasons:
        drive = DriveSummary.read(part / DRIVE_FILE)
        dataclasses.replace(drive, attempts=len(reasons) + (len(reasons) < ATTEMPTS)).write(part / DRIVE_FILE)
    part.rename(artefacts / job.name)


def drive_through_ray(
    jobs: Sequence[RouteJob],
    artefacts: Path,
    *,
    workers: int,
    address: str | None,
    hang_s: float,
    finished: Callable[[RouteJob], None],
) -> None:
    """Drive jobs on the workers of a Ray cluster; files travel back through Ray, so that no disk need be shared.

    Args:
        jobs: What is driven, in this order as workers become free.
        artefacts: The folder of all drives, here.
        workers: So many at once.
        address: Of a running cluster; where None, ``RAY_ADDRESS``, and without that one of our own on this machine.
        hang_s: Without a sign of life for so long a route's process is ended.
        finished: Told of each drive whose folder is there.

    Raises:
        MissingExtra: Ray is not installed.
        RunError: It does not start, or no cluster answers at the address.
    """
    ray = require("ray", "scale")
    _join(ray, workers, address or os.environ.get("RAY_ADDRESS"))
    try:
        drive = ray.remote(num_cpus=1, max_retries=WORKER_DIED_RETRIES)(_drive_elsewhere)
        routes = ray.put((artefacts / jobs[0].routes_file.removeprefix("../")).read_bytes() if jobs else b"")
        waiting = list(reversed(jobs))
        running: dict[Any, RouteJob] = {}
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.pop()
                running[drive.remote(job, routes, hang_s)] = job
            (ready, *_), _ = ray.wait(list(running), num_returns=1)
            job = running.pop(ready)
            _unpack(ray.get(ready), artefacts, job.name)
            finished(job)
    finally:
        ray.shutdown()


def _join(ray: Any, workers: int, address: str | None) -> None:
    own = {"address": "local", "num_cpus": workers, "include_dashboard": False}
    attempts = 1 if address else RAY_START_ATTEMPTS
    for attempt in range(1, attempts + 1):
        try:
            ray.init(**({"address": address} if address else own), log_to_driver=False, logging_level=logging.WARNING)
            return
        except Exception as error:  # Ray raises bare ones
            ray.shutdown()
            if attempt == attempts:
                raise RunError(_why_not_up(address, attempts, error)) from error
            logger.warning("Ray did not start (%s); trying again", error)


def _why_not_up(address: str | None, attempts: int, error: Exception) -> str:
    if address:
        return f"no Ray cluster answers at {address}: {error}"
    return (
        f"Ray did not start on this machine in {attempts} attempts: {error} Where raylet.out in its logs says "
        "'Timed out waiting for file', the machine is too busy: Ray gives its own parts 15 s. Drive with one worker, "
        "or go on with --resume when it is not"
    )


def _drive_elsewhere(job: RouteJob, routes: bytes, hang_s: float) -> dict[str, bytes]:
    """On a worker: drive in a folder of its own and give back every file, by its path in the drive's folder."""
    with tempfile.TemporaryDirectory(prefix="drivevla-") as place:
        artefacts = Path(place)
        (artefacts / job.routes_file.removeprefix("../")).write_bytes(routes)
        drive_here(job, artefacts, hang_s=hang_s, beat=_unheard)
        folder = artefacts / job.name
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _unheard(time_s: float, percent: float) -> None:
    """Signs of life of another machine stay there; its own watchdog listens."""


def _unpack(files: dict[str, bytes], artefacts: Path, name: str) -> None:
    part = artefacts / (name + PART)
    if part.exists():
        shutil.rmtree(part)
    part.mkdir()
    for place, content in sorted(files.items()):
        (part / place).parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(part / place, content)
    part.rename(artefacts / name)
