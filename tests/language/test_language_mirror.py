import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.language import (
    Cause,
    Commentary,
    Direction,
    Instruction,
    InstructionKind,
    Lateral,
    Longitudinal,
    MetaAction,
    Place,
    Side,
    sample_commentary,
    sample_instruction,
    swap_left_right,
    swap_left_right_in_sentence,
)


@given(st.integers(0, 2**32))
def test_swapping_twice_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    instruction, commentary = sample_instruction(rng), sample_commentary(rng)
    assert swap_left_right(swap_left_right(instruction)) == instruction
    assert swap_left_right(swap_left_right(commentary)) == commentary


def test_both_steps_are_mirrored_and_straight_on_stays() -> None:
    turn = Instruction(kind=InstructionKind.TURN, direction=Direction.LEFT, ordinal=1, place=Place.JUNCTION)
    ahead = Instruction(kind=InstructionKind.TURN, direction=Direction.STRAIGHT, ordinal=1, place=Place.JUNCTION)
    change = Instruction(kind=InstructionKind.CHANGE_LANE, side=Side.RIGHT)
    mirrored = swap_left_right(Instruction(kind=InstructionKind.TWO_STEPS, first=turn, second=change))
    assert mirrored.first is not None
    assert mirrored.second is not None
    assert mirrored.first.direction is Direction.RIGHT
    assert mirrored.second.side is Side.LEFT
    assert swap_left_right(ahead) == ahead


def test_action_and_side_of_a_commentary_are_mirrored() -> None:
    action = MetaAction(Longitudinal.SLOW_DOWN, Lateral.NUDGE_LEFT)
    mirrored = swap_left_right(Commentary(action=action, cause=Cause.OPEN_DOOR, side=Side.RIGHT))
    assert mirrored.action == MetaAction(Longitudinal.SLOW_DOWN, Lateral.NUDGE_RIGHT)
    assert mirrored.side is Side.LEFT


@pytest.mark.parametrize(
    ("sentence", "language", "swapped"),
    [
        ("Next junction, left.", "en", "Next junction, right."),
        ("Left at the next junction.", "en", "Right at the next junction."),
        ("请在下一个路口右转。", "zh", "请在下一个路口左转。"),
        ("Follow the road.", "en", "Follow the road."),
    ],
)
def test_sentences_are_mirrored(sentence: str, language: str, swapped: str) -> None:
    assert swap_left_right_in_sentence(sentence, language=language) == swapped


def test_a_sentence_nobody_can_check_is_not_mirrored() -> None:
    with pytest.raises(ContractError, match="cannot read"):
        swap_left_right_in_sentence("You are right, take a left.", language="en")
