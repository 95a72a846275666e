"""BLEU-1 to BLEU-4 as pycocoevalcap 1.2 counts them: over the corpus, with the closest reference length."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.text.ngrams import ORDERS, NgramCounts, Texts, texts_of_words

__all__ = ["Bleu", "bleu", "bleu_of_texts"]

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
    texts = texts_of_words(hypotheses, references)
    return bleu_of_texts(texts, texts.ngrams())


def bleu_of_texts(texts: Texts, ngrams: Sequence[NgramCounts]) -> Bleu:
    """The same from numbered words and the counts of their runs."""
    length = texts.length[: texts.hypotheses]
    correct = np.stack([_correct(texts, counts) for counts in ngrams], axis=1)
    guessed = np.maximum(length[:, None] - np.arange(ORDERS), 0)
    rows = np.column_stack([correct, guessed, length, _closest_length(texts)]).astype(np.float64)
    return Bleu(corpus=_from_counts(rows.sum(axis=0)[None])[0], items=_from_counts(rows))


def _correct(texts: Texts, counts: NgramCounts) -> NDArray[np.int64]:
    """(N,) how many runs of each hypothesis are in a reference, each at most as often as in one of them."""
    pair = texts.sample[counts.text] * counts.kinds + counts.gram
    ours = counts.text < texts.hypotheses
    allowed, place = np.unique(pair[~ours], return_inverse=True)
    most = np.zeros(len(allowed) + 1, dtype=np.int64)
    np.maximum.at(most, place, counts.count[~ours])
    allowed = np.append(allowed, -1)
    at = np.minimum(np.searchsorted(allowed[:-1], pair[ours]), len(allowed) - 1)
    kept = np.where(allowed[at] == pair[ours], np.minimum(most[at], counts.count[ours]), 0)
    return np.bincount(counts.text[ours], weights=kept, minlength=texts.hypotheses).astype(np.int64)


def _closest_length(texts: Texts) -> NDArray[np.int64]:
    """(N,) the length of the reference that comes nearest to the hypothesis', the shorter of two that are as near."""
    sample, length = texts.sample[texts.hypotheses :], texts.length[texts.hypotheses :]
    order = np.lexsort([length, np.abs(length - texts.length[sample]), sample])
    _, first = np.unique(sample[order], return_index=True)
    return length[order][first]


def _from_counts(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4) from rows of correct and guessed runs of 1 to 4 words, length, and the closest reference's length."""
    correct, guessed, length, closest = np.split(rows, [ORDERS, 2 * ORDERS, 2 * ORDERS + 1], axis=1)
    precisions = (correct + _TINY) / (guessed + _SMALL)
    means = np.cumprod(precisions, axis=1) ** (1.0 / np.arange(1, ORDERS + 1))
    ratio = (length + _TINY) / (closest + _SMALL)
    # A ratio of nearly 0 underflows to a penalty of 0, as in the source.
    with np.errstate(under="ignore"):
        penalty = np.where(ratio < 1, np.exp(1.0 - 1.0 / np.minimum(ratio, 1.0)), 1.0)
    return means * penalty
