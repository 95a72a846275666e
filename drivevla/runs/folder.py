"""Starts, resumes or refuses a run."""

import dataclasses
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from drivevla.config.resolve import differing_keys, plain_config, to_yaml
from drivevla.config.yaml_text import parse_yaml
from drivevla.errors import RunError
from drivevla.runs.atomic import write_text_atomically
from drivevla.runs.condition import ARTEFACTS, CONFIG, IN_WORDS, LOCK, MANIFEST, METRICS, Condition, left_behind
from drivevla.runs.lock import FolderLock
from drivevla.runs.manifest import Manifest, State, new_session, now, read_manifest, write_manifest
from drivevla.runs.metrics import MetricsLog

__all__ = ["Existing", "Run", "start_run"]

logger = logging.getLogger(__name__)

Existing = Literal["refuse", "resume", "overwrite"]


class Run:
    """A run that this process works on; a context manager that records how it ends.

    Attributes:
        folder: The run's folder.
        artefacts: The folder for whatever the run makes.
        metrics: The log of numbers.
        resumed: Whether an earlier process began this run.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, metrics: MetricsLog, lock: FolderLock, *, resumed: bool
    ) -> None:
        self.folder = folder
        self.artefacts = folder / ARTEFACTS
        self.metrics = metrics
        self.resumed = resumed
        self._manifest = manifest
        self._lock = lock

    @property
    def manifest(self) -> Manifest:
        """The run's manifest as it is in its file."""
        return self._manifest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._end("finished", None)
        elif isinstance(error, KeyboardInterrupt | SystemExit):
            self._end("interrupted", None)
        else:
            self._end("failed", f"{type(error).__name__}: {error}")

    def _end(self, state: State, reason: str | None) -> None:
        session = dataclasses.replace(self._manifest.sessions[-1], ended=now(), state=state, reason=reason)
        self._manifest = dataclasses.replace(self._manifest, sessions=[*self._manifest.sessions[:-1], session])
        self.metrics.close()
        write_manifest(self.folder / MANIFEST, self._manifest)
        self._lock.release()


def start_run(
    folder: Path,
    *,
    kind: str,
    config: Any,
    existing: Existing = "refuse",
    seeds: Mapping[str, int] | None = None,
    data_fingerprint: str | None = None,
    backend: str | None = None,
    command: Sequence[str] | None = None,
) -> Run:
    """Begin a run in a folder, or go on with the one that is there.

    Use it as a context manager: the manifest then says whether the run finished, failed or was interrupted.

    Args:
        folder: Where the run is kept; made when it is not there.
        kind: What is run: "train", "evaluate closed-loop", ...
        config: The resolved configuration, a dataclass.
        existing: What to do when the folder already holds a run: refuse; resume it, provided that its kind,
            configuration, seeds, data and backend are the same; or overwrite it, which clears the folder.
        seeds: By purpose.
        data_fingerprint: Of the data that goes in.
        backend: What simulates.
        command: The command line; this process's own when left out.

    Raises:
        RunError: The folder holds something that is no run; or a run, and ``existing`` says to refuse it; or a run that
            is being written by somebody, or that differs from this one: the message lists the differing keys.
    """
    manifest = Manifest(kind=kind, seeds=dict(seeds or {}), data_fingerprint=data_fingerprint, backend=backend)
    left_behind(folder)  # before anything is made in a folder that may be somebody else's
    folder.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(folder / LOCK)
    try:
        condition = left_behind(folder)
        fresh = condition in ("absent", "half-made")
        if existing == "refuse" and not fresh:
            raise RunError(_refusal(folder, condition))
        resumed = existing == "resume" and not fresh
        if resumed:
            manifest = _joined(folder, manifest, plain_config(config))
            logger.info("resuming %s, which %s", folder, IN_WORDS[condition])
        else:
            _clear(folder)
            write_text_atomically(folder / CONFIG, to_yaml(config))
        (folder / ARTEFACTS).mkdir(exist_ok=True)
        metrics = MetricsLog(folder / METRICS)
        manifest = dataclasses.replace(manifest, sessions=[*manifest.sessions, new_session(command)])
        write_manifest(folder / MANIFEST, manifest)  # last: a folder without it is known to be half-made
        return Run(folder, manifest, metrics, lock, resumed=resumed)
    except BaseException:
        lock.release()
        raise


def _refusal(folder: Path, condition: Condition) -> str:
    ways = "overwrite it or choose another folder"
    if condition != "finished":
        ways = f"resume it, {ways}"
    return f"{folder} holds a run that {IN_WORDS[condition]}: {ways}"


def _joined(folder: Path, manifest: Manifest, config: dict[str, Any]) -> Manifest:
    """The manifest of a run that goes on; refused when what is there was made from something else."""
    before = read_manifest(folder / MANIFEST)
    try:
        config_before = parse_yaml((folder / CONFIG).read_text(encoding="utf-8"), source=str(folder / CONFIG))
    except OSError as error:
        raise RunError(f"{folder} cannot be resumed: its configuration cannot be read: {error}") from error
    differences = differing_keys(_identity(before, config_before), _identity(manifest, config))
    if differences:
        raise RunError(f"{folder} cannot be resumed as this run, from which it differs: {'; '.join(differences)}")
    return before


def _identity(manifest: Manifest, config: dict[str, Any]) -> dict[str, Any]:
    """What must be the same for a run to go on."""
    return {
        "kind": manifest.kind,
        "seeds": dict(manifest.seeds),
        "data_fingerprint": manifest.data_fingerprint,
        "backend": manifest.backend,
        "config": config,
    }


def _clear(folder: Path) -> None:
    for each in folder.iterdir():
        if each.name == LOCK:
            continue  # it is held
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()
