"""Pavement between the lanes of a junction: without it, grass would show wherever no connecting lane runs."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Delaunay, cKDTree

from drivevla.sim.server.scene.lane_grid import PAVED_KINDS, LaneGrid
from drivevla.sim.server.scene.materials import ASPHALT
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.mesh_builder import MeshBuilder

__all__ = ["add_junction_floors"]

_WIDEST_GAP_M = 5.0
_BELOW_M = 0.02
_GRID_M = 3.0


def add_junction_floors(builder: MeshBuilder, grids: Sequence[LaneGrid]) -> None:
    """Lay asphalt a few centimetres under the lanes of each junction, closing gaps up to ``_WIDEST_GAP_M``."""
    by_junction: dict[int, list[LaneGrid]] = {}
    for grid in grids:
        if grid.in_junction:
            by_junction.setdefault(grid.road.junction_id, []).append(grid)
    for members in by_junction.values():
        _add_floor(builder, members)


def _add_floor(builder: MeshBuilder, grids: Sequence[LaneGrid]) -> None:
    strips, points = [], []
    for grid in grids:
        for k, lane in enumerate(grid.lanes):
            if lane.kind in PAVED_KINDS:
                left, right = grid.borders_m[grid.keep, k], grid.borders_m[grid.keep, k + 1]
                strips.append(shapely.Polygon(np.concatenate([left, right[::-1]])[:, :2]).buffer(0))
                points += [left, right]
    if not strips:
        return
    road = shapely.union_all(strips)
    floor = road.buffer(_WIDEST_GAP_M / 2, quad_segs=3).buffer(-_WIDEST_GAP_M / 2, quad_segs=3)
    if floor.difference(road.buffer(0.02)).area < 0.5:
        return
    _add_polygon(builder, floor.buffer(-0.05).simplify(0.05), np.concatenate(points))


def _add_polygon(
    builder: MeshBuilder, floor: shapely.geometry.base.BaseGeometry, heights_m: NDArray[np.float64]
) -> None:
    """Triangles whose centre lies in the polygon, from a Delaunay triangulation of its dense outline."""
    outline = shapely.get_coordinates(shapely.segmentize(floor, _GRID_M))
    if len(outline) < 4:
        return
    xy = np.unique(np.round(outline, 3), axis=0)
    mesh = Delaunay(xy)
    corners = xy[mesh.simplices]
    inside = shapely.contains_xy(floor, *corners.mean(axis=1).T)
    _, nearest = cKDTree(heights_m[:, :2]).query(xy)
    vertices = np.column_stack([xy, heights_m[nearest, 2] - _BELOW_M])
    triangles = mesh.simplices[inside].astype(np.int64)
    a, b, c = (xy[triangles[:, k]] for k in range(3))
    solid = np.abs(np.cross(b - a, c - a)) > 1e-4
    builder.add(vertices, triangles[solid], material=ASPHALT, label=Label.ROADS, is_ground=True)
