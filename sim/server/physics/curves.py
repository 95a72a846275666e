"""Piecewise linear curves."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import kernel

__all__ = ["KNOTS", "curve_row", "evaluate"]

KNOTS = 16
"""Points a row holds; a longer curve is thinned to so many."""


def curve_row(points: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """A row (2, KNOTS) for a curve of (x, y) points: its first point repeated up to the length of a row.

    An empty curve is 1 everywhere.
    """
    curve = np.array(sorted(points) or [(0.0, 1.0)], dtype=np.float64)
    if len(curve) > KNOTS:
        x = np.linspace(curve[0, 0], curve[-1, 0], KNOTS)
        curve = np.stack([x, np.interp(x, curve[:, 0], curve[:, 1])], axis=1)
    padding = np.repeat(curve[:1], KNOTS - len(curve), axis=0)
    return np.concatenate([padding, curve]).T


@kernel
def evaluate(curve: NDArray[np.float64], x: float) -> float:
    """A curve's value at x, constant beyond its ends.

    Args:
        curve: (2, KNOTS) a row of ``curve_row``.
        x: Place.
    """
    knots, values = curve[0], curve[1]
    if x <= knots[0]:
        return values[0]
    for k in range(1, KNOTS):
        if x < knots[k]:
            share = (x - knots[k - 1]) / (knots[k] - knots[k - 1])
            return values[k - 1] + share * (values[k] - values[k - 1])
    return values[KNOTS - 1]
