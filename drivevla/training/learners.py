"""Who learns: a model that each process holds whole, or one whose gradients and moments are spread over them (FSDP2).

What a step means is the same: each process sees its share of the global batch, and every weight is moved by the mean
gradient over all of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from drivevla.models.driving import DrivingModel
from drivevla.training.batches import TrainingBatch
from drivevla.training.optimising import shared_gradient

__all__ = ["Learner", "Loss", "ShardedLearner", "WholeLearner", "whole_moments"]

Loss = Callable[[DrivingModel, TrainingBatch], tuple[Tensor, dict[str, Tensor]]]


class Learner(Protocol):
    """What a stage trains."""

    @property
    def module(self) -> nn.Module:
        """Its weights are what an optimiser moves."""
        ...

    def loss(self, batch: TrainingBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of all terms, and each without its weight."""
        ...

    def take(self, optimiser: torch.optim.Optimizer) -> None:
        """Learn on from weights that the model was given, and from moments that the optimiser was."""
        ...

    def gradient(self, clip_norm: float) -> Tensor:
        """Make the gradient that of the global batch, and clip it; its norm before."""
        ...

    def give(self) -> None:
        """Bring the model up to date after a step."""
        ...


class WholeLearner:
    """The model itself, a copy of it in every process.

    Args:
        model: Frozen as the stage wants it.
        loss: What is minimised.
    """

    def __init__(self, model: DrivingModel, loss: Loss) -> None:
        self.module, self._loss = model, loss
        self._world = dist.get_world_size() if dist.is_initialized() else 1

    def loss(self, batch: TrainingBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of all terms, and each without its weight."""
        return self._loss(self.module, batch)

    def take(self, optimiser: torch.optim.Optimizer) -> None:
        """Nothing to do: the model was given them itself."""

    def gradient(self, clip_norm: float) -> Tensor:
        """The mean over all processes, clipped; its norm before."""
        return shared_gradient(self.module, clip_norm, self._world)

    def give(self) -> None:
        """Nothing to do: the model itself was moved."""


class ShardedLearner:
    """A copy of a model that learns in its stead, each process holding a part of every weight.

    The model itself stays whole in every process and is brought up to date after each step, so that what watches,
    averages, saves and drives needs to know nothing of this. Spread are gradients and an optimiser's moments: three of
    the four numbers that AdamW keeps for each weight.

    Args:
        model: Frozen as the stage wants it; the same in every process.
        loss: What is minimised.
    """

    def __init__(self, model: DrivingModel, loss: Loss) -> None:
        self._whole = model
        # Everything that learns is read within one forward pass of this module, heads and text included: that is
        # where FSDP2 brings the parts together.
        self.module = _LossModule(copy.deepcopy(model), loss)
        device = next(model.parameters()).device.type
        mesh = init_device_mesh(device, (dist.get_world_size(),))
        if self.module.model.backbone is not None:
            for layer in self.module.model.backbone.decoder.layers:
                fully_shard(layer, mesh=mesh)
        fully_shard(self.module, mesh=mesh)
        fsdp: Any = self.module
        fsdp.set_reduce_scatter_unused_params(True)  # what one process does not use another may

    def loss(self, batch: TrainingBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of all terms, and each without its weight."""
        of_share: tuple[Tensor, dict[str, Tensor]] = self.module(batch)
        return of_share

    def take(self, optimiser: torch.optim.Optimizer) -> None:
        """Learn on from the whole model's weights, and from moments that were loaded whole."""
        own = dict(self.module.model.named_parameters())
        with torch.no_grad():
            for name, value in self._whole.named_parameters():
                _local(own[name]).copy_(_local(_spread(value.detach(), own[name])))
        for weight, moments in optimiser.state.items():
            for key, value in moments.items():
                if value.shape == weight.shape and not isinstance(value, DTensor):
                    moments[key] = _spread(value, weight)

    def gradient(self, clip_norm: float) -> Tensor:
        """Clipped: FSDP2 has made it the mean over all processes already."""
        learning = [weight for weight in self.module.parameters() if weight.requires_grad]
        return _whole_tensor(torch.nn.utils.clip_grad_norm_(learning, clip_norm))

    def give(self) -> None:
        """Bring the whole model up to date; all processes take part."""
        whole = dict(self._whole.named_parameters())
        with torch.no_grad():
            for name, value in self.module.model.named_parameters():
                if value.requires_grad:
                    whole[name].copy_(_whole_tensor(value))


class _LossModule(nn.Module):
    def __init__(self, model: DrivingModel, loss: Loss) -> None:
        super().__init__()
        self.model, self._loss = model, loss

    def forward(self, batch: TrainingBatch) -> tuple[Tensor, dict[str, Tensor]]:
        return self._loss(self.model, batch)


def whole_moments(optimiser: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
    """An optimiser's moments by the number of the weight; where they are spread, all processes take part."""
    state: dict[int, dict[str, Tensor]] = optimiser.state_dict()["state"]
    return {index: {key: _whole_tensor(value) for key, value in own.items()} for index, own in state.items()}


def _spread(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor as parts, like another one; every process has it, so nothing is sent."""
    if not isinstance(like, DTensor):
        return value
    return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)


def _local(value: Tensor) -> Tensor:
    return value.to_local() if isinstance(value, DTensor) else value


def _whole_tensor(value: Tensor) -> Tensor:
    return value.full_tensor() if isinstance(value, DTensor) else value
