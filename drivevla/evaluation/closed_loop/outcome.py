"""What came of a drive, scored and written down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from drivevla.evaluation.closed_loop.events import EVENTS_FILE, write_events
from drivevla.evaluation.closed_loop.instructions import InstructionCounts
from drivevla.evaluation.closed_loop.job import DRIVE_FILE, RESULT_FILE, DriveSummary, RouteJob
from drivevla.evaluation.driving_score import (
    Failure,
    Judgement,
    ResultFile,
    RouteRun,
    RouteStop,
    RuleBook,
    score_route,
    write_result_file,
)
from drivevla.sim.routes import Route
from drivevla.types import SensorRig

__all__ = ["Drive", "official_sensors", "route_run", "write_outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A drive that is over.

    Attributes:
        judgement: What the rules found; None where nothing was driven.
        failure: What ended it other than the rules.
        error: What went wrong, in words.
        backend: Which simulator.
        privileged: Whether the policy was told the truth.
        route_length_m: Of the dense route; 0 where there is none.
        simulated_s: Until the last tick that was judged.
        wall_s: Time that it took.
        scenarios: Types of scenarios that could take place.
        scenarios_left_out: Types of those that could not.
        instructions: What was said, and how much of it was done.
        sensors: The leaderboard's names of the ego's sensors.
    """

    judgement: Judgement | None = None
    failure: Failure | None = None
    error: str | None = None
    backend: str | None = None
    privileged: bool = False
    route_length_m: float = 0.0
    simulated_s: float = 0.0
    wall_s: float = 0.0
    scenarios: tuple[str, ...] = ()
    scenarios_left_out: tuple[str, ...] = ()
    instructions: InstructionCounts | None = None
    sensors: tuple[str, ...] = ()


def write_outcome(job: RouteJob, route: Route, rules: RuleBook, folder: Path, drive: Drive) -> None:
    """Write a route's result, events and summary into its folder."""
    run = route_run(job, route, rules, drive)
    write_events(folder / EVENTS_FILE, run.events)
    write_result_file(
        folder / RESULT_FILE,
        ResultFile(
            rules=rules,
            records=(score_route(rules, run),),
            planned_routes=1,
            backend=drive.backend,
            sensors=drive.sensors,
        ),
    )
    stop = drive.judgement.stop if drive.judgement else None
    DriveSummary(
        route_id=route.id,
        town=job.map_name or route.town,
        repetition=job.repetition,
        privileged=drive.privileged,
        backend=drive.backend,
        stop=stop.value if stop else None,
        failure=drive.failure.name if drive.failure else None,
        error=drive.error,
        scenarios=drive.scenarios,
        scenarios_left_out=drive.scenarios_left_out,
        instructions=drive.instructions or InstructionCounts(),
        sensors=drive.sensors,
        simulated_s=drive.simulated_s,
        wall_s=drive.wall_s,
    ).write(folder / DRIVE_FILE)


def route_run(job: RouteJob, route: Route, rules: RuleBook, drive: Drive) -> RouteRun:
    """What the rules score."""
    length_m = drive.route_length_m
    if rules.criteria.generation == 1 or not length_m:
        length_m = sum(map(math.dist, route.key_points_m, route.key_points_m[1:]))
    stop = drive.judgement.stop if drive.judgement else None
    return RouteRun(
        route_id=f"RouteScenario_{route.id}_rep{job.repetition}",
        index=job.repetition * job.planned + job.index,
        route_length_m=length_m,
        duration_game_s=drive.simulated_s,
        duration_system_s=drive.wall_s,
        events=drive.judgement.events if drive.judgement else (),
        timed_out=stop is RouteStop.TIMED_OUT,
        failure=drive.failure or (Failure.TICK_LIMIT if stop is RouteStop.TICK_LIMIT else None),
    )


def official_sensors(rig: SensorRig) -> tuple[str, ...]:
    """A rig's sensors by the leaderboard's names (``leaderboard_evaluator.py``, ``sensors_to_icons``)."""
    sensors = ["carla_camera"] * len(rig.cameras)
    sensors += ["carla_lidar"] * (rig.lidar is not None)
    sensors += ["carla_gnss"] * rig.gnss + ["carla_imu"] * rig.imu + ["carla_speedometer"] * rig.speedometer
    return tuple(sensors)
