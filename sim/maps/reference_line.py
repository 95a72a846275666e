"""A road's reference line and height in OpenDRIVE's own frame (right-handed: x east, y north, z up, radians).

ASAM OpenDRIVE 1.4, sections 5.3.3 (plan view) and 5.3.5 (elevation). CARLA's frame is this one with y negated.
"""

import bisect
import math
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np

from drivevla.errors import DataError
from drivevla.sim.server.scene.plan_view import Geometry, PlanView

__all__ = ["ReferenceLine"]


@dataclass(frozen=True, slots=True)
class ReferenceLine:
    """One road's reference line.

    Attributes:
        road_id: The road's id.
        length_m: Length along the line.
    """

    road_id: str
    length_m: float
    _plan_view: PlanView
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
        return cls(road_id, _number(road, "length", road_id), PlanView(pieces), heights)

    def at(self, s_m: float, t_m: float = 0.0) -> tuple[float, float, float, float]:
        """The point at distance ``s_m`` along the line and ``t_m`` to the left of it.

        Returns:
            x, y, z in metres and the line's heading in radians, OpenDRIVE's frame.
        """
        xy_m, heading_rad = self._plan_view(np.array([s_m]))  # CARLA's frame: y and heading negated
        x, y, heading = float(xy_m[0, 0]), -float(xy_m[0, 1]), -float(heading_rad[0])
        return x - t_m * math.sin(heading), y + t_m * math.cos(heading), self.height_m(s_m), heading

    def height_m(self, s_m: float) -> float:
        """Height of the reference line; 0 where the map has no elevation."""
        index = bisect.bisect_right(self._heights, s_m, key=lambda height: height[0]) - 1
        if index < 0:
            return 0.0
        start, a, b, c, d = self._heights[index]
        ds = s_m - start
        return a + ds * (b + ds * (c + ds * d))


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


def _piece(geometry: ET.Element, road_id: str) -> Geometry:
    s, x, y, heading, length = (_number(geometry, key, road_id) for key in ("s", "x", "y", "hdg", "length"))
    shape = next((child for child in geometry if child.tag != "userData"), None)
    tag = "nothing" if shape is None else shape.tag
    if shape is None or tag not in {"line", "arc", "spiral", "poly3", "paramPoly3"}:
        raise DataError(f"road {road_id}: a geometry must be line, arc, spiral, poly3 or paramPoly3, got {tag}")
    place = (s, x, y, heading, length)
    if tag == "line":
        return Geometry(*place, "line")
    if tag == "arc":
        return Geometry(*place, "arc", (_number(shape, "curvature", road_id),))
    if tag == "spiral":
        return Geometry(*place, "spiral", tuple(_number(shape, key, road_id) for key in ("curvStart", "curvEnd")))
    if tag == "poly3":
        return Geometry(*place, "poly3", tuple(_number(shape, key, road_id) for key in "abcd"))
    cubics = [_number(shape, key + axis, road_id) for axis in "UV" for key in "abcd"]
    end = 1.0 if shape.get("pRange", "normalized") == "normalized" else length
    return Geometry(*place, "paramPoly3", (*cubics, end))
