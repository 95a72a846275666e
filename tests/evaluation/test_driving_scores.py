"""Scores from events: numbers worked out by hand, and what must hold whatever happens on the road."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError, DataError, UnknownName
from drivevla.evaluation.driving_score import (
    RULE_BOOKS,
    EventKind,
    Failure,
    ResultFile,
    RouteRecord,
    RouteRun,
    TrafficEvent,
    read_result_file,
    result_layout,
    rule_book,
    score_benchmark,
    score_route,
    write_result_file,
)

RULES = sorted(RULE_BOOKS)
PENALISED = [
    EventKind.COLLISION_PEDESTRIAN,
    EventKind.COLLISION_VEHICLE,
    EventKind.COLLISION_STATIC,
    EventKind.TRAFFIC_LIGHT_INFRACTION,
    EventKind.STOP_INFRACTION,
    EventKind.SCENARIO_TIMEOUT,
    EventKind.YIELD_TO_EMERGENCY_VEHICLE,
    EventKind.MIN_SPEED_INFRACTION,
    EventKind.OUTSIDE_ROUTE_LANES_INFRACTION,
]


def event(kind: EventKind, percentage: float = 50.0) -> TrafficEvent:
    message = f"{kind.value} {percentage}%"
    if kind is EventKind.OUTSIDE_ROUTE_LANES_INFRACTION:
        message = (
            f"Agent went outside its route lanes for about {percentage} meters ({percentage}% of the completed route)"
        )
    return TrafficEvent(kind=kind, message=message, tick=1, percentage=percentage)


def run(*events: TrafficEvent, percent: float = 100.0, number: int = 0, **more: Any) -> RouteRun:
    completion = [
        TrafficEvent(kind=EventKind.ROUTE_COMPLETION, message="", tick=0, route_completed_percent=percent),
        *([TrafficEvent(kind=EventKind.ROUTE_COMPLETED, message="", tick=0)] if percent == 100.0 else []),
    ]
    values = {"route_length_m": 1000.0, "duration_game_s": 60.0, "duration_system_s": 30.0, **more}
    return RouteRun(route_id=f"RouteScenario_{number}_rep0", index=number, events=(*completion, *events), **values)


def record(rules: str, *events: TrafficEvent, percent: float = 100.0, number: int = 0, **more: Any) -> RouteRecord:
    return score_route(rule_book(rules), run(*events, percent=percent, number=number, **more))


events_lists = st.lists(st.builds(event, st.sampled_from(PENALISED), st.floats(0.0, 100.0)), max_size=8)


@pytest.mark.parametrize("rules", RULES)
def test_a_perfect_run_scores_100(rules: str) -> None:
    perfect = record(rules)
    assert (perfect.score_route, perfect.score_penalty, perfect.score_composed) == (100.0, 1.0, 100.0)
    assert perfect.status == ("Completed" if rules == "leaderboard-1.0" else "Perfect")
    assert perfect.succeeded


@pytest.mark.parametrize(
    ("rules", "penalty"),
    [
        ("leaderboard-1.0", 0.6 * 0.7 * 0.9),
        ("leaderboard-2.0", 0.6 * 0.7 * 0.9 * 0.7 * (1 - 0.3 * 0.5)),
        ("leaderboard-2.1", 0.9 / (1 + 0.7 + 0.4 + 0.4 + 0.4 * 0.5)),
        ("bench2drive", 0.6 * 0.7 * 0.9 * 0.7),
    ],
)
def test_one_drive_under_four_rule_books(rules: str, penalty: float) -> None:
    scored = record(
        rules,
        event(EventKind.COLLISION_VEHICLE),
        event(EventKind.TRAFFIC_LIGHT_INFRACTION),
        event(EventKind.SCENARIO_TIMEOUT),
        event(EventKind.MIN_SPEED_INFRACTION, 50.0),
        event(EventKind.OUTSIDE_ROUTE_LANES_INFRACTION, 10.0),
        percent=80.0,
    )
    assert scored.score_penalty == pytest.approx(penalty, abs=5e-7)
    assert scored.score_composed == pytest.approx(80.0 * penalty, abs=5e-5)


@pytest.mark.parametrize("rules", RULES)
@given(events=events_lists, extra=st.builds(event, st.sampled_from(PENALISED), st.floats(0.0, 100.0)))
def test_the_penalty_never_rises_with_more_infractions(
    rules: str, events: list[TrafficEvent], extra: TrafficEvent
) -> None:
    fewer, more = record(rules, *events), record(rules, *events, extra)
    assert 0.0 <= more.score_penalty <= fewer.score_penalty <= 1.0
    assert more.score_composed <= fewer.score_composed


@pytest.mark.parametrize("rules", RULES)
@given(events=events_lists, data=st.data())
def test_the_order_of_events_does_not_matter(rules: str, events: list[TrafficEvent], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(events))
    assert record(rules, *shuffled).score_penalty == pytest.approx(record(rules, *events).score_penalty, abs=2e-6)


def test_the_reason_of_a_failure_is_the_last_that_official_code_sets() -> None:
    blocked, astray = event(EventKind.VEHICLE_BLOCKED), event(EventKind.ROUTE_DEVIATION)
    assert record("leaderboard-2.0", percent=50.0).status == "Failed"
    assert record("leaderboard-2.0", percent=50.0, failure=Failure.AGENT).status == "Failed - Agent crashed"
    assert record("leaderboard-2.0", percent=50.0, failure=Failure.AGENT, timed_out=True).status == (
        "Failed - Agent timed out"
    )
    assert record("leaderboard-2.0", astray, percent=50.0, timed_out=True).status == (
        "Failed - Agent deviated from the route"
    )
    assert record("leaderboard-2.0", blocked, percent=50.0).status == "Failed - Agent got blocked"
    assert record("leaderboard-2.0", blocked).status == "Completed"


def test_a_slow_but_clean_drive_is_a_success_and_a_timeout_is_not() -> None:
    assert record("bench2drive", event(EventKind.MIN_SPEED_INFRACTION, 20.0)).succeeded
    assert not record("bench2drive", timed_out=True).succeeded


def test_routes_without_a_record_count_as_zero() -> None:
    score = score_benchmark(
        rule_book("leaderboard-2.0"),
        [record("leaderboard-2.0", number=0), record("leaderboard-2.0", number=1, percent=50.0)],
        planned_routes=4,
    )
    assert score.driving_score == 37.5
    # Official: only what is there enters the sum, over n - 1 of all: sqrt((62.5^2 + 12.5^2) / 3).
    assert score.deviations == pytest.approx(
        {"score_composed": 36.799, "score_route": 36.799, "score_penalty": round(math.sqrt(2 * 0.5**2 / 3), 3)}
    )
    assert score.failed == (("RouteScenario_1_rep0", 1, "Failed"),)


def test_infractions_per_kilometre_differ_between_generations() -> None:
    def rates(rules: str) -> dict[str, float]:
        lights = [event(EventKind.TRAFFIC_LIGHT_INFRACTION)]
        outside = [event(EventKind.OUTSIDE_ROUTE_LANES_INFRACTION, 10.0)]
        records = [record(rules, *lights, number=0), record(rules, *lights, *outside, number=1, percent=10.0)]
        return dict(score_benchmark(rule_book(rules), records, planned_routes=2).infractions)

    assert rates("leaderboard-1.0")["red_light"] == pytest.approx(1 / 1.0 + 1 / 0.1)
    assert rates("leaderboard-2.1")["red_light"] == pytest.approx(2 / 1.1, abs=5e-4)
    assert rates("leaderboard-1.0")["outside_route_lanes"] == pytest.approx(1 / 0.1)
    assert rates("leaderboard-2.1")["outside_route_lanes"] == 0.01, "kilometres, not per kilometre"


@pytest.mark.parametrize("rules", RULES)
def test_a_result_file_names_its_rules_and_comes_back_as_it_was(rules: str, tmp_path: Path) -> None:
    result = ResultFile(
        rules=rule_book(rules),
        records=(record(rules, number=0), record(rules, event(EventKind.COLLISION_STATIC), number=1, percent=30.0)),
        planned_routes=3,
        backend="embedded",
        sensors=("carla_camera",),
    )
    path = tmp_path / "results.json"
    write_result_file(path, result)
    assert read_result_file(path) == result
    assert read_result_file(path, rules=rules) == result
    written = json.loads(path.read_text())
    assert written["drivevla"]["rules"] == rules
    assert written["_checkpoint"]["progress"] == [2, 3]
    assert written["eligible"] is False, "a route is missing"
    assert len(written["values"]) == len(written["labels"]) == (12 if rules == "leaderboard-1.0" else 15)
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


def test_the_entry_status_says_what_went_wrong() -> None:
    def status(rules: str, *, planned: int = 1, **more: Any) -> str:
        records = (score_route(rule_book(rules), run(percent=10.0, **more)),)
        return str(
            result_layout(ResultFile(rules=rule_book(rules), records=records, planned_routes=planned))["entry_status"]
        )

    assert status("leaderboard-2.1") == "Finished"
    assert status("leaderboard-2.1", planned=2) == "Invalid"
    assert status("leaderboard-2.1", planned=2, failure=Failure.SIMULATION) == "Crashed"
    assert status("leaderboard-2.1", failure=Failure.SENSORS) == "Rejected"
    assert status("leaderboard-1.0") == "Finished"
    assert status("leaderboard-1.0", timed_out=True) == "Finished with agent errors"
    assert status("leaderboard-1.0", planned=2) == "Finished with missing data"


def test_a_single_route_has_no_spread() -> None:
    one = ResultFile(rules=rule_book("leaderboard-1.0"), records=(record("leaderboard-1.0"),), planned_routes=1)
    assert result_layout(one)["_checkpoint"]["global_record"]["scores_std_dev"]["score_route"] == "NaN"
    two = ResultFile(rules=rule_book("leaderboard-2.0"), records=(record("leaderboard-2.0"),), planned_routes=1)
    assert result_layout(two)["_checkpoint"]["global_record"]["scores_std_dev"]["score_route"] == 0


def test_what_cannot_be_scored_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'leaderboard-2.1'"):
        rule_book("leaderboard-2.2")
    with pytest.raises(ContractError, match="needs a percentage"):
        record("leaderboard-2.0", TrafficEvent(kind=EventKind.MIN_SPEED_INFRACTION, message="", tick=0))
    with pytest.raises(ContractError, match="finite"):
        record("leaderboard-2.0", event(EventKind.OUTSIDE_ROUTE_LANES_INFRACTION, math.nan))
    with pytest.raises(ContractError, match="route_length_m"):
        run(route_length_m=-1.0)
    twice = [record("leaderboard-2.0"), record("leaderboard-2.0")]
    with pytest.raises(ContractError, match="two records"):
        score_benchmark(rule_book("leaderboard-2.0"), twice, planned_routes=2)
    with pytest.raises(ContractError, match="planned_routes"):
        score_benchmark(rule_book("leaderboard-2.0"), twice, planned_routes=1)
    with pytest.raises(DataError, match=r"not made by leaderboard-1\.0"):
        score_benchmark(rule_book("leaderboard-1.0"), twice[:1], planned_routes=1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"_checkpoint": {"records": [{}]}}', '{"_checkpoint": 3}'])
def test_what_is_no_result_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"results\.json"):
        read_result_file(path, rules="leaderboard-2.0")


def test_a_file_of_other_rules_is_not_taken_for_ours(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    records = (record("leaderboard-2.0"),)
    write_result_file(path, ResultFile(rules=rule_book("leaderboard-2.0"), records=records, planned_routes=1))
    with pytest.raises(DataError, match="judged again from its ticks"):
        read_result_file(path, rules="leaderboard-2.1")
    foreign = json.loads(path.read_text())
    del foreign["drivevla"]
    path.write_text(json.dumps(foreign))
    with pytest.raises(DataError, match="do not name their rules"):
        read_result_file(path)
    assert read_result_file(path, rules="leaderboard-2.0").records == records
