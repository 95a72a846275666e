"""One process or many: what torchrun says of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

__all__ = ["is_first", "process_group"]


@contextmanager
def process_group(device: str) -> Iterator[str]:
    """The group of processes that torchrun started, if it did, and the device of this one.

    Where processes stand and which of them this is, is torchrun's to say: it is read from the environment.

    Args:
        device: "cpu" or "cuda"; one process of several takes the GPU of its own number.
    """
    if dist.is_initialized() or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def is_first() -> bool:
    """Whether this is the process that writes files."""
    return not dist.is_initialized() or dist.get_rank() == 0
