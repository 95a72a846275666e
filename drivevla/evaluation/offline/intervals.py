"""Bootstrapped intervals: drives are drawn again, not samples, since samples of one drive are much alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONFIDENCE", "FEWEST_DRIVES", "Interval", "interval_by_drive", "share_by_drive"]

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
    counted = ~np.isnan(column)
    return _quotient(column, np.ones(len(column)), counted, drives) if counted.any() else None


def share_by_drive(column: NDArray[np.float64], other: NDArray[np.float64], drives: Sequence[str]) -> Interval | None:
    """How much less or more one column's mean is than another's, as a share of the other's: -0.2 is 20 % less.

    Over the samples that count in both; both are drawn together, so that what a drive does to both cancels.

    Args:
        column: (N,) contributions of samples; NaN for one that does not count.
        other: (N,) those that it is compared with.
        drives: N names.

    Returns:
        None where no sample counts in both, or the other's mean is 0.
    """
    counted = ~(np.isnan(column) | np.isnan(other))
    if not counted.any() or other[counted].sum() == 0.0:
        return None
    return _quotient(column - other, other, counted, drives)


def _quotient(
    above: NDArray[np.float64], below: NDArray[np.float64], counted: NDArray[np.bool_], drives: Sequence[str]
) -> Interval:
    """The sum of one column over that of another, and its interval; without one where a draw could divide by 0."""
    _, drive = np.unique(np.asarray(drives)[counted], return_inverse=True)
    tops, bottoms = (np.bincount(drive, weights=each[counted]) for each in (above, below))
    value, samples = float(tops.sum() / bottoms.sum()), int(counted.sum())
    if len(tops) < FEWEST_DRIVES or (bottoms == 0.0).any():
        return Interval(value=value, low=None, high=None, samples=samples)
    share = np.full(len(tops), 1.0 / len(tops))
    drawn = np.random.default_rng(_SEED).multinomial(len(tops), share, size=_DRAWS)
    low, high = np.quantile((drawn @ tops) / (drawn @ bottoms), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value=value, low=float(low), high=float(high), samples=samples)
