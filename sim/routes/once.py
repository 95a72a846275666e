"""What is derived from a map is computed once for a map object, and forgotten with it."""

import functools
import weakref
from collections.abc import Callable
from typing import TypeVar

__all__ = ["once"]

SourceT = TypeVar("SourceT")
ResultT = TypeVar("ResultT")


def once(compute: Callable[[SourceT], ResultT]) -> Callable[[SourceT], ResultT]:
    """Remember a function's result for as long as its argument lives; arguments are told apart by identity."""
    results: weakref.WeakKeyDictionary[SourceT, ResultT] = weakref.WeakKeyDictionary()

    @functools.wraps(compute)
    def remembered(source: SourceT) -> ResultT:
        if source not in results:
            results[source] = compute(source)
        return results[source]

    return remembered
