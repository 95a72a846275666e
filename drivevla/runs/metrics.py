"""Numbers by step: one JSON object a line, and what a killed writer leaves of them.

Each line is one write, so that a kill can only cut the last line short; such a line is dropped, with a message, when
the file is read or opened again. JSON has no NaN or infinity: these are written as the strings "NaN", "Infinity" and
"-Infinity".
"""

import errno
import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drivevla.errors import ContractError, DataError
from drivevla.runs.atomic import write_bytes_atomically

__all__ = ["MetricsLog", "read_metrics"]

logger = logging.getLogger(__name__)

Scalar = float | int | str | bool | None

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class MetricsLog:
    """Appends to a ``metrics.jsonl``.

    Args:
        path: The file; made when it is not there. A last line that was cut short is dropped.

    Raises:
        DataError: A line before the last is damaged: that is not what a kill does.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _drop_cut_line(path)
        self._descriptor = self._open()

    def log(self, step: int, values: Mapping[str, Scalar]) -> None:
        """Append the values of one step; they are in the file when this returns.

        Raises:
            ContractError: The step is negative, or a value is not a number, text, flag or None.
        """
        if isinstance(step, bool) or not isinstance(step, int) or step < 0:
            raise ContractError(f"step must be a whole number from 0, got {step!r}")
        if "step" in values:
            raise ContractError("'step' names the step itself and cannot name a value")
        line = json.dumps(
            {"step": step, **{name: _storable(name, value) for name, value in values.items()}}, allow_nan=False
        )
        content = f"{line}\n".encode()
        written = os.write(self._descriptor, content)
        if written < len(content):
            raise OSError(errno.ENOSPC, "the disk is full: the last line of the metrics was cut short", str(self._path))

    def rewind(self, step: int) -> None:
        """Forget everything after a step: what a run resumed from that step's checkpoint writes once more."""
        kept = [line for line in self._path.read_bytes().splitlines(keepends=True) if json.loads(line)["step"] <= step]
        os.close(self._descriptor)
        write_bytes_atomically(self._path, b"".join(kept))
        self._descriptor = self._open()

    def close(self) -> None:
        """Force what was written to the disk and stop writing."""
        os.fsync(self._descriptor)
        os.close(self._descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Every whole line of a ``metrics.jsonl``, also of one that is still being written.

    Raises:
        DataError: The file cannot be read, or a line before the last is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    *whole, cut = content.split(b"\n")
    if cut:
        logger.warning("%s: the last line was cut short after %d bytes and is left out", path, len(cut))
    return [_entry(path, number, line) for number, line in enumerate(whole, start=1)]


def _entry(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
        return {
            name: _NOT_FINITE.get(value, value) if isinstance(value, str) else value for name, value in entry.items()
        }
    except (ValueError, AttributeError) as error:
        raise DataError(f"{path}, line {number} is damaged: {line[:80]!r}") from error


def _drop_cut_line(path: Path) -> None:
    if not path.exists():
        return
    read_metrics(path)
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)


def _storable(name: str, value: Scalar) -> Scalar:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        if value in _NOT_FINITE:
            raise ContractError(f"{name} is the text {value!r}, which stands for a number here")
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    raise ContractError(
        f"{name} must be a number, text, flag or None, got {type(value).__name__}; call .item() on tensors"
    )
