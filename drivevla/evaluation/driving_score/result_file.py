"""Result files in the leaderboard's own layout, which official tools read, with the rule book named beside it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivevla.errors import DataError
from drivevla.evaluation.driving_score.benchmark_score import SCORES, BenchmarkScore, score_benchmark
from drivevla.evaluation.driving_score.route_score import RouteRecord, ScenarioLabel
from drivevla.evaluation.driving_score.rules import RuleBook, rule_book

__all__ = ["ResultFile", "read_result_file", "result_layout", "write_record", "write_result_file"]

OWN_KEY = "drivevla"
"""The one key beside the official ones: which rules scored the routes, and on which backend they were driven."""

_HEADLINES = {
    "score_composed": "Avg. driving score",
    "score_route": "Avg. route completion",
    "score_penalty": "Avg. infraction penalty",
}
_LABELS = {
    "collisions_pedestrian": "Collisions with pedestrians",
    "collisions_vehicle": "Collisions with vehicles",
    "collisions_layout": "Collisions with layout",
    "red_light": "Red lights infractions",
    "stop_infraction": "Stop sign infractions",
    "outside_route_lanes": "Off-road infractions",
    "route_dev": "Route deviations",
    "route_timeout": "Route timeouts",
    "vehicle_blocked": "Agent blocked",
    "yield_emergency_vehicle_infractions": "Yield emergency vehicles infractions",
    "scenario_timeouts": "Scenario timeouts",
    "min_speed_infractions": "Min speed infractions",
}
_SCENARIO_KEYS = ("scenario_name", "weather_id", "save_name", "town_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """The routes of a result file.

    Attributes:
        rules: The rule book that made them.
        records: In the file's order.
        planned_routes: How many routes there were to drive.
        backend: Where they were driven; None in files that are not ours.
        sensors: The official names of the agent's sensors.
    """

    rules: RuleBook
    records: tuple[RouteRecord, ...]
    planned_routes: int
    backend: str | None = None
    sensors: tuple[str, ...] = ()


def result_layout(result: ResultFile) -> dict[str, Any]:
    """The content of a result file: what the leaderboard of the rule book's version writes, and our own key.

    Without a single record there is no global record and there are no values.

    Raises:
        ContractError: There are more records than planned routes, or two of one route.
        DataError: A record's infractions are not those of the rule book.
    """
    make = _layout_1 if result.rules.criteria.generation == 1 else _layout_2
    score = score_benchmark(result.rules, result.records, planned_routes=result.planned_routes)
    own = {"rules": result.rules.name, "benchmark": result.rules.benchmark, "backend": result.backend}
    return {**make(result, score), OWN_KEY: own}


def write_result_file(path: Path, result: ResultFile) -> None:
    """Write a result file, whole or not at all.

    Raises:
        ContractError: See ``result_layout``.
        DataError: See ``result_layout``.
    """
    text = json.dumps(result_layout(result), indent=4, sort_keys=result.rules.criteria.generation == 1)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def read_result_file(path: Path, *, rules: str | None = None) -> ResultFile:
    """Read a result file of ours, of a leaderboard or of Bench2Drive.

    Args:
        path: The file.
        rules: Name of the rule book that made it; needed for files that do not say so themselves.

    Raises:
        DataError: It is not such a file, says another rule book than ``rules``, or says none.
        UnknownName: The rule book is not known.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        own = content.get(OWN_KEY, {})
        said = own.get("rules", rules)
        if said is None or (rules is not None and said != rules):
            raise DataError(
                f"{path} says it was made by {said!r}, and {rules!r} was expected: official files do not name their "
                "rules, so name them; a file of other rules must be judged again from its ticks"
            )
        checkpoint = content["_checkpoint"]
        records = tuple(_read_record(record, place) for place, record in enumerate(checkpoint["records"]))
        progress = checkpoint.get("progress") or [len(records), len(records)]
        return ResultFile(
            rules=rule_book(said),
            records=records,
            planned_routes=int(progress[1]),
            backend=own.get("backend"),
            sensors=tuple(content.get("sensors", ())),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is not a leaderboard result file: {type(error).__name__}: {error}") from error


def _layout_1(result: ResultFile, score: BenchmarkScore) -> dict[str, Any]:
    missing = len(result.records) != result.planned_routes
    deviations: Mapping[str, float | str] = score.deviations or dict.fromkeys(SCORES, "NaN")
    meta: dict[str, Any] = {
        "total_length": score.total_length_m,
        "duration_system": score.duration_system_s,
        "duration_game": score.duration_game_s,
    }
    if score.failed:
        meta["exceptions"] = [list(failed) for failed in score.failed]
    return {
        "sensors": list(result.sensors),
        **_values_and_labels(score, lambda value: f"{value:.3f}"),
        "entry_status": _entry_status_1(result),
        "eligible": not missing,
        "_checkpoint": {
            "progress": [len(result.records), result.planned_routes],
            "records": [_write_record_1(record) for record in result.records],
            "global_record": {
                "route_id": -1,
                "index": -1,
                "status": "Failed" if score.status == "Failed" else "Completed",
                "infractions": dict(score.infractions),
                "scores": dict(score.means),
                "scores_std_dev": dict(deviations),
                "meta": meta,
            },
        },
    }


def _layout_2(result: ResultFile, score: BenchmarkScore) -> dict[str, Any]:
    entry_status = _entry_status_2(result)
    return {
        "_checkpoint": {
            "global_record": {
                "index": -1,
                "route_id": -1,
                "status": score.status,
                "infractions": dict(score.infractions),
                "scores_mean": dict(score.means),
                "scores_std_dev": dict(score.deviations or {}),
                "meta": {
                    "total_length": score.total_length_m,
                    "duration_game": score.duration_game_s,
                    "duration_system": score.duration_system_s,
                    "exceptions": [list(failed) for failed in score.failed],
                },
            },
            "progress": [len(result.records), result.planned_routes],
            "records": [write_record(record) for record in result.records],
        },
        "entry_status": entry_status,
        "eligible": entry_status == "Finished",
        "sensors": list(result.sensors),
        **_values_and_labels(score, str),
    }


def _entry_status_1(result: ResultFile) -> str:
    if len(result.records) != result.planned_routes:
        return "Finished with missing data"
    if any("Agent" in record.status for record in result.records):
        return "Finished with agent errors"
    return "Finished"


def _entry_status_2(result: ResultFile) -> str:
    status = "Finished"
    for record in result.records:  # the last such route decides, as officially
        if "Simulation crashed" in record.status:
            status = "Crashed"
        elif "Agent's sensors were invalid" in record.status:
            status = "Rejected"
    missing = len(result.records) != result.planned_routes
    return "Invalid" if missing and status != "Crashed" else status


def _values_and_labels(score: BenchmarkScore, write: Callable[[float], str]) -> dict[str, list[str]]:
    if not score.infractions:
        return {"values": [], "labels": []}
    kinds = [name for name in _LABELS if name in score.infractions]
    return {
        "values": [write(score.means[name]) for name in _HEADLINES]
        + [write(score.infractions[name]) for name in kinds],
        "labels": [*_HEADLINES.values(), *(_LABELS[name] for name in kinds)],
    }


def _write_record_1(record: RouteRecord) -> dict[str, Any]:
    return {
        "route_id": record.route_id,
        "index": record.index,
        "status": record.status,
        "infractions": {name: list(messages) for name, messages in record.infractions.items()},
        "scores": {
            "score_route": record.score_route,
            "score_penalty": record.score_penalty,
            "score_composed": record.score_composed,
        },
        "meta": {
            "duration_system": record.duration_system_s,
            "duration_game": record.duration_game_s,
            "route_length": record.route_length_m,
        },
    }


def write_record(record: RouteRecord) -> dict[str, Any]:
    """A route's record as leaderboard 2.x and Bench2Drive write it."""
    label = record.scenario
    scenario = {name: getattr(label, name) for name in _SCENARIO_KEYS} if label else {}
    scenario = {name: value for name, value in scenario.items() if value is not None}
    return {**_write_record_1(record), "num_infractions": record.num_infractions, **scenario}


def _read_record(record: Mapping[str, Any], place: int) -> RouteRecord:
    scores, meta = record["scores"], record["meta"]
    label = {name: record[name] for name in _SCENARIO_KEYS if name in record}
    return RouteRecord(
        route_id=record["route_id"],
        index=int(record.get("index", place)),  # Bench2Drive's merged files leave it out
        status=record["status"],
        infractions={name: tuple(messages) for name, messages in record["infractions"].items()},
        score_route=float(scores["score_route"]),
        score_penalty=float(scores["score_penalty"]),
        score_composed=float(scores["score_composed"]),
        route_length_m=float(meta["route_length"]),
        duration_game_s=float(meta["duration_game"]),
        duration_system_s=float(meta["duration_system"]),
        scenario=ScenarioLabel(**label) if label else None,
    )
