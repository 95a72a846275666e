"""CIDEr as pycocoevalcap 1.2 counts it: CIDEr-D, ten times, with document frequencies of the scored set itself.

The number depends on the set: the same answer scores otherwise among others, and a single item scores 0.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.text.ngrams import ORDERS, NgramCounts, Texts, texts_of_words

__all__ = ["cider", "cider_of_texts"]

_SIGMA = 6.0

Words = Sequence[str]


def cider(hypotheses: Sequence[Words], references: Sequence[Sequence[Words]]) -> NDArray[np.float64]:
    """(N,) scores of hypotheses, each against at least one reference."""
    texts = texts_of_words(hypotheses, references)
    return cider_of_texts(texts, texts.ngrams())


def cider_of_texts(texts: Texts, ngrams: Sequence[NgramCounts]) -> NDArray[np.float64]:
    """The same from numbered words and the counts of their runs."""
    similar = sum(_cosines(texts, counts) for counts in ngrams) / ORDERS
    sample = texts.sample[texts.hypotheses :]
    pairs = np.maximum(texts.length - 1, 0)  # the lengths are numbers of word pairs, not of words
    apart = pairs[texts.hypotheses :] - pairs[sample]
    similar = similar * np.exp(-(apart**2) / (2 * _SIGMA**2))
    return np.bincount(sample, weights=similar) / np.bincount(sample) * 10.0


def _cosines(texts: Texts, counts: NgramCounts) -> NDArray[np.float64]:
    """(R,) of every reference and its hypothesis, whose weights count at most as much as the reference's."""
    pair = texts.sample[counts.text] * counts.kinds + counts.gram
    theirs = counts.text >= texts.hypotheses
    documents = np.bincount(np.unique(pair[theirs]) % max(counts.kinds, 1), minlength=counts.kinds)
    rarity = math.log(texts.hypotheses) - np.log(np.maximum(documents, 1))
    weight = counts.count * rarity[counts.gram]
    norm = np.sqrt(np.bincount(counts.text, weights=weight**2, minlength=len(texts.length)))
    ours = np.append(pair[~theirs], -1)  # rising: a hypothesis is a sample of its own
    at = np.minimum(np.searchsorted(ours[:-1], pair[theirs]), len(ours) - 1)
    shared = np.where(ours[at] == pair[theirs], np.append(weight[~theirs], 0.0)[at], 0.0)
    products = np.bincount(
        counts.text[theirs] - texts.hypotheses,
        weights=np.minimum(shared, weight[theirs]) * weight[theirs],
        minlength=len(texts.length) - texts.hypotheses,
    )
    both = norm[texts.hypotheses :] * norm[texts.sample[texts.hypotheses :]]
    return products / np.where(both > 0, both, 1.0)
