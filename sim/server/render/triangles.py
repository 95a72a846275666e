"""One table of everything a ray can hit: row 0 is the sky, then the static mesh, then the moving bodies of the frame.

What belongs to one triangle lies together in memory, since shading reads all of it at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.mesh import Label, SceneMesh

__all__ = ["SKY_ROW", "TriangleRows", "TriangleTable", "rows_of_mesh"]

SKY_ROW = 0


@dataclass(frozen=True, slots=True)
class TriangleRows:
    """What is known of each of T triangles.

    Attributes:
        normal: (T, 3) float32 unit normals, either side.
        uv_m: (T, 6) float32: u and v at the first corner, then their change towards the second and the third corner.
        material: (T,) int32 rows of the material table.
        label: (T,) uint8 CARLA labels.
        object_id: (T,) uint32 static object ids, 0 for actors.
        actor_id: (T,) uint32 CARLA actor ids, 0 for the static scene.
    """

    normal: NDArray[np.float32]
    uv_m: NDArray[np.float32]
    material: NDArray[np.int32]
    label: NDArray[np.uint8]
    object_id: NDArray[np.uint32]
    actor_id: NDArray[np.uint32]


class TriangleTable:
    """The rows that a hit's index points into; the dynamic part is overwritten every frame."""

    def __init__(self, static: TriangleRows) -> None:
        """Lay out the sky row and the static rows.

        Args:
            static: Rows of the static mesh, in the order of its triangles.
        """
        self.first_dynamic = len(static.material) + 1
        self._allocate(self.first_dynamic + 4096)
        self.label[SKY_ROW] = Label.SKY
        self.normal[SKY_ROW, 2] = 1.0
        self._write(static, 1)

    def set_dynamic(self, rows: TriangleRows) -> None:
        """Replace the moving bodies by those of the current frame."""
        needed = self.first_dynamic + len(rows.material)
        if needed > len(self.material):
            old = TriangleRows(self.normal, self.uv_m, self.material, self.label, self.object_id, self.actor_id)
            self._allocate(needed + needed // 8)
            self._write(old, 0)
        self._write(rows, self.first_dynamic)

    def set_static_materials(self, material: NDArray[np.int32]) -> None:
        """Give the triangles of the static mesh (T,) other rows of the material table."""
        self.material[1 : self.first_dynamic] = material

    def _allocate(self, capacity: int) -> None:
        self.normal = np.zeros((capacity, 3), np.float32)
        self.uv_m = np.zeros((capacity, 6), np.float32)
        self.material = np.zeros(capacity, np.int32)
        self.label = np.zeros(capacity, np.uint8)
        self.object_id = np.zeros(capacity, np.uint32)
        self.actor_id = np.zeros(capacity, np.uint32)

    def _write(self, rows: TriangleRows, start: int) -> None:
        end = start + len(rows.material)
        self.normal[start:end] = rows.normal
        self.uv_m[start:end] = rows.uv_m
        self.material[start:end] = rows.material
        self.label[start:end] = rows.label
        self.object_id[start:end] = rows.object_id
        self.actor_id[start:end] = rows.actor_id


def rows_of_mesh(mesh: SceneMesh, *, first_material: int) -> TriangleRows:
    """The table rows of a static mesh.

    Args:
        mesh: World-frame mesh.
        first_material: Row of the material table where the mesh's own materials begin.
    """
    corners = mesh.vertices_m[mesh.triangles]
    uv = mesh.uv_m[mesh.triangles]
    return TriangleRows(
        normal=unit_normals(corners),
        uv_m=uv_columns(uv),
        material=mesh.material.astype(np.int32) + first_material,
        label=mesh.label,
        object_id=mesh.object_id,
        actor_id=np.zeros(len(mesh.triangles), np.uint32),
    )


def unit_normals(corners_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T, 3) unit normals of (T, 3 corners, 3) triangles; up for a triangle without area."""
    a, b, c = corners_m[:, 0], corners_m[:, 1], corners_m[:, 2]
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0], np.float32)
    return np.where(length > 1e-12, normal / np.maximum(length, 1e-12), up).astype(np.float32)


def uv_columns(uv_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T, 6) first corner and the two edges of (T, 3 corners, 2) texture coordinates."""
    first = uv_m[:, 0]
    return np.concatenate([first, uv_m[:, 1] - first, uv_m[:, 2] - first], axis=1)
