"""Questions about the scene and their answers: said in words that read back to the same slots."""

from itertools import product

import numpy as np
import pytest

from drivevla.errors import ContractError
from drivevla.language import (
    Duty,
    Exchange,
    ExchangeKind,
    Language,
    Outcome,
    SeenLight,
    Side,
    Split,
    Thing,
    ask,
    read_exchange,
)
from drivevla.language.phrasebook import ANSWER, QUESTION, grammar

EXAMPLES = (
    *(Exchange(kind=ExchangeKind.LIGHT, light=light) for light in SeenLight),
    Exchange(kind=ExchangeKind.LEAD, holds=True, distance_m=15),
    Exchange(kind=ExchangeKind.LEAD, holds=False),
    *(Exchange(kind=ExchangeKind.COUNT, thing=thing, count=count) for thing, count in product(Thing, (0, 1, 12))),
    *(
        Exchange(kind=ExchangeKind.BESIDE, thing=thing, side=side, holds=holds)
        for thing, side, holds in product(Thing, Side, (True, False))
    ),
    *(Exchange(kind=ExchangeKind.RIGHT_OF_WAY, duty=duty) for duty in Duty),
    Exchange(kind=ExchangeKind.SPEED_LIMIT, speed_kmh=50),
    *(Exchange(kind=ExchangeKind.LANE_CHANGE, side=side, holds=holds) for side, holds in product(Side, (True, False))),
    *(Exchange(kind=ExchangeKind.IF_WE_KEEP_GOING, outcome=outcome) for outcome in Outcome),
    *(
        Exchange(kind=ExchangeKind.IF_WE_CHANGE_LANE, side=side, outcome=outcome)
        for side, outcome in product(Side, Outcome)
    ),
)


@pytest.mark.parametrize("language", Language)
def test_every_question_and_answer_reads_back_to_its_slots(language: Language) -> None:
    for exchange, split, seed in product(EXAMPLES, Split, range(4)):
        question, answer = ask(exchange, language=language, split=split, rng=np.random.default_rng(seed))
        assert read_exchange(question, answer, language=language) == exchange, (question, answer)


@pytest.mark.parametrize("language", Language)
def test_splits_share_no_phrasing(language: Language) -> None:
    for rule in (QUESTION, ANSWER):
        texts = {
            split: {(p.template, p.when["kind"]) for p in grammar(language).rules[rule] if p.split is split}
            for split in Split
        }
        assert not texts[Split.TRAIN] & texts[Split.HELD_OUT]
        assert texts[Split.HELD_OUT]


def test_an_answer_to_another_question_is_no_answer() -> None:
    assert read_exchange("What is the speed limit?", "It shows red.", language="en") is None
    assert read_exchange("What is the speed limit?", "Bananas.", language="en") is None


def test_slots_survive_json() -> None:
    for exchange in EXAMPLES:
        assert Exchange.from_dict(exchange.to_dict()) == exchange


@pytest.mark.parametrize(
    ("slots", "message"),
    [
        ({"kind": "light"}, "needs light"),
        ({"kind": "light", "light": "red", "count": 2}, "has no count"),
        ({"kind": "count", "thing": "vehicle", "count": True}, "count must be of type int"),
        ({"kind": "lead", "holds": True}, "a vehicle ahead has a distance"),
        ({"thing": "vehicle"}, "is an object with kind"),
    ],
)
def test_wrong_slots_are_refused(slots: dict[str, object], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        Exchange.from_dict(slots)
