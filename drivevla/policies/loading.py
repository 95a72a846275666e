"""Whoever drives, by name or by the folder of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drivevla import registry
from drivevla.errors import UserError
from drivevla.policies.learned import LearnedPolicy
from drivevla.runs.condition import ARTEFACTS

__all__ = ["CHECKPOINT", "is_privileged", "load_policy"]

CHECKPOINT = "checkpoint"
"""The folder among the artefacts of a training's run that drives."""


def load_policy(name: str | Path, *, device: str = "cpu", options: Mapping[str, Any] | None = None) -> Any:
    """A policy: of the registry, or a trained model.

    Args:
        name: A name of the registry, or the folder of a checkpoint or of a training's run; what holds a slash or begins
            with a dot is a folder.
        device: Where a trained model computes.
        options: What the policy's class takes by keyword; a checkpoint takes none.

    Raises:
        UnknownName: The registry has no such policy.
        CheckpointError: The folder holds no checkpoint that this version reads.
        UserError: There is no such folder, or options were given for a checkpoint.
    """
    if not _is_folder(name):
        return registry.load("policies", str(name))(**(options or {}))
    folder = _checkpoint(Path(name))
    if options:
        raise UserError(f"a checkpoint takes no options, got {', '.join(sorted(options))} for {name}")
    return LearnedPolicy(folder, device=device)


def is_privileged(name: str | Path) -> bool:
    """Whether a policy is told the truth, without making it; a checkpoint's folder must hold one.

    Raises:
        UnknownName: The registry has no such policy.
        UserError: There is no such folder.
        CheckpointError: The folder holds no checkpoint that this version reads.
    """
    if not _is_folder(name):
        return getattr(registry.load("policies", str(name)), "needs_truth", False) is True
    from drivevla.models.checkpoint import read_about

    read_about(_checkpoint(Path(name)))
    return False


def _checkpoint(folder: Path) -> Path:
    """The folder itself, or the checkpoint in the folder of a training's run.

    Raises:
        UserError: There is no such folder: mistyped, not broken.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; a policy is a registered name or the folder of a checkpoint")
    of_run = folder / ARTEFACTS / CHECKPOINT
    return of_run if of_run.is_dir() else folder


def _is_folder(name: str | Path) -> bool:
    return isinstance(name, Path) or "/" in name or name.startswith(".")
