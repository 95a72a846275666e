"""DriveLM's challenge score: exact answers, caption metrics, named points, and a judge where there is one.

Source: OpenDriveLab/DriveLM 1de72a7, ``challenge/evaluation.py``. The official judge is GPT-3.5; numbers with another
judge, or without one, are not comparable with published ones and are named by the judge.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.text.answers import answers_of, texts_of
from drivevla.evaluation.open_loop.text.captioning import caption_values
from drivevla.evaluation.open_loop.text.points import match_points, points_in

__all__ = ["TAGS", "DriveLM", "Judge", "Questions", "counted_questions", "drivelm_score"]

TAGS = ("accuracy", "judge", "language", "match")
"""What the four columns of ``tags`` ask for."""

_WEIGHTS = {"judge": 0.4, "language": 0.2, "match": 0.2, "accuracy": 0.2}


@dataclass(frozen=True, slots=True)
class Judge:
    """Who reads answers.

    Attributes:
        name: Becomes part of the names of the values that depend on it.
        scores: From answers and references to 0 to 100 for each.
    """

    name: str
    scores: Callable[[Sequence[str], Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """N questions with their answers.

    Attributes:
        frame: (N,) what the questions are about: scene and key frame.
        order: (N,) place of a question in its frame; the first one decides which others count.
        question: (N,) texts.
        reference: (N,) texts.
        answer: (N,) texts.
        tags: (N, 4) bool, the columns of ``TAGS``.
    """

    frame: Sequence[str]
    order: NDArray[np.int64]
    question: Sequence[str]
    reference: Sequence[str]
    answer: Sequence[str]
    tags: NDArray[np.bool_]


def counted_questions(questions: Questions) -> NDArray[np.bool_]:
    """(N,) the first of every frame, and those whose points were all found by the first one's answer.

    A question that names no point always counts.
    """
    counted = np.zeros(len(questions.frame), dtype=np.bool_)
    found: dict[str, set[tuple[float, float]]] = {}
    for row in np.argsort(questions.order, kind="stable"):
        frame = questions.frame[row]
        if frame not in found:
            found[frame] = set(match_points(questions.answer[row], questions.reference[row]).found)
            counted[row] = True
        else:
            counted[row] = set(points_in(questions.question[row])) <= found[frame]
    return counted


def drivelm_score(questions: Questions, judge: Judge | None = None) -> Scores:
    """Score answers; what needs a judge is left out without one, and so is the final score.

    Returns:
        ``accuracy``, ``language`` (from 0 to about 1) with its caption metrics, ``match_F1``; of a judge named J also
        ``judge_J`` (0 to 100), ``match_J`` (mean of the F1 in percent and J's view of the same answers) and
        ``final_J``. A part that no question asks for is left out, and the final score with it.

    Raises:
        DataError: No question asks for anything that can be scored here.
    """
    counted = counted_questions(questions)
    rows = {tag: np.flatnonzero(counted & questions.tags[:, column]) for column, tag in enumerate(TAGS)}
    values: dict[str, float] = {}
    columns: dict[str, NDArray[np.float64]] = {}

    def add_mean(name: str, tag: str, scores: Sequence[float]) -> None:
        column = np.full(len(questions.frame), np.nan)
        column[rows[tag]] = scores
        columns[name], values[name] = column, float(np.mean(scores))

    if len(rows["accuracy"]):
        right = [float(questions.answer[row] == questions.reference[row]) for row in rows["accuracy"]]
        add_mean("accuracy", "accuracy", right)
    if len(rows["match"]):
        f1 = [match_points(questions.answer[row], questions.reference[row]).f1 for row in rows["match"]]
        add_mean("match_F1", "match", f1)
    if len(rows["language"]):
        values |= _language(questions, rows["language"])
    if judge is not None:
        values |= _judged(questions, rows, judge, values)
    if not values:
        raise DataError("no question that counts has a tag that can be scored without a judge; nothing is averaged")
    counts = {"samples": int(counted.sum()), "left_out": int((~counted).sum())}
    return Scores(
        values=values, per_sample=columns, counts={**counts, **{f"tag_{tag}": len(rows[tag]) for tag in TAGS}}
    )


class DriveLM:
    """DriveLM's score of answers in the truth's order.

    Args:
        judge: Who reads the answers with the tags judge and match; nobody when left out.
    """

    definition = Definition(
        name="drivelm",
        version="1",
        summary="exact answers, language, and F1 of named points, over the questions that count; no judge",
        source="OpenDriveLab/DriveLM 1de72a7, challenge/evaluation.py",
        horizon_s=0.0,
        details=("key_frame", "question_order", "question", "reference_answer", "tags"),
        needs_plans=False,
    )

    def __init__(self, judge: Judge | None = None) -> None:
        self.judge = judge

    def score(self, samples: Samples) -> Scores:
        """Score the samples' texts.

        Raises:
            DataError: The truth lacks something.
        """
        name = self.definition.name
        answers, silent = answers_of(samples)
        scores = drivelm_score(
            Questions(
                frame=texts_of(samples, "key_frame", needed_by=name),
                order=samples.truth.detail("question_order", (), needed_by=name),
                question=texts_of(samples, "question", needed_by=name),
                reference=texts_of(samples, "reference_answer", needed_by=name),
                answer=answers,
                tags=samples.truth.detail("tags", (len(TAGS),), needed_by=name).astype(np.bool_),
            ),
            self.judge,
        )
        return Scores(
            values=scores.values, per_sample=scores.per_sample, counts={**scores.counts, "without_text": silent}
        )


def _language(questions: Questions, rows: NDArray[np.intp]) -> Mapping[str, float]:
    values = caption_values([questions.answer[row] for row in rows], [[questions.reference[row]] for row in rows])
    four = sum(values[f"BLEU_{order}"] for order in range(1, 5)) / 4
    return {**values, "language": (four + values["ROUGE_L"] + values["CIDEr"] / 10) / 3}


def _judged(
    questions: Questions, rows: Mapping[str, NDArray[np.intp]], judge: Judge, values: Mapping[str, float]
) -> Mapping[str, float]:
    judged: dict[str, float] = {}
    for tag in ("judge", "match"):
        if len(rows[tag]):
            answers = [questions.answer[row] for row in rows[tag]]
            judged[tag] = float(np.mean(judge.scores(answers, [questions.reference[row] for row in rows[tag]])))
    if "match" in judged:
        judged["match"] = (100 * values["match_F1"] + judged["match"]) / 2
    named = {f"{tag}_{judge.name}": value for tag, value in judged.items()}
    parts = {**values, **{tag: value / 100 for tag, value in judged.items()}}
    if set(_WEIGHTS) <= set(parts):
        named[f"final_{judge.name}"] = sum(weight * parts[part] for part, weight in _WEIGHTS.items())
    return named
