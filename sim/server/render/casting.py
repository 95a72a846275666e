"""Ray casting against the static scene and the moving bodies with Open3D's ``RaycastingScene`` (Embree)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.open3d_import import import_open3d
from drivevla.sim.server.render.triangles import SKY_ROW

__all__ = ["Hits", "RayCaster"]

MAX_SEE_THROUGH = 16
"""How many surfaces of its own vehicle a sensor inside it looks through, one after the other."""

SEE_THROUGH_STEP_M = 1e-3


@dataclass(frozen=True, slots=True)
class Hits:
    """The nearest surface along each of N rays.

    Attributes:
        distance: (N,) float32 in units of the ray's direction vector; inf where nothing was hit.
        row: (N,) uint32 rows of the triangle table; 0, the sky, where nothing was hit.
        barycentric: (N, 2) float32 weights of the triangle's second and third corner.
    """

    distance: NDArray[np.float32]
    row: NDArray[np.uint32]
    barycentric: NDArray[np.float32]

    def take(self, index: NDArray[np.intp]) -> "Hits":
        """The hits of some of the rays."""
        return Hits(self.distance[index], self.row[index], self.barycentric[index])


class RayCaster:
    """A static scene, built once, and a small scene of moving bodies, rebuilt every frame."""

    def __init__(self, vertices_m: NDArray[np.float32], triangles: NDArray[np.uint32]) -> None:
        """Build the static scene's search tree.

        Args:
            vertices_m: (V, 3) world frame.
            triangles: (T, 3).
        """
        self._o3d = import_open3d()
        self._first_dynamic = len(triangles) + 1
        self._static = self._scene(vertices_m, triangles)
        self._dynamic: Any = None

    def set_bodies(self, vertices_m: NDArray[np.float32], triangles: NDArray[np.uint32]) -> None:
        """Replace the moving bodies."""
        self._dynamic = self._scene(vertices_m, triangles)

    def cast(
        self,
        rays: NDArray[np.float32],
        *,
        bodies: NDArray[np.intp] | None = None,
        with_static: bool = True,
        with_bodies: bool = True,
    ) -> Hits:
        """Nearest hit of each ray.

        Args:
            rays: (N, 6) float32 origin and direction (not necessarily of unit length).
            bodies: Indices of the rays that can meet a moving body at all; None for all of them.
            with_static: Whether the static scene counts.
            with_bodies: Whether the moving bodies count.
        """
        if with_static and self._static is not None:
            hits = self._nearest(self._static, rays, first_row=1)
        else:
            hits = Hits(
                np.full(len(rays), np.inf, np.float32),
                np.full(len(rays), SKY_ROW, np.uint32),
                np.zeros((len(rays), 2), np.float32),
            )
        if self._dynamic is None or not with_bodies or (bodies is not None and not len(bodies)):
            return hits
        chosen = rays if bodies is None else rays.take(bodies, axis=0)
        moving = self._nearest(self._dynamic, chosen, first_row=self._first_dynamic)
        index = np.arange(len(rays)) if bodies is None else bodies
        nearer = np.flatnonzero(moving.distance < hits.distance.take(index))
        target = index[nearer]
        hits.distance[target] = moving.distance[nearer]
        hits.row[target] = moving.row[nearer]
        hits.barycentric[target] = moving.barycentric[nearer]
        return hits

    def occluded(self, rays: NDArray[np.float32], *, far: float = np.inf, moving: bool = True) -> NDArray[np.bool_]:
        """Whether anything lies on each (N, 6) ray, before ``far`` direction lengths.

        Args:
            rays: (N, 6) float32.
            far: Where the rays end.
            moving: Whether the moving bodies are asked, or the static scene.
        """
        scene = self._dynamic if moving else self._static
        if scene is None or not len(rays):
            return np.zeros(len(rays), np.bool_)
        tensor = self._o3d.core.Tensor.from_numpy(rays)
        answer: NDArray[np.bool_] = scene.test_occlusions(tensor, 0.0, far).numpy()
        return answer

    def _scene(self, vertices_m: NDArray[np.float32], triangles: NDArray[np.uint32]) -> Any:
        if not len(triangles):
            return None
        tensor = self._o3d.core.Tensor
        scene = self._o3d.t.geometry.RaycastingScene()
        scene.add_triangles(tensor.from_numpy(vertices_m), tensor.from_numpy(triangles))
        return scene

    def _nearest(self, scene: Any, rays: NDArray[np.float32], *, first_row: int) -> Hits:
        answer = scene.cast_rays(self._o3d.core.Tensor.from_numpy(rays))
        distance = answer["t_hit"].numpy()
        # A miss carries the largest id; adding one wraps it to the sky's row 0.
        row = answer["primitive_ids"].numpy() + np.uint32(1)
        if first_row != 1:
            row = np.where(row == SKY_ROW, SKY_ROW, row + np.uint32(first_row - 1))
        return Hits(distance, row, answer["primitive_uvs"].numpy())
