import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError, UnknownName
from drivevla.language import (
    CAUSES,
    Cause,
    Commentary,
    Language,
    Lateral,
    Longitudinal,
    MetaAction,
    Split,
    parse_commentary,
    phrasings,
    realise,
    sample_commentary,
)
from drivevla.language.phrasebook import grammar


def test_every_cause_is_described_and_explains_something() -> None:
    assert set(CAUSES) == set(Cause)
    assert all(spec.actions for spec in CAUSES.values())


def test_meta_actions_are_numbered_without_gaps() -> None:
    actions = [MetaAction(pace, way) for pace in Longitudinal for way in Lateral]
    assert [action.index for action in actions] == list(range(49))
    assert [MetaAction.from_index(index) for index in range(49)] == actions
    for index in (-1, 49):
        with pytest.raises(ContractError, match=r"0\.\.48"):
            MetaAction.from_index(index)


@given(st.sampled_from(Cause), st.integers(0, 2**32))
def test_json_gives_the_same_commentary_back(cause: Cause, seed: int) -> None:
    commentary = sample_commentary(np.random.default_rng(seed), cause=cause)
    assert Commentary.from_dict(json.loads(json.dumps(commentary.to_dict()))) == commentary


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("language", Language)
def test_what_is_explained_is_what_was_meant(language: Language, cause: Cause) -> None:
    rng = np.random.default_rng(1)
    for split in Split:
        commentary = sample_commentary(rng, cause=cause)
        for pattern in phrasings(commentary, language=language, split=split):
            sentence = realise(commentary, language=language, split=split, rng=rng, phrasing=pattern)
            assert parse_commentary(sentence, language=language) == commentary, sentence


@pytest.mark.parametrize("index", range(49))
@pytest.mark.parametrize("language", Language)
def test_every_action_has_words_even_an_odd_one(language: Language, index: int) -> None:
    odd = Commentary(action=MetaAction.from_index(index), cause=Cause.ROUTE_END)
    for split in Split:
        sentence = realise(odd, language=language, split=split, rng=np.random.default_rng(index))
        assert parse_commentary(sentence, language=language) == odd, sentence


@pytest.mark.parametrize("language", Language)
def test_every_reason_and_label_reads_as_its_own_cause(language: Language) -> None:
    rng = np.random.default_rng(2)
    for rule in ("reason", "label"):
        for cause in Cause:
            slots = {"cause": cause.value, **{k: str(v) for k, v in sample_commentary(rng, cause=cause).slots.items()}}
            if "speed_kmh" in slots:
                continue  # a number, not a name; said in the round trip above
            for split in Split:
                productions = grammar(language).fitting(rule, slots, split=split)
                assert productions, (cause, split)
                for production in productions:
                    text = grammar(language).write(production, slots, split=split, rng=rng)
                    assert {reading["cause"] for reading in grammar(language).read(rule, text)} == {cause.value}, text


@pytest.mark.parametrize("language", Language)
def test_there_are_many_patterns_for_a_commentary(language: Language) -> None:
    commentary = Commentary(action=MetaAction(Longitudinal.STOP), cause=Cause.RED_LIGHT)
    counts = {split: len(phrasings(commentary, language=language, split=split)) for split in Split}
    assert counts[Split.TRAIN] >= 6
    assert counts[Split.HELD_OUT] >= 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"longitudinal": "stop", "lateral": "keep_lane", "cause": "cut_in", "side": "left"}, "needs actor"),
        ({"longitudinal": "stop", "lateral": "keep_lane", "cause": "red_light", "side": "left"}, "has no side"),
        ({"longitudinal": "stop", "lateral": "keep_lane", "cause": "speed_limit", "speed_kmh": 3}, "5 to 130"),
        ({"longitudinal": "stop", "cause": "red_light"}, "'lateral'"),
    ],
)
def test_commentary_that_does_not_fit_is_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        Commentary.from_dict(values)


def test_an_unknown_cause_comes_with_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'red_light'"):
        Commentary.from_dict({"longitudinal": "stop", "lateral": "keep_lane", "cause": "redlight"})
