"""The protocol ``text``: BLEU-1 to BLEU-4, ROUGE-L and CIDEr of answers in English.

Source: salaniz/pycocoevalcap 1.2 (PyPI). METEOR is left out: it is a Java program with paraphrase tables of its own.
"""

from collections.abc import Mapping, Sequence

from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.text.answers import answers_of, references_of
from drivevla.evaluation.open_loop.text.bleu import bleu
from drivevla.evaluation.open_loop.text.cider import cider
from drivevla.evaluation.open_loop.text.rouge import rouge_l
from drivevla.evaluation.open_loop.text.tokens import penn_words

__all__ = ["Captioning", "caption_values"]


def caption_values(answers: Sequence[str], references: Sequence[Sequence[str]]) -> Mapping[str, float]:
    """BLEU_1 to BLEU_4 of the corpus, and the means of ROUGE_L and CIDEr; raw texts."""
    words = [penn_words(answer) for answer in answers]
    refs = [[penn_words(reference) for reference in row] for row in references]
    return {
        **{f"BLEU_{order}": float(value) for order, value in enumerate(bleu(words, refs).corpus, start=1)},
        "ROUGE_L": float(rouge_l(words, refs).mean()),
        "CIDEr": float(cider(words, refs).mean()),
    }


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
        answers, silent = answers_of(samples)
        words = [penn_words(answer) for answer in answers]
        refs = [[penn_words(text) for text in row] for row in references_of(samples, needed_by=self.definition.name)]
        means = mean_scores({"ROUGE_L": rouge_l(words, refs), "CIDEr": cider(words, refs)})
        blue = {f"BLEU_{order}": float(value) for order, value in enumerate(bleu(words, refs).corpus, start=1)}
        return Scores(
            values={**blue, **means.values},
            per_sample=means.per_sample,
            counts={**means.counts, "without_text": silent},
        )
