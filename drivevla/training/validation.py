"""How well a model does on samples that it never learns from, while it learns.

B batch, T future steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from drivevla.models.driving import DrivingModel
from drivevla.training.batches import TrainingBatch
from drivevla.training.config import TrainingConfig
from drivevla.training.order import Pick
from drivevla.training.sources import BatchSource
from drivevla.training.stage import WeightedObjective, precision_of, weighted_terms

__all__ = ["validate", "validation_batches"]

_TURNS_RAD = math.radians(20.0)
_BATCH = 64


def validation_batches(source: BatchSource, most: int) -> Iterator[TrainingBatch]:
    """At most so many samples of a source, evenly spread, as they were recorded."""
    count = min(most, len(source))
    indices = [round(place * (len(source) - 1) / max(count - 1, 1)) for place in range(count)]
    parts = [indices[first : first + _BATCH] for first in range(0, count, _BATCH)]
    return source.stream([[Pick(index, 1.0 - 1e-9, 0.0) for index in part] for part in parts])


@torch.no_grad()
def validate(
    model: DrivingModel,
    weights: Mapping[str, Tensor],
    config: TrainingConfig,
    objectives: Sequence[WeightedObjective],
    batches: Iterator[TrainingBatch],
) -> dict[str, float]:
    """Mean loss terms, and mean displacement of the plan in metres.

    Args:
        model: Computes; its own weights are there again afterwards.
        weights: To be judged, such as the moving average; empty for the model's own.
        config: Of the training.
        objectives: Whose terms.
        batches: What is looked at.

    Returns:
        ``loss``, each term, ``ade_m`` and ``fde_m`` over all samples that have a future, and ``ade_turning_m`` over
        those that turn by 20 degrees or more; NaN where there are none.
    """
    own = {name: value.detach().clone() for name, value in model.state_dict().items()} if weights else {}
    if weights:
        model.load_state_dict(weights)
    model.eval()
    sums: dict[str, float] = {}
    samples, errors, ends, turns = 0, list[Tensor](), list[Tensor](), list[Tensor]()
    for batch in batches:
        with precision_of(model, config):
            total, terms = weighted_terms(model, objectives, batch)
            plan_BT3 = model.head.decode(model.head.forward(model(batch.sensors).context)).waypoints_BT3
        for name, value in {"loss": total, **terms}.items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(batch.names)
        samples += len(batch.names)
        away_BT = (plan_BT3[..., :2] - batch.target.waypoints_BT3[..., :2]).float().norm(dim=-1)
        known_BT = batch.target.valid_BT
        errors.append((away_BT * known_BT).sum(dim=1) / known_BT.sum(dim=1))
        ends.append(torch.where(known_BT[:, -1], away_BT[:, -1], math.nan))
        yaw_BT = batch.target.waypoints_BT3[..., 2].masked_fill(~known_BT, 0.0)
        turns.append(yaw_BT.abs().amax(dim=1) >= _TURNS_RAD)
    if own:
        model.load_state_dict(own)
    error, turning = torch.cat(errors), torch.cat(turns)
    return {name: value / samples for name, value in sums.items()} | {
        "ade_m": float(error.nanmean()),
        "fde_m": float(torch.cat(ends).nanmean()),
        "ade_turning_m": float(error[turning].nanmean()),
    }
