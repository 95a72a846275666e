"""What a model says: the sentence that explains its plan, and answers to questions.

B batch, M tokens to look at, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from drivevla.errors import ContractError
from drivevla.language import Language
from drivevla.models.driving import DrivingModel, Understanding
from drivevla.models.text.decoder import ByteDecoder, Task, byte_phrases
from drivevla.models.text.phrases import Phrases
from drivevla.models.text.sentences import all_answers, all_commentaries

__all__ = ["say", "sayable", "surprise"]


def surprise(
    model: DrivingModel,
    understanding: Understanding,
    task: Task,
    rows: Sequence[int],
    prompts: Sequence[str],
    texts: Sequence[str],
) -> Tensor:
    """(R,) nats of texts.

    Args:
        model: Has a text decoder.
        understanding: Of a batch.
        task: What the texts are.
        rows: The sample of the batch that each text is about.
        prompts: What was said to the car before each: the instruction, or the question.
        texts: What should be said.

    Raises:
        ContractError: The model has no text decoder.
    """
    if model.backbone is not None and model.config.text is not None:
        scene, keep = _scene(understanding, rows)
        return model.backbone.surprise(task, texts, scene, keep, prompts)
    memory, keep = _memory(model, understanding, rows, prompts)
    return _decoder(model).surprise(task, texts, memory, keep)


@torch.no_grad()
def say(
    model: DrivingModel, understanding: Understanding, task: Task, row: int, prompt: str, *, guess: str = ""
) -> str:
    """A sentence about one sample of a batch, of those that the language has.

    Args:
        model: Has a text decoder.
        understanding: Of a batch.
        task: What is to be said.
        row: The sample that it is about.
        prompt: What was said to the car: the instruction, or the question.
        guess: What may well be said, such as what was said last; a right one saves a ``ByteDecoder`` time, and none
            changes what is said.

    Raises:
        ContractError: The model has no text decoder.
    """
    if model.backbone is not None and model.config.text is not None:
        scene, keep = _scene(understanding, [row])
        return model.backbone.say(task, scene, keep, prompt)
    memory, keep = _memory(model, understanding, [row], [prompt])
    return _decoder(model).say(task, memory, keep, phrases=sayable(task), guess=guess)


@cache
def sayable(task: Task) -> Phrases:
    """Everything that may be said, in all languages: in which one is the network's to choose."""
    sentences = all_commentaries if task is Task.COMMENT else all_answers
    return byte_phrases([text for language in Language for text in sentences(language)])


def _decoder(model: DrivingModel) -> ByteDecoder:
    if model.text is None:
        raise ContractError("the model has no text decoder; give its configuration text, such as text: {}")
    return model.text


def _scene(understanding: Understanding, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
    """What the sensors saw; a backbone reads it itself."""
    scene = understanding.scene
    index = torch.tensor(list(rows), device=scene.tokens_BSD.device)
    return scene.tokens_BSD[index], scene.keep_BS[index]


def _memory(
    model: DrivingModel, understanding: Understanding, rows: Sequence[int], prompts: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """What the planner reads, and the words that were said."""
    tokens_BND = understanding.context.tokens_BSD
    tokens = tokens_BND[torch.tensor(list(rows), device=tokens_BND.device)]
    keep = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
    if not model.config.readers:
        return tokens, keep
    words = model.readers(tuple(prompts))
    return torch.cat([tokens, words.tokens_BLD], dim=1), torch.cat([keep, words.keep_BL], dim=1)
