"""Where a ray met a surface: point, normal, texture colour. The part of shading that knows nothing of light."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import inlined
from drivevla.sim.server.render.materials import MaterialTable
from drivevla.sim.server.render.textures import LEVELS, SIDE, TextureAtlas, linear_from_srgb
from drivevla.sim.server.render.triangles import TriangleTable
from drivevla.sim.server.render.vectors import Vector, dot, scaled, sum_of

__all__ = ["Matter", "Samples", "Surface", "matter_of", "surface_of", "texture_of"]

# Linear light of a byte, doubled: byte 188 is the neutral 0.5.
_TWICE_LINEAR = 2.0 * linear_from_srgb(np.arange(256) / 255.0)


class Samples(NamedTuple):
    """Rays of one camera and what they hit.

    Attributes:
        rays: (N, 6) float32 world; a camera's rays all start at its centre.
        distance: (N,) float32 in lengths of the rays' directions.
        row: (N,) uint32 triangle table rows.
        barycentric: (N, 2) float32.
        near_bodies: (N,) whether moving bodies can cover or shade the sample.
        openness: (N,) float32 share of the sky's light that the bodies leave to the ground beside them.
    """

    rays: NDArray[np.float32]
    distance: NDArray[np.float32]
    row: NDArray[np.uint32]
    barycentric: NDArray[np.float32]
    near_bodies: NDArray[np.bool_]
    openness: NDArray[np.float32]


class Matter(NamedTuple):
    """What surfaces are made of: the tables that the rows of a hit lead to.

    Attributes:
        normal: (T, 3) of ``TriangleTable``.
        uv_m: (T, 6) of ``TriangleTable``.
        material: (T,) of ``TriangleTable``.
        materials: (M,) of ``MATERIAL``.
        texels: Of ``TextureAtlas``.
        level_start: Of ``TextureAtlas``.
        layer_size: Of ``TextureAtlas``.
    """

    normal: NDArray[np.float32]
    uv_m: NDArray[np.float32]
    material: NDArray[np.int32]
    materials: NDArray[np.void]
    texels: NDArray[np.uint32]
    level_start: NDArray[np.int32]
    layer_size: int


class Surface(NamedTuple):
    """One point on a surface.

    Attributes:
        direction: Of the ray, unit length.
        distance_m: From the camera.
        point_m: World.
        normal: Unit, on the side of the camera.
        cos_view: Cosine between the normal and the way back to the camera.
    """

    direction: Vector
    distance_m: float
    point_m: Vector
    normal: Vector
    cos_view: float


def matter_of(triangles: TriangleTable, materials: MaterialTable, atlas: TextureAtlas) -> Matter:
    """The tables of the current frame."""
    return Matter(
        normal=triangles.normal,
        uv_m=triangles.uv_m,
        material=triangles.material,
        materials=materials.rows,
        texels=atlas.texels,
        level_start=atlas.level_start,
        layer_size=atlas.layer_size,
    )


@inlined
def surface_of(samples: Samples, index: int, normals: NDArray[np.float32]) -> Surface:
    """The surface that a sample hit; it must have hit one."""
    rays, along, row = samples.rays, samples.distance[index], samples.row[index]
    ahead = (rays[index, 3], rays[index, 4], rays[index, 5])
    point = sum_of((rays[index, 0], rays[index, 1], rays[index, 2]), scaled(ahead, along))
    length = np.sqrt(dot(ahead, ahead))
    direction = scaled(ahead, 1.0 / length)
    normal = (normals[row, 0], normals[row, 1], normals[row, 2])
    facing = dot(normal, direction)
    side = -1.0 if facing > 0.0 else 1.0
    return Surface(direction, along * length, point, scaled(normal, side), abs(facing))


@inlined
def texture_of(samples: Samples, index: int, surface: Surface, focal_px: float, matter: Matter) -> Any:
    """Reflectance of a sample's surface, how far the texture's colour replaced the material's, and its shine at night.

    Args:
        samples: Of one camera.
        index: Which of them.
        surface: Where it hit.
        focal_px: Focal length, for the size of a pixel on the surface.
        matter: The tables.

    Returns:
        Linear R, G, B; the share of the texture's own colour (window panes: 1); how brightly the texel is lit at night.
    """
    row = samples.row[index]
    second, third = samples.barycentric[index, 0], samples.barycentric[index, 1]
    uv = matter.uv_m
    u_m = uv[row, 0] + second * uv[row, 2] + third * uv[row, 4]
    v_m = uv[row, 1] + second * uv[row, 3] + third * uv[row, 5]
    material = matter.materials[matter.material[row]]
    layer = material.layer + (1 if v_m < material.ground_floor_m else 0)
    # Pixels see surfaces at a slant; blurring by the root of the foreshortening keeps road texture crisp enough.
    slant = np.sqrt(max(surface.cos_view, 0.02)) * focal_px
    footprint = surface.distance_m * material.texels_per_m[0] / slant
    level = 0
    while footprint >= 2.0 and level < LEVELS - 1:
        footprint *= 0.5
        level += 1
    u = (int(np.floor(u_m * material.texels_per_m[0] + material.shift[0])) & (SIDE - 1)) >> level
    v = (int(np.floor(v_m * material.texels_per_m[1] + material.shift[1])) & (SIDE - 1)) >> level
    texel = matter.texels[layer * matter.layer_size + matter.level_start[level] + v * (SIDE >> level) + u]
    own, shine = ((texel >> 28) & 15) / 15.0, ((texel >> 24) & 15) / 15.0
    albedo = (
        (material.rgb[0] + own * (0.5 - material.rgb[0])) * _TWICE_LINEAR[texel & 255],
        (material.rgb[1] + own * (0.5 - material.rgb[1])) * _TWICE_LINEAR[(texel >> 8) & 255],
        (material.rgb[2] + own * (0.5 - material.rgb[2])) * _TWICE_LINEAR[(texel >> 16) & 255],
    )
    return albedo, own, shine
