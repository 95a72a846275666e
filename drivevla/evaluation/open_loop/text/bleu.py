"""BLEU-1 to BLEU-4 as pycocoevalcap 1.2 counts them: over the corpus, with the closest reference length."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bleu", "bleu", "ngram_counts"]

_ORDERS = 4
_SMALL, _TINY = 1e-9, 1e-15  # pycocoevalcap's guards against division by zero; part of the number

Words = Sequence[str]


@dataclass(frozen=True, slots=True)
class Bleu:
    """BLEU of a corpus and of its items.

    Attributes:
        corpus: (4,) BLEU-1 to BLEU-4 of all items together, which is not the mean of the items.
        items: (N, 4) the same of every item alone.
    """

    corpus: NDArray[np.float64]
    items: NDArray[np.float64]


def bleu(hypotheses: Sequence[Words], references: Sequence[Sequence[Words]]) -> Bleu:
    """Score hypotheses, each against at least one reference."""
    rows = np.array(
        [_counts(hypothesis, refs) for hypothesis, refs in zip(hypotheses, references, strict=True)], dtype=np.float64
    )
    return Bleu(corpus=_from_counts(rows.sum(axis=0)[None])[0], items=_from_counts(rows))


def ngram_counts(words: Words) -> Counter[tuple[str, ...]]:
    """How often every run of one to four words occurs."""
    return Counter(
        tuple(words[start : start + order])
        for order in range(1, _ORDERS + 1)
        for start in range(len(words) - order + 1)
    )


def _counts(hypothesis: Words, references: Sequence[Words]) -> list[int]:
    """Correct and guessed runs of 1 to 4 words, length, and the closest reference's length."""
    most: Counter[tuple[str, ...]] = Counter()
    for reference in references:
        most |= ngram_counts(reference)
    correct = [0] * _ORDERS
    for ngram, count in (ngram_counts(hypothesis) & most).items():
        correct[len(ngram) - 1] += count
    length = len(hypothesis)
    guessed = [max(0, length - order) for order in range(_ORDERS)]
    closest = min((abs(len(reference) - length), len(reference)) for reference in references)[1]
    return [*correct, *guessed, length, closest]


def _from_counts(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    correct, guessed, length, closest = np.split(rows, [_ORDERS, 2 * _ORDERS, 2 * _ORDERS + 1], axis=1)
    precisions = (correct + _TINY) / (guessed + _SMALL)
    means = np.cumprod(precisions, axis=1) ** (1.0 / np.arange(1, _ORDERS + 1))
    ratio = (length + _TINY) / (closest + _SMALL)
    # A ratio of nearly 0 underflows to a penalty of 0, as in the source.
    penalty = np.array([[math.exp(1.0 - 1.0 / value) if value < 1 else 1.0] for value in ratio[:, 0]])
    return means * penalty
