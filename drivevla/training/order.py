"""Which samples come when: decided by a seed and a step number alone, so that a run can go on from anywhere."""

from __future__ import annotations

import numpy as np

from drivevla.errors import ConfigError

__all__ = ["SampleOrder"]


class SampleOrder:
    """An endless shuffle, epoch after epoch, cut into global batches.

    The batch of a step is the same whatever the number of processes; each takes its own share of it.

    Args:
        samples: How many there are.
        batch_size: Of a global batch.
        seed: Of the shuffle.

    Raises:
        ConfigError: There is no sample, or the batch is not positive.
    """

    def __init__(self, samples: int, *, batch_size: int, seed: int) -> None:
        if samples < 1 or batch_size < 1:
            raise ConfigError(f"an order needs samples and a batch size, got {samples} and {batch_size}")
        self._samples, self._batch_size, self._seed = samples, batch_size, seed
        self._epoch, self._shuffled = -1, np.zeros(0, dtype=np.int64)

    def batch(self, step: int, *, rank: int = 0, world: int = 1) -> list[int]:
        """Indices of the samples of a step, or of one process's share of them.

        Raises:
            ConfigError: The processes cannot share a batch evenly.
        """
        if self._batch_size % world:
            raise ConfigError(
                f"a global batch of {self._batch_size} cannot be shared evenly by {world} processes; choose a multiple"
            )
        share = self._batch_size // world
        first = step * self._batch_size + rank * share
        return [self._at(position) for position in range(first, first + share)]

    def _at(self, position: int) -> int:
        epoch, index = divmod(position, self._samples)
        if epoch != self._epoch:
            self._epoch = epoch
            self._shuffled = np.random.default_rng([self._seed, epoch]).permutation(self._samples)
        return int(self._shuffled[index])
