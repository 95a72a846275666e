"""What bodies stand on."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError

__all__ = ["Ground", "PlaneGround"]


class Ground(Protocol):
    """Anything that knows how high the ground is; ``scene.ground.GroundSurface`` for maps."""

    def query(self, xy_m: ArrayLike, z_near_m: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Heights (N,) and unit normals (N, 3) of the surface nearest in height to ``z_near_m``; NaN where none is."""
        ...


@dataclass(frozen=True, slots=True)
class PlaneGround:
    """An endless plane through (0, 0, ``height_m``).

    Attributes:
        height_m: Height at the origin.
        pitch_deg: Positive where the ground rises towards +x, as a nose that is lifted.
        roll_deg: Positive where the ground falls towards +y.
    """

    height_m: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def __post_init__(self) -> None:
        """Check that the plane is not a wall.

        Raises:
            ContractError: A slope of 80 degrees or more.
        """
        if not (abs(self.pitch_deg) < 80.0 and abs(self.roll_deg) < 80.0):
            raise ContractError(f"slopes must be below 80 degrees, got {self.pitch_deg} and {self.roll_deg}")

    def query(self, xy_m: ArrayLike, z_near_m: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Heights (N,) and normals (N, 3) at (N, 2) points; a plane has one height, ``z_near_m`` does not matter."""
        xy = np.asarray(xy_m, dtype=np.float64)
        rise_x, rise_y = np.tan(np.radians(self.pitch_deg)), -np.tan(np.radians(self.roll_deg))
        normal = np.array([-rise_x, -rise_y, 1.0]) / np.sqrt(1.0 + rise_x**2 + rise_y**2)
        z_m: NDArray[np.float64] = self.height_m + rise_x * xy[:, 0] + rise_y * xy[:, 1]
        return z_m, np.broadcast_to(normal, (len(xy), 3))
