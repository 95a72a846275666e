"""One stage of training: a plain loop over steps, on one process or many."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from drivevla.errors import ConfigError, RunError
from drivevla.models.driving import DrivingModel
from drivevla.models.parts import PartConfig
from drivevla.registry import load
from drivevla.training.batches import TrainingBatch
from drivevla.training.config import ObjectiveConfig, StageConfig, TrainingConfig
from drivevla.training.order import SampleOrder
from drivevla.training.state import latest_state, load_state, save_state
from drivevla.types import Objective

__all__ = ["StepReport", "build_objective", "learning_rate", "train_stage"]

Collate = Callable[[Sequence[int]], TrainingBatch]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What a step did.

    Attributes:
        step: Its number, from 0.
        loss: The weighted sum, over the global batch.
        terms: Each term without its weight.
        gradient_norm: Before it was clipped.
        learning_rate: Of this step.
    """

    step: int
    loss: float
    terms: Mapping[str, float]
    gradient_norm: float
    learning_rate: float


def train_stage(
    model: DrivingModel,
    config: TrainingConfig,
    stage: StageConfig,
    collate: Collate,
    *,
    samples: int,
    states: Path,
    average: dict[str, Tensor],
    report: Callable[[StepReport], None],
) -> None:
    """Train, going on from the newest state there is.

    Args:
        model: Learns in place.
        config: Of the whole training.
        stage: This stretch of it.
        collate: Indices of samples to a batch.
        samples: How many there are.
        states: Folder of the states that a killed run goes on from.
        average: The moving average of the weights, kept in place; stays empty when the configuration wants none.
        report: Told of every step.

    Raises:
        RunError: A loss is not finite; the message names the samples of the batch.
        ConfigError: A frozen beginning matches no weight, or all weights are frozen.
    """
    _freeze(model, stage.frozen)
    optimiser = _optimiser(model, stage)
    objectives = [(build_objective(each), each.weights) for each in stage.objectives.values()]
    order = SampleOrder(samples, batch_size=stage.batch_size, seed=config.seed)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    first, state = 0, latest_state(states)
    if state is not None:
        first = int(load_state(state, model=model, average=average, optimiser=optimiser)["step"])
    elif config.ema_decay and not average:
        average.update({name: value.detach().clone() for name, value in model.state_dict().items()})
    model.train()
    for step in range(first, stage.steps):
        rate = learning_rate(stage, step)
        for group in optimiser.param_groups:
            group["lr"] = rate
        # Noise and dropout of a step follow from its number: a run that goes on needs no random state from before.
        torch.manual_seed(int(np.random.SeedSequence([config.seed, step, rank]).generate_state(1)[0]))
        optimiser.zero_grad(set_to_none=True)
        indices = order.batch(step, rank=rank, world=world)
        terms = _backward(model, objectives, stage, config, collate, indices)
        norm = _shared_gradient(model, stage.clip_norm, world)
        optimiser.step()
        _update_average(average, model, config.ema_decay)
        report(_report(step, terms, norm, rate, world))
        if rank == 0 and ((step + 1) % config.save_every == 0 or step + 1 == stage.steps):
            save_state(states, step=step + 1, model=model, average=average, optimiser=optimiser, about={})


def build_objective(config: ObjectiveConfig) -> Objective:
    """An objective by name, with its options.

    Raises:
        UnknownName: The registry has no such objective.
        ConfigError: It does not take one of the options.
    """
    kind = load("objectives", config.name)
    try:
        objective: Objective = kind(**config.options)
    except TypeError as error:
        part = PartConfig(name=config.name, options=config.options)
        raise ConfigError(f"objective {part.name} cannot be built with {part.options}: {error}") from error
    return objective


def learning_rate(stage: StageConfig, step: int) -> float:
    """A straight rise to the peak, then a cosine down to its last share."""
    if step < stage.warmup_steps:
        return stage.learning_rate * (step + 1) / stage.warmup_steps
    share = (step - stage.warmup_steps) / max(1, stage.steps - stage.warmup_steps)
    low = stage.final_rate_share
    return stage.learning_rate * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * share)))


def _freeze(model: DrivingModel, frozen: Sequence[str]) -> None:
    names = [name for name, _ in model.named_parameters()]
    for beginning in frozen:
        if not any(name.startswith(beginning) for name in names):
            raise ConfigError(f"frozen names {beginning!r}, and no weight of the model begins so")
    for name, weight in model.named_parameters():
        weight.requires_grad_(not name.startswith(tuple(frozen)))


def _optimiser(model: DrivingModel, stage: StageConfig) -> torch.optim.AdamW:
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    if not learning:
        raise ConfigError("every weight of the model is frozen: nothing can be learned")
    return torch.optim.AdamW(
        [
            {"params": [weight for weight in learning if weight.ndim > 1], "weight_decay": stage.weight_decay},
            {"params": [weight for weight in learning if weight.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=stage.learning_rate,
    )


def _backward(
    model: DrivingModel,
    objectives: Sequence[tuple[Objective, Mapping[str, float]]],
    stage: StageConfig,
    config: TrainingConfig,
    collate: Collate,
    indices: Sequence[int],
) -> dict[str, Tensor]:
    """Gradients of a process's share of a step, part by part; the mean of the unweighted terms."""
    size = len(indices) // stage.accumulate
    totals: dict[str, Tensor] = {}
    for part in range(stage.accumulate):
        batch = collate(indices[part * size : (part + 1) * size])
        with _precision(config):
            terms: dict[str, Tensor] = {}
            total = torch.zeros(())
            for objective, weights in objectives:
                for name, value in objective.loss(model, batch).items():
                    terms[name] = value.detach()
                    total = total + weights.get(name, 1.0) * value
        if not bool(torch.isfinite(total)):
            bad = ", ".join(name for name, value in terms.items() if not bool(torch.isfinite(value)))
            raise RunError(f"the loss is {total.item()} ({bad}) in the batch of samples {', '.join(batch.names)}")
        (total / stage.accumulate).backward()
        terms["loss"] = total.detach()
        for name, value in terms.items():
            totals[name] = totals.get(name, torch.zeros(())) + value / stage.accumulate
    return totals


def _precision(config: TrainingConfig) -> AbstractContextManager[Any]:
    if config.precision == "float32":
        return nullcontext()
    return torch.autocast("cuda" if torch.cuda.is_available() else "cpu", dtype=torch.bfloat16)


def _shared_gradient(model: DrivingModel, clip_norm: float, world: int) -> float:
    """Average the gradients of all processes, then clip; the norm before."""
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    if world > 1:
        for weight in learning:
            if weight.grad is None:  # all processes must take part in every exchange
                weight.grad = torch.zeros_like(weight)
            dist.all_reduce(weight.grad)
            weight.grad /= world
    return float(torch.nn.utils.clip_grad_norm_(learning, clip_norm))


@torch.no_grad()
def _update_average(average: dict[str, Tensor], model: DrivingModel, decay: float) -> None:
    for name, value in model.state_dict().items() if average else ():
        if value.is_floating_point():
            average[name].lerp_(value, 1.0 - decay)
        else:
            average[name].copy_(value)


def _report(step: int, terms: dict[str, Tensor], norm: float, rate: float, world: int) -> StepReport:
    names = sorted(terms)
    values = torch.stack([terms[name].float() for name in names])
    if world > 1:
        dist.all_reduce(values)
        values = values / world
    plain = dict(zip(names, values.tolist(), strict=True))
    loss = plain.pop("loss")
    return StepReport(step=step, loss=loss, terms=plain, gradient_norm=norm, learning_rate=rate)
