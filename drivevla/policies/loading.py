"""Whoever drives, by name or by the folder of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drivevla import registry
from drivevla.errors import UserError
from drivevla.policies.learned import LearnedPolicy
from drivevla.runs.condition import ARTEFACTS

__all__ = ["CHECKPOINT", "SHIPPED", "checkpoint_folder", "is_privileged", "load_policy", "shipped_policies"]

CHECKPOINT = "checkpoint"
"""The folder among the artefacts of a training's run that drives."""
SHIPPED = Path(__file__).parents[1] / "weights"
"""Checkpoints that come with the package: a folder each, named as the policy."""


def shipped_policies() -> tuple[str, ...]:
    """The names of the trained policies that come with the package."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/checkpoint.json")))


def load_policy(name: str | Path, *, device: str = "cpu", options: Mapping[str, Any] | None = None) -> Any:
    """A policy: of the registry, or a trained model.

    Args:
        name: A name of the registry, of ``shipped_policies``, or the folder of a checkpoint or of a training's run;
            what holds a slash or begins with a dot is a folder.
        device: Where a trained model computes.
        options: What the policy's class takes by keyword; a checkpoint takes none.

    Raises:
        UnknownName: The registry has no such policy.
        CheckpointError: The folder holds no checkpoint that this version reads.
        UserError: There is no such folder, or options were given for a checkpoint.
    """
    folder = checkpoint_folder(name)
    if folder is None:
        return registry.load("policies", str(name))(**(options or {}))
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
    folder = checkpoint_folder(name)
    if folder is None:
        return getattr(registry.load("policies", str(name)), "needs_truth", False) is True
    from drivevla.models.checkpoint import read_about

    read_about(folder)
    return False


def checkpoint_folder(name: str | Path) -> Path | None:
    """The folder of a trained policy; the checkpoint within it where it is that of a training's run; else None.

    Args:
        name: As ``load_policy`` takes it.

    Raises:
        UserError: There is no such folder: mistyped, not broken.
    """
    if name in shipped_policies():
        return SHIPPED / name
    if not (isinstance(name, Path) or "/" in name or name.startswith(".")):
        return None
    folder = Path(name)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; a policy is a registered name or the folder of a checkpoint")
    of_run = folder / ARTEFACTS / CHECKPOINT
    return of_run if of_run.is_dir() else folder
