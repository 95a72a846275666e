"""The one place that imports numba: loops over pixels and vehicles, compiled once and kept under ``$DRIVEVLA_HOME``."""

import hashlib
import logging
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

from drivevla.config.places import cache_folder
from drivevla.errors import require

__all__ = ["COMPILING", "compiled", "inlined", "is_everything_kept", "kernel", "note_everything_kept"]

COMPILING = "compiling the simulator's kernels, about half a minute, once"
"""What to tell whoever waits for the first server of a machine."""

_Function = TypeVar("_Function", bound=Callable[..., Any])
_log = logging.getLogger(__name__)
_KINDS = (("kernel",), ("compiled", "inlined"))
_IMPORT = re.compile(r"^from drivevla\.sim\.server\.([\w.]+) import", re.MULTILINE)


def compiled(function: _Function) -> _Function:
    """Compile a function on its first call, or load what an earlier process compiled.

    It runs without the interpreter's lock, and its arithmetic keeps the order in which it is written, so that results
    are the same bits in any number of threads. A number divided by zero is infinite, as in NumPy.

    What is compiled is kept in a folder named by a hash of all such functions' modules and of what those import, since
    Numba does not notice when a function or a constant that is compiled in has changed.

    Args:
        function: Arguments and results are numbers, arrays, and named tuples of them.

    Raises:
        MissingExtra: numba is not installed.
    """
    return _compile(function, _folder(*_KINDS[1]), nogil=True)


def inlined(function: _Function) -> _Function:
    """Write a function out into every compiled loop that calls it.

    Handing a named tuple of arrays to a function costs more than most of what such a function does: a picture took
    twice as long without this.

    Args:
        function: As for ``compiled``; it is not to be called from the interpreter in a loop.

    Raises:
        MissingExtra: numba is not installed.
    """
    return _compile(function, None, nogil=True, inline="always")


def kernel(function: _Function) -> _Function:
    """Compile a loop over the bodies of a world, or load what an earlier process compiled.

    It keeps the interpreter's lock: it lasts microseconds, and to get the lock back can take milliseconds. Otherwise it
    is as ``compiled`` is, and is kept in the same way.

    Args:
        function: Arguments and results are numbers, arrays, records of tables, and tuples of them.

    Raises:
        MissingExtra: numba is not installed.
    """
    return _compile(function, _folder(*_KINDS[0]))


def is_everything_kept() -> bool:
    """Whether an earlier process noted that it compiled all loops, from these very files and for this processor."""
    return all(note is not None and note.exists() for note in _notes())


def note_everything_kept() -> None:
    """Note for later processes that nothing is left to compile."""
    for note in _notes():
        if note is not None:
            note.touch()


def _notes() -> list[Path | None]:
    processor: str = require("llvmlite.binding", "sim").get_host_cpu_name()
    notes: list[Path | None] = []
    for marks in _KINDS:
        # Numba compiles anew where a source file's place or time changes, and for each kind of processor.
        digest = hashlib.sha256(processor.encode())
        for file in _sources(marks):
            digest.update(f"{file.resolve()} {file.stat().st_mtime_ns}\0".encode())
        folder = _folder(*marks)
        notes.append(None if folder is None else folder / f"complete-{digest.hexdigest()[:16]}")
    return notes


def _compile(function: _Function, kept_in: Path | None, **options: Any) -> _Function:
    numba = require("numba", "sim")
    # Numba looks beside the source file otherwise, which may be read-only.
    previous, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(kept_in)
    try:
        return cast(_Function, numba.njit(cache=kept_in is not None, error_model="numpy", **options)(function))
    finally:
        numba.config.CACHE_DIR = previous


@lru_cache(maxsize=2)
def _folder(*marks: str) -> Path | None:
    """Where the functions with these decorators are kept; None where no folder can be made."""
    digest = hashlib.sha256(version("numba").encode())
    for file in _sources(marks):
        digest.update(file.read_bytes())
    folder = cache_folder() / "numba" / f"{marks[0]}-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("compiled loops are not kept for the next start: %s", error)
        return None
    return folder


def _sources(marks: tuple[str, ...]) -> list[Path]:
    """The modules of functions with these decorators, and those whose constants and types they may use."""
    server = Path(__file__).parent
    decorated = re.compile(rf"^@({'|'.join(marks)})$", re.MULTILINE)
    files: set[Path] = set()
    for file in server.rglob("*.py"):
        if decorated.search(source := file.read_text(encoding="utf-8")):
            files |= {file, *(server / f"{name.replace('.', '/')}.py" for name in _IMPORT.findall(source))}
    return sorted(file for file in files if file.exists())
