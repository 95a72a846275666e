"""All that a killed run needs to go on as if nothing had happened: bit for bit on the same machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from drivevla.errors import CheckpointError, require
from drivevla.runs.atomic import write_text_atomically

__all__ = ["latest_state", "load_state", "save_state", "state_step"]

_TENSORS, _ABOUT = "state.safetensors", "state.json"


def save_state(
    folder: Path,
    *,
    step: int,
    model: nn.Module,
    average: Mapping[str, Tensor],
    moments: Mapping[int, Mapping[str, Tensor]],
    about: Mapping[str, Any],
) -> None:
    """Write the state after a step, then drop the older ones.

    Weights, their average and the optimiser's moments go into one file of tensors; no pickle.

    Args:
        folder: Of all states of a run.
        step: How many steps are done.
        model: Its weights.
        average: Their moving average; empty without one.
        moments: Of the optimiser, by the number of the weight.
        about: What a run that goes on must agree with.
    """
    safetensors = require("safetensors.torch", "train")
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    tensors |= {f"optimiser.{index}.{key}": value for index, own in moments.items() for key, value in own.items()}
    part = folder / f"step_{step:08d}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    safetensors.save_file({name: value.contiguous().cpu().clone() for name, value in tensors.items()}, part / _TENSORS)
    write_text_atomically(part / _ABOUT, json.dumps({"step": step, **about}, sort_keys=True))
    done = folder / f"step_{step:08d}"
    shutil.rmtree(done, ignore_errors=True)
    part.rename(done)
    for older in sorted(folder.glob("step_*")):
        if older != done:
            shutil.rmtree(older)


def latest_state(folder: Path) -> Path | None:
    """The newest whole state of a run; None when there is none."""
    states = [path for path in sorted(folder.glob("step_*")) if path.suffix != ".part"]
    return states[-1] if states else None


def state_step(state: Path) -> int:
    """How many steps were done.

    Raises:
        CheckpointError: The state cannot be read.
    """
    try:
        return int(json.loads((state / _ABOUT).read_text())["step"])
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"the state {state} cannot be read: {error}; delete it to begin again") from error


def load_state(
    state: Path, *, model: nn.Module, average: dict[str, Tensor], optimiser: torch.optim.Optimizer
) -> dict[str, Any]:
    """Bring model, average and optimiser back to where they were.

    Returns:
        What ``save_state`` was told, and the step.

    Raises:
        CheckpointError: The state cannot be read, or belongs to another model.
    """
    safetensors = require("safetensors.torch", "train")
    try:
        about: dict[str, Any] = json.loads((state / _ABOUT).read_text())
        tensors: dict[str, Tensor] = safetensors.load_file(state / _TENSORS)
    except (OSError, ValueError, require("safetensors", "train").SafetensorError) as error:
        raise CheckpointError(f"the state {state} cannot be read: {error}; delete it to begin again") from error
    try:
        model.load_state_dict(_under("model.", tensors))
    except RuntimeError as error:
        raise CheckpointError(f"the state {state} belongs to another model: {error}") from error
    average.clear()
    own = model.state_dict()
    average.update({name: value.to(own[name].device) for name, value in _under("average.", tensors).items()})
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimiser.", tensors).items():
        index, _, key = name.partition(".")
        moments.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})
    return about


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
