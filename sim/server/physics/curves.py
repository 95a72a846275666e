"""Piecewise linear curves, one a row, evaluated for all rows at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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


def evaluate(curves: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row's curve at its own x, constant beyond its ends.

    Args:
        curves: (N, 2, KNOTS) rows of ``curve_row``.
        x: (N,) places.

    Returns:
        (N,) values.
    """
    knots, values = curves[:, 0], curves[:, 1]
    width = knots[:, 1:] - knots[:, :-1]
    along = np.minimum(np.maximum(x[:, None] - knots[:, :-1], 0.0), width)
    slope = (values[:, 1:] - values[:, :-1]) / np.where(width > 0.0, width, 1.0)
    result: NDArray[np.float64] = values[:, 0] + (slope * along).sum(axis=1)
    return result
