"""Random instructions, commentary and sentences, for tests, for text-only training and for reading by eye."""

from enum import StrEnum
from typing import Any, TypeVar

import numpy as np

from drivevla.errors import ContractError
from drivevla.language.causes import CAUSES, Actor, Cause, RefusalReason
from drivevla.language.commentary import Commentary
from drivevla.language.instruction import COLOURED_LANDMARKS, RELATION_LANDMARKS, Instruction, can_follow
from drivevla.language.kinds import KINDS, InstructionKind
from drivevla.language.realisation import realise
from drivevla.language.vocabulary import (
    Colour,
    Direction,
    Hazard,
    Impossibility,
    Landmark,
    Language,
    Place,
    Relation,
    Side,
    Split,
    Violation,
)

__all__ = ["sample_commentary", "sample_instruction", "sample_sentences"]

_DISTANCES_M = (10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100, 120, 150, 200, 250, 300, 400, 500)
_LATERAL_M = (2, 3, 4, 5, 8, 10, 15, 20, 30)
_SIGNED_SPEEDS_KMH = (20, 130)  # lowest and highest speed limit
_OPTIONAL_SHARE = 0.5  # of the samples give an optional slot
_COMMENTARY_SHARE = 0.4  # of sample_sentences, the rest being instructions

_MADE_ROOM_FOR = frozenset({Cause.OPEN_DOOR, Cause.MERGING_TRAFFIC})  # one moves away from the side these are on

Item = TypeVar("Item")


def sample_instruction(rng: np.random.Generator, *, kind: InstructionKind | None = None) -> Instruction:
    """A random valid instruction, uniform over kinds unless one is given, with round distances and speeds."""
    kind = _pick(rng, tuple(InstructionKind)) if kind is None else kind
    if kind is InstructionKind.TWO_STEPS:
        return _two_steps(rng)
    spec = KINDS[kind]
    slots: dict[str, Any] = {"kind": kind}
    for name in spec.required:
        slots[name] = _slot(rng, name, slots)
    for name in spec.optional:
        if name != "colour" and "lateral_m" not in spec.optional and rng.random() < _OPTIONAL_SHARE:
            slots[name] = _slot(rng, name, slots)
    if slots.get("landmark") in COLOURED_LANDMARKS:
        slots["colour"] = _pick(rng, tuple(Colour))
    if kind is InstructionKind.DRIVE_TO_POINT and rng.random() < _OPTIONAL_SHARE:
        slots |= {"side": _pick(rng, tuple(Side)), "lateral_m": _pick(rng, _LATERAL_M)}
    if slots.get("hazard") is not Hazard.RED_LIGHT_RUNNER and kind is InstructionKind.NOTICE:
        slots.pop("side", None)
    return Instruction(**slots)


def sample_commentary(rng: np.random.Generator, *, cause: Cause | None = None) -> Commentary:
    """A random commentary whose action its cause can sensibly explain, uniform over causes unless one is given."""
    cause = _pick(rng, tuple(Cause)) if cause is None else cause
    spec = CAUSES[cause]
    given = [*spec.required, *(name for name in spec.optional if rng.random() < _OPTIONAL_SHARE)]
    slots = {name: _slot(rng, name, {}) for name in given}
    actions = spec.actions
    if cause in _MADE_ROOM_FOR and "side" in slots:
        actions = tuple(action for action in actions if not action.lateral.endswith(slots["side"]))
    return Commentary(action=_pick(rng, actions), cause=cause, **slots)


def sample_sentences(n: int, language: Language | str, seed: int) -> list[str]:
    """Random sentences to read by eye: instructions and commentary of every kind, from both splits.

    Args:
        n: How many.
        language: In which language.
        seed: The same seed gives the same sentences.

    Raises:
        ContractError: ``n`` is negative.
        UnknownName: No such language.
    """
    if n < 0:
        raise ContractError(f"the number of sentences must not be negative, got {n}")
    rng = np.random.default_rng(seed)
    sentences = []
    for _ in range(n):
        subject = sample_commentary(rng) if rng.random() < _COMMENTARY_SHARE else sample_instruction(rng)
        sentences.append(realise(subject, language=language, split=_pick(rng, tuple(Split)), rng=rng))
    return sentences


def _two_steps(rng: np.random.Generator) -> Instruction:
    leading = tuple(kind for kind, spec in KINDS.items() if spec.leads)
    first = sample_instruction(rng, kind=_pick(rng, leading))
    following = tuple(kind for kind, spec in KINDS.items() if spec.follows and can_follow(first.kind, kind))
    second = sample_instruction(rng, kind=_pick(rng, following))
    return Instruction(kind=InstructionKind.TWO_STEPS, first=first, second=second)


def _slot(rng: np.random.Generator, name: str, known: dict[str, Any]) -> Any:
    kind = known.get("kind")
    match name:
        case "ordinal":
            return int(rng.integers(1, KINDS[known["kind"]].highest_ordinal + 1))
        case "distance_m" | "within_m":
            return _pick(rng, _DISTANCES_M)
        case "speed_kmh":
            low, high = KINDS[kind].speed_range_kmh if kind else _SIGNED_SPEEDS_KMH
            return int(rng.integers(-(-low // 10), high // 10 + 1)) * 10
        case "landmark":
            relation = known.get("relation")
            accepted = frozenset(Landmark) - {Landmark.BUS} if relation is None else RELATION_LANDMARKS[relation]
            return _pick(rng, tuple(sorted(accepted)))
    return _pick(rng, tuple(_VOCABULARIES[name]))


_VOCABULARIES: dict[str, type[StrEnum]] = {
    "direction": Direction,
    "place": Place,
    "side": Side,
    "colour": Colour,
    "relation": Relation,
    "hazard": Hazard,
    "violation": Violation,
    "impossibility": Impossibility,
    "actor": Actor,
    "reason": RefusalReason,
}


def _pick(rng: np.random.Generator, items: tuple[Item, ...]) -> Item:
    return items[rng.integers(len(items))]
