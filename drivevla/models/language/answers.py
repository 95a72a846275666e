"""What a frozen text model answers to many sentences, in a file: training then needs no such model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from drivevla.errors import DataError, require
from drivevla.runs.atomic import write_bytes_atomically

__all__ = ["read_answers", "save_answers"]


def save_answers(path: Path, answers: Mapping[str, Tensor], *, model: str) -> None:
    """Write answers as safetensors: all states one after the other, their numbers, and the sentences as metadata.

    Args:
        path: The file.
        answers: (L, hidden) by sentence; L is 0 for one that the model does not read.
        model: What the recipe calls the model.
    """
    safetensors = require("safetensors.torch", "train")
    said = sorted(sentence for sentence in answers if sentence.strip())
    tensors = {
        "states": torch.cat([answers[sentence].half() for sentence in said]),
        "lengths": torch.tensor([len(answers[sentence]) for sentence in said]),
    }
    metadata = {"model": model, "sentences": json.dumps(said, ensure_ascii=False)}
    write_bytes_atomically(path, safetensors.save(tensors, metadata=metadata))


def read_answers(path: Path, *, model: str) -> dict[str, Tensor]:
    """What ``save_answers`` wrote.

    Raises:
        DataError: The file cannot be read, or holds the answers of another model.
    """
    package = require("safetensors", "train")
    try:
        with package.safe_open(str(path), framework="pt") as file:
            said: list[str] = json.loads(file.metadata()["sentences"])
            whose = file.metadata()["model"]
            states, lengths = file.get_tensor("states"), file.get_tensor("lengths")
    except (OSError, ValueError, KeyError, TypeError, package.SafetensorError) as error:
        raise DataError(f"{path} holds no answers of a text model that can be read: {error}") from error
    if whose != model:
        raise DataError(f"{path} holds answers of {whose!r}, and the recipe reads with {model!r}")
    return dict(zip(said, states.split(lengths.tolist()), strict=True))
