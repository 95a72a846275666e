"""Navigation meshes in the file layout that CARLA's client reads (Recast Detour, one tile of version 7)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError

__all__ = ["AREA_FLAGS", "MOST_POLYGONS", "Area", "WalkableMesh", "encode_navmesh"]


class Area(IntEnum):
    """What a polygon of the mesh is; the client's costs and filters go by this."""

    BLOCK = 0
    SIDEWALK = 1
    CROSSWALK = 2
    ROAD = 3
    GRASS = 4


AREA_FLAGS = {Area.SIDEWALK: 0x02, Area.CROSSWALK: 0x04, Area.ROAD: 0x08, Area.GRASS: 0x10}

MOST_POLYGONS = 65_000
"""Polygon and vertex numbers are 16 bit."""

_SET_MAGIC, _SET_VERSION = 0x4D534554, 1
_TILE_MAGIC, _TILE_VERSION = 0x444E4156, 7
_NO_LINK = 0xFFFFFFFF
_ALL_EDGES_BOUND = 0b010101  # two bits for each edge; the client dereferences nothing when it finds no boundary edge
_WALKER_HEIGHT_M, _WALKER_RADIUS_M, _WALKER_CLIMB_M = 1.8, 0.3, 0.4
_MARGIN_M = 1.0

_POLYGON = np.dtype(
    [("link", "<u4"), ("corner", "<u2", 6), ("neighbour", "<u2", 6), ("flags", "<u2"), ("count", "u1"), ("area", "u1")]
)
_DETAIL = np.dtype([("vertex", "<u4"), ("triangle", "<u4"), ("vertices", "u1"), ("triangles", "u1"), ("pad", "<u2")])


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkableMesh:
    """Conforming triangles that walkers can move on, in CARLA's world frame.

    Attributes:
        vertices_m: (V, 3).
        triangles: (T, 3) corners, clockwise in CARLA's x and y as numbers.
        neighbours: (T, 3) the triangle behind the edge from corner k to corner k + 1, -1 for none.
        area: (T,) ``Area`` values.
    """

    vertices_m: NDArray[np.float64]
    triangles: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    area: NDArray[np.uint8]


def encode_navmesh(mesh: WalkableMesh) -> bytes:
    """The bytes of a navigation file.

    Raises:
        ContractError: There are more polygons or vertices than 16 bits can number.
    """
    polygons, vertices = len(mesh.triangles), len(mesh.vertices_m)
    if max(polygons, vertices) > MOST_POLYGONS:
        raise ContractError(f"a tile holds {MOST_POLYGONS} polygons and vertices, got {polygons} and {vertices}")
    up_in_the_middle = mesh.vertices_m[:, [0, 2, 1]]
    low = up_in_the_middle.min(axis=0) - _MARGIN_M if vertices else np.zeros(3)
    high = up_in_the_middle.max(axis=0) + _MARGIN_M if vertices else np.ones(3)
    tile = _tile(mesh, up_in_the_middle, low, high)
    most_polygons = 1 << max(1, int(np.ceil(np.log2(max(polygons, 2)))))
    set_header = struct.pack("<iii", _SET_MAGIC, _SET_VERSION, 1)
    params = struct.pack("<5fii", *low, high[0] - low[0], high[2] - low[2], 1, most_polygons)
    return set_header + params + struct.pack("<Ii", most_polygons, len(tile)) + tile


def _tile(
    mesh: WalkableMesh, vertices_m: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> bytes:
    polygons = len(mesh.triangles)
    links = int((mesh.neighbours >= 0).sum()) + polygons
    table = np.zeros(polygons, dtype=_POLYGON)
    table["link"] = _NO_LINK
    table["corner"][:, :3] = mesh.triangles
    table["neighbour"][:, :3] = mesh.neighbours + 1
    table["flags"] = _flags(mesh.area)
    table["count"] = 3
    table["area"] = mesh.area
    detail = np.zeros(polygons, dtype=_DETAIL)
    detail["triangle"] = np.arange(polygons)
    detail["triangles"] = 1
    detail_triangles = np.tile(np.array([0, 1, 2, _ALL_EDGES_BOUND], dtype=np.uint8), (polygons, 1))
    header = struct.pack("<iiiiiI", _TILE_MAGIC, _TILE_VERSION, 0, 0, 0, 0)
    header += struct.pack("<9i", polygons, len(vertices_m), links, polygons, 0, polygons, 0, 0, polygons)
    header += struct.pack("<3f", _WALKER_HEIGHT_M, _WALKER_RADIUS_M, _WALKER_CLIMB_M)
    header += struct.pack("<7f", *low, *high, 1.0)
    assert len(header) == 100
    body: Sequence[bytes] = (
        header,
        vertices_m.astype("<f4").tobytes(),
        table.tobytes(),
        bytes(12 * links),
        detail.tobytes(),
        detail_triangles.tobytes(),
    )
    return b"".join(body)


def _flags(area: NDArray[np.uint8]) -> NDArray[np.uint16]:
    table = np.zeros(256, dtype=np.uint16)
    for kind, flag in AREA_FLAGS.items():
        table[kind] = flag
    return table[area]
