"""The one plain sentence for everything that may be said."""

import numpy as np
import pytest

from drivevla.language import (
    Commentary,
    Exchange,
    ExchangeKind,
    Language,
    SeenLight,
    parse_commentary,
    sample_commentary,
)
from drivevla.models.text.sentences import (
    all_answers,
    all_commentaries,
    answer_sentence,
    commentary_sentence,
    language_of,
)


@pytest.mark.parametrize("language", list(Language))
def test_a_commentary_s_sentence_says_all_of_it_and_nothing_else(language: Language) -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        commentary = sample_commentary(rng)
        sentence = commentary_sentence(commentary, language)
        assert parse_commentary(sentence, language=language) == commentary, sentence
        assert commentary_sentence(commentary, language) == sentence


@pytest.mark.parametrize("language", list(Language))
def test_everything_that_the_language_can_explain_may_be_said(language: Language) -> None:
    rng = np.random.default_rng(1)
    sayable = set(all_commentaries(language))
    for _ in range(200):
        commentary = sample_commentary(rng)
        if commentary.speed_kmh is None or commentary.speed_kmh % 5 == 0:
            assert commentary_sentence(commentary, language) in sayable
    assert all(isinstance(parse_commentary(text, language=language), Commentary) for text in list(sayable)[::400])


def test_answers_are_said_in_few_words() -> None:
    red = Exchange(kind=ExchangeKind.LIGHT, light=SeenLight.RED)
    assert answer_sentence(red, Language.EN) in all_answers(Language.EN)
    assert answer_sentence(red, Language.ZH) in all_answers(Language.ZH)
    assert answer_sentence(red, Language.EN) != answer_sentence(red, Language.ZH)


def test_the_language_of_what_is_asked_is_that_of_its_letters() -> None:
    assert language_of("turn left") is Language.EN
    assert language_of("在路口左转") is Language.ZH
    assert language_of("") is Language.EN
