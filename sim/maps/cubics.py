"""Piecewise cubic profiles along a road: elevation, lane offset, lane width (OpenDRIVE 1.4, sections 5.3.5, 5.3.7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.maps.xml_numbers import number_of

__all__ = ["CubicProfile"]


@dataclass(frozen=True, slots=True)
class CubicProfile:
    """``a + b d + c d^2 + e d^3`` with d counted from the start of the piece; zero where there are no pieces.

    Attributes:
        start_s_m: (K,) where each piece starts, ascending.
        coefficients: (K, 4) a, b, c, e.
    """

    start_s_m: NDArray[np.float64]
    coefficients: NDArray[np.float64]

    @classmethod
    def of(cls, elements: Iterable[ET.Element], start: str = "s") -> "CubicProfile":
        """Read it from elements with a, b, c, d, in any order; of two with one start the later counts.

        Args:
            elements: One for each piece.
            start: The attribute that says where a piece starts.

        Raises:
            DataError: A number is not finite.
        """
        records = [[number_of(element, key, 0.0) for key in (start, *"abcd")] for element in elements]
        table = np.array(sorted(records, key=lambda record: record[0]), dtype=np.float64).reshape(-1, 5)
        return cls(table[:, 0], table[:, 1:])

    def __call__(self, s_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at ``s_m``; before the first piece it is extended backwards."""
        piece, distance = self._locate(s_m)
        if piece is None:
            return np.zeros_like(s_m)
        a, b, c, e = self.coefficients[piece].T
        return np.asarray(a + distance * (b + distance * (c + distance * e)))

    def slope(self, s_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """First derivative at ``s_m``."""
        piece, distance = self._locate(s_m)
        if piece is None:
            return np.zeros_like(s_m)
        _, b, c, e = self.coefficients[piece].T
        return np.asarray(b + distance * (2 * c + 3 * distance * e))

    def _locate(self, s_m: NDArray[np.float64]) -> tuple[NDArray[np.intp] | None, NDArray[np.float64]]:
        if not len(self.start_s_m):
            return None, s_m
        piece = np.maximum(np.searchsorted(self.start_s_m, s_m + 1e-9, side="right") - 1, 0)
        return piece, s_m - self.start_s_m[piece]
