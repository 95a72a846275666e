"""Simple solids as triangles: boxes, prisms, discs, blobs. Local frames: x forward, y right, z up, metres."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Solid", "blob", "box", "disc", "gable_roof", "panel", "placed", "prism"]


@dataclass(frozen=True, slots=True)
class Solid:
    """Triangles with texture coordinates in metres."""

    vertices_m: NDArray[np.float64]
    triangles: NDArray[np.int64]
    uv_m: NDArray[np.float64]


def placed(solid: Solid, location_m: ArrayLike, yaw_deg: float = 0.0, scale: ArrayLike = 1.0) -> Solid:
    """A solid scaled, then turned to ``yaw_deg`` (clockwise from above), then moved."""
    yaw = np.radians(yaw_deg)
    cos, sin = np.cos(yaw), np.sin(yaw)
    turned = solid.vertices_m * np.asarray(scale, dtype=np.float64)
    x, y = turned[:, 0].copy(), turned[:, 1].copy()
    turned[:, 0], turned[:, 1] = cos * x - sin * y, sin * x + cos * y
    moved = turned + np.asarray(location_m, dtype=np.float64)
    return Solid(moved, solid.triangles, solid.uv_m)


def _quads(quads_m: NDArray[np.float64], uv_m: NDArray[np.float64]) -> Solid:
    """(Q, 4, 3) corners around each face with (Q, 4, 2) texture coordinates."""
    first = 4 * np.arange(len(quads_m))[:, None, None]
    triangles = (first + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    return Solid(quads_m.reshape(-1, 3), triangles, uv_m.reshape(-1, 2))


def box(size_m: ArrayLike, *, floor_m: float = 0.0, walls_only: bool = False) -> Solid:
    """A box of length, width, height standing on ``floor_m``; walls' u runs along them, v up from the floor."""
    length, width, height = np.asarray(size_m, dtype=np.float64)
    x, y, low, high = length / 2, width / 2, floor_m, floor_m + height
    ring = [(x, -y), (x, y), (-x, y), (-x, -y)]
    quads, uvs, start = [], [], 0.0
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        end = start + float(np.hypot(bx - ax, by - ay))
        quads.append([(ax, ay, low), (bx, by, low), (bx, by, high), (ax, ay, high)])
        uvs.append([(start, 0.0), (end, 0.0), (end, height), (start, height)])
        start = end
    if not walls_only:
        quads.append([(px, py, high) for px, py in ring])
        uvs.append(list(ring))
    return _quads(np.array(quads), np.array(uvs))


def panel(width_m: float, height_m: float) -> Solid:
    """An upright rectangle around the origin that faces along x; u to the right of who looks at it, v up."""
    half, up = width_m / 2, height_m / 2
    # Who looks along -x at the panel has +y on his left in CARLA's left-handed frame.
    corners = np.array([[(0, half, -up), (0, -half, -up), (0, -half, up), (0, half, up)]], dtype=np.float64)
    return _quads(corners, np.stack([-corners[..., 1], corners[..., 2]], axis=-1))


def disc(radius_m: float, *, corners: int, first_angle_deg: float = 0.0) -> Solid:
    """An upright regular polygon around the origin that faces along x, texture coordinates as in ``panel``."""
    angle = np.radians(first_angle_deg) + np.arange(corners) * 2 * np.pi / corners
    u, v = radius_m * np.sin(angle), radius_m * np.cos(angle)
    uv = np.concatenate([[[0.0, 0.0]], np.stack([u, v], axis=-1)])
    vertices = np.stack([np.zeros(corners + 1), -uv[:, 0], uv[:, 1]], axis=-1)
    index = np.arange(corners)
    triangles = np.stack([np.zeros(corners, dtype=np.int64), 1 + index, 1 + (index + 1) % corners], axis=-1)
    return Solid(vertices, triangles, uv)


def prism(radius_m: float, height_m: float, *, sides: int = 6, top_radius_m: float | None = None) -> Solid:
    """A post or cone frustum standing on the origin, closed at the top."""
    top = radius_m if top_radius_m is None else top_radius_m
    angle = np.arange(sides + 1) * 2 * np.pi / sides
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    low = np.column_stack([radius_m * circle, np.zeros(sides + 1)])
    high = np.column_stack([top * circle, np.full(sides + 1, height_m)])
    quads = np.stack([low[:-1], low[1:], high[1:], high[:-1]], axis=1)
    u = angle * radius_m
    foot, head = np.stack([u, 0 * u], axis=-1), np.stack([u, 0 * u + height_m], axis=-1)
    uv = np.stack([foot[:-1], foot[1:], head[1:], head[:-1]], axis=1)
    wall = _quads(quads, uv)
    cap = np.arange(1, sides - 1)
    cap_triangles = np.stack([np.zeros(sides - 2, dtype=np.int64), cap, cap + 1], axis=-1) + len(wall.vertices_m)
    return Solid(
        np.concatenate([wall.vertices_m, high[:-1]]),
        np.concatenate([wall.triangles, cap_triangles]),
        np.concatenate([wall.uv_m, high[:-1, :2]]),
    )


def gable_roof(length_m: float, width_m: float, height_m: float, *, overhang_m: float = 0.4) -> tuple[Solid, Solid]:
    """Roof planes and gable ends over a box; the ridge runs along x, the eaves lie at z = 0."""
    x, y, gable_x, gable_y = length_m / 2 + overhang_m, width_m / 2 + overhang_m, length_m / 2, width_m / 2
    drop = height_m * overhang_m / (width_m / 2)
    slope = float(np.hypot(y, height_m + drop))
    planes = np.array(
        [[(-x, s * y, -drop), (x, s * y, -drop), (x, 0, height_m), (-x, 0, height_m)] for s in (-1.0, 1.0)]
    )
    uv = np.array([[(-x, 0), (x, 0), (x, slope), (-x, slope)]] * 2)
    ends = np.array(
        [[(s * gable_x, -gable_y, 0), (s * gable_x, gable_y, 0), (s * gable_x, 0, height_m)] for s in (-1.0, 1.0)],
        dtype=np.float64,
    ).reshape(-1, 3)
    gables = Solid(ends, np.arange(6).reshape(2, 3), ends[:, 1:].copy())
    return _quads(planes, uv), gables


@lru_cache(maxsize=1)
def _icosphere() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    golden = (1 + 5**0.5) / 2
    corners = [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0)]
    vertices = np.array([np.roll(corner, shift) for shift in range(3) for corner in corners], dtype=np.float64)
    vertices /= np.linalg.norm(vertices, axis=1, keepdims=True)
    edge = np.linalg.norm(vertices[:, None] - vertices[None], axis=-1)
    near = edge < 1.1
    faces = [
        (a, b, c) for a in range(12) for b in range(a) for c in range(b) if near[a, b] and near[b, c] and near[a, c]
    ]
    return vertices, np.array(faces, dtype=np.int64)


def blob(radius_m: ArrayLike, *, roughness: float, rng: np.random.Generator) -> Solid:
    """A lumpy ball around the origin with 20 faces and half axes ``radius_m``."""
    vertices, faces = _icosphere()
    swell = 1 + roughness * rng.uniform(-1.0, 1.0, (len(vertices), 1))
    lumpy = np.multiply(vertices, swell * np.asarray(radius_m, dtype=np.float64))
    return Solid(lumpy, faces, lumpy[:, :2] + lumpy[:, 2:])
