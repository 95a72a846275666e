"""Bootstrapped intervals: drives are drawn again, not samples, since samples of one drive are much alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONFIDENCE", "FEWEST_DRIVES", "Interval", "interval_by_drive"]

CONFIDENCE = 0.95
FEWEST_DRIVES = 2
"""With a single drive nothing can be drawn again."""
_DRAWS, _SEED = 2000, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and how far it may be off.

    Attributes:
        value: The mean over the samples that count.
        low: Lower end of the 95 % percentile interval; None where fewer than two drives have samples that count.
        high: Its upper end.
        samples: How many samples count.
    """

    value: float
    low: float | None
    high: float | None
    samples: int


def interval_by_drive(column: NDArray[np.float64], drives: Sequence[str]) -> Interval | None:
    """The mean of a column without its NaNs, and its interval.

    Every draw takes as many drives as there are, with replacement, and divides the sum of their samples by the count:
    drives weigh by their samples, as in the mean itself. The same column always gives the same interval.

    Args:
        column: (N,) contributions of samples; NaN for one that does not count.
        drives: N names.

    Returns:
        None where no sample counts.
    """
    _, drive = np.unique(np.asarray(drives), return_inverse=True)
    counted = ~np.isnan(column)
    if not counted.any():
        return None
    sums = np.bincount(drive[counted], weights=column[counted])
    counts = np.bincount(drive[counted])
    sums, counts = sums[counts > 0], counts[counts > 0]
    value = float(sums.sum() / counts.sum())
    if len(counts) < FEWEST_DRIVES:
        return Interval(value=value, low=None, high=None, samples=int(counts.sum()))
    share = np.full(len(counts), 1.0 / len(counts))
    drawn = np.random.default_rng(_SEED).multinomial(len(counts), share, size=_DRAWS)
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value=value, low=float(low), high=float(high), samples=int(counts.sum()))
