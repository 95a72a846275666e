"""A road's reference line and height in OpenDRIVE's own frame (right-handed: x east, y north, z up, radians).

ASAM OpenDRIVE 1.4, sections 5.3.3 (plan view) and 5.3.5 (elevation). CARLA's frame is this one with y negated.
"""

import bisect
import math
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

import numpy as np
from scipy.integrate import simpson

from drivevla.errors import DataError

__all__ = ["ReferenceLine"]

_SPIRAL_STEPS = 64
"""Intervals of Simpson's rule along a spiral; below 1e-6 m for every spiral of CARLA's Towns."""


@dataclass(frozen=True, slots=True)
class _Piece:
    s_m: float
    x_m: float
    y_m: float
    heading_rad: float
    length_m: float
    kind: Literal["arc", "spiral", "poly"]
    # arc: curvature at both ends; poly: u(p) and v(p), lowest power first
    curvature: tuple[float, float] = (0.0, 0.0)
    u: tuple[float, ...] = ()
    v: tuple[float, ...] = ()
    parameter_end: float = 0.0

    def local(self, ds_m: float) -> tuple[float, float, float]:
        if self.kind == "poly":
            return self._poly(ds_m)
        start, end = self.curvature
        if self.kind == "arc":
            turn = start * ds_m
            chord = ds_m * float(np.sinc(turn / math.tau))
            return chord * math.cos(turn / 2), chord * math.sin(turn / 2), turn
        rate = (end - start) / self.length_m
        p = np.linspace(0.0, ds_m, _SPIRAL_STEPS + 1)
        angle = start * p + rate * p * p / 2
        return float(simpson(np.cos(angle), x=p)), float(simpson(np.sin(angle), x=p)), float(angle[-1])

    def _poly(self, ds_m: float) -> tuple[float, float, float]:
        p = ds_m / self.length_m * self.parameter_end
        (u, du), (v, dv) = _cubic(self.u, p), _cubic(self.v, p)
        return u, v, math.atan2(dv, du)


@dataclass(frozen=True, slots=True)
class ReferenceLine:
    """One road's reference line.

    Attributes:
        road_id: The road's id.
        length_m: Length along the line.
    """

    road_id: str
    length_m: float
    _pieces: tuple[_Piece, ...]
    _heights: tuple[tuple[float, ...], ...]

    @classmethod
    def from_road(cls, road: ET.Element) -> "ReferenceLine":
        """Read it from a ``<road>`` element.

        Raises:
            DataError: There is no geometry, or a number is missing, not a number or not finite.
        """
        road_id = road.get("id", "")
        pieces = tuple(_piece(geometry, road_id) for geometry in road.iterfind("planView/geometry"))
        if not pieces:
            raise DataError(f"road {road_id} has no geometry")
        heights = tuple(
            (_number(e, "s", road_id), *(_number(e, k, road_id) for k in "abcd"))
            for e in road.iterfind("elevationProfile/elevation")
        )
        return cls(road_id, _number(road, "length", road_id), pieces, heights)

    def at(self, s_m: float, t_m: float = 0.0) -> tuple[float, float, float, float]:
        """The point at distance ``s_m`` along the line and ``t_m`` to the left of it.

        Returns:
            x, y, z in metres and the line's heading in radians, OpenDRIVE's frame.
        """
        index = max(bisect.bisect_right(self._pieces, s_m, key=lambda piece: piece.s_m) - 1, 0)
        piece = self._pieces[index]
        u, v, turn = piece.local(s_m - piece.s_m)
        cos, sin = math.cos(piece.heading_rad), math.sin(piece.heading_rad)
        heading = piece.heading_rad + turn
        x = piece.x_m + u * cos - v * sin - t_m * math.sin(heading)
        y = piece.y_m + u * sin + v * cos + t_m * math.cos(heading)
        return x, y, self.height_m(s_m), heading

    def height_m(self, s_m: float) -> float:
        """Height of the reference line; 0 where the map has no elevation."""
        index = bisect.bisect_right(self._heights, s_m, key=lambda height: height[0]) - 1
        if index < 0:
            return 0.0
        start, a, b, c, d = self._heights[index]
        ds = s_m - start
        return a + ds * (b + ds * (c + ds * d))


def _cubic(coefficients: tuple[float, ...], p: float) -> tuple[float, float]:
    a, b, c, d = coefficients
    return a + p * (b + p * (c + p * d)), b + p * (2 * c + p * 3 * d)


def _number(element: ET.Element, attribute: str, road_id: str) -> float:
    try:
        value = float(element.attrib[attribute])
    except (KeyError, ValueError) as error:
        raise DataError(
            f"road {road_id}: {attribute} of <{element.tag}> must be a number, got {element.get(attribute)!r}"
        ) from error
    if not math.isfinite(value):
        raise DataError(f"road {road_id}: {attribute} of <{element.tag}> must be finite, got {value}")
    return value


def _piece(geometry: ET.Element, road_id: str) -> _Piece:
    s, x, y, heading, length = (_number(geometry, key, road_id) for key in ("s", "x", "y", "hdg", "length"))
    shape = next((child for child in geometry if child.tag != "userData"), None)
    tag = "nothing" if shape is None else shape.tag
    if shape is None or tag not in {"line", "arc", "spiral", "poly3", "paramPoly3"}:
        raise DataError(f"road {road_id}: a geometry must be line, arc, spiral, poly3 or paramPoly3, got {tag}")
    place = (s, x, y, heading, length)
    if tag == "line":
        return _Piece(*place, kind="arc")
    if tag == "arc":
        curvature = _number(shape, "curvature", road_id)
        return _Piece(*place, kind="arc", curvature=(curvature, curvature))
    if tag == "spiral":
        ends = (_number(shape, "curvStart", road_id), _number(shape, "curvEnd", road_id))
        return _Piece(*place, kind="spiral", curvature=ends)
    if tag == "poly3":
        v = tuple(_number(shape, key, road_id) for key in "abcd")
        return _Piece(*place, kind="poly", u=(0.0, 1.0, 0.0, 0.0), v=v, parameter_end=length)
    u, v = (tuple(_number(shape, key + axis, road_id) for key in "abcd") for axis in "UV")
    end = 1.0 if shape.get("pRange", "normalized") == "normalized" else length
    return _Piece(*place, kind="poly", u=u, v=v, parameter_end=end)
