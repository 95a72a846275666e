"""Poses inside the embedded server: CARLA's own frame, so that nothing is converted between the wire and the scene.

Left-handed Unreal frame: x forward, y right, z up, metres; degrees; yaw is clockwise seen from above, positive pitch
lifts the nose, positive roll lowers the right side. This is the one place in the server that turns CARLA's angles into
matrices.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Pose", "euler_angles_deg", "rotation_matrices"]


def rotation_matrices(rotation_deg: ArrayLike) -> NDArray[np.float64]:
    """World-from-body rotation of CARLA angles, as ``carla.Transform.get_matrix`` computes it.

    Args:
        rotation_deg: (..., 3) pitch, yaw, roll in degrees, in the order of the wire.

    Returns:
        (..., 3, 3) matrices whose columns are the body's forward, right and up axes in the world.
    """
    angles = np.radians(np.asarray(rotation_deg, dtype=np.float64))
    cos, sin = np.cos(angles), np.sin(angles)
    cp, cy, cr, sp, sy, sr = cos[..., 0], cos[..., 1], cos[..., 2], sin[..., 0], sin[..., 1], sin[..., 2]
    matrices = np.empty((*angles.shape, 3))
    forward, right, up = matrices[..., 0], matrices[..., 1], matrices[..., 2]
    forward[..., 0], forward[..., 1], forward[..., 2] = cp * cy, cp * sy, sp
    right[..., 0], right[..., 1], right[..., 2] = cy * sp * sr - sy * cr, sy * sp * sr + cy * cr, -cp * sr
    up[..., 0], up[..., 1], up[..., 2] = -cy * sp * cr - sy * sr, -sy * sp * cr + cy * sr, cp * cr
    return matrices


def euler_angles_deg(world_from_body: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pitch, yaw, roll of rotation matrices (..., 3, 3); the inverse of ``rotation_matrices``."""
    pitch = np.arcsin(np.clip(world_from_body[..., 2, 0], -1.0, 1.0))
    yaw = np.arctan2(world_from_body[..., 1, 0], world_from_body[..., 0, 0])
    roll = np.arctan2(-world_from_body[..., 2, 1], world_from_body[..., 2, 2])
    angles: NDArray[np.float64] = np.degrees(np.stack([pitch, yaw, roll], axis=-1))
    return angles


@dataclass(frozen=True, slots=True)
class Pose:
    """Where something is in CARLA's world frame.

    Attributes:
        location_m: x, y, z in metres.
        rotation_deg: pitch, yaw, roll in degrees, in the order of the wire.
    """

    location_m: tuple[float, float, float]
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @classmethod
    def from_matrix(cls, world_from_body: NDArray[np.float64]) -> "Pose":
        """The pose of a (4, 4) rigid matrix."""
        x, y, z = world_from_body[:3, 3].tolist()
        pitch, yaw, roll = euler_angles_deg(world_from_body[:3, :3]).tolist()
        return cls((x, y, z), (pitch, yaw, roll))

    def matrix(self) -> NDArray[np.float64]:
        """The (4, 4) world-from-body matrix."""
        world_from_body = np.eye(4)
        world_from_body[:3, :3] = rotation_matrices(self.rotation_deg)
        world_from_body[:3, 3] = self.location_m
        return world_from_body
