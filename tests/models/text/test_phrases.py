"""Walking along a finite set of token sequences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.models.text.phrases import Phrases, PhraseWalk

ROWS = st.sets(st.lists(st.integers(1, 4), max_size=6).map(lambda row: (*row, 0)), min_size=1, max_size=12)


@given(rows=ROWS)
def test_every_walk_ends_at_a_phrase_and_every_phrase_is_reached(rows: set[tuple[int, ...]]) -> None:
    reached = set()
    open_walks: list[tuple[tuple[int, ...], PhraseWalk]] = [((), Phrases(rows).begin())]
    while open_walks:
        said, walk = open_walks.pop()
        if not walk.choices():
            reached.add(said)
        open_walks += [((*said, token), walk.step(token)) for token in walk.choices()]
    assert reached == rows


@given(rows=ROWS)
def test_what_is_forced_leads_to_a_choice_or_to_the_end(rows: set[tuple[int, ...]]) -> None:
    walk = Phrases(rows).begin()
    for token in walk.forced():
        assert walk.choices() == (token,)
        walk = walk.step(token)
    assert len(walk.choices()) != 1


def test_a_token_that_may_not_come_is_refused() -> None:
    with pytest.raises(ContractError, match=r"token 9 may not come here; what may is \[1, 2\]"):
        Phrases([(1, 0), (2, 0)]).begin().step(9)


def test_a_phrase_that_begins_another_is_refused() -> None:
    with pytest.raises(ContractError, match="is the beginning of"):
        Phrases([(1, 2), (1, 2, 3)])
    with pytest.raises(ContractError, match="empty"):
        Phrases([])
