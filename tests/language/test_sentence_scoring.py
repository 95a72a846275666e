import pytest

from drivevla.errors import ContractError
from drivevla.language import (
    Cause,
    Commentary,
    Direction,
    Failure,
    Instruction,
    InstructionKind,
    Lateral,
    Longitudinal,
    MetaAction,
    ParseFailure,
    Place,
    SlotScore,
    score_sentences,
)

LEFT = Instruction(kind=InstructionKind.TURN, direction=Direction.LEFT, ordinal=1, place=Place.JUNCTION)
FOLLOW = Instruction(kind=InstructionKind.FOLLOW_ROAD)


def test_scores_worked_by_hand() -> None:
    # The second sentence has the direction wrong, the third cannot be read, the fourth is another kind altogether.
    score = score_sentences(
        ["Turn left at the next junction.", "Turn right at the next junction.", "Turn banana.", "Follow the road."],
        [LEFT, LEFT, LEFT, LEFT],
        language="en",
    )
    assert (score.sentences, score.parsed, score.exact) == (4, 3, 1)
    assert score.failures == (ParseFailure("Turn banana.", Failure.NOT_IN_GRAMMAR),)
    assert (score.parse_rate, score.exact_match) == (0.75, 0.25)
    assert score.exact_match_of_parsed == pytest.approx(1 / 3)
    assert score.slots["kind"] == SlotScore(correct=2, said=3, true=3)
    assert score.slots["direction"] == SlotScore(correct=1, said=2, true=3)
    assert score.slots["direction"].precision == 0.5
    assert score.slots["direction"].recall == pytest.approx(1 / 3)
    assert score.slots["direction"].f1 == pytest.approx(0.4)
    assert score.slots["all"] == SlotScore(correct=7, said=9, true=12)


def test_a_slot_that_is_only_said_has_no_recall() -> None:
    score = score_sentences(["Turn left at the next junction."], [FOLLOW], language="en")
    assert score.slots["place"].recall is None
    assert score.slots["place"].precision == 0.0
    assert SlotScore(correct=0, said=0, true=0).f1 is None


def test_nothing_read_is_no_score_rather_than_zero() -> None:
    score = score_sentences(["banana"], [LEFT], language="en")
    assert score.slots == {}
    assert score.exact_match_of_parsed is None
    assert score.parse_rate == 0.0


def test_steps_have_slots_of_their_own() -> None:
    truth = Instruction(kind=InstructionKind.TWO_STEPS, first=LEFT, second=FOLLOW)
    score = score_sentences(["Turn right at the next junction, then follow the road."], [truth], language="en")
    assert score.slots["first.direction"] == SlotScore(correct=0, said=1, true=1)
    assert score.slots["second.kind"] == SlotScore(correct=1, said=1, true=1)


def test_commentary_is_scored_by_action_and_cause() -> None:
    truth = Commentary(action=MetaAction(Longitudinal.STOP, Lateral.KEEP_LANE), cause=Cause.RED_LIGHT)
    score = score_sentences(["前方是红灯，所以停车。", "前方是绿灯，所以停车。"], [truth, truth], language="zh")
    assert score.exact == 1
    assert score.slots["cause"] == SlotScore(correct=1, said=2, true=2)
    assert score.slots["longitudinal"].f1 == 1.0


@pytest.mark.parametrize(("sentences", "truths"), [([], []), (["a"], []), (["Follow the road."] * 2, [FOLLOW])])
def test_sentences_without_truths_are_refused(sentences: list[str], truths: list[Instruction]) -> None:
    with pytest.raises(ContractError, match="one truth a sentence"):
        score_sentences(sentences, truths, language="en")


def test_instructions_and_commentary_are_not_mixed() -> None:
    commentary = Commentary(action=MetaAction(Longitudinal.STOP), cause=Cause.RED_LIGHT)
    with pytest.raises(ContractError, match="scored apart"):
        score_sentences(["a", "b"], [LEFT, commentary], language="en")
