"""The notation of the phrase tables.

A template is text with three kinds of holes::

    {place}               a rule of the table, or of the grammar, under the same slots
    {first.action}        a rule under the slots of one step
    {speed_kmh:digits}    a number slot in figures; ``:words`` spells it
    (please |)            one of several texts; an empty one is allowed, holes are not

Matching ignores case, punctuation and repeated spaces; in Chinese, all spaces.
"""

import re
from dataclasses import dataclass

from drivevla.errors import DataError
from drivevla.language.vocabulary import Language

__all__ = ["Choice", "Literal", "Number", "Part", "Reference", "normalise", "parse_template"]


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands as it is; ``key`` is what is matched."""

    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several texts."""

    options: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A rule, under the present slots or under those of a step."""

    rule: str
    scope: str | None


@dataclass(frozen=True, slots=True)
class Number:
    """A number slot, in figures or spelled."""

    slot: str
    spelled: bool


Part = Literal | Choice | Reference | Number

_HOLE = re.compile(r"\{(?P<hole>[^{}]*)\}|\((?P<choice>[^(){}]*\|[^(){}]*)\)")
_NAME = re.compile(r"(?:(?P<scope>\w+)\.)?(?P<rule>\w+)(?::(?P<spelling>digits|words))?")
_SILENT = str.maketrans(dict.fromkeys(',.!?;:，。！？；：、…“”"') | {"’": "'"})


def normalise(text: str, *, language: Language) -> str:
    """The form in which sentences are compared: lower case, no punctuation, single spaces (none in Chinese)."""
    bare = text.translate(_SILENT).lower()
    return re.sub(r"\s+", "" if language is Language.ZH else " ", bare)


def parse_template(text: str, *, language: Language) -> tuple[Part, ...]:
    """The parts of a template.

    Raises:
        DataError: A bracket does not close, or a hole is not in the notation.
    """
    parts: list[Part] = []
    cursor = 0
    for match in _HOLE.finditer(text):
        parts += _literal(text[cursor : match.start()], text, language)
        parts.append(_hole(match, text, language))
        cursor = match.end()
    parts += _literal(text[cursor:], text, language)
    return tuple(parts)


def _literal(text: str, template: str, language: Language) -> list[Literal]:
    if any(bracket in text for bracket in "{}()|"):
        raise DataError(
            f"phrase {template!r}: {text!r} has a bracket that does not pair; write {{rule}} or (one|other)"
        )
    return [Literal(text, normalise(text, language=language))] if text else []


def _hole(match: re.Match[str], template: str, language: Language) -> Part:
    if match["choice"] is not None:
        return Choice(
            tuple(Literal(option, normalise(option, language=language)) for option in match["choice"].split("|"))
        )
    name = _NAME.fullmatch(match["hole"])
    if name is None:
        raise DataError(
            f"phrase {template!r}: hole {match['hole']!r} is not {{rule}}, {{scope.rule}} or {{slot:digits|words}}"
        )
    if name["spelling"] is not None:
        return Number(name["rule"], name["spelling"] == "words")
    return Reference(name["rule"], name["scope"])
