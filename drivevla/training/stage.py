"""One stage of training: a plain loop over steps, on one process or many."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from drivevla.errors import ConfigError, RunError
from drivevla.models.driving import DrivingModel
from drivevla.models.parts import PartConfig
from drivevla.registry import load
from drivevla.training.batches import TrainingBatch
from drivevla.training.config import ObjectiveConfig, StageConfig, TrainingConfig
from drivevla.training.learners import Learner, ShardedLearner, WholeLearner, whole_moments
from drivevla.training.optimising import freeze, learning_rate, optimiser_of, update_average
from drivevla.training.order import Pick, SampleOrder
from drivevla.training.sources import BatchSource
from drivevla.training.state import latest_state, load_state, save_state
from drivevla.types import Objective

__all__ = ["StepReport", "WeightedObjective", "build_objective", "precision_of", "train_stage", "weighted_terms"]

WeightedObjective = tuple[Objective, Mapping[str, float]]

_DIVERGED = 1e4
"""A gradient this many times longer than what it is clipped to is none that learning recovers from."""


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


@dataclass(frozen=True, slots=True)
class _Done:
    """A step whose numbers are still on the device: they are read when the next step is under way."""

    step: int
    terms: dict[str, Tensor]
    norm: Tensor
    rate: float
    names: tuple[str, ...]


def train_stage(
    model: DrivingModel,
    config: TrainingConfig,
    stage: StageConfig,
    source: BatchSource,
    *,
    states: Path,
    average: dict[str, Tensor],
    report: Callable[[StepReport], None],
    weights: NDArray[np.float64] | None = None,
    among: Sequence[int] | None = None,
    after_step: Callable[[int], None] | None = None,
    shard: bool = False,
) -> None:
    """Train, going on from the newest state there is.

    Args:
        model: Learns in place.
        config: Of the whole training.
        stage: This stretch of it.
        source: Of batches, on the model's device.
        states: Folder of the states that a killed run goes on from.
        average: The moving average of the weights, kept in place; stays empty when the configuration wants none.
        report: Told of every step, in order.
        weights: (N,) how often each sample of the source comes, relative to the others.
        among: Indices of the samples that take part; all where left out.
        after_step: Called with the number of steps that are done, after each; the model may be evaluated in it.
        shard: Whether several processes spread gradients and moments among them instead of each keeping all.

    Raises:
        RunError: A loss or gradient is not finite, or the gradient explodes; the message names the samples.
        ConfigError: A frozen beginning matches no weight, or all weights are frozen.
    """
    freeze(model, stage.frozen)
    objectives = [(build_objective(each), each.weights) for each in stage.objectives.values()]

    def loss(learning: DrivingModel, batch: TrainingBatch) -> tuple[Tensor, dict[str, Tensor]]:
        return weighted_terms(learning, objectives, batch)

    order = SampleOrder(
        len(source), batch_size=stage.batch_size, seed=config.seed, weights=weights, among=among,
        together=stage.draw.together,
    )  # fmt: skip
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    learner: Learner = ShardedLearner(model, loss) if shard and world > 1 else WholeLearner(model, loss)
    optimiser = optimiser_of(learner.module, stage)
    first, state = 0, latest_state(states)
    if state is not None:
        first = int(load_state(state, model=model, average=average, optimiser=optimiser)["step"])
        learner.take(optimiser)
    elif config.ema_decay and not average:
        average.update({name: value.detach().clone() for name, value in model.state_dict().items()})
    batches = source.stream(_parts(order, stage, first, rank, world), stage.draw)
    last: _Done | None = None
    for step in range(first, stage.steps):
        learner.module.train()
        rate = learning_rate(stage, step)
        for group in optimiser.param_groups:
            group["lr"] = rate
        # Noise and dropout of a step follow from its number: a run that goes on needs no random state from before.
        torch.manual_seed(int(np.random.SeedSequence([config.seed, step, rank]).generate_state(1)[0]))
        optimiser.zero_grad(set_to_none=True)
        terms, names = _backward(learner, model, stage, config, batches)
        norm = learner.gradient(stage.clip_norm)
        optimiser.step()
        learner.give()
        update_average(average, model, config.ema_decay)
        if last is not None:
            report(_report(last, stage, world))
        last = _Done(step, terms, norm, rate, names)
        saves = (step + 1) % config.save_every == 0 or step + 1 == stage.steps
        if saves:  # what is saved is known to be sound
            report(_report(last, stage, world))
            last, moments = None, whole_moments(optimiser)
            if rank == 0:
                save_state(states, step=step + 1, model=model, average=average, moments=moments, about={})
        if after_step is not None:
            after_step(step + 1)


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


def weighted_terms(
    model: DrivingModel, objectives: Sequence[WeightedObjective], batch: TrainingBatch
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of all terms, and each without its weight."""
    terms: dict[str, Tensor] = {}
    weighted = []
    for objective, weights in objectives:
        for name, value in objective.loss(model, batch).items():
            terms[name] = value.detach()
            if weights.get(name, 1.0):
                weighted.append(weights.get(name, 1.0) * value)
    if not weighted:
        raise ConfigError(f"every term has weight 0, nothing is learned: {', '.join(terms)}")
    return torch.stack(weighted).sum(), terms


