"""Left and right swapped: the counterfactual of an instruction, a commentary or a sentence.

Like the scorer, the swap of a sentence works on words and is for labels and evaluation only; no policy may use it on
what it is told.
"""

import re
from collections.abc import Callable
from dataclasses import fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from drivevla.errors import ContractError
from drivevla.language.commentary import Commentary
from drivevla.language.instruction import Instruction
from drivevla.language.meta_actions import Lateral, MetaAction
from drivevla.language.parsing import ParseFailure, parse_commentary, parse_instruction
from drivevla.language.vocabulary import Direction, Language, Side, member

__all__ = ["swap_left_right", "swap_left_right_in_sentence"]

Subject = TypeVar("Subject", Instruction, Commentary)

_MIRRORED: dict[StrEnum, StrEnum] = {
    Direction.LEFT: Direction.RIGHT,
    Direction.RIGHT: Direction.LEFT,
    Lateral.TURN_LEFT: Lateral.TURN_RIGHT,
    Lateral.TURN_RIGHT: Lateral.TURN_LEFT,
    Lateral.CHANGE_LANE_LEFT: Lateral.CHANGE_LANE_RIGHT,
    Lateral.CHANGE_LANE_RIGHT: Lateral.CHANGE_LANE_LEFT,
    Lateral.NUDGE_LEFT: Lateral.NUDGE_RIGHT,
    Lateral.NUDGE_RIGHT: Lateral.NUDGE_LEFT,
}
_SIDES = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}


def swap_left_right(subject: Subject) -> Subject:
    """The same subject with left and right exchanged, in both steps too; swapping twice gives the first again."""
    return replace(subject, **{field.name: _swapped(getattr(subject, field.name)) for field in fields(subject)})


def swap_left_right_in_sentence(sentence: str, *, language: Language | str) -> str:
    """The same sentence with left and right exchanged, checked to mean the mirrored thing.

    Raises:
        ContractError: The grammar cannot read the sentence, so that nobody can say what its mirror image means.
    """
    language = member(Language, language)
    swapped = _swap_words(sentence, language)
    if any(_mirrored(parse, sentence, swapped, language) for parse in (parse_instruction, parse_commentary)):
        return swapped
    raise ContractError(
        f"the {language} grammar cannot read {sentence!r} and its mirror image; only its own sentences can be swapped"
    )


def _mirrored(parse: Callable[..., Any], sentence: str, swapped: str, language: Language) -> bool:
    before, after = parse(sentence, language=language), parse(swapped, language=language)
    return not isinstance(before, ParseFailure) and bool(after == swap_left_right(before))


def _swapped(value: Any) -> Any:
    match value:
        case Instruction():
            return swap_left_right(value)
        case MetaAction(longitudinal=longitudinal, lateral=lateral):
            return MetaAction(longitudinal, _swapped(lateral))
        case Side():
            return _SIDES[value]
        case Direction() | Lateral():
            return _MIRRORED.get(value, value)
    return value


def _swap_words(sentence: str, language: Language) -> str:
    if language is Language.ZH:
        return sentence.translate(str.maketrans("左右", "右左"))
    pairs = {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}
    return re.sub(r"\b(left|right|Left|Right)\b", lambda match: pairs[match[1]], sentence)
