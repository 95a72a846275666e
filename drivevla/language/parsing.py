"""From sentences back to slots, for labels and for scoring.

This is the one place where patterns may look at a sentence. No policy, navigator or safety layer may import it:
between a sentence and the car stands the network alone (``docs/architecture.md``). The grammar reads what it can
write, in either split, and nothing else; a sentence beyond it is a counted failure, never a guess.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from drivevla.errors import ContractError
from drivevla.language.commentary import Commentary
from drivevla.language.instruction import Instruction
from drivevla.language.phrasebook import COMMENTARY, INSTRUCTION, grammar
from drivevla.language.vocabulary import Language, member

__all__ = ["Failure", "ParseFailure", "parse_commentary", "parse_instruction"]

Subject = TypeVar("Subject", Instruction, Commentary)


class Failure(StrEnum):
    """Why a sentence has no slots."""

    NOT_IN_GRAMMAR = "not_in_grammar"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class ParseFailure:
    """A sentence that could not be read.

    Attributes:
        sentence: The sentence.
        failure: Why.
    """

    sentence: str
    failure: Failure


def parse_instruction(sentence: str, *, language: Language | str) -> Instruction | ParseFailure:
    """The instruction that a sentence gives.

    Raises:
        UnknownName: No such language.
    """
    return _parse(sentence, language, INSTRUCTION, Instruction.from_dict)


def parse_commentary(sentence: str, *, language: Language | str) -> Commentary | ParseFailure:
    """The action and cause that a sentence states.

    Raises:
        UnknownName: No such language.
    """
    return _parse(sentence, language, COMMENTARY, Commentary.from_dict)


def _parse(
    sentence: str, language: Language | str, rule: str, build: Callable[[Mapping[str, Any]], Subject]
) -> Subject | ParseFailure:
    subjects: list[Subject] = []
    for slots in grammar(member(Language, language)).read(rule, sentence):
        try:
            subject = build(slots)
        except ContractError:
            continue  # grammatical, but says nothing: "drive at 900 km/h" is no speed to hold
        if subject not in subjects:
            subjects.append(subject)
    if len(subjects) == 1:
        return subjects[0]
    return ParseFailure(sentence, Failure.AMBIGUOUS if subjects else Failure.NOT_IN_GRAMMAR)
