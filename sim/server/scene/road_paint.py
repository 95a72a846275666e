"""Paint that is not along lanes: zebra stripes of crosswalks, stop lines, give-way teeth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from drivevla.sim.server.scene.approaches import Approach
from drivevla.sim.server.scene.footprints import LaneFootprints
from drivevla.sim.server.scene.ground import GroundSurface
from drivevla.sim.server.scene.markings import PAINT_LIFT_M
from drivevla.sim.server.scene.materials import PAINTS
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.mesh_builder import MeshBuilder, grid_triangles
from drivevla.sim.server.scene.signals import SignalSite

if TYPE_CHECKING:
    import carla

__all__ = ["STOP_LINE_M", "add_crosswalks", "add_stop_lines", "crosswalk_polygons"]

STOP_LINE_M = 0.4
"""Thickness of a stop line along the road."""

_STRIPE_M, _STRIPE_GAP_M = 0.5, 0.5
_TOOTH_M, _TOOTH_GAP_M, _TOOTH_LENGTH_M = 0.5, 0.25, 0.6
_CROSSING_LIFT_M = 0.012


def crosswalk_polygons(carla_map: "carla.Map") -> list[NDArray[np.float64]]:
    """Corners (n, 3) of every crosswalk, without the repeated last one.

    The client gives closed polygons behind each other, each ended by a repetition of its first corner.
    """
    polygons: list[NDArray[np.float64]] = []
    ring: list[tuple[float, float, float]] = []
    for point in carla_map.get_crosswalks():
        corner = (point.x, point.y, point.z)
        if ring and np.linalg.norm(np.subtract(corner, ring[0])) < 1e-3:
            if len(ring) >= 3:
                polygons.append(np.array(ring))
            ring = []
        else:
            ring.append(corner)
    return polygons


def add_crosswalks(
    builder: MeshBuilder, polygons: Sequence[NDArray[np.float64]], ground: GroundSurface, driving: LaneFootprints
) -> None:
    """Paint zebra stripes, parallel to the traffic, wherever a crosswalk lies on a driving lane."""
    stripes = [stripe for polygon in polygons for stripe in _stripes(polygon)]
    if not stripes:
        return
    corners = np.array(stripes)
    on_road = driving.covers(corners.mean(axis=1))
    _paint_quads(builder, corners[on_road], ground, lift_m=_CROSSING_LIFT_M)


def _stripes(polygon_m: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """(4, 3) corners of each stripe, ordered around it."""
    shape = shapely.Polygon(polygon_m[:, :2]).buffer(0)
    if shape.is_empty or shape.area < 0.5:
        return []
    hull = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shape))[:4]
    sides = np.roll(hull, -1, axis=0) - hull
    length = np.hypot(*sides.T)
    start = int(np.argmax(length[:2]))
    walk, across = sides[start] / length[start], sides[start + 1] / length[start + 1]
    count = max(1, int((length[start] + _STRIPE_GAP_M) // (_STRIPE_M + _STRIPE_GAP_M)))
    first = 0.5 * (length[start] - count * _STRIPE_M - (count - 1) * _STRIPE_GAP_M)
    middles = hull[start] + walk * (first + np.arange(count) * (_STRIPE_M + _STRIPE_GAP_M) + _STRIPE_M / 2)[:, None]
    rays = shapely.linestrings(np.stack([middles - across, middles + across * (length[start + 1] + 1)], axis=1))
    pieces = shapely.intersection(shape, rays)
    hit = shapely.length(pieces) > 0.1
    low, high = _ends_along(pieces[hit], across)
    side = walk * _STRIPE_M / 2
    corners = np.stack([low - side, low + side, high + side, high - side], axis=1)
    return list(np.concatenate([corners, np.full((len(corners), 4, 1), polygon_m[:, 2].mean())], axis=-1))


def _ends_along(
    pieces: NDArray[np.object_], direction: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last point (N, 2) of each collinear piece, seen along ``direction``."""
    points, owner = shapely.get_coordinates(pieces, return_index=True)
    order = np.lexsort((points @ direction, owner))
    points, owner = points[order], owner[order]
    _, first = np.unique(owner, return_index=True)
    last = np.append(first[1:], len(owner)) - 1
    return points[first], points[last]


