"""All that a small decoder may say: one plain sentence for every commentary and every answer of the language.

Recorded commentary comes in many phrasings. A decoder of a million weights has no room for style: it learns one way to
say each thing, and decoding is constrained to these.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import numpy as np

from drivevla.language import (
    CAUSES,
    Actor,
    Cause,
    Colour,
    Commentary,
    Duty,
    Exchange,
    ExchangeKind,
    Language,
    Outcome,
    RefusalReason,
    SeenLight,
    Side,
    Split,
    Thing,
)
from drivevla.language.phrasebook import ANSWER, COMMENTARY, grammar
from drivevla.language.realisation import punctuated

__all__ = ["all_answers", "all_commentaries", "answer_sentence", "commentary_sentence", "language_of"]

_DOING, _REASON = "doing", "reason"
_SPEEDS_KMH = tuple(range(5, 131, 5))
_DISTANCES_M = tuple(range(1, 101))
_COUNTS = tuple(range(51))
_SLOTS: Mapping[str, tuple[Any, ...]] = {
    "actor": tuple(Actor),
    "colour": tuple(Colour),
    "side": tuple(Side),
    "speed_kmh": _SPEEDS_KMH,
    "reason": tuple(RefusalReason),
}


def commentary_sentence(commentary: Commentary, language: Language) -> str:
    """The one sentence for a commentary; it says every slot."""
    plain = commentary.to_dict()
    doing = {name: plain.pop(name) for name in ("longitudinal", "lateral")}
    parts = {_DOING: _written(language, _DOING, **doing), _REASON: _written(language, _REASON, **plain)}
    text = grammar(language).write(
        _pattern(language), {}, split=Split.TRAIN, rng=np.random.default_rng(0), filled=parts
    )
    return punctuated(text, language)


def answer_sentence(exchange: Exchange, language: Language) -> str:
    """The one sentence for an answer; it says every slot."""
    return punctuated(_written(language, ANSWER, **exchange.answered), language)


@cache
def all_commentaries(language: Language) -> tuple[str, ...]:
    """The sentences of every cause with every action that it can explain, and every value of its slots."""
    return tuple(dict.fromkeys(commentary_sentence(each, language) for each in _commentaries()))


@cache
def all_answers(language: Language) -> tuple[str, ...]:
    """The sentences of every answer; up to 100 metres, 50 things, and speed limits in steps of 5 km/h."""
    return tuple(dict.fromkeys(answer_sentence(each, language) for each in _exchanges()))


def language_of(sentence: str) -> Language:
    """The language that a sentence is written in, for labels: what is asked in a language is answered in it."""
    return Language.ZH if any("\u4e00" <= letter <= "\u9fff" for letter in sentence) else Language.EN


def _commentaries() -> Iterator[Commentary]:
    for cause, spec in CAUSES.items():
        required = [[(name, value) for value in _SLOTS[name]] for name in spec.required]
        optional = [[None, *((name, value) for value in _SLOTS[name])] for name in spec.optional]
        for given in itertools.product(*required, *optional):
            slots = dict(pair for pair in given if pair is not None)
            for action in spec.actions:
                yield Commentary(action=action, cause=Cause(cause), **slots)


def _exchanges() -> Iterator[Exchange]:
    for light in SeenLight:
        yield Exchange(kind=ExchangeKind.LIGHT, light=light)
    yield Exchange(kind=ExchangeKind.LEAD, holds=False)
    for distance_m in _DISTANCES_M:
        yield Exchange(kind=ExchangeKind.LEAD, holds=True, distance_m=distance_m)
    for thing, count in itertools.product(Thing, _COUNTS):
        yield Exchange(kind=ExchangeKind.COUNT, thing=thing, count=count)
    for duty in Duty:
        yield Exchange(kind=ExchangeKind.RIGHT_OF_WAY, duty=duty)
    for speed_kmh in _SPEEDS_KMH:
        yield Exchange(kind=ExchangeKind.SPEED_LIMIT, speed_kmh=speed_kmh)
    for holds in (True, False):
        yield Exchange(kind=ExchangeKind.BESIDE, thing=Thing.VEHICLE, side=Side.LEFT, holds=holds)
        yield Exchange(kind=ExchangeKind.LANE_CHANGE, side=Side.LEFT, holds=holds)
    for outcome in Outcome:
        yield Exchange(kind=ExchangeKind.IF_WE_KEEP_GOING, outcome=outcome)
        yield Exchange(kind=ExchangeKind.IF_WE_CHANGE_LANE, side=Side.LEFT, outcome=outcome)


@cache
def _pattern(language: Language) -> Any:
    """The first sentence pattern in which the action comes before its reason: most sentences then begin alike."""
    for production in grammar(language).rules[COMMENTARY]:
        names = [getattr(part, "rule", None) for part in production.parts]
        holes = [name for name in names if name is not None]
        if production.split is not Split.HELD_OUT and holes == [_DOING, _REASON]:
            return production
    raise AssertionError(f"no commentary pattern in {language} has the action before its reason")


@lru_cache(maxsize=16384)
def _written(language: Language, rule: str, **slots: Any) -> str:
    """A rule's first way to say some slots, with the first of everything inside it."""
    table = grammar(language)
    production = table.fitting(rule, slots, split=Split.TRAIN)[0]
    return table.write(production, slots, split=Split.TRAIN, rng=np.random.default_rng(0))
