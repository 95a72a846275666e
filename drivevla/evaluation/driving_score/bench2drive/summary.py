"""Bench2Drive's driving score and success rate, and its merged result file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivevla.errors import ContractError
from drivevla.evaluation.driving_score.result_file import OWN_KEY, write_record
from drivevla.evaluation.driving_score.route_score import RouteRecord

__all__ = ["PLANNED_ROUTES", "Bench2DriveSummary", "summarise", "write_merged_file"]

PLANNED_ROUTES = 220
"""Routes of the benchmark, in both releases of its route file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench2DriveSummary:
    """The two headline numbers.

    Attributes:
        driving_score: Sum of the routes' driving scores over the planned routes, 0 to 100.
        success_rate: Successful routes over the planned routes, 0 to 1.
        driven_routes: How many routes have a record.
        planned_routes: How many there are.
    """

    driving_score: float
    success_rate: float
    driven_routes: int
    planned_routes: int


def summarise(records: Sequence[RouteRecord], *, planned_routes: int = PLANNED_ROUTES) -> Bench2DriveSummary:
    """Driving score and success rate; a route without a record counts as 0 and as no success.

    Source: Bench2Drive 7ec25d1, ``tools/merge_route_json.py``.

    Raises:
        ContractError: There are more records than planned routes.
    """
    if not 1 <= max(1, len(records)) <= planned_routes:
        raise ContractError(f"planned_routes must be at least the {len(records)} records, got {planned_routes}")
    return Bench2DriveSummary(
        driving_score=sum(record.score_composed for record in records) / planned_routes,
        success_rate=sum(record.succeeded for record in records) / planned_routes,
        driven_routes=len(records),
        planned_routes=planned_routes,
    )


def write_merged_file(path: Path, records: Sequence[RouteRecord], *, planned_routes: int = PLANNED_ROUTES) -> None:
    """Write what ``merge_route_json.py`` writes, which the ability and efficiency scripts read.

    Raises:
        ContractError: There are more records than planned routes.
    """
    summary = summarise(records, planned_routes=planned_routes)
    ordered = sorted(records, key=lambda record: record.route_id, reverse=True)
    lines: list[dict[str, Any]] = [write_record(record) for record in ordered]
    for line in lines:
        del line["index"]
    content = {
        "_checkpoint": {"records": lines},
        "driving score": summary.driving_score,
        "success rate": summary.success_rate,
        "eval num": summary.driven_routes,
        OWN_KEY: {"rules": "bench2drive", "planned_routes": planned_routes},
    }
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=4), encoding="utf-8")
    partial.replace(path)
