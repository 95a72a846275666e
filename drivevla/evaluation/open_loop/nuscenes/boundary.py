"""The road's boundary around the car, as BEV-Planner takes it from a map.

Source: NVlabs/BEV-Planner 01c28d6, ``pipelines/loading.py``: contours of the union of road segments and lanes.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

__all__ = ["BOUNDARY_POINTS", "road_boundary_m"]

BOUNDARY_POINTS = 20
"""Points that every polyline is resampled to, whatever its length."""

_LENGTH_M = 102.4
_WIDTH_M = 50.0
_MARGIN_M = 0.2  # contours run along the patch's own border where the road leaves it; this cuts them off


def road_boundary_m(areas: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """The boundary of a road that is made of polygons; one that crosses itself is left out, as in the devkit.

    Args:
        areas: (V, 2) corners of road segments and lanes in the ego frame, each its own V.

    Returns:
        (B, 20, 2) polylines within 102.4 m x 50 m around the car.
    """
    patch = shapely.box(-_LENGTH_M / 2, -_WIDTH_M / 2, _LENGTH_M / 2, _WIDTH_M / 2)
    inner = patch.buffer(-_MARGIN_M, join_style="mitre")
    polygons = [polygon for area in areas if (polygon := shapely.Polygon(np.asarray(area))).is_valid]
    road = shapely.unary_union(polygons).intersection(patch)
    outlines = []
    for polygon in shapely.get_parts(road):
        if isinstance(polygon, shapely.Polygon):
            outlines += [shapely.LineString(ring.coords) for ring in (polygon.exterior, *polygon.interiors)]
    lines = [
        line
        for outline in outlines
        for line in shapely.get_parts(shapely.line_merge(outline.intersection(inner)))
        if isinstance(line, shapely.LineString) and line.length > 0
    ]
    sampled = [
        shapely.get_coordinates(shapely.line_interpolate_point(line, np.linspace(0.0, line.length, BOUNDARY_POINTS)))
        for line in lines
    ]
    return np.array(sampled).reshape(-1, BOUNDARY_POINTS, 2)
