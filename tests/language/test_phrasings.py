"""Every phrasing of every kind, in both languages and both splits: enough of them, unambiguous, and kept apart."""

import zlib
from functools import cache
from itertools import product

import numpy as np
import pytest

from drivevla.errors import ContractError, DataError, UnknownName
from drivevla.language import (
    Direction,
    Impossibility,
    Instruction,
    InstructionKind,
    Language,
    ParseFailure,
    Place,
    Split,
    Violation,
    parse_instruction,
    phrasings,
    realise,
    sample_commentary,
    sample_instruction,
    sample_sentences,
    swap_left_right,
    swap_left_right_in_sentence,
)
from drivevla.language.grammar import Grammar
from drivevla.language.phrasebook import COMMENTARY, FRAMEABLE, INSTRUCTION, grammar
from drivevla.language.templates import normalise, parse_template

FEWEST_PHRASINGS = {Language.EN: 8, Language.ZH: 6}
FEWEST_HELD_OUT = 2


def instructions_of(kind: InstructionKind) -> list[Instruction]:
    """A few instructions of a kind that together need every phrasing it has."""
    rng = np.random.default_rng(zlib.crc32(kind.encode()))
    match kind:
        case InstructionKind.UNSAFE_REQUEST:
            return [Instruction(kind=kind, violation=violation) for violation in Violation]
        case InstructionKind.IMPOSSIBLE_REQUEST:
            return [Instruction(kind=kind, impossibility=impossibility) for impossibility in Impossibility]
        case InstructionKind.TURN:
            ways = zip(Direction, (1, 2, 3), (Place.JUNCTION, Place.TRAFFIC_LIGHT, Place.YIELD_SIGN), strict=True)
            return [Instruction(kind=kind, direction=way, ordinal=n, place=place) for way, n, place in ways]
    return [sample_instruction(rng, kind=kind) for _ in range(6)]


@cache
def of_split(language: Language, split: Split) -> Grammar:
    """The grammar without the phrasings of the other split."""
    return Grammar(
        language,
        {rule: tuple(p for p in found if p.split in {None, split}) for rule, found in grammar(language).rules.items()},
    )


@pytest.mark.parametrize("kind", InstructionKind)
@pytest.mark.parametrize("language", Language)
def test_what_is_said_is_what_was_meant(language: Language, kind: InstructionKind) -> None:
    rng = np.random.default_rng(1)
    unsaid = {
        p.template
        for rule in (*FRAMEABLE.values(), "sentence")
        for p in grammar(language).rules[rule]
        if p.when["kind"] == kind
    }
    for instruction, split in product(instructions_of(kind), Split):
        for phrasing in phrasings(instruction, language=language, split=split):
            sentence = realise(instruction, language=language, split=split, rng=rng, phrasing=phrasing)
            assert parse_instruction(sentence, language=language) == instruction, sentence
            unsaid.discard(phrasing.template)
    assert not unsaid


@pytest.mark.parametrize("kind", InstructionKind)
@pytest.mark.parametrize("language", Language)
def test_every_instruction_can_be_said_in_many_ways(language: Language, kind: InstructionKind) -> None:
    for instruction in instructions_of(kind):
        counts = {split: len(phrasings(instruction, language=language, split=split)) for split in Split}
        assert sum(counts.values()) >= FEWEST_PHRASINGS[language], instruction
        assert counts[Split.HELD_OUT] >= FEWEST_HELD_OUT, instruction
        assert counts[Split.TRAIN] > counts[Split.HELD_OUT], instruction


@pytest.mark.parametrize(("split", "other"), [tuple(Split), tuple(reversed(Split))])
@pytest.mark.parametrize("language", Language)
def test_no_sentence_of_one_split_can_be_made_in_the_other(language: Language, split: Split, other: Split) -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        instruction = sample_instruction(rng)
        sentence = realise(instruction, language=language, split=split, rng=rng)
        assert instruction.to_dict() in of_split(language, split).read(INSTRUCTION, sentence), sentence
        assert not of_split(language, other).read(INSTRUCTION, sentence), sentence
        sentence = realise(sample_commentary(rng), language=language, split=split, rng=rng)
        assert not of_split(language, other).read(COMMENTARY, sentence), sentence


@pytest.mark.parametrize("language", Language)
def test_the_splits_share_no_phrasing(language: Language) -> None:
    phrases: dict[Split, set[str]] = {Split.TRAIN: set(), Split.HELD_OUT: set()}
    for production in (p for found in grammar(language).rules.values() for p in found if p.split is not None):
        phrases[production.split].add(normalise(production.template, language=language))  # type: ignore[index]
    assert not phrases[Split.TRAIN] & phrases[Split.HELD_OUT]
    assert min(map(len, phrases.values())) > 100