def precision_of(model: DrivingModel, config: TrainingConfig) -> AbstractContextManager[Any]:
    """What the forward pass computes in, where the model is."""
    if config.precision == "float32":
        return nullcontext()
    return torch.autocast(next(model.parameters()).device.type, dtype=torch.bfloat16)


def _parts(order: SampleOrder, stage: StageConfig, first: int, rank: int, world: int) -> Iterator[list[Pick]]:
    """What a process works through, part by part, from a step on."""
    for step in range(first, stage.steps):
        share = order.batch(step, rank=rank, world=world)
        size = len(share) // stage.accumulate
        for part in range(stage.accumulate):
            yield share[part * size : (part + 1) * size]


def _backward(
    learner: Learner,
    model: DrivingModel,
    stage: StageConfig,
    config: TrainingConfig,
    batches: Iterator[TrainingBatch],
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Gradients of a process's share of a step, part by part; the mean of the unweighted terms, and whose they are."""
    totals: dict[str, Tensor] = {}
    names: tuple[str, ...] = ()
    for _ in range(stage.accumulate):
        batch = next(batches)
        with precision_of(model, config):
            total, terms = learner.loss(batch)
        (total / stage.accumulate).backward()
        terms["loss"] = total.detach()
        for name, value in terms.items():
            totals[name] = totals.get(name, torch.zeros((), device=value.device)) + value / stage.accumulate
        names += batch.names
    return totals, names


def _report(done: _Done, stage: StageConfig, world: int) -> StepReport:
    """The numbers of a step, over all processes.

    Raises:
        RunError: One is not finite, or the gradient explodes.
    """
    keys = sorted(done.terms)
    values = torch.stack([*(done.terms[key].float() for key in keys), done.norm.float()])
    own = values.tolist()
    if world > 1:
        dist.all_reduce(values)
        values = values / world
    plain = dict(zip([*keys, "norm"], values.tolist(), strict=True))
    norm, loss = plain.pop("norm"), plain.pop("loss")
    whose = f"in the batch of samples {', '.join(done.names)} (step {done.step})"
    if not all(map(math.isfinite, (norm, loss))):
        bad = ", ".join(key for key, value in zip(keys, own, strict=False) if not math.isfinite(value))
        raise RunError(f"the loss is {loss} ({bad or 'its gradient'}) {whose}")
    if norm > _DIVERGED * stage.clip_norm:
        raise RunError(
            f"the gradient is {norm:.3g} long, {norm / stage.clip_norm:.3g} times what it is clipped to, {whose}"
        )
    return StepReport(step=done.step, loss=loss, terms=plain, gradient_norm=norm, learning_rate=done.rate)
