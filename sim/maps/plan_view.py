"""Reference lines: position and heading along a road's plan view, in CARLA's frame (y and heading negated).

Lines, arcs, spirals, cubic and parametric cubic polynomials of OpenDRIVE 1.4, section 5.3.4. Arcs and lines are exact;
spirals are integrated by Gauss-Legendre quadrature, polynomials are looked up in a table of arc lengths.
"""

from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.sim.maps.xml_numbers import number_of

__all__ = ["Geometry", "GeometryKind", "PlanView"]

GeometryKind = Literal["line", "arc", "spiral", "poly3", "paramPoly3"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)  # type: ignore[no-untyped-call]
_TABLE_SIZE = 129


@dataclass(frozen=True, slots=True)
class Geometry:
    """One piece of a plan view, in OpenDRIVE's own right-handed frame.

    Attributes:
        start_s_m: Where it starts along the road.
        x_m, y_m, heading_rad: Pose at its start.
        length_m: Its length.
        kind: Its shape.
        parameters: Arc: curvature. Spiral: curvature at start and end. poly3: a, b, c, d of v(u). paramPoly3: aU, bU,
            cU, dU, aV, bV, cV, dV, and the parameter's value at the end.
    """

    start_s_m: float
    x_m: float
    y_m: float
    heading_rad: float
    length_m: float
    kind: GeometryKind
    parameters: tuple[float, ...] = ()

    def local(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3) forward, left and heading relative to the start of the piece."""
        if self.kind == "line":
            return np.stack([distance_m, np.zeros_like(distance_m), np.zeros_like(distance_m)], axis=-1)
        if self.kind in ("arc", "spiral"):
            return self._local_of_clothoid(distance_m)
        return self._local_of_polynomial(distance_m)

    def _local_of_clothoid(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        start, end = self.parameters if self.kind == "spiral" else (self.parameters[0], self.parameters[0])
        rate = (end - start) / self.length_m if self.length_m > 0 else 0.0
        heading = distance_m * (start + 0.5 * rate * distance_m)
        if rate == 0.0 and abs(start) > 1e-12:
            return np.stack([np.sin(heading) / start, (1 - np.cos(heading)) / start, heading], axis=-1)
        half = 0.5 * distance_m[:, None]
        inner = half * (1 + _NODES)
        angle = inner * (start + 0.5 * rate * inner)
        forward = (half * _WEIGHTS * np.cos(angle)).sum(-1)
        left = (half * _WEIGHTS * np.sin(angle)).sum(-1)
        return np.stack([forward, left, heading], axis=-1)

    def _local_of_polynomial(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.kind == "poly3":
            u_of, v_of, end = np.array([0.0, 1.0, 0.0, 0.0]), np.array(self.parameters), self.length_m
        else:
            u_of, v_of, end = np.array(self.parameters[:4]), np.array(self.parameters[4:8]), self.parameters[8]
        degree = np.arange(1, 4)
        du_of, dv_of = u_of[1:] * degree, v_of[1:] * degree
        table = np.linspace(0.0, end, _TABLE_SIZE)
        speed = np.hypot(_horner(table, du_of), _horner(table, dv_of))
        travelled = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(table))])
        parameter = np.interp(distance_m, travelled, table)
        heading = np.arctan2(_horner(parameter, dv_of), _horner(parameter, du_of))
        # Beyond the table's ends the piece goes straight on, so that joints can overlap by a hair.
        beyond = distance_m - np.clip(distance_m, 0.0, travelled[-1])
        forward = _horner(parameter, u_of) + beyond * np.cos(heading)
        left = _horner(parameter, v_of) + beyond * np.sin(heading)
        return np.stack([forward, left, heading], axis=-1)


@dataclass(frozen=True, slots=True)
class PlanView:
    """A road's reference line, in pieces by where they start."""

    pieces: tuple[Geometry, ...]

    @classmethod
    def of(cls, road: ET.Element) -> "PlanView":
        """Read it from a ``<road>`` element.

        Raises:
            DataError: There is no geometry, its shape is unknown, or a number is missing or not finite.
        """
        pieces = sorted(map(_piece, road.iterfind("planView/geometry")), key=lambda piece: piece.start_s_m)
        if not pieces:
            raise DataError("its <planView> has no geometry")
        return cls(tuple(pieces))

    def __call__(self, s_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions (N, 2) in metres and headings (N,) in radians at ``s_m``, in CARLA's frame.

        Points before the start or behind the end lie on the extended first or last piece.
        """
        starts = np.array([piece.start_s_m for piece in self.pieces])
        owner = np.maximum(np.searchsorted(starts, s_m, side="right") - 1, 0)
        xy, heading = np.empty((len(s_m), 2)), np.empty(len(s_m))
        for index in np.unique(owner):
            piece, chosen = self.pieces[index], owner == index
            forward, left, turn = piece.local(s_m[chosen] - piece.start_s_m).T
            cos, sin = np.cos(piece.heading_rad), np.sin(piece.heading_rad)
            xy[chosen, 0] = piece.x_m + cos * forward - sin * left
            xy[chosen, 1] = -(piece.y_m + sin * forward + cos * left)
            heading[chosen] = -(piece.heading_rad + turn)
        return xy, heading


def _horner(x: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    value = np.zeros_like(x)
    for coefficient in coefficients[::-1]:
        value = value * x + coefficient
    return value


def _piece(geometry: ET.Element) -> Geometry:
    s, x, y, heading, length = (number_of(geometry, key) for key in ("s", "x", "y", "hdg", "length"))
    shape = next((child for child in geometry if child.tag != "userData"), None)
    if shape is None:
        raise DataError("a geometry must be line, arc, spiral, poly3 or paramPoly3, got nothing")
    match shape.tag:
        case "line":
            return Geometry(s, x, y, heading, length, "line")
        case "arc":
            return Geometry(s, x, y, heading, length, "arc", (number_of(shape, "curvature"),))
        case "spiral":
            ends = number_of(shape, "curvStart"), number_of(shape, "curvEnd")
            return Geometry(s, x, y, heading, length, "spiral", ends)
        case "poly3":
            return Geometry(s, x, y, heading, length, "poly3", tuple(number_of(shape, key) for key in "abcd"))
        case "paramPoly3":
            cubics = [number_of(shape, key + axis) for axis in "UV" for key in "abcd"]
            end = length if shape.get("pRange") == "arcLength" else 1.0
            return Geometry(s, x, y, heading, length, "paramPoly3", (*cubics, end))
        case other:
            raise DataError(f"a geometry must be line, arc, spiral, poly3 or paramPoly3, got {other}")
