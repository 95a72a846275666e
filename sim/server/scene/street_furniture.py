"""Street lamps, garden fences, and guard rails where the road runs above the land."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from shapely import points, polygons

from drivevla.sim.server.scene.materials import BRIDGE_CONCRETE, RAIL_STEEL, STEEL
from drivevla.sim.server.scene.mesh import Label, Material
from drivevla.sim.server.scene.mesh_builder import MeshBuilder
from drivevla.sim.server.scene.placement import Site
from drivevla.sim.server.scene.registry import ObjectRegistry
from drivevla.sim.server.scene.roadside import Claims, RoadEdge, rectangles
from drivevla.sim.server.scene.scene import StreetLight
from drivevla.sim.server.scene.solids import box, placed, prism
from drivevla.sim.server.scene.terrain import HeightField

__all__ = ["add_fences", "add_guard_rails", "add_lamps"]

_LAMP_PITCH_M, _LAMP_HEIGHT_M, _LAMP_ARM_M = 32.0, 7.0, 1.6
_MOST_LAMPS = 700
_LAMP = Material(surface="plain", rgb=(1.0, 0.93, 0.78), emission=1.0)
_FENCE_WOOD = Material(surface="plain", rgb=(0.50, 0.40, 0.30))
_FENCE_PIECE_M, _FENCE_HEIGHT_M = 3.0, 1.1
_RAIL_PIECE_M, _RAIL_HEIGHT_M, _RAIL_BEYOND_M = 4.0, 0.75, 0.35
_DROP_M = 1.2  # on cells of 5 m; coarser land lies deeper below slopes
_MOST_RAILS = 2000
_DECK_M = 1.0


def add_lamps(
    builder: MeshBuilder, registry: ObjectRegistry, edges: Sequence[RoadEdge], site: Site, rng: np.random.Generator
) -> tuple[StreetLight, ...]:
    """Stand lamps on the kerb side of sidewalks, their arms over the gutter."""
    feet, yaws = [np.empty((0, 3))], [np.empty(0)]
    for edge in edges:
        if not edge.is_urban or edge.length_m < 15.0:
            continue
        stations = np.arange(rng.uniform(5.0, 12.0), edge.length_m - 4.0, _LAMP_PITCH_M)
        inset = edge.outwards * 0.55
        feet.append(edge.grid.at(edge.grid.s_m[0] + stations, edge.kerb_border, inset))
        yaws.append(np.degrees(edge.heading_rad(stations)) - 90.0 * edge.outwards)
    foot, yaw_deg = np.concatenate(feet), np.concatenate(yaws)
    off_road = ~site.paved.meets(np.asarray(points(foot[:, :2]), dtype=object), margin_m=0.25)
    foot, yaw_deg = site.on_ground(foot[off_road])[:_MOST_LAMPS], yaw_deg[off_road][:_MOST_LAMPS]
    post = prism(0.09, _LAMP_HEIGHT_M + 0.2, sides=5, top_radius_m=0.06)
    arm = placed(box((_LAMP_ARM_M, 0.07, 0.07)), (_LAMP_ARM_M / 2, 0.0, _LAMP_HEIGHT_M))
    head = placed(box((0.6, 0.24, 0.10)), (_LAMP_ARM_M, 0.0, _LAMP_HEIGHT_M - 0.06))
    ids = [_register_post(registry, at) for at in foot]
    matrices = _poses(foot, yaw_deg)
    for solid, material in ((placed(post, (0, 0, -0.2)), STEEL), (arm, STEEL), (head, _LAMP)):
        builder.add_copies(solid, matrices, ids, material=material, label=Label.POLES)
    lanterns: list[list[float]] = (matrices @ [_LAMP_ARM_M, 0.0, _LAMP_HEIGHT_M, 1.0]).tolist()
    return tuple(
        StreetLight(object_id=object_id, location_m=(x, y, z))
        for object_id, (x, y, z) in zip(ids, lanterns, strict=True)
    )


def _register_post(registry: ObjectRegistry, foot_m: NDArray[np.float64]) -> int:
    x, y, z = (float(value) for value in foot_m)
    half = _LAMP_HEIGHT_M / 2
    return registry.add("StreetLight", label=Label.POLES, center_m=(x, y, z + half), half_extent_m=(0.1, 0.1, half))


def add_fences(
    builder: MeshBuilder,
    registry: ObjectRegistry,
    edges: Sequence[RoadEdge],
    terrain: HeightField,
    claims: Claims,
    rng: np.random.Generator,
) -> None:
    """Fence some stretches of the land beside roads."""
    feet, yaws = [np.empty((0, 2))], [np.empty(0)]
    for edge in edges:
        if edge.length_m > 20.0 and rng.random() < 0.22:
            start, length = rng.uniform(2.0, edge.length_m - 12.0), rng.uniform(9.0, 40.0)
            stations = np.arange(start, min(start + length, edge.length_m - 2.0), _FENCE_PIECE_M)
            feet.append(edge.points_m(stations, 0.9 if edge.is_urban else 3.0)[:, :2])
            yaws.append(np.degrees(edge.heading_rad(stations)))
    foot, yaw_deg = np.concatenate(feet), np.concatenate(yaws)
    half = np.tile([_FENCE_PIECE_M / 2, 0.05], (len(foot), 1))
    free = claims.claim(rectangles(foot, half * [0.8, 1.0], np.radians(yaw_deg)), margin_m=0.3)
    _add_pieces(
        builder,
        registry,
        np.column_stack([foot, terrain(foot)])[free],
        yaw_deg[free],
        size_m=(_FENCE_PIECE_M, 0.06, _FENCE_HEIGHT_M),
        material=_FENCE_WOOD,
        label=Label.FENCES,
        name="Fence",
    )


def add_guard_rails(
    builder: MeshBuilder, registry: ObjectRegistry, edges: Sequence[RoadEdge], terrain: HeightField, site: Site
) -> None:
    """Rails, and the side of the deck below them, wherever the land beside the road lies well below it."""
    feet, yaws, slopes = [np.empty((0, 3))], [np.empty(0)], [np.empty(0)]
    for edge in edges:
        stations = np.arange(_RAIL_PIECE_M / 2, edge.length_m, _RAIL_PIECE_M)
        at = edge.points_m(stations, _RAIL_BEYOND_M)
        below = at[:, 2] - terrain(edge.points_m(stations, 5.0)[:, :2]) > _DROP_M * terrain.cell_m / 5.0
        feet.append(at[below])
        yaws.append(np.degrees(edge.heading_rad(stations))[below])
        slopes.append(edge.grid.road.elevation.slope(edge.grid.s_m[0] + stations)[below])
    foot, yaw_deg, slope = np.concatenate(feet), np.concatenate(yaws), np.concatenate(slopes)
    half = np.tile([_RAIL_PIECE_M / 2, 0.1], (len(foot), 1))
    shapes = np.asarray(polygons(rectangles(foot[:, :2], half * 0.9, np.radians(yaw_deg))), dtype=object)
    # A bridge crosses other roads: only lanes at its own height are in the way of its rail.
    free = ~site.paved.meets_near(shapes, foot[:, 2])
    free[np.flatnonzero(free)[_MOST_RAILS:]] = False
    _add_pieces(
        builder,
        registry,
        foot[free],
        yaw_deg[free],
        size_m=(_RAIL_PIECE_M, 0.10, _RAIL_HEIGHT_M),
        material=RAIL_STEEL,
        label=Label.GUARD_RAIL,
        name="GuardRail",
        slope=slope[free],
    )
    deck = placed(box((_RAIL_PIECE_M, 0.25, _DECK_M)), (0.0, 0.0, -_DECK_M - 0.01))
    ids = [0] * int(free.sum())
    builder.add_copies(
        deck, _poses(foot[free], yaw_deg[free], slope[free]), ids, material=BRIDGE_CONCRETE, label=Label.BRIDGE
    )


def _add_pieces(
    builder: MeshBuilder,
    registry: ObjectRegistry,
    foot_m: NDArray[np.float64],
    yaw_deg: NDArray[np.float64],
    *,
    size_m: tuple[float, float, float],
    material: Material,
    label: Label,
    name: str,
    slope: NDArray[np.float64] | float = 0.0,
) -> None:
    """Upright boards of one size, each an object of its own."""
    length, thickness, height = size_m
    ids = []
    for (x, y, z), yaw in zip(foot_m.tolist(), yaw_deg.tolist(), strict=True):
        half = (length / 2, thickness / 2, height / 2)
        center = (x, y, z + height / 2)
        ids.append(registry.add(name, label=label, center_m=center, half_extent_m=half, yaw_deg=yaw))
    board = placed(box((length, thickness, height * 0.6)), (0.0, 0.0, height * 0.4))
    post = placed(box((0.10, 0.10, height + 0.3)), (0.0, 0.0, -0.3))
    for solid in (board, post):
        builder.add_copies(solid, _poses(foot_m, yaw_deg, slope), ids, material=material, label=label)


def _poses(
    foot_m: NDArray[np.float64], yaw_deg: NDArray[np.float64], slope: NDArray[np.float64] | float = 0.0
) -> NDArray[np.float64]:
    """(N, 3, 4) matrices that shear by ``slope`` (rise along x), turn to ``yaw_deg`` and move to the feet."""
    matrices = np.zeros((len(foot_m), 3, 4))
    cos, sin = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 0], matrices[:, 1, 1] = cos, -sin, sin, cos
    matrices[:, 2, 0], matrices[:, 2, 2] = slope, 1.0
    matrices[:, :, 3] = foot_m
    return matrices
