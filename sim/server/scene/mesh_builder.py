"""Collects pieces of geometry and joins them into one ``SceneMesh``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.ground import GroundSurface
from drivevla.sim.server.scene.mesh import Label, Material, SceneMesh
from drivevla.sim.server.scene.solids import Solid

__all__ = ["MeshBuilder", "grid_triangles"]


_SMALLEST_AREA_M2 = 1e-7
_SMALLEST_SEEN_AREA_M2 = 1e-4


@lru_cache(maxsize=1024)
def grid_triangles(rows: int, columns: int) -> NDArray[np.int64]:
    """Two triangles for each cell of a grid of vertices numbered row by row: ((rows - 1) (columns - 1) 2, 3).

    The array is shared and cannot be written to.
    """
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    triangles = np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3)
    triangles.flags.writeable = False
    return triangles


@dataclass(slots=True)
class MeshBuilder:
    """A growing mesh; ``build`` joins the pieces."""

    _vertices: list[NDArray[np.float64]] = field(default_factory=list)
    _uv: list[NDArray[np.float64]] = field(default_factory=list)
    _triangles: list[NDArray[np.int64]] = field(default_factory=list)
    _rows: list[tuple[int, int, int, int, bool]] = field(default_factory=list)
    _materials: dict[Material, int] = field(default_factory=dict)
    _first_vertex: list[int] = field(default_factory=list)
    _vertex_count: int = 0

    def add(
        self,
        vertices_m: NDArray[np.float64],
        triangles: NDArray[np.int64],
        *,
        material: Material,
        label: Label,
        uv_m: NDArray[np.float64] | None = None,
        object_id: int = 0,
        is_ground: bool = False,
    ) -> None:
        """Add triangles of one material; ``is_ground`` when wheels and feet can stand on them.

        Without ``uv_m`` the texture lies on the ground plane (uv = x, y).
        """
        if not len(triangles):
            return
        self._first_vertex.append(self._vertex_count)
        self._vertices.append(vertices_m)
        self._uv.append(vertices_m[:, :2] if uv_m is None else uv_m)
        self._triangles.append(np.asarray(triangles) + self._vertex_count)
        index = self._materials.setdefault(material, len(self._materials))
        self._rows.append((len(triangles), index, int(label), object_id, is_ground))
        self._vertex_count += len(vertices_m)

    def add_copies(
        self,
        solid: Solid,
        matrices: NDArray[np.float64],
        object_ids: Sequence[int],
        *,
        material: Material,
        label: Label,
    ) -> None:
        """Add one solid many times: (N, 3, 4) world-from-solid matrices, one object id for each copy."""
        if not len(matrices):
            return
        moved = np.einsum("nij,vj->nvi", matrices[:, :, :3], solid.vertices_m) + matrices[:, None, :, 3]
        index = self._materials.setdefault(material, len(self._materials))
        count, corners = len(solid.triangles), len(solid.vertices_m)
        for vertices, object_id in zip(moved, object_ids, strict=True):
            self._first_vertex.append(self._vertex_count)
            self._vertices.append(vertices)
            self._uv.append(solid.uv_m)
            self._triangles.append(solid.triangles + self._vertex_count)
            self._rows.append((count, index, int(label), object_id, False))
            self._vertex_count += corners

    def add_solid(
        self, solid: Solid, *, material: Material, label: Label, object_id: int = 0, is_ground: bool = False
    ) -> None:
        """Add a solid with its own texture coordinates."""
        self.add(
            solid.vertices_m,
            solid.triangles,
            material=material,
            label=label,
            uv_m=solid.uv_m,
            object_id=object_id,
            is_ground=is_ground,
        )

    def build(self) -> SceneMesh:
        """Join everything added so far, without triangles that have no area."""
        rows = np.array(self._rows, dtype=np.int64).reshape(-1, 5)
        count, material, label, object_id, _ = rows.T
        vertices = np.concatenate([np.empty((0, 3)), *self._vertices]).astype(np.float32)
        triangles = np.concatenate([np.empty((0, 3), dtype=np.int64), *self._triangles])
        a, b, c = (vertices[triangles[:, k]].astype(np.float64) for k in range(3))
        solid = (_cross(b - a, c - a) ** 2).sum(axis=1) > _SMALLEST_AREA_M2**2
        return SceneMesh(
            vertices_m=vertices,
            uv_m=np.concatenate([np.empty((0, 2)), *self._uv]).astype(np.float32),
            triangles=triangles[solid].astype(np.uint32),
            material=np.repeat(material, count)[solid].astype(np.uint16),
            label=np.repeat(label, count)[solid].astype(np.uint8),
            object_id=np.repeat(object_id, count)[solid].astype(np.uint32),
            materials=tuple(self._materials),
        )

    def build_ground(self) -> GroundSurface:
        """The surface of everything added with ``is_ground``."""
        chosen = [k for k, row in enumerate(self._rows) if row[4]]
        sizes = [len(self._vertices[k]) for k in chosen]
        first = np.cumsum([0, *sizes[:-1]]).tolist()
        shifts = [int(new) - self._first_vertex[k] for new, k in zip(first, chosen, strict=True)]
        vertices = np.concatenate([np.empty((0, 3)), *(self._vertices[k] for k in chosen)]).astype(np.float32)
        triangles = np.concatenate(
            [np.empty((0, 3), dtype=np.int64)]
            + [self._triangles[k] + shift for k, shift in zip(chosen, shifts, strict=True)]
        )
        a, b, c = (vertices[triangles[:, k]].astype(np.float64) for k in range(3))
        seen_from_above = np.abs(_cross(b - a, c - a)[:, 2]) > _SMALLEST_SEEN_AREA_M2
        counts = [len(self._triangles[k]) for k in chosen]
        is_land = np.repeat([self._rows[k][2] == Label.TERRAIN for k in chosen], counts)
        return GroundSurface(
            vertices_m=vertices,
            triangles=triangles[seen_from_above].astype(np.uint32),
            is_land=is_land[seen_from_above],
        )


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ]
    )
