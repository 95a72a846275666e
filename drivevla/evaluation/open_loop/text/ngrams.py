"""Runs of one to four words of many texts at once, as whole numbers that are the same for the same run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ORDERS", "NgramCounts", "Texts", "texts_of_words"]

ORDERS = 4
"""Runs of up to so many words are counted."""

Words = Sequence[str]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NgramCounts:
    """How often every run of one length occurs in every text; a row for each pair that occurs.

    Attributes:
        text: (P,) which text, rising.
        gram: (P,) which run, rising within a text; the same number for the same words in all texts.
        count: (P,) how often, at least once.
        kinds: How many different runs there are.
    """

    text: Whole
    gram: Whole
    count: Whole
    kinds: int


@dataclass(frozen=True, slots=True)
class Texts:
    """Words of T texts, one after the other.

    Attributes:
        word: (W,) numbers of the words.
        text: (W,) which text each is in, rising.
        length: (T,) words of every text.
        sample: (T,) which sample every text belongs to; hypotheses first, then references.
        hypotheses: How many of the texts are hypotheses.
    """

    word: Whole
    text: Whole
    length: Whole
    sample: Whole
    hypotheses: int

    def ngrams(self) -> list[NgramCounts]:
        """The counts for runs of 1, 2, 3 and 4 words."""
        kinds = int(self.word.max(initial=-1)) + 1
        runs, begins = self.word, np.arange(len(self.word))
        ends = np.cumsum(self.length)[self.text]  # where the text of each word ends
        counts, words = [], kinds
        for order in range(1, ORDERS + 1):
            if order > 1:
                whole = begins + order - 1 < ends[begins]
                begins = begins[whole]
                found, runs = np.unique(runs[whole] * words + self.word[begins + order - 1], return_inverse=True)
                kinds = len(found)
            pairs, often = np.unique(self.text[begins] * max(kinds, 1) + runs, return_counts=True)
            text, gram = np.divmod(pairs, max(kinds, 1))
            counts.append(NgramCounts(text, gram, often, kinds))
        return counts


def texts_of_words(hypotheses: Sequence[Words], references: Sequence[Sequence[Words]]) -> Texts:
    """Number the words of hypotheses and of the references of each."""
    rows = [*hypotheses, *(reference for refs in references for reference in refs)]
    numbers: dict[str, int] = {}
    word = np.array([numbers.setdefault(each, len(numbers)) for row in rows for each in row], dtype=np.int64)
    length = np.array([len(row) for row in rows], dtype=np.int64)
    samples = np.arange(len(hypotheses))
    return Texts(
        word=word,
        text=np.repeat(np.arange(len(rows)), length),
        length=length,
        sample=np.concatenate([samples, np.repeat(samples, [len(refs) for refs in references])]),
        hypotheses=len(hypotheses),
    )
