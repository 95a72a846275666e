"""Gradients of several processes."""

import json
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed import FileStore  # type: ignore[attr-defined]  # not named in its __all__
from torch.multiprocessing.spawn import spawn

from drivevla.training.optimising import shared_gradient


def one_process(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", store=FileStore(f"{folder}/store", 2), rank=rank, world_size=2)
    model = nn.ParameterDict({name: torch.ones(2) for name in ("both", "one", "none")})
    model["both"].grad = torch.tensor([2.0, 4.0]) * (rank + 1)
    if rank == 1:
        model["one"].grad = torch.tensor([0.0, 8.0])
    norm = shared_gradient(model, 1e9, 2)
    found = {name: None if weight.grad is None else weight.grad.tolist() for name, weight in model.items()}
    Path(folder, f"{rank}.json").write_text(json.dumps([found, float(norm)]))
    dist.destroy_process_group()


def test_processes_average_their_gradients_and_leave_alone_what_none_has(tmp_path: Path) -> None:
    spawn(one_process, args=(str(tmp_path),), nprocs=2)
    for rank in range(2):
        found, norm = json.loads((tmp_path / f"{rank}.json").read_text())
        assert found == {"both": [3.0, 6.0], "one": [0.0, 4.0], "none": None}
        assert norm == pytest.approx((9 + 36 + 16) ** 0.5)
