"""A road's reference line and height in OpenDRIVE's own frame (right-handed: x east, y north, z up, radians).

ASAM OpenDRIVE 1.4, sections 5.3.3 (plan view) and 5.3.5 (elevation). CARLA's frame is this one with y negated.
"""

import math
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np

from drivevla.errors import DataError
from drivevla.sim.maps.cubics import CubicProfile
from drivevla.sim.maps.plan_view import PlanView
from drivevla.sim.maps.xml_numbers import number_of

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
    _elevation: CubicProfile

    @classmethod
    def from_road(cls, road: ET.Element) -> "ReferenceLine":
        """Read it from a ``<road>`` element.

        Raises:
            DataError: There is no geometry, or a number is missing, not a number or not finite.
        """
        road_id = road.get("id", "")
        try:
            elevation = CubicProfile.of(road.iterfind("elevationProfile/elevation"))
            return cls(road_id, number_of(road, "length"), PlanView.of(road), elevation)
        except DataError as error:
            raise DataError(f"road {road_id}: {error}") from error

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
        return float(self._elevation(np.array([s_m]))[0])
