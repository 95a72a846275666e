"""ROUGE-L as pycocoevalcap 1.2 counts it: longest common subsequence, beta 1.2, best precision and best recall."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["rouge_l"]

_BETA = 1.2

Words = Sequence[str]


def rouge_l(hypotheses: Sequence[Words], references: Sequence[Sequence[Words]]) -> NDArray[np.float64]:
    """(N,) scores; precision and recall may come of different references, and a text without words scores 0."""
    return np.array([_one(words, refs) for words, refs in zip(hypotheses, references, strict=True)])


def _one(hypothesis: Words, references: Sequence[Words]) -> float:
    if not hypothesis:
        return 0.0
    common = [_common_length(hypothesis, reference) for reference in references]
    precision = max(common) / len(hypothesis)
    recall = max(length / max(len(reference), 1) for length, reference in zip(common, references, strict=True))
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _common_length(some: Words, others: Words) -> int:
    """Length of the longest common subsequence; a bit of ``matched`` is 0 where the length grows at that place."""
    places: dict[str, int] = {}
    for index, word in enumerate(some):
        places[word] = places.get(word, 0) | (1 << index)
    every = (1 << len(some)) - 1
    matched = every
    for word in others:
        here = matched & places.get(word, 0)
        matched = ((matched + here) | (matched - here)) & every
    return len(some) - matched.bit_count()
