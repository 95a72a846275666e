import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.errors import DataError
from drivevla.sim.routes import DensePlan, Place, RoadOption, read_triggers, scenarios_along


def transform(x: float, yaw: float = 0.0) -> dict[str, str]:
    return {"pitch": "0", "x": str(x), "y": "0.5", "z": "0.5", "yaw": str(yaw)}


def layout(*events: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    kinds = [{"scenario_type": kind, "available_event_configurations": [event]} for kind, event in events]
    return {"available_scenarios": [{"Town01": kinds}]}


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "triggers.json"
    path.write_text(json.dumps(content))
    return path


def straight_then(turn: RoadOption) -> DensePlan:
    """100 points along x, the last ten of them a turn."""
    x = np.arange(100.0)
    option = np.full(100, RoadOption.LANEFOLLOW, dtype=np.int8)
    option[90:] = turn
    return DensePlan(
        location_m=np.stack([x, 0 * x, 0 * x], axis=-1),
        yaw_deg=np.full(100, -179.0),
        option=option,
        lane=np.zeros((100, 3), dtype=np.int32),
        junction=np.full(100, -1, dtype=np.int32),
        distance_m=x,
        key=np.array([0, 99]),
    )


def test_triggers_are_read_with_their_actors(tmp_path: Path) -> None:
    event = {"transform": transform(10), "other_actors": {"left": [transform(20, 90)], "right": []}}
    (trigger,) = read_triggers(write(tmp_path, layout(("Scenario4", event))))["Town01"]
    assert trigger.type == "Scenario4"
    assert trigger.trigger == Place((10.0, 0.5, 0.5), 0.0)
    assert trigger.parameters == {"left_0": Place((20.0, 0.5, 0.5), 90.0)}


def test_triggers_on_the_route_match_within_two_metres_and_ten_degrees(tmp_path: Path) -> None:
    events = [
        ("Scenario1", {"transform": transform(50, 178)}),  # 3 degrees the other way round
        ("Scenario3", {"transform": transform(20, 181)}),
        ("Scenario3", {"transform": transform(30, 165)}),  # 16 degrees
        ("Scenario3", {"transform": transform(103, 181)}),  # 4 m beyond
    ]
    triggers = read_triggers(write(tmp_path, layout(*events)))["Town01"]
    found = scenarios_along(straight_then(RoadOption.LEFT), triggers)
    assert [(each.type, each.trigger.location_m[0]) for each in found] == [("Scenario3", 20.0), ("Scenario1", 50.0)]


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (RoadOption.LEFT, {"Scenario4": "S4left", "Scenario7": "S7left", "Scenario8": "S8left"}),
        (RoadOption.RIGHT, {"Scenario4": "S4right", "Scenario7": "S7right", "Scenario9": "S9right"}),
        (RoadOption.STRAIGHT, {"Scenario7": "S7opposite"}),
        (RoadOption.LANEFOLLOW, {}),
    ],
)
def test_some_scenarios_need_a_turn(tmp_path: Path, turn: RoadOption, expected: dict[str, str]) -> None:
    events = [(f"Scenario{number}", {"transform": transform(50, 181)}) for number in (4, 7, 8, 9)]
    triggers = read_triggers(write(tmp_path, layout(*events)))["Town01"]
    found = scenarios_along(straight_then(turn), triggers)
    assert {each.type: each.parameters["subtype"] for each in found} == expected


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"scenarios": []},
        layout(("Scenario1", {})),
        layout(("Scenario1", {"transform": {**transform(1), "x": "inf"}})),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(DataError, match=r"no scenario file of leaderboard 1"):
        read_triggers(write(tmp_path, content))


def test_broken_json_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{\n"a": }')
    with pytest.raises(DataError, match="line 2"):
        read_triggers(path)
    with pytest.raises(DataError, match=r"absent\.json cannot be read"):
        read_triggers(tmp_path / "absent.json")
