"""Trees: along streets, and in loose groves on open land."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.materials import BARK
from drivevla.sim.server.scene.mesh import Label, Material
from drivevla.sim.server.scene.mesh_builder import MeshBuilder
from drivevla.sim.server.scene.registry import ObjectRegistry
from drivevla.sim.server.scene.roadside import Claims, RoadEdge, rectangles
from drivevla.sim.server.scene.solids import Solid, blob, placed, prism
from drivevla.sim.server.scene.terrain import HeightField

__all__ = ["add_trees"]

_MOST_TREES = 900
_MARGIN_M = 0.6
_PLOT_HALF_M = 0.6  # the trunk's ground; crowns may meet
_TRUNK_RADIUS_M = 0.22
_FOLIAGE_RGB = ((0.22, 0.38, 0.14), (0.28, 0.42, 0.16), (0.19, 0.33, 0.17), (0.36, 0.44, 0.17), (0.24, 0.36, 0.22))


def add_trees(
    builder: MeshBuilder,
    registry: ObjectRegistry,
    edges: Sequence[RoadEdge],
    terrain: HeightField,
    claims: Claims,
    rng: np.random.Generator,
) -> None:
    """Plant trees where the ground is free."""
    spots = _draw_spots(edges, rng)
    corners = rectangles(spots, np.full((len(spots), 2), _PLOT_HALF_M), np.zeros(len(spots)))
    spots = spots[claims.claim(corners, margin_m=_MARGIN_M)][:_MOST_TREES]
    species = _draw_species(rng)
    kind = rng.integers(len(species), size=len(spots))
    scale, yaw = rng.uniform(0.75, 1.35, len(spots)), rng.uniform(0, 2 * np.pi, len(spots))
    foot = np.column_stack([spots, terrain(spots)])
    ids = np.array([_register(registry, at, size) for at, size in zip(foot, scale, strict=True)], dtype=np.int64)
    for index, parts in enumerate(species):
        mine = kind == index
        matrices = _matrices(foot[mine], scale[mine], yaw[mine])
        for solid, material in parts:
            builder.add_copies(solid, matrices, ids[mine].tolist(), material=material, label=Label.VEGETATION)


def _draw_spots(edges: Sequence[RoadEdge], rng: np.random.Generator) -> NDArray[np.float64]:
    """Street trees at even distances just behind the edge, then scattered ones farther out; in random order."""
    pieces = [np.empty((0, 2))]
    for edge in edges:
        row = np.arange(rng.uniform(3.0, 10.0), edge.length_m, rng.uniform(11.0, 24.0))
        if rng.random() < (0.65 if edge.is_urban else 0.35):
            pieces.append(edge.points_m(row, rng.uniform(1.2, 2.0) if edge.is_urban else 5.0)[:, :2])
        count = rng.poisson(edge.length_m / 16.0)
        stations = rng.uniform(0.0, edge.length_m, count)
        pieces.append(edge.points_m(stations, rng.uniform(6.0, 55.0, count))[:, :2])
    spots = np.concatenate(pieces)
    return spots[rng.permutation(len(spots))]


def _draw_species(rng: np.random.Generator) -> list[list[tuple[Solid, Material]]]:
    """A few shapes that all trees of a town are copies of: broad crowns and conifers."""
    species = []
    for rgb in _FOLIAGE_RGB:
        leaves = Material(surface="foliage", rgb=rgb, seed=int(rng.integers(8)))
        trunk = (placed(prism(_TRUNK_RADIUS_M, 3.4, sides=5, top_radius_m=0.14), (0, 0, -0.4)), BARK)
        crown = rng.uniform(1.6, 2.3)
        species.append(
            [
                trunk,
                (placed(blob((crown, crown, crown * 0.8), roughness=0.16, rng=rng), (0.0, 0.0, 4.1)), leaves),
                (placed(blob((crown * 0.75,) * 3, roughness=0.16, rng=rng), (0.4, -0.3, 5.4)), leaves),
            ]
        )
    needles = Material(surface="foliage", rgb=(0.14, 0.29, 0.17), seed=3)
    cones = [
        placed(prism(r, h, sides=7, top_radius_m=0.05), (0, 0, z)) for r, h, z in ((1.9, 3.2, 1.2), (1.4, 3.4, 3.0))
    ]
    species.append([(placed(prism(0.2, 1.8, sides=5), (0, 0, -0.4)), BARK), *((cone, needles) for cone in cones)])
    return species


def _register(registry: ObjectRegistry, foot_m: NDArray[np.float64], scale: float) -> int:
    x, y, z = (float(value) for value in foot_m)
    height = 6.4 * float(scale)
    object_id = registry.add(
        "Tree",
        label=Label.VEGETATION,
        center_m=(x, y, z + height / 2),
        half_extent_m=(1.8 * float(scale), 1.8 * float(scale), height / 2),
        is_solid=False,
    )
    half = _TRUNK_RADIUS_M * float(scale)
    registry.add_solid(object_id, center_m=(x, y, z + 1.5), half_extent_m=(half, half, 1.5))
    return object_id


def _matrices(
    foot_m: NDArray[np.float64], scale: NDArray[np.float64], yaw_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    matrices = np.zeros((len(foot_m), 3, 4))
    cos, sin = scale * np.cos(yaw_rad), scale * np.sin(yaw_rad)
    matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 0], matrices[:, 1, 1] = cos, -sin, sin, cos
    matrices[:, 2, 2] = scale
    matrices[:, :, 3] = foot_m
    return matrices
