import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError, UnknownName
from drivevla.language import (
    KINDS,
    Colour,
    Direction,
    Instruction,
    InstructionKind,
    Landmark,
    Place,
    Refusal,
    Relation,
    Side,
    can_follow,
    round_distance_m,
    sample_instruction,
)


def test_every_kind_is_described() -> None:
    assert set(KINDS) == set(InstructionKind)


@given(st.sampled_from(InstructionKind), st.integers(0, 2**32))
def test_json_gives_the_same_instruction_back(kind: InstructionKind, seed: int) -> None:
    instruction = sample_instruction(np.random.default_rng(seed), kind=kind)
    assert Instruction.from_dict(json.loads(json.dumps(instruction.to_dict()))) == instruction


def test_json_holds_names_and_numbers_only() -> None:
    after_church = Instruction(
        kind=InstructionKind.TURN_AFTER_LANDMARK, direction=Direction.RIGHT, ordinal=2, landmark=Landmark.CHURCH
    )
    stop = Instruction(
        kind=InstructionKind.STOP_BY, relation=Relation.NEXT_TO, landmark=Landmark.PARKED_CAR, colour=Colour.RED
    )
    both = Instruction(kind=InstructionKind.TWO_STEPS, first=after_church, second=stop)
    assert both.to_dict() == {
        "kind": "two_steps",
        "first": {"kind": "turn_after_landmark", "direction": "right", "ordinal": 2, "landmark": "church"},
        "second": {"kind": "stop_by", "landmark": "parked_car", "colour": "red", "relation": "next_to"},
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "turn", "direction": "left", "ordinal": 1}, "needs place"),
        ({"kind": "pull_over", "side": "left"}, "has no side"),
        ({"kind": "turn", "direction": "left", "ordinal": 4, "place": "junction"}, "from 1 to 3"),
        ({"kind": "turn", "direction": "left", "ordinal": True, "place": "junction"}, "whole number"),
        ({"kind": "hold_speed", "speed_kmh": 180}, "from 5 to 130"),
        ({"kind": "hold_speed", "speed_kmh": 30.0}, "whole number"),
        ({"kind": "excessive_speed", "speed_kmh": 100}, "from 131 to 400"),
        ({"kind": "drive_to", "landmark": "building"}, "colour"),
        ({"kind": "drive_to", "landmark": "church", "colour": "red"}, "colour"),
        ({"kind": "drive_to", "landmark": "bus"}, "may drive off"),
        ({"kind": "stop_by", "relation": "behind", "landmark": "church"}, "stop behind only bus, parked_car"),
        ({"kind": "drive_to_point", "distance_m": 30, "side": "left"}, "together"),
        ({"kind": "notice", "hazard": "tunnel", "side": "left"}, "red_light_runner"),
        ({"direction": "left"}, "'kind'"),
        ({"kind": "two_steps", "first": {"kind": "stop_now"}, "second": {"kind": "keep_lane"}}, "two steps"),
    ],
)
def test_slots_that_do_not_fit_are_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        Instruction.from_dict(values)


@pytest.mark.parametrize(
    ("values", "nearest"),
    [
        ({"kind": "trun"}, "'turn'"),
        ({"kind": "turn", "direction": "lefft"}, "'left'"),
        ({"kind": "turn", "directon": "left"}, "'direction'"),
    ],
)
def test_unknown_names_come_with_the_nearest_known_one(values: dict[str, object], nearest: str) -> None:
    with pytest.raises(UnknownName, match=f"did you mean {nearest}"):
        Instruction.from_dict(values)


def test_names_are_not_taken_for_members() -> None:
    with pytest.raises(ContractError, match="Direction"):
        Instruction(kind=InstructionKind.TAKE_TURNING, side=Direction.LEFT, ordinal=1)  # type: ignore[arg-type]
    with pytest.raises(ContractError, match="InstructionKind"):
        Instruction(kind="start")  # type: ignore[arg-type]


def test_instructions_are_values() -> None:
    first = Instruction(kind=InstructionKind.TAKE_TURNING, side=Side.LEFT, ordinal=1)
    assert first == dataclasses.replace(first)
    assert hash(first) == hash(dataclasses.replace(first))
    assert first != dataclasses.replace(first, ordinal=2)


def test_a_stop_never_comes_before_a_second_step() -> None:
    stops = [kind for kind in InstructionKind if kind.value.startswith(("stop", "pull"))]
    assert not any(can_follow(stop, kind) for stop in stops for kind in InstructionKind)
    assert can_follow(InstructionKind.TURN, InstructionKind.PULL_OVER)
    assert not can_follow(InstructionKind.SLOWER, InstructionKind.FASTER)


def test_what_must_be_refused_says_so() -> None:
    refused = {kind for kind, spec in KINDS.items() if spec.refusal is Refusal.ALWAYS}
    assert refused == {
        InstructionKind.UNSAFE_REQUEST,
        InstructionKind.EXCESSIVE_SPEED,
        InstructionKind.IMPOSSIBLE_REQUEST,
        InstructionKind.UNRELATED_REQUEST,
    }


@pytest.mark.parametrize(
    ("distance_m", "spoken_m"), [(0.0, 5), (12.4, 10), (13.0, 15), (49.0, 50), (76.0, 80), (199.0, 200), (333.0, 350)]
)
def test_distances_are_rounded_as_people_say_them(distance_m: float, spoken_m: int) -> None:
    assert round_distance_m(distance_m) == spoken_m


@pytest.mark.parametrize("distance_m", [-1.0, float("nan"), float("inf"), 2001.0])
def test_a_distance_that_nobody_would_say_is_refused(distance_m: float) -> None:
    with pytest.raises(ContractError, match="between 0 and 2000"):
        round_distance_m(distance_m)


def test_two_steps_count_places_of_their_own() -> None:
    turn = Instruction(kind=InstructionKind.TURN, direction=Direction.LEFT, ordinal=1, place=Place.JUNCTION)
    assert Instruction(kind=InstructionKind.TWO_STEPS, first=turn, second=turn).slots == {"first": turn, "second": turn}
