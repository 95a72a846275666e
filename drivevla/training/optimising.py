"""The parts of a step: rate, optimiser, gradients shared among processes, the moving average."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn

from drivevla.errors import ConfigError
from drivevla.models.frozen import always_frozen
from drivevla.training.config import StageConfig

__all__ = ["freeze", "learning_rate", "optimiser_of", "shared_gradient", "update_average"]


def learning_rate(stage: StageConfig, step: int) -> float:
    """A straight rise to the peak, then a cosine down to its last share."""
    if step < stage.warmup_steps:
        return stage.learning_rate * (step + 1) / stage.warmup_steps
    share = (step - stage.warmup_steps) / max(1, stage.steps - stage.warmup_steps)
    low = stage.final_rate_share
    return stage.learning_rate * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * share)))


def freeze(model: nn.Module, frozen: Sequence[str]) -> None:
    """Let all weights learn but those whose names begin so.

    Raises:
        ConfigError: No weight begins so.
    """
    names = [name for name, _ in model.named_parameters()]
    for beginning in frozen:
        if not any(name.startswith(beginning) for name in names):
            raise ConfigError(f"frozen names {beginning!r}, and no weight of the model begins so")
    for name, weight in model.named_parameters():
        weight.requires_grad_(not name.startswith(tuple(frozen)) and not always_frozen(weight))


def optimiser_of(model: nn.Module, stage: StageConfig) -> torch.optim.AdamW:
    """AdamW over whatever learns; matrices decay, gains and biases do not.

    Raises:
        ConfigError: Nothing learns.
    """
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    if not learning:
        raise ConfigError("every weight of the model is frozen: nothing can be learned")
    groups = [
        {"params": [weight for weight in learning if weight.ndim > 1], "weight_decay": stage.weight_decay},
        {"params": [weight for weight in learning if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=stage.learning_rate, fused=True)


def shared_gradient(model: nn.Module, clip_norm: float, world: int) -> Tensor:
    """Average the gradients of all processes, then clip; the norm before.

    What no process has a gradient for has none afterwards, as with one process: the optimiser leaves it alone.
    """
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    if world > 1:
        _exchange(learning, world)
    return torch.nn.utils.clip_grad_norm_(learning, clip_norm)


def _exchange(learning: Sequence[nn.Parameter], world: int) -> None:
    has = torch.tensor([float(weight.grad is not None) for weight in learning], device=learning[0].device)
    # All processes must take part for every weight; one exchange instead of hundreds.
    gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in learning]
    flat = torch.cat([has, *(gradient.flatten() for gradient in gradients)])
    dist.all_reduce(flat)
    having, *shared = flat.split([len(has), *(each.numel() for each in gradients)])
    for weight, count, gradient in zip(learning, having.tolist(), shared, strict=True):
        weight.grad = (gradient / world).view_as(weight) if count else None


@torch.no_grad()
def update_average(average: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    """Move the average towards the weights; an empty one stays empty."""
    if not average:
        return
    state = model.state_dict()
    moving = [name for name, value in state.items() if value.is_floating_point()]
    torch._foreach_lerp_([average[name] for name in moving], [state[name] for name in moving], 1.0 - decay)
    for name in state.keys() - set(moving):
        average[name].copy_(state[name])
