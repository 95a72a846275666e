"""Where walkers may go: one Delaunay triangulation of all sidewalk, crosswalk and road borders.

Points along the borders are dense compared to the width of what they bound, so the triangulation contains the borders
nearly as they are; every triangle is classified by what lies under its centre. Neighbours then share whole edges, which
is what makes paths lead from a sidewalk over a crosswalk to the next one.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Delaunay, cKDTree

from drivevla.sim.server.scene.detour import MOST_POLYGONS, Area, WalkableMesh
from drivevla.sim.server.scene.footprints import LaneFootprints
from drivevla.sim.server.scene.ground import GroundSurface
from drivevla.sim.server.scene.lane_grid import LaneGrid
from drivevla.sim.server.scene.surface import lane_role

__all__ = ["walkable_mesh"]

_SPACING_M, _WIDEST_SPACING_M = 2.0, 3.5
_MOST_POINTS = 26_000
_MERGE_M = 0.4
_REACH_M = 2.5
_TALLEST_TRIANGLE_M = 1.2
_LONGEST_EDGE_M = 14.0


def walkable_mesh(
    grids: Sequence[LaneGrid],
    crosswalks: Sequence[NDArray[np.float64]],
    *,
    sidewalks: LaneFootprints,
    roads: LaneFootprints,
    ground: GroundSurface,
) -> WalkableMesh:
    """Triangulate sidewalks, crosswalks and roads.

    Args:
        grids: Sampled lanes.
        crosswalks: Corners (n, 3) of each crosswalk.
        sidewalks: Footprints of sidewalk lanes.
        roads: Footprints of paved lanes.
        ground: For the heights of the vertices.
    """
    crosswalks = [_reaching_sidewalks(ring) for ring in crosswalks]
    points = _border_points(grids, crosswalks)
    if len(points) < 3:
        return _empty()
    mesh = Delaunay(points[:, :2])
    corners = points[mesh.simplices]
    centers = corners.mean(axis=1)
    area = _classify(centers, crosswalks, sidewalks, roads)
    flat = np.ptp(corners[..., 2], axis=1) < _TALLEST_TRIANGLE_M
    edges = np.linalg.norm(corners[..., :2] - np.roll(corners[..., :2], 1, axis=1), axis=-1)
    area[~flat | (edges.max(axis=1) > _LONGEST_EDGE_M)] = Area.BLOCK
    keep = np.flatnonzero(area != Area.BLOCK)
    if len(keep) > MOST_POLYGONS:  # roads matter least to walkers
        keep = np.flatnonzero((area == Area.SIDEWALK) | (area == Area.CROSSWALK))[:MOST_POLYGONS]
    return _compact(points, mesh, keep, area, ground)


def _reaching_sidewalks(ring_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """A crosswalk's hull, longer by ``_REACH_M`` at both ends: many end at the gutter, a step before the sidewalk."""
    hull = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shapely.MultiPoint(ring_m[:, :2])))
    if len(hull) < 5:
        return ring_m
    a, b, c, d = hull[:4] if np.linalg.norm(hull[1] - hull[0]) > np.linalg.norm(hull[2] - hull[1]) else hull[1:5]
    reach = _REACH_M * (b - a) / np.linalg.norm(b - a)
    xy = np.array([a - reach, b + reach, c + reach, d - reach])
    _, nearest = cKDTree(ring_m[:, :2]).query(xy)
    return np.column_stack([xy, ring_m[nearest, 2]])


