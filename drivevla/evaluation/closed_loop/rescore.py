"""Judge the records of a run again, under another rule book: nothing is driven."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from drivevla.errors import DataError
from drivevla.evaluation.closed_loop.job import DRIVE_FILE, JOB_FILE, RESULT_FILE, TICKS_FILE, DriveSummary, RouteJob
from drivevla.evaluation.closed_loop.outcome import Drive, route_run
from drivevla.evaluation.closed_loop.record import read_record
from drivevla.evaluation.closed_loop.runner import PROTOCOL_FILE, ROUTES_FILE, SUMMARY_FILE
from drivevla.evaluation.closed_loop.setting import SETTING_FILE, read_setting
from drivevla.evaluation.closed_loop.summary import ClosedLoopSummary, summarise
from drivevla.evaluation.closed_loop.town import MAP_FILE, judged_town
from drivevla.evaluation.driving_score import (
    CarlaLaneMap,
    Failure,
    LaneMap,
    ResultFile,
    RouteJudge,
    RouteRecord,
    RuleBook,
    read_result_file,
    rule_book,
    score_route,
    write_result_file,
)
from drivevla.runs.condition import ARTEFACTS
from drivevla.sim.routes import Route, load_routes

__all__ = ["RESCORED", "rescore_run"]

RESCORED = "rescored"


def rescore_run(folder: Path, rules: str) -> ClosedLoopSummary:
    """Judge and score every drive of a run by other rules, into ``artefacts/rescored/RULES``.

    A drive that its own rules ended holds no ticks for more patient ones; ``ended_early`` counts those.

    Args:
        folder: The run's folder.
        rules: Name of the rule book.

    Raises:
        UnknownName: There is no such rule book, or a drive's map is not here.
        DataError: The folder holds no closed-loop run, or a file of it is damaged.
    """
    book, artefacts = rule_book(rules), folder / ARTEFACTS
    try:
        protocol = json.loads((artefacts / PROTOCOL_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} holds no closed-loop run: {error}") from error
    routes = load_routes(artefacts / ROUTES_FILE)
    lanes = cache(lambda place, town: CarlaLaneMap(judged_town(place, town).carla_map))
    places = sorted(path.parent for path in artefacts.glob(f"*_rep*/{DRIVE_FILE}") if path.parent.suffix == "")
    judged = [_rescored(place, routes[RouteJob.read(place / JOB_FILE).index], book, lanes) for place in places]
    drives = [(record, drive) for record, drive, _ in judged]
    summary = summarise(
        book,
        protocol["policy"],
        drives,
        routes=len(routes),
        repetitions=protocol["repetitions"],
        ended_early=sum(early for _, _, early in judged),
    )
    out = artefacts / RESCORED / rules
    out.mkdir(parents=True, exist_ok=True)
    result = ResultFile(
        rules=book,
        records=tuple(record for record, _ in drives),
        planned_routes=summary.planned,
        backend=", ".join(summary.backends) or None,
        sensors=next((drive.sensors for _, drive in drives if drive.sensors), ()),
    )
    write_result_file(out / RESULT_FILE, result)
    summary.write(out / SUMMARY_FILE)
    return summary


def _rescored(
    place: Path, route: Route, book: RuleBook, lanes: Callable[[Path, str], LaneMap]
) -> tuple[RouteRecord, DriveSummary, bool]:
    """A drive's record under other rules, its summary, and whether it had been ended before these would have."""
    job, drive = RouteJob.read(place / JOB_FILE), DriveSummary.read(place / DRIVE_FILE)
    wall_s = read_result_file(place / RESULT_FILE, rules=job.rules).records[0].duration_system_s
    failure = None if drive.failure is None else Failure[drive.failure]
    again = Drive(failure=failure, wall_s=wall_s)
    ended_early = False
    if (place / SETTING_FILE).exists():
        setting = read_setting(place / SETTING_FILE)
        where = place if (place / MAP_FILE).exists() else place.parent  # one lane map for all drives on a known map
        judge = RouteJudge(book, setting.for_judge(lanes(where, setting.town)))
        simulated_s = 0.0
        for row in read_record(place / TICKS_FILE).rows:
            simulated_s = row.tick.time_s
            if judge.observe(row.tick) is not None:
                break
        ended_early = judge.stop is None and drive.stop is not None
        again = replace(
            again,
            judgement=judge.finish(),
            route_length_m=setting.for_judge(lanes(where, setting.town)).route.length_m,
            simulated_s=simulated_s,
        )
    return score_route(book, route_run(job, route, book, again)), drive, ended_early
