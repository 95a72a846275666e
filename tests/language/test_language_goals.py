import dataclasses
from typing import Any

import numpy as np
import pytest

from drivevla.language import (
    KINDS,
    AvoidExit,
    ChangeLane,
    Direction,
    Goal,
    Hazard,
    HeedNotice,
    HoldSpeed,
    InOrder,
    Instruction,
    InstructionKind,
    JunctionRef,
    KeepLane,
    Landmark,
    Named,
    Place,
    ReachPoint,
    Refusal,
    Refuse,
    Relation,
    Side,
    SpeedAtMost,
    StandStill,
    StopPlace,
    TakeExit,
    goal_of,
    sample_instruction,
)


@pytest.mark.parametrize(
    ("values", "goal"),
    [
        (
            {"kind": "turn", "direction": "left", "ordinal": 2, "place": "traffic_light"},
            TakeExit(junction=JunctionRef(ordinal=2, place=Place.TRAFFIC_LIGHT), exit=Direction.LEFT),
        ),
        (
            {"kind": "turn_in_distance", "direction": "straight", "distance_m": 50, "place": "junction"},
            TakeExit(junction=JunctionRef(distance_m=50), exit=Direction.STRAIGHT),
        ),
        (
            {"kind": "turn_after_landmark", "direction": "right", "ordinal": 2, "landmark": "church"},
            TakeExit(junction=JunctionRef(ordinal=2, after=Named(landmark=Landmark.CHURCH)), exit=Direction.RIGHT),
        ),
        (
            {"kind": "do_not_turn", "direction": "left", "ordinal": 1, "place": "junction"},
            AvoidExit(junction=JunctionRef(), exit=Direction.LEFT),
        ),
        ({"kind": "change_lane", "side": "left", "within_m": 80}, ChangeLane(side=Side.LEFT, latest_m=80)),
        (
            {"kind": "change_lane_in_distance", "side": "right", "distance_m": 100},
            ChangeLane(side=Side.RIGHT, earliest_m=75.0, latest_m=155.0),
        ),
        ({"kind": "do_not_change_lane"}, KeepLane()),
        ({"kind": "hold_speed", "speed_kmh": 36}, HoldSpeed(speed_mps=pytest.approx(10.0))),  # type: ignore[arg-type]
        ({"kind": "do_not_exceed", "speed_kmh": 72}, SpeedAtMost(speed_mps=pytest.approx(20.0))),  # type: ignore[arg-type]
        (
            {"kind": "stop_by", "relation": "behind", "landmark": "bus"},
            StandStill(place=StopPlace.BY_OBJECT, relation=Relation.BEHIND, thing=Named(landmark=Landmark.BUS)),
        ),
        (
            {"kind": "drive_to_point", "distance_m": 40, "side": "right", "lateral_m": 10},
            ReachPoint(x_m=40.0, y_m=-10.0),
        ),
        ({"kind": "drive_to_point", "distance_m": 40, "side": "left", "lateral_m": 10}, ReachPoint(x_m=40.0, y_m=10.0)),
        ({"kind": "drive_to_point", "distance_m": 40}, ReachPoint(x_m=40.0, y_m=0.0)),
        (
            {"kind": "notice", "hazard": "red_light_runner", "side": "left"},
            HeedNotice(hazard=Hazard.RED_LIGHT_RUNNER, side=Side.LEFT),
        ),
        ({"kind": "unsafe_request", "violation": "run_red_light"}, Refuse()),
        (
            {"kind": "two_steps", "first": {"kind": "change_lane", "side": "left"}, "second": {"kind": "pull_over"}},
            InOrder(goals=(ChangeLane(side=Side.LEFT), StandStill(place=StopPlace.AT_ROADSIDE))),
        ),
    ],
)
def test_the_goal_is_what_was_asked_for(values: dict[str, Any], goal: Goal) -> None:
    assert goal_of(Instruction.from_dict(values)) == goal


@pytest.mark.parametrize("kind", InstructionKind)
def test_every_kind_has_a_goal_and_refused_kinds_have_refusal(kind: InstructionKind) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        goal = goal_of(sample_instruction(rng, kind=kind))
        assert isinstance(goal, Refuse) == (KINDS[kind].refusal is Refusal.ALWAYS)
        assert dataclasses.is_dataclass(goal)
        assert hash(goal) is not None
