"""Work that is cut into bands and done on all cores; what comes out does not depend on how many there are."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

__all__ = ["bands", "on_all_cores"]

_BAND = 16_384
"""Samples of a band: an even number."""

_Job = TypeVar("_Job")
_Answer = TypeVar("_Answer")


def bands(count: int) -> Iterator[tuple[int, int]]:
    """First and one after the last of each band of some samples; each begins at an even number."""
    for first in range(0, count, _BAND):
        yield first, min(first + _BAND, count)


def on_all_cores(work: Callable[[_Job], _Answer], jobs: Iterable[_Job]) -> list[_Answer]:
    """The answers to some jobs, in their order; the work should spend its time without the interpreter's lock."""
    return list(_pool().map(work, jobs))


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="render")
