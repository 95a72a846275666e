"""The one place that imports numba: loops over pixels and vehicles, compiled once and kept under ``$DRIVEVLA_HOME``."""

import hashlib
import logging
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

from drivevla.config.places import cache_folder
from drivevla.errors import require

__all__ = ["compiled", "inlined", "kernel"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_log = logging.getLogger(__name__)
_KERNEL_MARK = b"numba_import import kernel"


def compiled(function: _Function) -> _Function:
    """Compile a function on its first call, or load what an earlier process compiled.

    It runs without the interpreter's lock, and its arithmetic keeps the order in which it is written, so that results
    are the same bits in any number of threads. A number divided by zero is infinite, as in NumPy.

    Args:
        function: Arguments and results are numbers, arrays, and named tuples of them.

    Raises:
        MissingExtra: numba is not installed.
    """
    numba = require("numba", "sim")
    # Numba looks beside the source file otherwise, which may be read-only.
    numba.config.CACHE_DIR = str(cache_folder() / "numba")
    return cast(_Function, numba.njit(nogil=True, cache=True, error_model="numpy")(function))


def inlined(function: _Function) -> _Function:
    """Write a function out into every compiled loop that calls it.

    Handing a named tuple of arrays to a function costs more than most of what such a function does: a picture took
    twice as long without this.

    Args:
        function: As for ``compiled``; it is not to be called from the interpreter in a loop.

    Raises:
        MissingExtra: numba is not installed.
    """
    numba = require("numba", "sim")
    return cast(_Function, numba.njit(nogil=True, error_model="numpy", inline="always")(function))


def kernel(function: _Function) -> _Function:
    """Compile a loop over the bodies of a world, or load what an earlier process compiled.

    It keeps the interpreter's lock: it lasts microseconds, and to get the lock back can take milliseconds. What is
    compiled is kept in a folder named by a hash of all such loops, since Numba does not notice when a function that
    another one calls has changed.

    Args:
        function: Arguments and results are numbers, arrays, records of tables, and tuples of them.

    Raises:
        MissingExtra: numba is not installed.
    """
    numba = require("numba", "sim")
    folder = _kernel_folder()
    if folder is None:
        return cast(_Function, numba.njit(error_model="numpy")(function))
    previous, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
    try:
        return cast(_Function, numba.njit(cache=True, error_model="numpy")(function))
    finally:
        numba.config.CACHE_DIR = previous


@lru_cache(maxsize=1)
def _kernel_folder() -> Path | None:
    digest = hashlib.sha256(version("numba").encode())
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        if _KERNEL_MARK in (source := file.read_bytes()):
            digest.update(source)
    folder = cache_folder() / "numba" / f"kernels-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("compiled loops are not kept for the next start: %s", error)
        return None
    return folder