@pytest.mark.parametrize("language", Language)
def test_the_swapped_sentence_means_the_mirrored_thing(language: Language) -> None:
    rng = np.random.default_rng(3)
    for kind, split in product(InstructionKind, Split):
        instruction = sample_instruction(rng, kind=kind)
        sentence = realise(instruction, language=language, split=split, rng=rng)
        swapped = swap_left_right_in_sentence(sentence, language=language)
        assert parse_instruction(swapped, language=language) == swap_left_right(instruction)


def test_a_phrasing_must_belong_to_what_is_said() -> None:
    rng = np.random.default_rng(0)
    start, pull_over = Instruction(kind=InstructionKind.START), Instruction(kind=InstructionKind.PULL_OVER)
    phrasing = phrasings(start, language="en", split="train")[0]
    with pytest.raises(ContractError, match="is no train phrasing"):
        realise(pull_over, language="en", split="train", rng=rng, phrasing=phrasing)
    with pytest.raises(ContractError, match="is no held_out phrasing"):
        realise(start, language="en", split="held_out", rng=rng, phrasing=phrasing)


def test_unknown_language_and_split_are_named() -> None:
    start, rng = Instruction(kind=InstructionKind.START), np.random.default_rng(0)
    with pytest.raises(UnknownName, match="known: en, zh"):
        realise(start, language="de", split="train", rng=rng)
    with pytest.raises(UnknownName, match="did you mean 'train'"):
        realise(start, language="en", split="trian", rng=rng)


@pytest.mark.parametrize("language", Language)
def test_the_same_seed_gives_the_same_sentences(language: Language) -> None:
    assert sample_sentences(40, language, 5) == sample_sentences(40, language, 5)
    assert sample_sentences(40, language, 5) != sample_sentences(40, language, 6)
    assert sample_sentences(0, language, 5) == []


@pytest.mark.parametrize("language", Language)
def test_sentences_are_written_out_properly(language: Language) -> None:
    for sentence in sample_sentences(300, language, 7):
        assert sentence[-1] in ".!?。！？", sentence
        assert not any(bracket in sentence for bracket in "{}()|_"), sentence
        if language is Language.ZH:
            assert " " not in sentence
        else:
            assert sentence[0] == sentence[0].upper()
            assert "  " not in sentence
            assert " a o" not in sentence  # "a orange"


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "   ",
        "banana",
        "turn",
        "turn left at the seventeenth junction",
        "turn left at the next junction banana",
        "左",
    ],
)
def test_what_the_grammar_cannot_say_it_cannot_read(sentence: str) -> None:
    for language in Language:
        assert isinstance(parse_instruction(sentence, language=language), ParseFailure)


@pytest.mark.parametrize(
    ("sentence", "language", "slots"),
    [
        (
            "After the petrol station, take the second junction to the right.",
            "en",
            {"kind": "turn_after_landmark", "direction": "right", "ordinal": 2, "landmark": "petrol_station"},
        ),
        (
            "到加油站后第二个路口右转",
            "zh",
            {"kind": "turn_after_landmark", "direction": "right", "ordinal": 2, "landmark": "petrol_station"},
        ),
        ("hold 30 km/h", "en", {"kind": "hold_speed", "speed_kmh": 30}),
        ("DRIVE AT THIRTY KILOMETRES PER HOUR", "en", {"kind": "hold_speed", "speed_kmh": 30}),
        ("drive at 180 km/h", "en", {"kind": "excessive_speed", "speed_kmh": 180}),
        ("请 50 米后 左转", "zh", None),
        (
            "50 米后，左转！",
            "zh",
            {"kind": "turn_in_distance", "direction": "left", "distance_m": 50, "place": "junction"},
        ),
    ],
)
def test_sentences_of_the_brief_read_as_meant(sentence: str, language: str, slots: dict[str, object] | None) -> None:
    reading = parse_instruction(sentence, language=language)
    assert (None if isinstance(reading, ParseFailure) else reading.to_dict()) == slots


@pytest.mark.parametrize(
    "template", ["turn {direction", "turn (left", "turn {direction:roman}", "a|b", "turn ({side}|x)"]
)
def test_a_broken_template_is_named(template: str) -> None:
    with pytest.raises(DataError, match="phrase"):
        parse_template(template, language=Language.EN)
