"""Where rays met surfaces: points, normals, texture colours. The part of shading that knows nothing of light."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.casting import Hits
from drivevla.sim.server.render.materials import MaterialTable
from drivevla.sim.server.render.textures import LEVELS, SIDE, TextureAtlas, linear_from_srgb
from drivevla.sim.server.render.triangles import TriangleTable

__all__ = ["Surfaces", "look_up_surfaces"]

# Linear light of a byte, doubled: byte 188 is the neutral 0.5.
_TWICE_LINEAR = 2.0 * linear_from_srgb(np.arange(256) / 255.0)
_OWN = ((np.arange(256) >> 4) / 15.0).astype(np.float32)
_SHINE = ((np.arange(256) & 15) / 15.0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Surfaces:
    """N points on surfaces, planar.

    Attributes:
        pixel: (N,) which ray each belongs to.
        row: (N,) triangle table rows.
        material: (N,) material table rows.
        direction: (3, N) of the ray, unit length.
        distance_m: (N,) from the camera.
        point_m: (3, N) world.
        normal: (3, N) unit, on the side of the camera.
        cos_view: (N,) cosine between the normal and the way back to the camera.
        albedo: (3, N) linear reflectance.
        own: (N,) how much the texture's colour replaced the material's (window panes: 1).
        shine: (N,) how brightly the texel is lit at night.
    """

    pixel: NDArray[np.intp]
    row: NDArray[np.uint32]
    material: NDArray[np.int32]
    direction: NDArray[np.float32]
    distance_m: NDArray[np.float32]
    point_m: NDArray[np.float32]
    normal: NDArray[np.float32]
    cos_view: NDArray[np.float32]
    albedo: NDArray[np.float32]
    own: NDArray[np.float32]
    shine: NDArray[np.float32]


def look_up_surfaces(
    rays: NDArray[np.float32],
    hits: Hits,
    pixel: NDArray[np.intp],
    focal_px: float,
    triangles: TriangleTable,
    materials: MaterialTable,
    atlas: TextureAtlas,
) -> Surfaces:
    """Gather everything about the surfaces that some of the rays hit.

    Args:
        rays: (R, 6) all rays, of one origin.
        hits: Of all rays.
        pixel: (N,) which rays; each of them hit something.
        focal_px: Focal length, for the size of a pixel on the surface.
        triangles: What the hits' rows point into.
        materials: What the triangles' materials point into.
        atlas: Textures.
    """
    row = hits.row.take(pixel)
    along = hits.distance.take(pixel)
    direction = np.empty((3, len(pixel)), np.float32)
    for axis in range(3):
        direction[axis] = rays[:, 3 + axis].take(pixel)
    point = direction * along
    point += rays[0, :3, None]  # a camera's rays all start at its centre
    length = np.sqrt(np.einsum("kn,kn->n", direction, direction))
    direction /= length
    distance = along * length
    normal = triangles.normal.take(row, axis=1)
    facing = np.einsum("kn,kn->n", normal, direction)
    normal *= -np.sign(facing)
    cos_view = np.abs(facing)
    material = triangles.material.take(row)
    texel = _texels(
        hits.barycentric.take(pixel, axis=0), row, material, distance, cos_view, focal_px, triangles, materials, atlas
    )
    bytes_of = texel.view(np.uint8).reshape(-1, 4)
    own = _OWN.take(bytes_of[:, 3])
    albedo = materials.rgb.take(material, axis=1)
    albedo += own * (0.5 - albedo)
    for channel in range(3):
        albedo[channel] *= _TWICE_LINEAR.take(bytes_of[:, channel])
    return Surfaces(
        pixel=pixel,
        row=row,
        material=material,
        direction=direction,
        distance_m=distance,
        point_m=point,
        normal=normal,
        cos_view=cos_view,
        albedo=albedo,
        own=own,
        shine=_SHINE.take(bytes_of[:, 3]),
    )


def _texels(
    barycentric: NDArray[np.float32],
    row: NDArray[np.uint32],
    material: NDArray[np.int32],
    distance_m: NDArray[np.float32],
    cos_view: NDArray[np.float32],
    focal_px: float,
    triangles: TriangleTable,
    materials: MaterialTable,
    atlas: TextureAtlas,
) -> NDArray[np.uint32]:
    second, third = np.ascontiguousarray(barycentric.T)
    coordinate = []
    for axis in (0, 1):
        value = triangles.uv_m[axis].take(row)
        value += second * triangles.uv_m[2 + axis].take(row)
        value += third * triangles.uv_m[4 + axis].take(row)
        coordinate.append(value)
    u_m, v_m = coordinate
    layer = materials.layer.take(material)
    layer += v_m < materials.ground_floor_m.take(material)
    per_metre = materials.texels_per_m[0].take(material)
    # Pixels see surfaces at a slant; blurring by the root of the foreshortening keeps road texture crisp enough.
    footprint = distance_m * per_metre
    footprint /= np.sqrt(np.maximum(cos_view, 0.02))
    footprint *= 1.0 / focal_px
    level = footprint.view(np.int32) >> 23  # the exponent: floor(log2) without a logarithm
    level -= 127
    np.clip(level, 0, LEVELS - 1, out=level)
    u = np.floor(u_m * per_metre + materials.shift[0].take(material)).astype(np.int32)
    v = np.floor(v_m * materials.texels_per_m[1].take(material) + materials.shift[1].take(material)).astype(np.int32)
    for texel in (u, v):
        texel &= SIDE - 1
        texel >>= level
    index = v * (SIDE >> level)
    index += u
    index += atlas.level_start.take(level)
    index += layer * atlas.layer_size
    return atlas.texels.take(index)
