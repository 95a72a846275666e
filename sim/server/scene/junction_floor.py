"""Pavement between the lanes of a junction: without it, grass would show wherever no connecting lane runs."""

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Delaunay, cKDTree
from shapely.geometry.base import BaseGeometry

from drivevla.sim.server.scene.lane_grid import PAVED_KINDS, LaneGrid
from drivevla.sim.server.scene.materials import ASPHALT
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.mesh_builder import MeshBuilder

__all__ = ["add_junction_floors"]

_WIDEST_GAP_M = 5.0
_BELOW_M = 0.02
_GRID_M = 3.0
_MOUTH_M = 8.0
_LARGEST_PAVED_ISLAND_M2 = 60.0


def add_junction_floors(builder: MeshBuilder, grids: Sequence[LaneGrid]) -> None:
    """Lay asphalt a little under the lanes of each junction, closing gaps and small islands."""
    members: dict[int, list[tuple[LaneGrid, slice]]] = {}
    for grid in grids:
        if grid.in_junction:
            members.setdefault(grid.road.junction_id, []).append((grid, slice(None)))
        else:
            for junction_id, mouth in _mouths(grid):
                members.setdefault(junction_id, []).append((grid, mouth))
    for parts in members.values():
        _add_floor(builder, parts)


def _mouths(grid: LaneGrid) -> Iterator[tuple[int, slice]]:
    """The last metres of a road in front of the junctions it leads to."""
    stations = max(2, int(_MOUTH_M / (grid.s_m[1] - grid.s_m[0])))
    road = grid.road
    if road.predecessor is not None and road.predecessor[0] == "junction" and grid.section is road.sections[0]:
        yield road.predecessor[1], slice(0, stations)
    if road.successor is not None and road.successor[0] == "junction" and grid.section is road.sections[-1]:
        yield road.successor[1], slice(-stations, None)


def _add_floor(builder: MeshBuilder, parts: Sequence[tuple[LaneGrid, slice]]) -> None:
    strips, points = [], []
    for grid, stretch in parts:
        for k, lane in enumerate(grid.lanes):
            if lane.kind in PAVED_KINDS:
                left, right = grid.borders_m[stretch, k], grid.borders_m[stretch, k + 1]
                strips.append(np.concatenate([left, right[::-1], left[:1]])[:, :2])
                points += [left, right]
    if not strips:
        return
    counts = [len(strip) for strip in strips]
    rings = shapely.linearrings(np.concatenate(strips), indices=np.repeat(np.arange(len(strips)), counts))
    road = shapely.union_all(shapely.buffer(shapely.polygons(rings), 0.01, quad_segs=1))
    reach = _WIDEST_GAP_M / 2
    floor = _without_small_holes(road.buffer(reach, quad_segs=3).buffer(-reach, quad_segs=3))
    if floor.difference(road).area >= 0.5:
        _add_polygon(builder, floor.buffer(-0.05).simplify(0.05), np.concatenate(points))


def _without_small_holes(floor: BaseGeometry) -> BaseGeometry:
    """Islands too small to be wanted are paved over; the middle of a roundabout stays open."""
    filled = []
    for polygon in shapely.get_parts(floor):
        holes = [ring for ring in polygon.interiors if shapely.Polygon(ring).area > _LARGEST_PAVED_ISLAND_M2]
        filled.append(shapely.Polygon(polygon.exterior, holes))
    return shapely.union_all(filled)


def _add_polygon(builder: MeshBuilder, floor: BaseGeometry, heights_m: NDArray[np.float64]) -> None:
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