def _border_points(grids: Sequence[LaneGrid], crosswalks: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    lines = _walkable_borders(grids)
    spacing = max(_SPACING_M, min(_WIDEST_SPACING_M, sum(_length_m(grid) for grid, _ in lines) / _MOST_POINTS))
    pieces = [np.empty((0, 3))]
    for grid, border in _within_budget(lines, spacing):
        s_m = np.linspace(grid.s_m[0], grid.s_m[-1], max(2, int(_length_m(grid) / spacing) + 1))
        pieces.append(grid.at(s_m, border))
    for ring in crosswalks:
        for start, end in pairwise(np.concatenate([ring, ring[:1]])):
            count = max(2, int(np.linalg.norm(end - start) / _SPACING_M) + 1)
            pieces.append(start + np.linspace(0, 1, count)[:, None] * (end - start))
    points = np.concatenate(pieces)
    _, first = np.unique(np.round(points / _MERGE_M).astype(np.int64), axis=0, return_index=True)
    return points[np.sort(first)]


def _walkable_borders(grids: Sequence[LaneGrid]) -> list[tuple[LaneGrid, int]]:
    lines = []
    for grid in grids:
        roles = [lane_role(grid, k) for k in range(len(grid.lanes))]
        for border in range(len(roles) + 1):
            beside = set(roles[max(border - 1, 0) : border + 1])
            if "sidewalk" in beside or (len(beside) > 1 and "road" in beside) or border in (0, len(roles)):
                lines.append((grid, border))
    return lines


def _within_budget(lines: list[tuple[LaneGrid, int]], spacing_m: float) -> list[tuple[LaneGrid, int]]:
    """All lines, or, on maps too large for one tile, those nearest to the middle of the map's sidewalks."""
    counts = np.array([_length_m(grid) / spacing_m + 1 for grid, _ in lines])
    if counts.sum() <= 1.05 * _MOST_POINTS + len(lines):
        return lines
    middles = np.array([grid.borders_m[len(grid.s_m) // 2, border, :2] for grid, border in lines])
    is_walk = np.array([any(lane.kind == "sidewalk" for lane in grid.lanes) for grid, _ in lines])
    town = np.median(middles[is_walk] if is_walk.any() else middles, axis=0)
    order = np.argsort(np.hypot(*(middles - town).T), kind="stable")
    affordable = int(np.searchsorted(np.cumsum(counts[order]), _MOST_POINTS))
    return [lines[k] for k in order[:affordable]]


def _length_m(grid: LaneGrid) -> float:
    return float(grid.s_m[-1] - grid.s_m[0])


def _classify(
    centers_m: NDArray[np.float64],
    crosswalks: Sequence[NDArray[np.float64]],
    sidewalks: LaneFootprints,
    roads: LaneFootprints,
) -> NDArray[np.uint8]:
    area = np.zeros(len(centers_m), dtype=np.uint8)
    area[sidewalks.covers(centers_m)] = Area.SIDEWALK
    area[roads.covers(centers_m)] = Area.ROAD
    if len(crosswalks):
        shapes = np.array([shapely.Polygon(ring[:, :2]).buffer(0) for ring in crosswalks])
        inside, _ = shapely.STRtree(shapes).query(shapely.points(centers_m[:, :2]), predicate="intersects")
        crossing = np.zeros(len(centers_m), dtype=bool)
        crossing[inside] = True
        area[crossing & (area != Area.SIDEWALK)] = Area.CROSSWALK
    return area


def _compact(
    points_m: NDArray[np.float64],
    mesh: Delaunay,
    keep: NDArray[np.intp],
    area: NDArray[np.uint8],
    ground: GroundSurface,
) -> WalkableMesh:
    triangles = mesh.simplices[keep].astype(np.int64)
    # Delaunay's neighbour k lies opposite corner k, which is behind the edge from corner k + 1 to k + 2.
    across = np.roll(mesh.neighbors[keep].astype(np.int64), -2, axis=1)
    number = np.full(len(mesh.simplices) + 1, -1, dtype=np.int64)  # the last entry answers for "no neighbour", -1
    number[keep] = np.arange(len(keep))
    neighbours = number[across]
    a, b, c = (points_m[triangles[:, k], :2] for k in range(3))
    anticlockwise = np.cross(b - a, c - a) > 0
    triangles[anticlockwise] = triangles[anticlockwise][:, [0, 2, 1]]
    # Edges 01, 12, 20 of the turned triangle are the old edges 20, 12, 01.
    neighbours[anticlockwise] = neighbours[anticlockwise][:, [2, 1, 0]]
    used, renumbered = np.unique(triangles, return_inverse=True)
    vertices = points_m[used].copy()
    z, _ = ground.query(vertices[:, :2], vertices[:, 2])
    vertices[:, 2] = np.where(np.abs(z - vertices[:, 2]) < 1.0, z, vertices[:, 2])
    return WalkableMesh(
        vertices_m=vertices, triangles=renumbered.reshape(-1, 3), neighbours=neighbours, area=area[keep]
    )


def _empty() -> WalkableMesh:
    none = np.empty((0, 3), dtype=np.int64)
    return WalkableMesh(vertices_m=np.empty((0, 3)), triangles=none, neighbours=none, area=np.empty(0, dtype=np.uint8))
