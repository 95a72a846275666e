"""What a folder holds, where a run is asked for."""

from pathlib import Path
from typing import Literal

from drivevla.errors import RunError
from drivevla.runs.lock import is_held
from drivevla.runs.manifest import read_manifest

__all__ = ["ARTEFACTS", "CONFIG", "IN_WORDS", "LOCK", "MANIFEST", "METRICS", "Condition", "inspect_run", "left_behind"]

CONFIG = "config.yaml"
MANIFEST = "manifest.json"
METRICS = "metrics.jsonl"
ARTEFACTS = "artefacts"
LOCK = "run.lock"

_OURS = {CONFIG, MANIFEST, METRICS, ARTEFACTS, LOCK}

Condition = Literal["absent", "half-made", "killed", "running", "finished", "failed", "interrupted"]

IN_WORDS: dict[Condition, str] = {
    "absent": "does not exist",
    "half-made": "was left while it was being set up",
    "killed": "was killed before it ended",
    "running": "is running",
    "finished": "is finished",
    "failed": "failed",
    "interrupted": "was interrupted",
}


def inspect_run(folder: Path) -> Condition:
    """What a folder holds; nothing is changed.

    Returns:
        "absent"; "half-made", when it was left while being set up; "running"; "killed", when its process is gone
        without a word; or how it ended: "finished", "failed", "interrupted".

    Raises:
        RunError: The manifest cannot be read, or the folder holds something that is no run.
    """
    condition = left_behind(folder)
    return "running" if condition == "killed" and is_held(folder / LOCK) else condition


def left_behind(folder: Path) -> Condition:
    """What a folder holds, provided that nobody is writing to it.

    Raises:
        RunError: The manifest cannot be read, or the folder holds something that is no run: it belongs to somebody, and
            is neither written to nor cleared.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; a run needs a folder")
    if (folder / MANIFEST).exists():
        state = read_manifest(folder / MANIFEST).state
        return "killed" if state == "running" else state
    names = {each.name for each in folder.iterdir()} if folder.exists() else set()
    foreign = sorted(name for name in names - _OURS if not name.endswith(".part"))
    if foreign:
        raise RunError(f"{folder} holds {foreign[0]!r} and is no run's folder; choose an empty or a new one")
    return "half-made" if names - {LOCK} else "absent"
