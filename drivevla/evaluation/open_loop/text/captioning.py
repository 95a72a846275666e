"""The protocols ``text``, BLEU-1 to BLEU-4, ROUGE-L and CIDEr of answers in English, and ``text-meteor``, METEOR too.

METEOR is a Java program. It has a protocol of its own, so that which numbers there are does not hang on the machine.

Source: salaniz/pycocoevalcap 1.2 (PyPI).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.text.answers import answers_of, references_of
from drivevla.evaluation.open_loop.text.bleu import bleu_of_texts
from drivevla.evaluation.open_loop.text.cider import cider_of_texts
from drivevla.evaluation.open_loop.text.meteor import meteor, require_meteor
from drivevla.evaluation.open_loop.text.ngrams import texts_of_words
from drivevla.evaluation.open_loop.text.rouge import rouge_l
from drivevla.evaluation.open_loop.text.tokens import penn_words

__all__ = ["Captioning", "CaptioningWithMeteor", "caption_values"]

Words = Sequence[str]


def caption_values(answers: Sequence[str], references: Sequence[Sequence[str]]) -> Mapping[str, float]:
    """BLEU_1 to BLEU_4 of the corpus, and the means of ROUGE_L and CIDEr; raw texts."""
    blue, columns = _scored(*_split(answers, references))
    return {**blue, **{name: float(column.mean()) for name, column in columns.items()}}


class Captioning:
    """Caption metrics against one or more references; an empty answer scores 0 and is counted."""

    definition = Definition(
        name="text",
        version="1",
        summary="BLEU-1 to 4 of the corpus; ROUGE-L and CIDEr, mean over samples (pycocoevalcap); no METEOR",
        source="salaniz/pycocoevalcap 1.2",
        horizon_s=0.0,
        details=("references",),
        needs_plans=False,
    )

    def score(self, samples: Samples) -> Scores:
        """BLEU belongs to the whole corpus and has no column per sample; CIDEr too depends on which samples there are.

        Raises:
            DataError: A sample has no reference.
        """
        return _scores(samples, _words(samples, needed_by=self.definition.name))


class CaptioningWithMeteor:
    """The protocol ``text`` and METEOR 1.5."""

    definition = replace(
        Captioning.definition,
        name="text-meteor",
        summary="as text, and METEOR 1.5 of the corpus; needs Java and the extra 'meteor'",
    )

    def score(self, samples: Samples) -> Scores:
        """As ``text``; METEOR too belongs to the whole corpus, in which an empty answer counts as wrong.

        Raises:
            DataError: A sample has no reference.
            MissingExtra: Java or METEOR's package is not installed.
            UserError: METEOR's program failed.
        """
        require_meteor()
        words = _words(samples, needed_by=self.definition.name)
        scores = _scores(samples, words)
        return replace(scores, values={**scores.values, "METEOR": meteor(*words).corpus})


def _split(
    answers: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[Sequence[Words], Sequence[Sequence[Words]]]:
    return [penn_words(answer) for answer in answers], [[penn_words(each) for each in row] for row in references]


def _words(samples: Samples, *, needed_by: str) -> tuple[Sequence[Words], Sequence[Sequence[Words]]]:
    return _split(answers_of(samples)[0], references_of(samples, needed_by=needed_by))


def _scores(samples: Samples, words: tuple[Sequence[Words], Sequence[Sequence[Words]]]) -> Scores:
    blue, columns = _scored(*words)
    means = mean_scores(columns)
    return Scores(
        values={**blue, **means.values},
        per_sample=means.per_sample,
        counts={**means.counts, "without_text": answers_of(samples)[1]},
    )


def _scored(
    words: Sequence[Words], refs: Sequence[Sequence[Words]]
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """BLEU of the corpus, and the columns of ROUGE_L and CIDEr."""
    texts = texts_of_words(words, refs)
    ngrams = texts.ngrams()
    blue = {f"BLEU_{order}": float(value) for order, value in enumerate(bleu_of_texts(texts, ngrams).corpus, start=1)}
    return blue, {"ROUGE_L": rouge_l(words, refs), "CIDEr": cider_of_texts(texts, ngrams)}
