"""Bench2Drive's scripts on cases small enough to work out by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla.errors import ContractError, DataError, UnknownName
from drivevla.evaluation.driving_score import (
    EventKind,
    RouteRecord,
    RouteRun,
    TrafficEvent,
    read_result_file,
    rule_book,
    score_route,
)
from drivevla.evaluation.driving_score.bench2drive import (
    ABILITIES,
    RouteOutline,
    RouteTrace,
    comfort_share,
    score_abilities,
    score_efficiency,
    summarise,
    write_merged_file,
)


def record(number: int, *, percent: float = 100.0, speeds: tuple[float, ...] = (), red: bool = False) -> RouteRecord:
    completion = TrafficEvent(kind=EventKind.ROUTE_COMPLETION, message="", tick=0, route_completed_percent=percent)
    slow = [
        TrafficEvent(
            kind=EventKind.MIN_SPEED_INFRACTION,
            message=f"Average speed is {speed}% of the surrounding traffic's one",
            tick=0,
            percentage=speed,
        )
        for speed in speeds
    ]
    lights = [TrafficEvent(kind=EventKind.TRAFFIC_LIGHT_INFRACTION, message="red", tick=0)] if red else []
    run = RouteRun(
        route_id=f"RouteScenario_{number}_rep0",
        index=number,
        route_length_m=100.0,
        duration_game_s=20.0,
        duration_system_s=5.0,
        events=(completion, *slow, *lights),
    )
    return score_route(rule_book("bench2drive"), run)


def test_driving_score_and_success_rate_are_over_the_planned_routes() -> None:
    summary = summarise([record(1), record(2, percent=50.0), record(3, red=True)], planned_routes=4)
    assert summary.driving_score == pytest.approx((100 + 50 + 70) / 4)
    assert summary.success_rate == 0.25
    assert summarise([]).driving_score == 0.0
    with pytest.raises(ContractError, match="planned_routes"):
        summarise([record(1), record(2)], planned_routes=1)


def test_the_merged_file_is_the_official_scripts_and_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "merged.json"
    records = (record(1), record(2, speeds=(50.0,)))
    write_merged_file(path, records)
    written = json.loads(path.read_text())
    assert (written["driving score"], written["success rate"], written["eval num"]) == (200 / 220, 2 / 220, 2)
    assert [line["route_id"] for line in written["_checkpoint"]["records"]] == [r.route_id for r in reversed(records)]
    assert {r.route_id for r in read_result_file(path, rules="bench2drive").records} == {r.route_id for r in records}


def test_efficiency_is_the_mean_of_means_without_what_is_above_1000_percent() -> None:
    efficiency = score_efficiency([record(1, speeds=(50.0, 150.0)), record(2, speeds=(40, 1000.01)), record(3)])
    assert efficiency.by_route == {"RouteScenario_1_rep0": 100.0, "RouteScenario_2_rep0": 40.0}
    assert efficiency.without_value == ("RouteScenario_3_rep0",)
    assert efficiency.mean == 70.0
    with pytest.raises(DataError, match="above 1000"):
        score_efficiency([record(1, speeds=(2000.0,))])
    with pytest.raises(DataError, match="no route"):
        _ = score_efficiency([record(3)]).mean


# abilities


def outlines(*missing: str) -> tuple[list[RouteRecord], list[RouteOutline]]:
    """One route for each ability, all successful; the last of them tests traffic signs alone."""
    scenarios = ["Accident", "ParkingExit", "ControlLoss", "InvadingTurn", "T_Junction"]
    routes = [RouteOutline(route_id=str(i), town="Town01", scenario=name) for i, name in enumerate(scenarios)]
    return [record(i) for i, name in enumerate(scenarios) if name not in missing], routes


def no_trace(route: RouteOutline) -> RouteTrace:
    raise AssertionError(f"nobody needs the junction of {route}")


def test_five_groups_as_large_as_published() -> None:
    assert {name: len(scenarios) for name, scenarios in ABILITIES.items()} == {
        "Overtaking": 9,
        "Merging": 16,
        "Emergency_Brake": 12,
        "Give_Way": 2,
        "Traffic_Signs": 19,
    }


def test_a_missing_route_is_no_trial() -> None:
    records, routes = outlines()
    routes.append(RouteOutline(route_id="77", town="Town00", scenario="Accident"))
    scores = score_abilities(records, routes, no_trace)
    assert scores.shares["Overtaking"] == 1.0
    assert scores.missing == (("Accident", "77"),)
    assert scores.mean == 1.0


@pytest.mark.parametrize(
    ("percent", "red", "share_4", "share_3"),
    [(100.0, False, 1.0, 1.0), (60.1, False, 1.0, 0.5), (60.0, False, 0.0, 0.0), (60.1, True, 0.0, 0.0)],
)
def test_past_the_junction_without_running_its_sign(percent: float, red: bool, share_4: float, share_3: float) -> None:
    records, routes = outlines("T_Junction")
    records.append(record(4, percent=percent, red=red))

    def trace(route: RouteOutline) -> RouteTrace:
        return RouteTrace(points=50, first_junction=21)  # (21 + 1 + 8) / 50 = 60 %

    assert score_abilities(records, routes, trace).shares["Traffic_Signs"] == share_4
    assert score_abilities(records, routes, trace, release="0.0.3").shares["Traffic_Signs"] == share_3


def test_abilities_that_cannot_be_counted_are_refused() -> None:
    records, routes = outlines("T_Junction")
    with pytest.raises(DataError, match="Traffic_Signs"):
        score_abilities(records, routes, no_trace)
    records.append(record(4, percent=10.0))
    with pytest.raises(DataError, match="meets no junction"):
        score_abilities(records, routes, lambda route: RouteTrace(points=50, first_junction=None))
    with pytest.raises(UnknownName, match=r"0\.0\.4"):
        score_abilities(records, routes, no_trace, release="0.0.5")  # type: ignore[arg-type]


# comfort


def still(steps: int) -> tuple[NDArray[np.float64], ...]:
    """Acceleration, yaw rate, forward and right of a car that does nothing, heading along x."""
    return np.zeros((steps, 3)), np.zeros(steps), np.tile([1.0, 0.0], (steps, 1)), np.tile([0.0, 1.0], (steps, 1))


@pytest.mark.parametrize(
    ("longitudinal", "lateral", "yaw_rate_dps", "comfortable"),
    [
        (2.39, 0.0, 0.0, True),
        (2.41, 0.0, 0.0, False),
        (-4.04, 0.0, 0.0, True),
        (-4.06, 0.0, 0.0, False),
        (0.0, 4.88, 0.0, True),
        (0.0, -4.90, 0.0, False),
        (0.0, 0.0, 0.94, True),
        (0.0, 0.0, -0.96, False),  # degrees per second, held to the limit meant for radians
    ],
)
def test_constant_signals_on_either_side_of_a_limit(
    longitudinal: float, lateral: float, yaw_rate_dps: float, comfortable: bool
) -> None:
    acceleration, rate, forward, right = still(40)
    acceleration[:] = longitudinal, lateral, 99.0
    assert comfort_share(acceleration, rate + yaw_rate_dps, forward, right) == float(comfortable)


def test_jerk_has_its_own_limit() -> None:
    acceleration, rate, forward, right = still(20)
    for jerk_mps3, comfortable in ((1.9, 1.0), (4.2, 0.0)):
        ramp = jerk_mps3 * 0.1 * (np.arange(20) - 10)
        acceleration[:, 0] = np.clip(ramp, -4.0, 2.3)
        assert comfort_share(acceleration, rate, forward, right) == comfortable


def test_windows_of_twenty_steps_and_no_tail() -> None:
    acceleration, rate, forward, right = still(59)
    acceleration[20:40, 0] = 3.0
    acceleration[40:, 0] = 9.0  # 19 steps: left out
    assert comfort_share(acceleration, rate, forward, right) == 0.5


def test_whole_turns_between_steps_are_taken_out_of_the_yaw_rate() -> None:
    acceleration, rate, forward, right = still(20)
    assert comfort_share(acceleration, rate + 2 * np.pi * (np.arange(20) % 2), forward, right) == 1.0


@settings(max_examples=30, deadline=None)
@given(st.floats(-3.1, 3.1), st.integers(0, 2**31 - 1))
def test_turning_the_world_changes_no_comfort(yaw_rad: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    acceleration, _, forward, right = still(60)
    acceleration[:] = rng.normal(0.0, 1.0, (3, 1, 3)).repeat(20, axis=1).reshape(60, 3)
    rate = rng.normal(0.0, 0.5, 3).repeat(20)
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    turned = [
        np.stack([c * v[:, 0] - s * v[:, 1], s * v[:, 0] + c * v[:, 1]], 1) for v in (acceleration, forward, right)
    ]
    assert comfort_share(turned[0], rate, turned[1], turned[2]) == comfort_share(acceleration, rate, forward, right)


def test_comfort_of_too_little_or_of_nonsense_is_refused() -> None:
    with pytest.raises(DataError, match="at least 3"):
        comfort_share(*still(2))
    acceleration, rate, forward, right = still(30)
    with pytest.raises(DataError, match="like the yaw rate"):
        comfort_share(acceleration[:-1], rate, forward, right)
    rate[3] = np.nan
    with pytest.raises(ContractError, match="finite"):
        comfort_share(acceleration, rate, forward, right)
