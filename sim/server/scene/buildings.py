"""Houses, blocks and towers along the streets, drawn from a seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.mesh import Label, Material
from drivevla.sim.server.scene.mesh_builder import MeshBuilder
from drivevla.sim.server.scene.registry import ObjectRegistry
from drivevla.sim.server.scene.roadside import Claims, RoadEdge, rectangles
from drivevla.sim.server.scene.solids import Solid, box, gable_roof, placed
from drivevla.sim.server.scene.terrain import HeightField

__all__ = ["add_building", "add_buildings"]

_FLOOR_M = 3.0
_MOST_BUILDINGS = 900
_MARGIN_M = 1.2
_STEEPEST_FOOT_M = 3.0
_FOUNDATION_M = 1.5

_WALL_RGB = (
    (0.71, 0.36, 0.27),
    (0.82, 0.75, 0.62),
    (0.88, 0.85, 0.78),
    (0.62, 0.64, 0.66),
    (0.76, 0.60, 0.44),
    (0.56, 0.42, 0.36),
    (0.67, 0.73, 0.76),
    (0.86, 0.78, 0.52),
    (0.60, 0.66, 0.56),
    (0.45, 0.48, 0.53),
    (0.83, 0.62, 0.52),
    (0.93, 0.92, 0.90),
)
_ROOF_RGB = ((0.45, 0.22, 0.17), (0.30, 0.28, 0.28), (0.52, 0.34, 0.26), (0.36, 0.38, 0.40))
_WINDOW_LAYOUTS = 8


@dataclass(frozen=True, slots=True)
class _Lots:
    """Candidate plots: (N, 2) centres and half sizes (depth, width), (N,) yaw towards the street, (N,) urban."""

    center_m: NDArray[np.float64]
    half_m: NDArray[np.float64]
    yaw_rad: NDArray[np.float64]
    urban: NDArray[np.bool_]


def add_buildings(
    builder: MeshBuilder,
    registry: ObjectRegistry,
    edges: Sequence[RoadEdge],
    terrain: HeightField,
    claims: Claims,
    rng: np.random.Generator,
) -> None:
    """Line the streets with buildings wherever their plots are free and nearly level."""
    lots = _draw_lots(edges, rng)
    corners = rectangles(lots.center_m, lots.half_m, lots.yaw_rad)
    foot = terrain(corners)
    level = np.ptp(foot, axis=1) < _STEEPEST_FOOT_M
    order = np.flatnonzero(level)[: 4 * _MOST_BUILDINGS]
    chosen = order[claims.claim(corners[order], margin_m=_MARGIN_M)][:_MOST_BUILDINGS]
    for k in chosen:
        half_x, half_y = lots.half_m[k]
        x, y = (float(value) for value in lots.center_m[k])
        floors, has_gable = _draw_height(rng, urban=bool(lots.urban[k]), smaller_side_m=2 * float(min(half_x, half_y)))
        add_building(
            builder,
            registry,
            foot_m=(x, y, float(foot[k].min())),
            size_m=(2 * float(half_x), 2 * float(half_y), floors * _FLOOR_M),
            yaw_deg=float(np.degrees(lots.yaw_rad[k])),
            wall_rgb=_WALL_RGB[rng.integers(len(_WALL_RGB))],
            has_gable=has_gable,
            rng=rng,
        )


def _draw_lots(edges: Sequence[RoadEdge], rng: np.random.Generator) -> _Lots:
    centers, halves, yaws, urban = [np.empty((0, 2))], [np.empty((0, 2))], [np.empty(0)], [np.empty(0, dtype=bool)]
    for edge in edges:
        pitch = (9.0, 22.0) if edge.is_urban else (25.0, 80.0)
        width = rng.uniform(*pitch, int(edge.length_m / pitch[0]) + 1)
        end = np.cumsum(width + rng.uniform(1.0, 5.0, len(width)))
        width = np.minimum(width, 20.0)[end < edge.length_m + 4.0]
        end = end[: len(width)]
        depth = rng.uniform(9.0, 16.0, len(width))
        setback = rng.uniform(1.5, 5.0, len(width)) if edge.is_urban else rng.uniform(7.0, 20.0, len(width))
        stations = np.clip(end - width / 2, 0.0, edge.length_m)
        centers.append(edge.points_m(stations, setback + depth / 2)[:, :2])
        halves.append(np.stack([depth / 2, width / 2], axis=-1))
        # The front looks back at the street: against the outward direction.
        yaws.append(edge.heading_rad(stations) - edge.outwards * np.pi / 2)
        urban.append(np.full(len(width), edge.is_urban))
    order = rng.permutation(sum(map(len, yaws)))
    return _Lots(
        np.concatenate(centers)[order],
        np.concatenate(halves)[order],
        np.concatenate(yaws)[order],
        np.concatenate(urban)[order],
    )


def _draw_height(rng: np.random.Generator, *, urban: bool, smaller_side_m: float) -> tuple[int, bool]:
    """Floors, and whether the roof is a gable."""
    if not urban:
        return int(rng.integers(1, 4)), True
    if rng.random() < 0.30:
        return int(rng.integers(2, 4)), True
    if smaller_side_m > 11.0 and rng.random() < 0.25:
        return int(rng.integers(8, 15)), False
    return int(rng.integers(2, 7)), False


def add_building(
    builder: MeshBuilder,
    registry: ObjectRegistry,
    *,
    foot_m: tuple[float, float, float],
    size_m: tuple[float, float, float],
    yaw_deg: float,
    wall_rgb: tuple[float, float, float],
    has_gable: bool,
    rng: np.random.Generator,
    landmark: str | None = None,
    name: str = "Building",
) -> int:
    """Build one house; its front looks along ``yaw_deg``.

    Args:
        builder: Where the triangles go.
        registry: Where the object goes.
        foot_m: Centre of its foot; walls reach a little below.
        size_m: Depth (along the yaw), width, height of the walls.
        yaw_deg: Where the front looks.
        wall_rgb: Colour of the walls.
        has_gable: Gabled roof instead of a flat one.
        rng: For the roof and the windows.
        landmark: Semantic id when it is part of a landmark.
        name: Kind of object.

    Returns:
        The object's id.
    """
    depth, width, height = size_m
    roof_height = 0.35 * min(depth, width) if has_gable else 0.0
    object_id = registry.add(
        name,
        label=Label.BUILDINGS,
        center_m=(foot_m[0], foot_m[1], foot_m[2] + (height + roof_height) / 2),
        half_extent_m=(depth / 2, width / 2, (height + roof_height) / 2),
        yaw_deg=yaw_deg,
        landmark=landmark,
    )
    facade = Material(surface="facade", rgb=wall_rgb, seed=int(rng.integers(_WINDOW_LAYOUTS)), emission=0.35)
    roof = Material(surface="roof", rgb=_ROOF_RGB[rng.integers(len(_ROOF_RGB))])

    def add(solid: Solid, material: Material, up_m: float) -> None:
        moved = placed(solid, (foot_m[0], foot_m[1], foot_m[2] + up_m), yaw_deg)
        builder.add_solid(moved, material=material, label=Label.BUILDINGS, object_id=object_id)

    add(box((depth, width, _FOUNDATION_M)), _darker(wall_rgb, 0.55), -_FOUNDATION_M + 0.02)
    add(box((depth, width, height), walls_only=True), facade, 0.0)
    if has_gable:
        _add_gable(add, (depth, width, height), roof_height, roof, facade)
    else:
        add(box((depth, width, 0.0)), roof, height - 0.35)
        add(box((depth + 0.3, width + 0.3, 0.5), walls_only=True), _darker(wall_rgb, 0.8), height - 0.4)
        if height > 24.0:
            add(box((depth * 0.45, width * 0.45, 3.0)), roof, height - 0.35)
    return object_id


def _darker(wall_rgb: tuple[float, float, float], share: float) -> Material:
    red, green, blue = (share * channel for channel in wall_rgb)
    return Material(surface="plain", rgb=(red, green, blue))


def _add_gable(
    add: Callable[[Solid, Material, float], None],
    size_m: tuple[float, float, float],
    roof_height: float,
    roof: Material,
    facade: Material,
) -> None:
    depth, width, height = size_m
    planes, ends = gable_roof(max(depth, width), min(depth, width), roof_height)
    turn = 0.0 if depth >= width else 90.0
    add(placed(planes, (0.0, 0.0, 0.0), turn), roof, height)
    plain = Material(surface="plain", rgb=facade.rgb)
    add(placed(ends, (0.0, 0.0, 0.0), turn), plain, height)
