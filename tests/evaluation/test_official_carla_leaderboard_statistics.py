"""Every stored case of the official statistics managers: leaderboard 1.0, 2.0, 2.1 and Bench2Drive."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.evaluation.driving_score import (
    EventKind,
    ResultFile,
    RouteRun,
    RuleBook,
    ScenarioLabel,
    TrafficEvent,
    result_layout,
    rule_book,
    score_route,
)
from drivevla.geometry import cumulative_length_m

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("DRIVEVLA_ORACLES", ROOT.parent / "shared" / "oracles")) / "carla_leaderboard_statistics"
RULES = {"v1.0": "leaderboard-1.0", "v2.0": "leaderboard-2.0", "v2.1": "leaderboard-2.1", "b2d": "bench2drive"}
# What the cases' single-precision route points leave of lengths, and scores of 1.0, which rounds nothing.
RELATIVE = 1e-5

pytestmark = pytest.mark.real_data


def cases() -> list[Any]:
    found = [
        pytest.param(path, FOLDER / f"{path.name.partition('_')[0]}.json", id=path.stem)
        for path in sorted(FOLDER.glob("case*_expected_*.json"))
    ]
    missing = pytest.mark.skip(reason=f"no official cases under {FOLDER}; set DRIVEVLA_ORACLES")
    return found or [pytest.param(FOLDER, FOLDER, id="none", marks=missing)]


@pytest.mark.parametrize(("expected_file", "case_file"), cases())
def test_official_result_file(expected_file: Path, case_file: Path) -> None:
    expected = json.loads(expected_file.read_text())
    rules = rules_of(expected_file)
    layout = result_of(json.loads(case_file.read_text()), rules)
    layout.pop("drivevla")
    if rules.criteria.generation == 1:  # these cases hold the records alone
        layout = layout["_checkpoint"]
        layout.pop("progress")
    assert_same(layout, expected, "")


def rules_of(expected_file: Path) -> RuleBook:
    version = expected_file.stem.partition("_expected_")[2]
    return rule_book(next(name for prefix, name in RULES.items() if version.startswith(prefix)))


def result_of(case: dict[str, Any], rules: RuleBook) -> dict[str, Any]:
    runs = [run_of(route, index, rules) for index, route in enumerate(case["routes"])]
    records = tuple(score_route(rules, run) for run in runs)
    return result_layout(ResultFile(rules=rules, records=records, planned_routes=len(records)))


def run_of(route: dict[str, Any], index: int, rules: RuleBook) -> RouteRun:
    assert not route["failure_message"], "a case with a failure from outside: map its words to Failure here"
    completion = [event(EventKind.ROUTE_COMPLETION, "", {"route_completed": route["route_completed"]})]
    if rules.criteria.generation == 1 and route["route_completed"] == 100:
        completion.append(event(EventKind.ROUTE_COMPLETED, "", {}))
    label = ScenarioLabel(scenario_name="S", weather_id=0, save_name="save", town_name="Town01")
    return RouteRun(
        route_id=route["route_id"],
        index=index,
        route_length_m=float(cumulative_length_m(np.array(route["points"]))[-1]),
        duration_game_s=route["duration_game"],
        duration_system_s=route["duration_system"],
        events=(*completion, *(event(EventKind[e["type"]], e["message"], e["dict"]) for e in route["events"])),
        timed_out=route["timeout"],
        scenario=label if rules.name == "bench2drive" else None,
    )


def event(kind: EventKind, message: str, values: dict[str, float]) -> TrafficEvent:
    return TrafficEvent(
        kind=kind,
        message=message,
        tick=0,
        percentage=values.get("percentage"),
        distance_m=values.get("distance"),
        route_completed_percent=values.get("route_completed"),
    )


def assert_same(ours: object, official: object, where: str) -> None:
    if isinstance(official, dict):
        assert isinstance(ours, dict), where
        assert set(ours) == set(official), where
        for key in official:
            assert_same(ours[key], official[key], f"{where}/{key}")
    elif isinstance(official, list):
        assert isinstance(ours, list), where
        assert len(ours) == len(official), where
        for place, (one, other) in enumerate(zip(ours, official, strict=True)):
            assert_same(one, other, f"{where}/{place}")
    elif isinstance(official, float):
        assert ours == pytest.approx(official, rel=RELATIVE, abs=0.0), where
    else:
        assert ours == official, where
