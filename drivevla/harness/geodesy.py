"""From satellite fixes to the simulator's metres, with the map or without it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import carla

__all__ = ["map_of_reference", "reference_of_point"]

_EQUATORIAL_RADIUS_M = 6378137.0


def reference_of_point(*, latitude_deg: float, longitude_deg: float, x_m: float, y_m: float) -> tuple[float, float]:
    """Latitude and longitude of a map's origin, from one point of the plan that an evaluator gives in both systems.

    The leaderboard computes its plan's latitudes by a spherical Mercator projection whose scale is right at the
    origin's latitude (``leaderboard/utils/route_manipulation.py``, ``_location_to_gps``); this is its inverse, found by
    repetition since the scale depends on the result.

    Args:
        latitude_deg: Of the point, as the evaluator gives it.
        longitude_deg: Likewise.
        x_m: The point in CARLA's frame.
        y_m: Likewise; the evaluator's north is -y.
    """
    reference = latitude_deg
    for _ in range(20):
        scale = math.cos(math.radians(reference))
        mercator = math.asinh(math.tan(math.radians(latitude_deg))) + y_m / (_EQUATORIAL_RADIUS_M * scale)
        reference = math.degrees(math.atan(math.sinh(mercator)))
    scale = math.cos(math.radians(reference))
    return reference, longitude_deg - math.degrees(x_m / (_EQUATORIAL_RADIUS_M * scale))


def map_of_reference(latitude_deg: float, longitude_deg: float) -> carla.Map:
    """A map of one short road whose origin has that latitude and longitude, projected as CARLA's towns are.

    An agent without a map has only this to turn fixes into metres with the simulator's own arithmetic, which changed
    with CARLA 0.9.16: north is +y on maps with a transverse Mercator projection, -y in the plan that the leaderboard
    gives.
    """
    import carla

    projection = f"+proj=tmerc +lat_0={latitude_deg:.9f} +lon_0={longitude_deg:.9f} +k=1 +x_0=0 +y_0=0 +datum=WGS84"
    return carla.Map("reference", _ONE_ROAD.format(projection=projection))


_ONE_ROAD = """<?xml version="1.0"?>
<OpenDRIVE>
  <header revMajor="1" revMinor="4"><geoReference><![CDATA[{projection}]]></geoReference></header>
  <road name="" length="10" id="0" junction="-1">
    <planView><geometry s="0" x="0" y="0" hdg="0" length="10"><line/></geometry></planView>
    <lanes><laneSection s="0">
      <center><lane id="0" type="none" level="false"/></center>
      <right><lane id="-1" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
    </laneSection></lanes>
  </road>
</OpenDRIVE>
"""
