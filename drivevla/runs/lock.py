"""One writer of a run's folder at a time.

The lock is the kernel's, on an open file: it goes when its process goes, however that happens, and worker processes
that were forked do not inherit it.
"""

import fcntl
import json
import os
import socket
from pathlib import Path
from typing import IO

from drivevla.errors import RunError

__all__ = ["FolderLock", "is_held"]

# A process may take a lock of this kind twice, so that two runs in one process are told apart here.
_held_here: set[Path] = set()


class FolderLock:
    """The right to write to a run's folder.

    Raises:
        RunError: Another process, or another run of this one, holds it; the message says which.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        if self._path in _held_here:
            raise RunError(f"{path.parent} is being written by another run of this very process")
        self._file: IO[str] = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(self._file)
            self._file.close()
            raise RunError(
                f"{path.parent} is being written by {holder}; wait for it to end, or choose another folder"
            ) from error
        _held_here.add(self._path)
        self._file.truncate(0)
        self._file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        self._file.flush()

    def release(self) -> None:
        """Give the right back; calling it again does nothing."""
        _held_here.discard(self._path)
        self._file.close()


def is_held(path: Path) -> bool:
    """Whether somebody is writing; nothing is changed."""
    if path.resolve() in _held_here:
        return True  # and opening the file here would give the lock away
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        holder = json.loads(file.read())
        return f"process {holder['pid']} on {holder['host']}"
    except (ValueError, KeyError):  # it has the lock and has not signed yet
        return "another process"
