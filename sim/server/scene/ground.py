"""How high the ground is: road, sidewalk, terrain, with bridges told apart by the height asked from."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError

__all__ = ["GroundSurface"]

_CELL_M = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundSurface:
    """Triangles one can stand on, in a uniform grid seen from above.

    Attributes:
        vertices_m: (V, 3) float32.
        triangles: (T, 3) uint32; upward facing, none vertical.
    """

    vertices_m: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    _planes: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _edges: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _cell_start: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    _cell_triangles: NDArray[np.int32] = field(init=False, repr=False, compare=False)
    _origin_m: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _cells: tuple[int, int] = field(init=False, repr=False, compare=False)

    def query(self, xy_m: ArrayLike, z_near_m: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The surface nearest in height to ``z_near_m`` at each point.

        Args:
            xy_m: (N, 2) points.
            z_near_m: (N,) heights to look from; this is what tells a bridge from the road below it.

        Returns:
            Heights (N,) and unit normals (N, 3); NaN where there is no ground.
        """
        raise NotImplementedError

    def __post_init__(self) -> None:
        if self.vertices_m.ndim != 2 or self.vertices_m.shape[1] != 3 or self.triangles.shape[1:] != (3,):
            raise ContractError(
                "ground needs (V, 3) vertices and (T, 3) triangles, "
                f"got {self.vertices_m.shape} and {self.triangles.shape}"
            )
