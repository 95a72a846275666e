"""CIDEr as pycocoevalcap 1.2 counts it: CIDEr-D, ten times, with document frequencies of the scored set itself.

The number depends on the set: the same answer scores otherwise among others, and a single item scores 0.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.text.bleu import ngram_counts

__all__ = ["cider"]

_ORDERS = 4
_SIGMA = 6.0

Words = Sequence[str]
Ngram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Vector:
    weights: Mapping[Ngram, float]
    norms: tuple[float, ...]
    length: int


def cider(hypotheses: Sequence[Words], references: Sequence[Sequence[Words]]) -> NDArray[np.float64]:
    """(N,) scores of hypotheses, each against at least one reference."""
    counts = [[ngram_counts(reference) for reference in refs] for refs in references]
    documents = Counter(ngram for refs in counts for ngram in set().union(*refs))
    rarity = {ngram: math.log(len(references)) - math.log(count) for ngram, count in documents.items()}
    unseen = math.log(len(references))
    scores = []
    for hypothesis, refs in zip(hypotheses, counts, strict=True):
        ours = _vector(ngram_counts(hypothesis), rarity, unseen)
        scores.append(sum(_similarity(ours, _vector(ref, rarity, unseen)) for ref in refs) / len(refs) * 10.0)
    return np.array(scores)


def _vector(counts: Counter[Ngram], rarity: Mapping[Ngram, float], unseen: float) -> _Vector:
    weights = {ngram: count * rarity.get(ngram, unseen) for ngram, count in counts.items()}
    squares = [0.0] * _ORDERS
    for ngram, weight in weights.items():
        squares[len(ngram) - 1] += weight**2
    pairs = sum(count for ngram, count in counts.items() if len(ngram) == 2)
    return _Vector(weights, tuple(math.sqrt(square) for square in squares), pairs)


def _similarity(hypothesis: _Vector, reference: _Vector) -> float:
    products = [0.0] * _ORDERS
    for ngram, weight in hypothesis.weights.items():
        theirs = reference.weights.get(ngram, 0.0)
        products[len(ngram) - 1] += min(weight, theirs) * theirs
    for order, norms in enumerate(zip(hypothesis.norms, reference.norms, strict=True)):
        if norms[0] != 0 and norms[1] != 0:
            products[order] /= norms[0] * norms[1]
    # The lengths are numbers of word pairs, not of words.
    return sum(products) / _ORDERS * math.exp(-((hypothesis.length - reference.length) ** 2) / (2 * _SIGMA**2))
