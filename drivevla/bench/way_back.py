"""Does a policy know where beside its lane it is? Plans from a metre aside and from six degrees turned.

``python -m drivevla.bench.way_back POLICY DATA [DATA ...]``: a shipped policy's name or the folder of a run or
checkpoint, and data sets with samples of the split ``val``. Nothing of it is seen in displacement errors: a log's car
is in the middle of its lane.

N samples, B batch, P path points.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from drivevla.errors import ConfigError, UserError
from drivevla.models.checkpoint import load_checkpoint
from drivevla.models.driving import DrivingModel
from drivevla.policies.loading import checkpoint_folder
from drivevla.training.batches import TrainingBatch, collate_samples
from drivevla.training.config import DataConfig
from drivevla.training.material import read_material
from drivevla.training.shifting import Placement, shifted
from drivevla.training.sources import Samples
from drivevla.types import SensorBatch

__all__ = ["Displaced", "report", "way_back"]

ASIDE_M, TURNED_DEG = 1.0, 6.0
METRES = (5, 10)
"""How far along the path the two lines are compared; frames whose path is shorter are left out."""
_EVERY, _BATCH = 10, 16


@dataclass(frozen=True, slots=True)
class Displaced:
    """What plans are, at each of ``METRES``.

    Attributes:
        samples: How many were looked at.
        aside: Share of the way back from ``ASIDE_M`` that the plan makes: 0 goes straight on, 1 does as the expert.
        turned: The same from ``TURNED_DEG``.
        error_m: Mean distance across from the expert's line where nothing was displaced.
    """

    samples: int
    aside: tuple[float, ...]
    turned: tuple[float, ...]
    error_m: tuple[float, ...]


def way_back(model: DrivingModel, samples: Samples, *, every: int = _EVERY) -> Displaced:
    """Ask a model for its plans from where each sample was recorded, and from beside and across there.

    Args:
        model: Its head gives a path.
        samples: With a path of ``METRES`` for some.
        every: Every so manieth is looked at.

    Raises:
        ConfigError: The model plans no path, or no sample has one that is long enough.
    """
    model.eval()
    made: dict[str, list[tuple[Tensor, Tensor]]] = {"aside": [], "turned": []}
    errors: list[Tensor] = []
    indices = range(0, len(samples), every)
    for first in range(0, len(indices), _BATCH):
        part = [samples[index] for index in indices[first : first + _BATCH]]
        batch = collate_samples(part, steps=model.config.steps, dt_s=model.config.dt_s)
        known_B, here, planned = _line(batch), _across(batch), _planned(model, batch.sensors)
        errors.append((planned - here)[known_B].abs())
        for name, placement in _placements(len(part)):
            other = shifted(batch, placement)
            wanted, changed = _across(other) - here, _planned(model, other.sensors) - planned
            made[name].append((wanted[known_B], changed[known_B]))
    error = torch.cat(errors)
    if not len(error):
        raise ConfigError(f"no sample has a path of {METRES[-1]} m; there is nothing to compare")
    return Displaced(
        samples=len(error), aside=_shares(made["aside"]), turned=_shares(made["turned"]), error_m=_floats(error.mean(0))
    )


def _placements(count: int) -> list[tuple[str, Placement]]:
    turned_rad = torch.deg2rad(torch.full((count,), TURNED_DEG))
    nowhere, aside = torch.zeros(count), torch.full((count,), ASIDE_M)
    return [
        *(("aside", Placement(sign * aside, nowhere)) for sign in (1, -1)),
        *(("turned", Placement(nowhere, sign * turned_rad)) for sign in (1, -1)),
    ]


def _line(batch: TrainingBatch) -> Tensor:
    """(B,) whether the expert's path is long enough."""
    assert batch.target.path_valid_BP is not None
    return batch.target.path_valid_BP[:, METRES[-1]]


def _across(batch: TrainingBatch) -> Tensor:
    """(B, 2) how far to the left the expert's path is at ``METRES``."""
    assert batch.target.path_BP2 is not None
    return batch.target.path_BP2[:, METRES, 1]


@torch.inference_mode()
def _planned(model: DrivingModel, sensors: SensorBatch) -> Tensor:
    path_BP2 = model.head.decode(model.head.forward(model(sensors).context)).path_BP2
    if path_BP2 is None:
        raise ConfigError("this policy's head plans no path; the heads that do are listed in docs/model.md")
    return path_BP2[:, METRES, 1]


def _shares(pairs: Sequence[tuple[Tensor, Tensor]]) -> tuple[float, ...]:
    """The slope of what the plans changed by over what they should have."""
    wanted, changed = (torch.cat(each) for each in zip(*pairs, strict=True))
    return _floats((wanted * changed).sum(0) / (wanted * wanted).sum(0))


def _floats(values: Tensor) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def report(policy: str, folders: Sequence[str]) -> str:
    """All figures as text.

    Raises:
        ConfigError: The data sets hold no validation samples.
        UserError: There is no such folder.
        CheckpointError: It holds no checkpoint, or a damaged one.
    """
    folder = checkpoint_folder(policy)
    if folder is None:
        raise ConfigError(f"{policy!r} is neither a shipped policy nor the folder of a run or checkpoint")
    model, _ = load_checkpoint(folder)
    samples = read_material([Path(each) for each in folders], DataConfig()).validation
    if samples is None:
        raise ConfigError("these data sets have no samples of a validation split")
    found = way_back(model, samples)
    heads = [f"{metres} m along" for metres in METRES]
    rows = {
        f"share of the way back from {ASIDE_M:g} m aside": found.aside,
        f"share of the way back from {TURNED_DEG:g} degrees": found.turned,
        "distance across where it was recorded [m]": found.error_m,
    }
    lines = [f"{found.samples} samples".ljust(44) + "".join(head.rjust(14) for head in heads)]
    lines += [name.ljust(44) + "".join(f"{value:14.2f}" for value in values) for name, values in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m drivevla.bench.way_back", description="Plans from beside the line, against the way back."
    )
    parser.add_argument("policy", help="a shipped policy's name, or the folder of a run or checkpoint")
    parser.add_argument("data", nargs="+", help="folders of data sets with samples of the split val")
    given = parser.parse_args()
    try:
        sys.stdout.write(report(given.policy, given.data) + "\n")
    except UserError as error:
        parser.error(str(error))
