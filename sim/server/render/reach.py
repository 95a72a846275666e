"""Where in a picture moving bodies matter: what they can cover or shade, and how they darken the ground below them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.bodies.placing import PlacedBodies
from drivevla.sim.server.render.pinhole import project, world_from
from drivevla.sim.server.render.planar import dot
from drivevla.sim.server.render.requests import CameraSpec

__all__ = ["Reach", "Rectangles", "contact_shade", "pixels_inside", "reach_of_bodies"]

CONTACT_REACH_M = 1.0
"""How far around a body the ground is darkened by it."""

_LONGEST_SHADOW_M = 40.0
_NEAR_M = 0.1
_DARKEST = 0.72
_FADE_M = 0.40
_POKES_OUT_M = 0.45
"""How far beacons, mirrors and swinging limbs stick out of a body's box."""

# A box's corners count z fastest, then y, then x; these pairs are its edges.
_BOX_EDGES = np.array([[0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7]])
_SWEPT_EDGES = np.concatenate([_BOX_EDGES, _BOX_EDGES + 8, np.arange(8)[:, None] + [[0, 8]]])


@dataclass(frozen=True, slots=True)
class Rectangles:
    """For each body a rectangle of pixels, (A,) each: columns left to right, rows top to bottom, ends excluded."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    top: NDArray[np.intp]
    bottom: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Reach:
    """Where bodies matter in a picture.

    Attributes:
        covered: What each body itself can cover.
        shaded: Besides, its contact shade and its shadow on the ground.
    """

    covered: Rectangles
    shaded: Rectangles


def reach_of_bodies(spec: CameraSpec, pose: Pose, bodies: PlacedBodies, sun_direction: NDArray[np.float32]) -> Reach:
    """Rectangles around each body.

    Args:
        spec: Optics.
        pose: The camera in the world.
        bodies: Of the frame.
        sun_direction: (3,) towards the sun.
    """
    corners = bodies.corners_m.astype(np.float64)
    middle = corners.mean(axis=1, keepdims=True)
    away = (corners - middle) / np.maximum(np.linalg.norm(corners - middle, axis=2, keepdims=True), 1e-6)
    grown = corners + 1.5 * CONTACT_REACH_M * away
    rise = max(float(sun_direction[2]), 0.02)
    length = np.minimum((np.ptp(corners[..., 2], axis=1) + 0.5) / rise, _LONGEST_SHADOW_M)
    shadow = corners - sun_direction * length[:, None, None]
    return Reach(
        covered=_around(spec, pose, corners + _POKES_OUT_M * away, _BOX_EDGES),
        shaded=_around(spec, pose, np.concatenate([grown, shadow], axis=1), _SWEPT_EDGES),
    )


def _around(spec: CameraSpec, pose: Pose, corners: NDArray[np.float64], edges: NDArray[np.intp]) -> Rectangles:
    """Around the parts of (A, C, 3) bodies that lie before the camera; ``edges`` join their corners."""
    world_from_camera = world_from(pose)
    depth = (corners - world_from_camera[:3, 3]) @ world_from_camera[:3, 0]
    start, end = corners[:, edges[:, 0]], corners[:, edges[:, 1]]
    start_depth, end_depth = depth[:, edges[:, 0]], depth[:, edges[:, 1]]
    change = np.where(np.abs(end_depth - start_depth) > 1e-9, end_depth - start_depth, 1e-9)
    cut = start + np.clip((_NEAR_M - start_depth) / change, 0.0, 1.0)[..., None] * (end - start)
    first = np.where((start_depth < _NEAR_M)[..., None], cut, start)
    last = np.where((end_depth < _NEAR_M)[..., None], cut, end)
    seen = (start_depth > _NEAR_M) | (end_depth > _NEAR_M)
    pixel, _ = project(spec, pose, np.concatenate([first, last], axis=1))
    counts = np.concatenate([seen, seen], axis=1)[..., None]
    size = np.array([spec.width_px, spec.height_px])
    low = np.clip(np.floor(np.where(counts, pixel, np.inf).min(axis=1)) - 1, 0, size).astype(np.intp)
    high = np.clip(np.ceil(np.where(counts, pixel, -np.inf).max(axis=1)) + 1, 0, size).astype(np.intp)
    return Rectangles(low[:, 0], high[:, 0], low[:, 1], high[:, 1])


def pixels_inside(spec: CameraSpec, rectangles: Rectangles) -> NDArray[np.bool_]:
    """(H * W,) which pixels lie in any of the rectangles."""
    inside = np.zeros((spec.height_px, spec.width_px), np.bool_)
    for index in range(len(rectangles.left)):
        rows = slice(rectangles.top[index], rectangles.bottom[index])
        inside[rows, rectangles.left[index] : rectangles.right[index]] = True
    return inside.ravel()


def contact_shade(
    spec: CameraSpec,
    rays: NDArray[np.float32],
    distance: NDArray[np.float32],
    rectangles: Rectangles,
    bodies: PlacedBodies,
) -> NDArray[np.float32]:
    """(H * W,) share of the sky's light that the ground still gets beside and under the bodies.

    Args:
        spec: Optics.
        rays: (H * W, 6).
        distance: (H * W,) where they hit, in lengths of the rays' directions.
        rectangles: Where to look for each body.
        bodies: Of the frame.
    """
    openness = np.ones((spec.height_px, spec.width_px), np.float32)
    image = rays.reshape(spec.height_px, spec.width_px, 6)
    reach = distance.reshape(spec.height_px, spec.width_px)
    for index, (world_from_actor, half) in enumerate(zip(bodies.world_from_box, bodies.half_extent_m, strict=True)):
        rows = slice(rectangles.top[index], rectangles.bottom[index])
        columns = slice(rectangles.left[index], rectangles.right[index])
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        patch, along = image[rows, columns], reach[rows, columns]
        turn = world_from_actor[:, :3]
        origin = (patch[0, 0, :3] - world_from_actor[:, 3]) @ turn
        directions = np.ascontiguousarray(patch[..., 3:].transpose(2, 0, 1))
        local = [origin[axis] + along * dot(turn[:, axis], directions) for axis in range(3)]
        beside = np.maximum(np.abs(local[0]) - half[0], np.abs(local[1]) - half[1])
        np.maximum(beside, 0.0, out=beside)
        below = np.abs(local[2] + half[2])
        dark = np.flatnonzero((beside < CONTACT_REACH_M) & (below < 0.35))
        if len(dark):
            shade = 1.0 - _DARKEST * np.exp(-((beside.ravel()[dark] / _FADE_M) ** 2))
            window = openness[rows, columns]
            window[np.unravel_index(dark, window.shape)] *= shade.astype(np.float32)
    return openness.ravel()
