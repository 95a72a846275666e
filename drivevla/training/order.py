"""Which samples come when: decided by a seed and a step number alone, so that a run can go on from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ConfigError

__all__ = ["Pick", "SampleOrder", "shared_out"]

_CHANCE = 1  # beside the shuffle's own seeds


@dataclass(frozen=True, slots=True)
class Pick:
    """A sample for a step, with the chance that decides what is asked for.

    Attributes:
        index: Of the sample.
        asked: 0 to below 1: which of the things that could be asked for.
        worded: 0 to below 1: in which words.
    """

    index: int
    asked: float
    worded: float


class SampleOrder:
    """An endless shuffle, epoch after epoch, cut into global batches.

    The batch of a step is the same whatever the number of processes; each takes its own share of it.

    Args:
        samples: How many there are.
        batch_size: Of a global batch.
        seed: Of the shuffle.
        weights: (N,) how often each sample comes, relative to the others; once an epoch each where left out.
        among: Indices of those that take part; all where left out.
        together: How often a sample comes in a batch, one after the other, each time in another stretch of what could
            be asked for.

    Raises:
        ConfigError: There is no sample, the batch is not positive or no multiple of ``together``, or the weights are
            not one positive number a sample.
    """

    def __init__(
        self,
        samples: int,
        *,
        batch_size: int,
        seed: int,
        weights: NDArray[np.float64] | None = None,
        among: Sequence[int] | None = None,
        together: int = 1,
    ) -> None:
        if together < 1 or batch_size % together:
            raise ConfigError(f"a batch of {batch_size} cannot hold each sample {together} times")
        if weights is not None and (weights.shape != (samples,) or not (weights > 0).all()):
            raise ConfigError(f"{samples} samples need a positive weight each, got shape {weights.shape}")
        self._among = np.arange(samples) if among is None else np.asarray(among, dtype=np.int64)
        if len(self._among) < 1 or batch_size < 1:
            raise ConfigError(f"an order needs samples and a batch size, got {len(self._among)} and {batch_size}")
        self._weights = None if weights is None else weights[self._among]
        self._samples, self._batch_size, self._seed = len(self._among), batch_size, seed
        self._together = together
        self._epoch, self._shuffled = -1, np.zeros(0, dtype=np.int64)

    def batch(self, step: int, *, rank: int = 0, world: int = 1) -> list[Pick]:
        """The samples of a step, or one process's share of them.

        Raises:
            ConfigError: The processes cannot share a batch evenly.
        """
        if self._batch_size % (world * self._together):
            raise ConfigError(
                f"a global batch of {self._batch_size}, each sample {self._together} times, cannot be shared evenly by "
                f"{world} processes; choose a multiple"
            )
        share = self._batch_size // world
        chances = np.random.default_rng([self._seed, step, _CHANCE]).random((self._batch_size, 2))
        return [self._pick(step, rank * share + offset, chances) for offset in range(share)]

    def _pick(self, step: int, place: int, chances: NDArray[np.float64]) -> Pick:
        sample, stretch = divmod(step * self._batch_size + place, self._together)
        asked, worded = map(float, chances[place])
        return Pick(self._at(sample), (stretch + asked) / self._together, worded)

    def _at(self, position: int) -> int:
        epoch, index = divmod(position, self._samples)
        if epoch != self._epoch:
            self._epoch = epoch
            rng = np.random.default_rng([self._seed, epoch])
            if self._weights is None:
                self._shuffled = rng.permutation(self._samples)
            else:
                self._shuffled = rng.permutation(shared_out(self._weights, float(rng.random())))
        return int(self._among[self._shuffled[index]])


def shared_out(weights: NDArray[np.float64], offset: float) -> NDArray[np.int64]:
    """As many indices as there are weights, each as often as its share says, rounded up or down.

    Systematic resampling: a comb of even spacing over the cumulated weights.

    Args:
        weights: (N,) positive.
        offset: 0 to below 1: where the comb begins.
    """
    count = len(weights)
    edges = np.cumsum(weights) * (count / weights.sum())
    found: NDArray[np.int64] = np.searchsorted(edges, np.arange(count) + offset, side="right")
    return np.minimum(found, count - 1)
