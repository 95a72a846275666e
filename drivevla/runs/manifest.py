"""Where a run's results come from."""

import dataclasses
import json
import os
import platform
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import drivevla
from drivevla.errors import RunError
from drivevla.runs.atomic import write_text_atomically
from drivevla.runs.provenance import package_versions, source_commit

__all__ = ["FORMAT", "Manifest", "Session", "State", "new_session", "read_manifest", "write_manifest"]

FORMAT = 1

State = Literal["running", "finished", "failed", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class Session:
    """One process that worked on a run; a resumed run has several.

    Attributes:
        version: DriveVLA's.
        commit: Of the sources, or None where they are not under git.
        dirty: Whether tracked files differed from the commit; None without one.
        command: The command line.
        python: Its version.
        packages: Versions by distribution.
        host: Name of the machine.
        pid: Of the process.
        started: ISO 8601, UTC.
        ended: The same; None while it runs, and for ever when it was killed.
        state: "running" in the manifest of a process that is gone means that it was killed.
        reason: What went wrong, where something did.
    """

    version: str
    commit: str | None
    dirty: bool | None
    command: Sequence[str]
    python: str
    packages: Mapping[str, str]
    host: str
    pid: int
    started: str
    ended: str | None = None
    state: State = "running"
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What `manifest.json` holds.

    Attributes:
        kind: What was run: "train", "evaluate closed-loop", ...
        seeds: By purpose.
        data_fingerprint: Of the data that went in, where there was any.
        backend: What simulated: "embedded", "carla 0.9.16", ...; None where nothing did.
        sessions: The processes that worked on it, the latest last.
    """

    kind: str
    seeds: Mapping[str, int] = field(default_factory=dict)
    data_fingerprint: str | None = None
    backend: str | None = None
    sessions: Sequence[Session] = ()
    format: int = FORMAT

    @property
    def state(self) -> State:
        """How the latest session ended, or that it has not."""
        return self.sessions[-1].state


def new_session(command: Sequence[str] | None = None) -> Session:
    """A session of this process, beginning now."""
    commit = source_commit()
    return Session(
        version=drivevla.__version__,
        commit=commit.sha if commit else None,
        dirty=commit.dirty if commit else None,
        command=list(sys.argv if command is None else command),
        python=platform.python_version(),
        packages=package_versions(),
        host=socket.gethostname(),
        pid=os.getpid(),
        started=now(),
    )


def now() -> str:
    """This moment, ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace a ``manifest.json`` in one step."""
    write_text_atomically(path, json.dumps(dataclasses.asdict(manifest), indent=2) + "\n")


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file.

    Raises:
        RunError: The file cannot be read, is damaged, or was written by a newer version.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise RunError(f"{path} has format {content['format']}; this version of DriveVLA reads {FORMAT}")
        sessions = [Session(**session) for session in content.pop("sessions")]
        return Manifest(**content, sessions=sessions)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is not a manifest that can be read: {error!r}") from error
