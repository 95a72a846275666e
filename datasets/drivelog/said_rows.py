"""What is said about a sample as JSON text, and back: instruction, explanation, labels, questions."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from drivevla.errors import ContractError
from drivevla.language import Commentary, Goal, Instruction, Refuse, goal_of
from drivevla.types import LeadVehicle, LightInImage, LightState, ObjectMention, QuestionAnswer, Sample

__all__ = [
    "explanation_of",
    "explanation_row",
    "extras_of",
    "extras_row",
    "goal_of_row",
    "goal_row",
    "instruction_of",
    "instruction_row",
]

_AS_ASKED, _REFUSE = "as asked", "refuse"


def instruction_row(instruction: Instruction | None) -> str | None:
    """Kind and slots."""
    return None if instruction is None else _json(instruction.to_dict())


def instruction_of(row: str | None) -> Instruction | None:
    """The instruction of a row."""
    return None if row is None else Instruction.from_dict(json.loads(row))


def explanation_row(explanation: Commentary | None) -> str | None:
    """Action, cause and slots."""
    return None if explanation is None else _json(explanation.to_dict())


def explanation_of(row: str | None) -> Commentary | None:
    """The explanation of a row."""
    return None if row is None else Commentary.from_dict(json.loads(row))


def goal_row(goal: Goal | None, instruction: Instruction | None) -> str | None:
    """Whether the instruction's own goal is in force, or a refusal.

    Raises:
        ContractError: It is neither.
    """
    if goal is None:
        return None
    if isinstance(goal, Refuse):
        return _REFUSE
    if instruction is None or goal != goal_of(instruction):
        raise ContractError(f"a goal is stored as its instruction's own or as a refusal, got {goal} for {instruction}")
    return _AS_ASKED


def goal_of_row(row: str | None, instruction: Instruction | None) -> Goal | None:
    """The goal of a row."""
    if row is None:
        return None
    if row == _REFUSE:
        return Refuse()
    if row != _AS_ASKED or instruction is None:
        raise ContractError(f"goal {row!r} without an instruction that says what it is")
    return goal_of(instruction)


def extras_row(sample: Sample) -> str | None:
    """What only some data sets have, in one text; None where there is nothing of the kind."""
    extras: dict[str, Any] = {}
    if sample.labels is not None:
        extras["labels"] = dict(sample.labels)
    if sample.questions is not None:
        extras["questions"] = [asdict(each) for each in sample.questions]
    if sample.lead is not None:
        extras["lead"] = [asdict(each) for each in sample.lead]
    if sample.lights_in_image is not None:
        extras["lights_in_image"] = [
            {**asdict(each), "state": each.state.value, "arrows": sorted(each.arrows)}
            for each in sample.lights_in_image
        ]
    return _json(extras) if extras else None


def extras_of(row: str | None) -> dict[str, Any]:
    """The fields of a sample that ``extras_row`` put away."""
    if row is None:
        return {}
    extras: dict[str, Any] = json.loads(row)
    readers = {"questions": _question, "lead": lambda each: LeadVehicle(**each), "lights_in_image": _light_in_image}
    for name, read in readers.items():
        if name in extras:
            extras[name] = tuple(read(each) for each in extras[name])
    return extras


def _question(row: Mapping[str, Any]) -> QuestionAnswer:
    mentions = tuple(ObjectMention(**mention) for mention in row["mentions"])
    return QuestionAnswer(**{**row, "mentions": mentions})


def _light_in_image(row: Mapping[str, Any]) -> LightInImage:
    return LightInImage(**{**row, "state": LightState(row["state"]), "arrows": frozenset(row["arrows"])})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
