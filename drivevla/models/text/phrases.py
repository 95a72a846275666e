"""A finite set of token sequences to walk along: what may come next, and what must."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivevla.errors import ContractError

__all__ = ["PhraseWalk", "Phrases"]


class Phrases:
    """Token sequences, sorted, so that all that begin alike stand together.

    Args:
        sequences: At least one; none of them may be the beginning of another, which an end token sees to.

    Raises:
        ContractError: There is none, or one is the beginning of another.
    """

    def __init__(self, sequences: Iterable[Sequence[int]]) -> None:
        self.rows = sorted({tuple(sequence) for sequence in sequences})
        if not self.rows:
            raise ContractError("there must be something that may be said, and the set of phrases is empty")
        for shorter, longer in zip(self.rows, self.rows[1:], strict=False):
            if longer[: len(shorter)] == shorter:
                raise ContractError(
                    f"phrase {shorter} is the beginning of {longer}; let every phrase end with one token"
                )

    def __len__(self) -> int:
        return len(self.rows)

    def begin(self) -> PhraseWalk:
        """Before the first token."""
        return PhraseWalk(self, 0, len(self.rows), 0)


@dataclass(frozen=True, slots=True)
class PhraseWalk:
    """A place in a set of phrases: those that are still possible, and how many tokens of them are said."""

    phrases: Phrases
    first: int
    last: int
    said: int

    def forced(self) -> tuple[int, ...]:
        """Tokens that come next whatever is chosen; with all of them said, something is to be chosen or all is said."""
        low, high = self.phrases.rows[self.first], self.phrases.rows[self.last - 1]
        end = self.said
        while end < min(len(low), len(high)) and low[end] == high[end]:
            end += 1
        return low[self.said : end]

    def choices(self) -> tuple[int, ...]:
        """Tokens that may come next; none where a phrase is said to its end."""
        rows, found, place = self.phrases.rows, [], self.first
        while place < self.last and self.said < len(rows[place]):
            token = rows[place][self.said]
            found.append(token)
            place = self._after(token)
        return tuple(found)

    def step(self, token: int) -> PhraseWalk:
        """Say a token.

        Raises:
            ContractError: It is none of the choices.
        """
        if token not in self.choices():
            raise ContractError(f"token {token} may not come here; what may is {list(self.choices())[:10]}")
        prefix = self.phrases.rows[self.first][: self.said]
        first = bisect_left(self.phrases.rows, (*prefix, token), self.first, self.last)
        return PhraseWalk(self.phrases, first, self._after(token), self.said + 1)

    def _after(self, token: int) -> int:
        """The first row whose next token is larger."""
        prefix = self.phrases.rows[self.first][: self.said]
        return bisect_left(self.phrases.rows, (*prefix, token + 1), self.first, self.last)
