"""Pictures of what was hit rather than of its looks: semantic and instance labels, normals."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.triangles import SKY_ROW, TriangleTable

__all__ = ["instance_pixels", "normal_pixels", "semantic_pixels"]


def semantic_pixels(row: NDArray[np.uint32], table: TriangleTable) -> NDArray[np.uint8]:
    """(N, 4) B, G, R, A with CARLA's label in R."""
    pixels = np.zeros((len(row), 4), np.uint8)
    pixels[:, 2] = table.label.take(row)
    pixels[:, 3] = 255
    return pixels


def instance_pixels(row: NDArray[np.uint32], table: TriangleTable) -> NDArray[np.uint8]:
    """(N, 4) B, G, R, A with the label in R and a 16-bit id in G (low byte) and B (high byte).

    Actors carry the low 15 bits of their id; static objects those of theirs with the highest bit set; what is no object
    of its own (road, terrain, sky) carries 0.
    """
    actor, static = table.actor_id.take(row) & 0x7FFF, table.object_id.take(row)
    number = np.where(static > 0, static & 0x7FFF | 0x8000, actor).astype("<u2")
    pixels = semantic_pixels(row, table)
    pixels[:, 1] = number & 0xFF
    pixels[:, 0] = number >> 8
    return pixels


def normal_pixels(row: NDArray[np.uint32], directions: NDArray[np.float32], table: TriangleTable) -> NDArray[np.uint8]:
    """(N, 4) B, G, R, A with the world normal's x, y, z in R, G, B: byte = 255 (n + 1) / 2; the sky is black.

    Args:
        row: What each ray hit.
        directions: (N, 3) rays, to turn the normals towards the camera.
        table: What the rows point into.
    """
    normal = table.normal.take(row, axis=0)
    normal *= -np.sign(np.einsum("nk,nk->n", normal, directions))[:, None]
    pixels = np.zeros((len(row), 4), np.uint8)
    pixels[:, 2::-1] = np.rint(127.5 * (normal + 1.0))
    pixels[row == SKY_ROW, :3] = 0
    pixels[:, 3] = 255
    return pixels
