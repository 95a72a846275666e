"""The phrase tables of each language, loaded once when first needed.

``phrases/<language>.yaml`` has five parts. ``words`` are rules that fill holes: a list of templates, or ``slot:
{value: templates}``. ``frames`` are what can stand around a bare action or prohibition ("please ...").
``instructions`` hold, for each kind, the phrasings: ``actions`` (bare verb phrases, which frames and two-step
sentences can carry), ``prohibitions`` (the same for do-not instructions) and ``sentences``; a group with ``when``
stands for those slot values. ``commentary`` holds sentence patterns and, for each cause, ``reasons`` (clauses) and
``labels`` (short noun phrases). ``exchanges`` hold, for each kind of question, ``questions`` and ``answers``, the
latter in groups with ``when`` for what is answered. Phrasings, frames, patterns, reasons, labels, questions and
answers are listed under ``train``, ``held_out`` or, where both splits may use them, ``shared``.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from drivevla.errors import DataError
from drivevla.language.grammar import Grammar, Production
from drivevla.language.templates import parse_template
from drivevla.language.vocabulary import Language, Split

__all__ = ["ANSWER", "COMMENTARY", "FRAMEABLE", "INSTRUCTION", "QUESTION", "grammar"]

INSTRUCTION = "instruction"
"""The rule that reads any instruction sentence."""
COMMENTARY = "commentary"
"""The rule that reads any commentary sentence."""
QUESTION = "question"
"""The rule that reads any question about the scene."""
ANSWER = "answer"
"""The rule that reads any answer to one."""
FRAMEABLE = {"actions": "action", "prohibitions": "prohibition"}
"""The phrasings that frames can carry, and the rule that each belongs to."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it, reads a phrase table eight times as fast."""
_SPLITS = {"train": Split.TRAIN, "held_out": Split.HELD_OUT, "shared": None}


@cache
def grammar(language: Language) -> Grammar:
    """The grammar of a language, from its phrase table.

    Raises:
        DataError: The table is not in the notation described above.
    """
    text = resources.files("drivevla.language").joinpath("phrases", f"{language}.yaml").read_text(encoding="utf-8")
    table = yaml.load(text, Loader=_Loader)
    rules: dict[str, list[Production]] = {}
    for production in _productions(table, language):
        rules.setdefault(production.rule, []).append(production)
    return Grammar(language, {name: tuple(productions) for name, productions in rules.items()})


def _productions(table: Mapping[str, Any], language: Language) -> Iterator[Production]:
    def produce(rule: str, template: str, split: Split | None, when: Mapping[str, Any]) -> Production:
        return Production(rule, template, split, when, parse_template(template, language=language))

    for rule, body in table["words"].items():
        for template, when in _words(body):
            yield produce(rule, template, None, when)
    for section, frames in table["frames"].items():
        for template, split in _by_split(frames, f"frames of {section}"):
            yield produce(f"framed_{FRAMEABLE[section]}", template, split, {})
    for rule in ("sentence", *(f"framed_{frameable}" for frameable in FRAMEABLE.values())):
        yield produce(INSTRUCTION, f"{{{rule}}}", None, {})
    for kind, groups in table["instructions"].items():
        for rule, template, split, when in _phrasings(groups, f"phrases of {kind}"):
            yield produce(rule, template, split, {"kind": kind, **when})
    for template, split in _by_split(table["commentary"]["patterns"], "commentary patterns"):
        yield produce(COMMENTARY, template, split, {})
    for rule in ("reason", "label"):
        for cause, groups in table["commentary"][f"{rule}s"].items():
            for template, split in _by_split(groups, f"{rule}s of {cause}"):
                yield produce(rule, template, split, {"cause": cause})
    for kind, body in table["exchanges"].items():
        for template, split in _by_split(body["questions"], f"questions of {kind}"):
            yield produce(QUESTION, template, split, {"kind": kind})
        for group in body["answers"]:
            lists = {name: templates for name, templates in group.items() if name != "when"}
            for template, split in _by_split(lists, f"answers of {kind}"):
                yield produce(ANSWER, template, split, {"kind": kind, **group.get("when", {})})


def _words(body: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(body, Mapping):
        for slot, values in body.items():
            for value, templates in values.items():
                for template in [templates] if isinstance(templates, str) else templates:
                    yield template, {slot: value}
    else:
        for template in body:
            yield template, {}


def _by_split(lists: Mapping[str, list[str]], what: str) -> Iterator[tuple[str, Split | None]]:
    for name, templates in lists.items():
        if name not in _SPLITS:
            raise DataError(f"{what}: {name!r} is none of {', '.join(_SPLITS)}")
        for template in templates:
            yield template, _SPLITS[name]


def _phrasings(
    groups: list[Mapping[str, Any]], what: str
) -> Iterator[tuple[str, str, Split | None, Mapping[str, Any]]]:
    rules = {**FRAMEABLE, "sentences": "sentence"}
    for group in groups:
        for section, lists in group.items():
            if section == "when":
                continue
            if section not in rules:
                raise DataError(f"{what}: {section!r} is none of when, {', '.join(rules)}")
            for template, split in _by_split(lists, what):
                yield rules[section], template, split, group.get("when", {})
