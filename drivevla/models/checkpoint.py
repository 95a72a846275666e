"""A trained model in a folder: weights as safetensors, and everything that is needed to build it again as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import drivevla
from drivevla.config.resolve import build_config, plain_config
from drivevla.errors import CheckpointError, ConfigError, require
from drivevla.models.config import ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.runs.atomic import write_bytes_atomically, write_text_atomically

__all__ = [
    "ABOUT_FILE",
    "FORMAT",
    "WEIGHTS_FILE",
    "CheckpointAbout",
    "load_checkpoint",
    "read_about",
    "save_checkpoint",
    "take_weights",
]

FORMAT = 1
WEIGHTS_FILE, ABOUT_FILE = "model.safetensors", "checkpoint.json"
_EGO = "scene.ego.0.weight"
"""The first layer of what sees how the car moves: a column for each feature."""


@dataclass(frozen=True, kw_only=True)
class CheckpointAbout:
    """What a checkpoint says of itself.

    Attributes:
        model: Its parts.
        recipe: The recipe that it was trained by, whole.
        data_fingerprint: Of the data that it was trained on.
        storage: How what it was trained on was stored, as ``StorageConfig.to_dict`` says it: what it sees while driving
            goes through the same losses. None where nothing was lost.
        samples: How many it was trained on.
        cameras: The cameras that it was trained with; others are refused or ignored with a word.
        step: Optimiser steps so far.
        version: Of DriveVLA.
    """

    model: ModelConfig
    recipe: dict[str, Any] = field(default_factory=dict)
    data_fingerprint: str | None = None
    storage: dict[str, Any] | None = None
    samples: int | None = None
    cameras: tuple[str, ...] = ()
    step: int = 0
    version: str = drivevla.__version__


def save_checkpoint(
    folder: Path, model: DrivingModel, about: CheckpointAbout, *, dtype: torch.dtype = torch.float32
) -> None:
    """Write a checkpoint; what it says of itself comes last, so that a half-written one is none.

    Args:
        folder: Made where it is missing.
        model: Whose weights.
        about: What to say of it.
        dtype: What floating-point weights are stored as; bfloat16 halves the size.
    """
    safetensors = require("safetensors.torch", "train")
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: (value.to(dtype) if value.is_floating_point() else value).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    write_bytes_atomically(folder / WEIGHTS_FILE, safetensors.save(weights))
    content = {"format": FORMAT, **plain_config(about)}
    write_text_atomically(folder / ABOUT_FILE, json.dumps(content, indent=2, sort_keys=True) + "\n")


def read_about(folder: Path) -> CheckpointAbout:
    """What a checkpoint says of itself.

    Raises:
        CheckpointError: The folder holds none, it is damaged, or of another format.
    """
    try:
        content = json.loads((folder / ABOUT_FILE).read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder} holds no readable {ABOUT_FILE}, so it is no checkpoint: {error}") from error
    came = content.pop("format", None) if isinstance(content, dict) else None
    if came != FORMAT:
        raise CheckpointError(f"{folder} is a checkpoint of format {came}; this version reads format {FORMAT}")
    try:
        return build_config(CheckpointAbout, content, source=str(folder / ABOUT_FILE))
    except ConfigError as error:
        raise CheckpointError(
            f"{folder / ABOUT_FILE} does not describe a model that this version builds: {error}"
        ) from error


def load_checkpoint(folder: Path, device: torch.device | str = "cpu") -> tuple[DrivingModel, CheckpointAbout]:
    """The model of a checkpoint, ready to drive: in evaluation mode, in float32.

    Raises:
        CheckpointError: The folder holds no checkpoint, or its weights do not fit the model that it describes.
    """
    about = read_about(folder)
    model = DrivingModel(about.model)
    weights, own = _read_weights(folder), model.state_dict()
    missing, surplus = sorted(set(own) - set(weights)), sorted(set(weights) - set(own))
    misshapen = sorted(name for name in set(own) & set(weights) if own[name].shape != weights[name].shape)
    if missing or surplus or misshapen:
        raise CheckpointError(
            f"{folder / WEIGHTS_FILE} does not fit its {ABOUT_FILE}: {len(missing)} weights missing, {len(surplus)} "
            f"too many, {len(misshapen)} of another shape, such as {', '.join((missing + surplus + misshapen)[:3])}"
        )
    model.load_state_dict({name: value.to(own[name].dtype) for name, value in weights.items()})
    return model.to(device).eval(), about


def take_weights(model: DrivingModel, folder: Path) -> tuple[str, ...]:
    """Give a model the weights of a checkpoint wherever name and shape agree; the others stay as they are.

    Ego features are told apart by their names: one that the checkpoint did not see has no say at first.

    Returns:
        The names of those that stayed.

    Raises:
        CheckpointError: The folder holds no checkpoint, or no weight of it fits.
    """
    about = read_about(folder)
    weights, own = _read_weights(folder), model.state_dict()
    if _EGO in weights and set(about.model.ego) & set(model.config.ego):
        weights[_EGO] = _columns_of(weights[_EGO], about.model.ego, model.config.ego)
    fitting = {name for name, value in weights.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise CheckpointError(f"no weight of {folder} fits the model that is to begin with them")
    model.load_state_dict(
        {name: weights[name].to(value.dtype) if name in fitting else value for name, value in own.items()}
    )
    return tuple(sorted(set(own) - fitting))


def _columns_of(weight: torch.Tensor, names: Sequence[str], wanted: Sequence[str]) -> torch.Tensor:
    """The columns of some features out of those of others; nothing for those that are not there."""
    columns = [weight[:, names.index(name)] if name in names else torch.zeros_like(weight[:, 0]) for name in wanted]
    return torch.stack(columns, dim=1)


def _read_weights(folder: Path) -> dict[str, torch.Tensor]:
    safetensors = require("safetensors.torch", "train")
    try:
        weights: dict[str, torch.Tensor] = safetensors.load_file(folder / WEIGHTS_FILE)
    except (OSError, require("safetensors", "train").SafetensorError) as error:
        raise CheckpointError(f"{folder / WEIGHTS_FILE} cannot be read: {error}") from error
    return weights
