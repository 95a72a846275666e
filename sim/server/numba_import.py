"""The one place that imports numba: loops over pixels and vehicles, compiled once and kept under ``$DRIVEVLA_HOME``."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from drivevla.config.places import cache_folder
from drivevla.errors import require

__all__ = ["compiled", "inlined"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


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