def add_stop_lines(builder: MeshBuilder, sites: Sequence[SignalSite], ground: GroundSurface) -> None:
    """Paint a bar at every light and stop sign, and a row of triangles at every yield sign, on the governed lanes."""
    approaches: dict[tuple[int, tuple[int, ...]], tuple[Approach, bool]] = {}
    for site in sites:
        if site.approach is not None and site.kind != "speed_limit":
            key = (site.approach.road_id, site.approach.lane_ids)
            approaches.setdefault(key, (site.approach, site.kind == "yield"))
    bars = [_bar(approach) for approach, gives_way in approaches.values() if not gives_way]
    if bars:
        _paint_quads(builder, np.array(bars), ground, lift_m=PAINT_LIFT_M)
    for approach, gives_way in approaches.values():
        if gives_way:
            _paint_teeth(builder, approach, ground)


def _bar(approach: Approach) -> NDArray[np.float64]:
    back = STOP_LINE_M * approach.forward
    return np.array([approach.left_m, approach.right_m, approach.right_m - back, approach.left_m - back])


def _paint_teeth(builder: MeshBuilder, approach: Approach, ground: GroundSurface) -> None:
    across = approach.right_m - approach.left_m
    width = float(np.linalg.norm(across))
    count = max(1, int(width // (_TOOTH_M + _TOOTH_GAP_M)))
    pitch = width / count
    middles = approach.left_m + across / width * (pitch * (np.arange(count) + 0.5))[:, None]
    side, back = across / width * _TOOTH_M / 2, _TOOTH_LENGTH_M * approach.forward
    # Give-way triangles point at the driver who has to wait.
    corners = np.stack([middles - side, middles + side, middles - back], axis=1).reshape(-1, 3)
    _paint(builder, corners, np.arange(3 * count).reshape(-1, 3), ground, lift_m=PAINT_LIFT_M)


def _paint_quads(builder: MeshBuilder, corners_m: NDArray[np.float64], ground: GroundSurface, *, lift_m: float) -> None:
    """Paint (Q, 4, 3) quadrilaterals, cut into pieces short enough to follow the road."""
    longest = np.linalg.norm(corners_m - np.roll(corners_m, 1, axis=1), axis=-1).max()
    pieces = int(np.ceil(longest / 1.5)) + 1
    share = np.linspace(0, 1, pieces)[None, :, None]
    # Cut along whichever pair of sides is longer.
    turned = np.linalg.norm(corners_m[:, 1] - corners_m[:, 0], axis=-1) > np.linalg.norm(
        corners_m[:, 2] - corners_m[:, 1], axis=-1
    )
    a, b, c, d = np.where(turned[:, None, None], corners_m, np.roll(corners_m, -1, axis=1)).transpose(1, 0, 2)
    near, far = a[:, None] + share * (b - a)[:, None], d[:, None] + share * (c - d)[:, None]
    vertices = np.stack([near, far], axis=2).reshape(-1, 3)
    first = 2 * pieces * np.arange(len(corners_m))[:, None, None]
    _paint(builder, vertices, (first + grid_triangles(pieces, 2)).reshape(-1, 3), ground, lift_m=lift_m)


def _paint(
    builder: MeshBuilder,
    vertices_m: NDArray[np.float64],
    triangles: NDArray[np.int64],
    ground: GroundSurface,
    *,
    lift_m: float,
) -> None:
    z, _ = ground.query(vertices_m[:, :2], vertices_m[:, 2])
    z = np.where(np.isfinite(z) & (np.abs(z - vertices_m[:, 2]) < 1.0), z, vertices_m[:, 2])
    lifted = np.column_stack([vertices_m[:, :2], z + lift_m])
    builder.add(lifted, triangles, material=PAINTS["white"], label=Label.ROAD_LINES)
