"""A grammar that works in both directions: from slots to a sentence and back.

A rule is a list of productions; a production is a template with the slot values it stands for (``when``) and its
split. Writing picks, among the productions that say every given slot, one at random; reading follows all of them and
keeps every reading, so that an ambiguous sentence is seen to be ambiguous. The grammar knows nothing of driving; the
phrase tables do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from drivevla.errors import ContractError, DataError
from drivevla.language.numerals import read_number, spell_number
from drivevla.language.templates import Choice, Literal, Number, Part, Reference, normalise
from drivevla.language.vocabulary import Language, Split

__all__ = ["Grammar", "Production", "Slots"]

Slots = Mapping[str, Any]
"""Plain JSON values by slot name; a step is a mapping of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Production:
    """One way to say a rule.

    Attributes:
        rule: The rule that it belongs to.
        template: Its text, as the phrase table has it.
        split: The split that it is kept for; None where both may use it.
        when: Slot values that the text stands for.
        parts: The parsed template.
        opening: What a text must begin with to be read as this; found out once, because most productions fail here.
    """

    rule: str
    template: str
    split: Split | None
    when: Slots
    parts: tuple[Part, ...]
    opening: str = field(init=False)

    def __post_init__(self) -> None:
        opening = self.parts[0].key if self.parts and isinstance(self.parts[0], Literal) else ""
        object.__setattr__(self, "opening", opening)


@dataclass(frozen=True, slots=True)
class Grammar:
    """The rules of one language.

    Raises:
        DataError: A template refers to a rule that does not exist.
    """

    language: Language
    rules: Mapping[str, tuple[Production, ...]]

    def __post_init__(self) -> None:
        for production in (p for productions in self.rules.values() for p in productions):
            for part in production.parts:
                if isinstance(part, Reference) and part.rule not in self.rules:
                    raise DataError(f"{self.language} phrase {production.template!r}: there is no rule {part.rule!r}")

    def fitting(self, rule: str, slots: Slots, *, split: Split) -> list[Production]:
        """The productions of a rule that can say these slots in this split; of those, the ones that say most."""
        said = [(p, self._said(p, slots, split)) for p in self.rules[rule]]
        possible = [(p, names) for p, names in said if names is not None]
        most = max((len(names) for _, names in possible), default=0)
        return [p for p, names in possible if len(names) == most]

    def complete(self, rule: str, slots: Slots, *, split: Split) -> list[Production]:
        """The productions of a rule that say every one of these slots in this split."""
        return [p for p in self.rules[rule] if self._said(p, slots, split) == frozenset(slots)]

    def write(
        self,
        production: Production,
        slots: Slots,
        *,
        split: Split,
        rng: np.random.Generator,
        filled: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """The text of a production, its holes filled at random from what the split allows.

        Args:
            production: What to write.
            slots: What it should say.
            split: Phrasings of the other split are not used.
            rng: Decides every choice.
            filled: Texts for rules that are already written; their holes take these.

        Raises:
            ContractError: The production cannot say these slots in this split.
        """
        return "".join(
            filled[part.rule]
            if isinstance(part, Reference) and part.rule in filled
            else self._write_part(part, slots, split, rng)
            for part in production.parts
        )

    def read(self, rule: str, sentence: str) -> list[dict[str, Any]]:
        """Every different set of slots under which the rule can say this sentence; none when it cannot."""
        text = normalise(sentence, language=self.language).strip()
        reader = _Reader(self, text)
        readings: list[dict[str, Any]] = []
        for end, slots in reader.read(rule, 0):
            if end == len(text) and slots not in readings:
                readings.append(slots)
        return readings

    def _said(self, production: Production, slots: Slots, split: Split) -> frozenset[str] | None:
        """The slots that a production says, or None where it does not fit."""
        if production.split not in {None, split}:
            return None
        for name, value in production.when.items():
            if slots.get(name) != value:
                return None
        said = set(production.when)
        for part in production.parts:
            names = self._said_by_part(part, slots, split)
            if names is None:
                return None
            said |= names
        return frozenset(said)

    def _said_by_part(self, part: Part, slots: Slots, split: Split) -> frozenset[str] | None:
        match part:
            case Number(slot=slot):
                return frozenset({slot}) if slot in slots else None
            case Reference(rule=rule, scope=None):
                said = [self._said(p, slots, split) for p in self.rules[rule]]
                return max((names for names in said if names is not None), key=len, default=None)
            case Reference(rule=rule, scope=str() as scope):
                inner = slots.get(scope)
                return frozenset({scope}) if inner is not None and self.complete(rule, inner, split=split) else None
        return frozenset()

    def _write_part(self, part: Part, slots: Slots, split: Split, rng: np.random.Generator) -> str:
        match part:
            case Literal(text=text):
                return text
            case Choice(options=options):
                return options[rng.integers(len(options))].text
            case Number(slot=slot, spelled=spelled):
                return spell_number(slots[slot], language=self.language) if spelled else str(slots[slot])
            case Reference(rule=rule, scope=scope):
                inner = slots if scope is None else slots[scope]
                find = self.fitting if scope is None else self.complete
                candidates = find(rule, inner, split=split)
                if not candidates:
                    raise ContractError(f"no {self.language} {rule} says {dict(inner)} in split {split}")
                return self.write(candidates[rng.integers(len(candidates))], inner, split=split, rng=rng)


@dataclass(slots=True)
class _Reader:
    """All ways to read one text; what a rule can be at a position is worked out once."""

    grammar: Grammar
    text: str
    known: dict[tuple[str, int], list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)

    def read(self, rule: str, start: int) -> list[tuple[int, dict[str, Any]]]:
        if (rule, start) not in self.known:
            found: list[tuple[int, dict[str, Any]]] = []
            for production in self.grammar.rules[rule]:
                if self.text.startswith(production.opening, start):
                    found += [state for state in self._read_production(production, start) if state not in found]
            self.known[rule, start] = found
        return self.known[rule, start]

    def _read_production(self, production: Production, start: int) -> list[tuple[int, dict[str, Any]]]:
        states = [(start, dict(production.when))]
        for part in production.parts:
            states = [after for end, slots in states for after in self._read_part(part, end, slots)]
            if not states:
                break
        return states

    def _read_part(self, part: Part, start: int, slots: dict[str, Any]) -> Iterable[tuple[int, dict[str, Any]]]:
        match part:
            case Literal(key=key):
                return [(start + len(key), slots)] if self.text.startswith(key, start) else []
            case Choice(options=options):
                return [(start + len(o.key), slots) for o in options if self.text.startswith(o.key, start)]
            case Number(slot=slot, spelled=spelled):
                number = (
                    read_number(self.text, start, language=self.grammar.language) if spelled else self._figures(start)
                )
                return [] if number is None else _merged(slots, [(number[1], {slot: number[0]})])
            case Reference(rule=rule, scope=scope):
                found = self.read(rule, start)
                return _merged(slots, found if scope is None else [(end, {scope: inner}) for end, inner in found])

    def _figures(self, start: int) -> tuple[int, int] | None:
        end = start
        while end < len(self.text) and self.text[end] in "0123456789":
            end += 1
        return (int(self.text[start:end]), end) if end > start else None


def _merged(slots: dict[str, Any], found: Iterable[tuple[int, dict[str, Any]]]) -> list[tuple[int, dict[str, Any]]]:
    """Readings joined with what is known; one that contradicts it is dropped."""
    return [
        (end, slots | new) for end, new in found if all(slots.get(name, value) == value for name, value in new.items())
    ]
