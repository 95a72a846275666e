"""Driving and talking in one: a stage's objective for models with a text decoder.

R texts of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from drivevla.errors import ConfigError
from drivevla.models.driving import DrivingModel, Understanding
from drivevla.models.text.decoder import Task
from drivevla.models.text.sentences import answer_sentence, commentary_sentence, language_of
from drivevla.models.text.speaking import surprise
from drivevla.training.batches import TrainingBatch
from drivevla.training.imitation import Imitation

__all__ = ["JointText"]


class JointText:
    """Everything of ``Imitation``, and what is said beside the plan, from one pass through the model.

    A commentary is learned as the language's one plain sentence for it, in the language of the instruction; an answer
    in that of its question.

    Args:
        comment_share: Of the samples whose explanation is known that learn to tell it in a step.
        answer_share: Of the samples with questions that learn one answer in a step.
        imitation: Options of ``Imitation``.

    Raises:
        ConfigError: A share is not between 0 and 1.
    """

    def __init__(self, *, comment_share: float = 1.0, answer_share: float = 1.0, **imitation: Any) -> None:
        for name, share in (("comment_share", comment_share), ("answer_share", answer_share)):
            if not 0.0 <= share <= 1.0:
                raise ConfigError(f"{name} must be between 0 and 1, got {share:g}")
        self.comment_share, self.answer_share = comment_share, answer_share
        self.imitation = Imitation(**imitation)

    def loss(self, model: DrivingModel, batch: TrainingBatch, teacher: Any | None = None) -> Mapping[str, Tensor]:
        """Imitation's terms, and ``commentary`` and ``answer``: nats of a text, by the size of the batch.

        A term is 0 where no sample of the batch has such a text; the log says of terms that never change.

        Raises:
            ContractError: The model has no text decoder.
        """
        batch = self.imitation.placed(model, batch)
        seen = self.imitation.seen(model, batch)
        understanding = model(seen.sensors)
        terms = self.imitation.terms(model, understanding, seen, batch)
        heard = seen.sensors.sentences
        comments = [
            (row, heard[row], commentary_sentence(each, language_of(heard[row])))
            for row, each in enumerate(batch.explanations)
            if each is not None and _drawn(self.comment_share)
        ]
        size = len(batch.names)
        return {
            **terms,
            "commentary": _mean(model, understanding, Task.COMMENT, comments, size),
            "answer": _mean(model, understanding, Task.ANSWER, self._answers(batch), size),
        }

    def _answers(self, batch: TrainingBatch) -> list[tuple[int, str, str]]:
        """One question of each sample that has some, with its answer."""
        answers = []
        for row, questions in enumerate(batch.questions):
            if questions and _drawn(self.answer_share):
                asked = questions[int(torch.randint(len(questions), ()))]
                plain = asked.exchange
                answer = asked.answer if plain is None else answer_sentence(plain, language_of(asked.question))
                answers.append((row, asked.question, answer))
        return answers


def _mean(
    model: DrivingModel, understanding: Understanding, task: Task, said: list[tuple[int, str, str]], size: int
) -> Tensor:
    if not said:
        return understanding.context.tokens_BSD.sum() * 0.0
    rows, prompts, texts = zip(*said, strict=True)
    return surprise(model, understanding, task, rows, prompts, texts).sum() / size


def _drawn(share: float) -> bool:
    return share >= 1.0 or float(torch.rand(())) < share
