"""Training that goes on past samples that cannot be read, where the user says so."""

from __future__ import annotations

import logging

from drivevla.errors import DataError
from drivevla.training.batches import TrainingSample
from drivevla.training.sources import Samples

__all__ = ["SkippingSamples"]

logger = logging.getLogger(__name__)


class SkippingSamples:
    """Gives the next sample that can be read in place of one that cannot; each such one is named once and counted.

    Without it, a damaged record is an error that names file and offset. Which sample stands in depends on the data
    alone, so that a run which goes on sees what it would have seen.

    Args:
        samples: What is read.
        at_most: How many damaged samples are put up with.
    """

    def __init__(self, samples: Samples, *, at_most: int) -> None:
        self._samples, self._at_most = samples, at_most
        self._damaged: dict[int, str] = {}

    @property
    def damaged(self) -> dict[int, str]:
        """What is wrong with each sample that could not be read so far, by its index; of this process alone."""
        return dict(self._damaged)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> TrainingSample:
        """The sample, or the next one that can be read.

        Raises:
            DataError: More samples are damaged than are put up with.
        """
        for step in range(len(self._samples)):
            place = (index + step) % len(self._samples)
            if place in self._damaged:
                continue
            try:
                return self._samples[place]
            except DataError as error:
                self._damaged[place] = str(error)
                logger.warning("sample %d is left out, the %d. so far: %s", place, len(self._damaged), error)
                if len(self._damaged) > self._at_most:
                    raise DataError(
                        f"{len(self._damaged)} samples cannot be read, {self._at_most} are put up with; "
                        f"the last one: {error}"
                    ) from error
        raise DataError("none of the samples can be read")
