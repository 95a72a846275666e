"""Batches to where the model computes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

__all__ = ["to_device"]

BatchT = TypeVar("BatchT")


def to_device(batch: BatchT, device: torch.device | str) -> BatchT:
    """The same batch with every tensor on a device; dataclasses and mappings inside it are gone through."""
    return _moved(batch, device)


def _moved(value: Any, device: torch.device | str) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, Mapping):
        return {name: _moved(item, device) for name, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _moved(getattr(value, field.name), device) for field in dataclasses.fields(value)}
        return type(value)(**fields)
    return value
