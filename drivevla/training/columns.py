"""A whole data set as one batch: what fits into memory is decoded once, and a batch is rows of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from drivevla.errors import ContractError

__all__ = ["join_batches", "rows_of"]

BatchT = TypeVar("BatchT")


def rows_of(batch: BatchT, rows: Sequence[int]) -> BatchT:
    """The same rows of every tensor and tuple of a batch; dataclasses and mappings inside it are gone through.

    Args:
        batch: Anything whose tensors and tuples have one entry for each sample.
        rows: Indices.
    """
    return _rows(batch, _Rows(rows))


def join_batches(batches: Sequence[BatchT]) -> BatchT:
    """Batches of one kind, one after the other.

    Where their second axes differ in length (points of a sweep, boxes), the shorter are padded as collating pads them:
    with zeros and False, and -1 for indices.

    Raises:
        ContractError: There is no batch, or one has a part (a camera, a LiDAR) that another lacks.
    """
    if not batches:
        raise ContractError("there is no batch to join")
    return _joined(list(batches))


class _Rows:
    """Indices, brought to each device once."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.plain = rows
        self._tensors: dict[torch.device, Tensor] = {}

    def on(self, device: torch.device) -> Tensor:
        if device not in self._tensors:
            self._tensors[device] = torch.tensor(self.plain, dtype=torch.long).to(device, non_blocking=True)
        return self._tensors[device]


def _rows(value: Any, rows: _Rows) -> Any:
    if isinstance(value, Tensor):
        return value.index_select(0, rows.on(value.device))
    if isinstance(value, Mapping):
        return {name: _rows(item, rows) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(value[row] for row in rows.plain)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{each.name: _rows(getattr(value, each.name), rows) for each in dataclasses.fields(value)})
    return value


def _joined(values: list[Any]) -> Any:
    first = values[0]
    kinds = {type(value) for value in values}
    if len(kinds) > 1 and not all(isinstance(value, Mapping) for value in values):
        raise ContractError(f"parts cannot be joined: {', '.join(sorted(kind.__name__ for kind in kinds))}")
    if isinstance(first, Tensor):
        return _joined_tensors(values)
    if isinstance(first, Mapping):
        names = sorted({frozenset(value) for value in values}, key=len)
        if len(names) > 1:
            raise ContractError(f"some samples have {sorted(names[0])}, others {sorted(names[-1])}")
        return {name: _joined([value[name] for value in values]) for name in first}
    if isinstance(first, tuple):
        return tuple(item for value in values for item in value)
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        fields = [each.name for each in dataclasses.fields(first)]
        return type(first)(**{name: _joined([getattr(value, name) for value in values]) for name in fields})
    return first


def _joined_tensors(values: list[Tensor]) -> Tensor:
    if values[0].ndim < 2:
        return torch.cat(values)
    longest = max(value.shape[1] for value in values)
    padding = -1 if values[0].dtype == torch.int64 else 0
    whole = values[0].new_full((sum(map(len, values)), longest, *values[0].shape[2:]), padding)
    first = 0
    for value in values:
        whole[first : first + len(value), : value.shape[1]] = value
        first += len(value)
    return whole
