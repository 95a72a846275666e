"""Where in a picture moving bodies matter: what they can cover or shade, and how they darken the ground below them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import compiled
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.bodies.placing import PlacedBodies
from drivevla.sim.server.render.pinhole import world_from
from drivevla.sim.server.render.requests import CameraSpec
from drivevla.sim.server.render.surfaces import Samples
from drivevla.sim.server.render.vectors import dot

__all__ = ["Reach", "Rectangles", "contact_shade", "pixels_inside", "reach_of_bodies"]

CONTACT_REACH_M = 1.0
"""How far around a body the ground is darkened by it."""

_LONGEST_SHADOW_M = 40.0
_NEAR_M = 0.1
_DARKEST = 0.72
_FADE_M = 0.40
_CONTACT_HEIGHT_M = 0.35

# A box's corners count z fastest, then y, then x; these pairs are its edges.
_BOX_EDGES = np.array([[0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7]])
_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
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
        shaded: That, and where the sun throws its shadow.
        beside: The ground beside and under it.
    """

    covered: Rectangles
    shaded: Rectangles
    beside: Rectangles


def reach_of_bodies(spec: CameraSpec, pose: Pose, bodies: PlacedBodies, sun_direction: NDArray[np.float32]) -> Reach:
    """Rectangles around each body.

    Args:
        spec: Optics.
        pose: The camera in the world.
        bodies: Of the frame.
        sun_direction: (3,) towards the sun.
    """
    hull = bodies.hull_m.astype(np.float64)
    rise = max(float(sun_direction[2]), 0.02)
    length = np.minimum((np.ptp(hull[..., 2], axis=1) + 0.5) / rise, _LONGEST_SHADOW_M)
    shadow = hull - sun_direction * length[:, None, None]
    foot = bodies.half_extent_m[:, None] * _SIGNS + [CONTACT_REACH_M, CONTACT_REACH_M, 0.0] * _SIGNS
    foot[..., 2] = -bodies.half_extent_m[:, None, 2] + _CONTACT_HEIGHT_M * _SIGNS[:, 2]
    ground = foot @ bodies.world_from_box[..., :3].transpose(0, 2, 1) + bodies.world_from_box[:, None, :, 3]
    return Reach(
        covered=_around(spec, pose, hull, _BOX_EDGES),
        shaded=_around(spec, pose, np.concatenate([hull, shadow], axis=1), _SWEPT_EDGES),
        beside=_around(spec, pose, ground, _BOX_EDGES),
    )


def _around(spec: CameraSpec, pose: Pose, corners: NDArray[np.float64], edges: NDArray[np.intp]) -> Rectangles:
    """Around the parts of (A, C, 3) bodies that lie before the camera; ``edges`` join their corners."""
    bounds = _bounds(corners, edges, world_from(pose), spec.width_px, spec.height_px, spec.focal_px)
    return Rectangles(bounds[:, 0], bounds[:, 1], bounds[:, 2], bounds[:, 3])


@compiled
def _bounds(
    corners: NDArray[np.float64],
    edges: NDArray[np.intp],
    world_from_camera: NDArray[np.float64],
    width_px: int,
    height_px: int,
    focal_px: float,
) -> NDArray[np.intp]:
    """(A, 4) left, right, top and bottom of the bodies' edges, cut where they come too near to the camera."""
    bounds = np.empty((len(corners), 4), np.intp)
    ends = np.empty((2, 3))
    for body in range(len(corners)):
        left, right, top, bottom = np.inf, -np.inf, np.inf, -np.inf
        for edge in range(len(edges)):
            for end in range(2):
                for axis in range(3):
                    ends[end, axis] = 0.0
                    for along in range(3):
                        offset = corners[body, edges[edge, end], along] - world_from_camera[along, 3]
                        ends[end, axis] += offset * world_from_camera[along, axis]
            near, far = ends[0, 0], ends[1, 0]
            if near <= _NEAR_M and far <= _NEAR_M:
                continue
            for end in range(2):
                share = 0.0
                if ends[end, 0] < _NEAR_M:
                    share = (_NEAR_M - ends[end, 0]) / (ends[1 - end, 0] - ends[end, 0])
                ahead = ends[end, 0] + share * (ends[1 - end, 0] - ends[end, 0])
                u = width_px / 2.0 + focal_px * (ends[end, 1] + share * (ends[1 - end, 1] - ends[end, 1])) / ahead
                v = height_px / 2.0 - focal_px * (ends[end, 2] + share * (ends[1 - end, 2] - ends[end, 2])) / ahead
                left, right, top, bottom = min(left, u), max(right, u), min(top, v), max(bottom, v)
        bounds[body, 0] = int(min(max(np.floor(left) - 1.0, 0.0), width_px))
        bounds[body, 1] = int(min(max(np.ceil(right) + 1.0, 0.0), width_px))
        bounds[body, 2] = int(min(max(np.floor(top) - 1.0, 0.0), height_px))
        bounds[body, 3] = int(min(max(np.ceil(bottom) + 1.0, 0.0), height_px))
    return bounds


def pixels_inside(spec: CameraSpec, rectangles: Rectangles) -> NDArray[np.bool_]:
    """(H * W,) which pixels lie in any of the rectangles."""
    inside = np.zeros((spec.height_px, spec.width_px), np.bool_)
    for index in range(len(rectangles.left)):
        rows = slice(rectangles.top[index], rectangles.bottom[index])
        inside[rows, rectangles.left[index] : rectangles.right[index]] = True
    return inside.ravel()


def contact_shade(samples: Samples, spec: CameraSpec, rectangles: Rectangles, bodies: PlacedBodies) -> None:
    """Set the share of the sky's light that the ground still gets beside and under the bodies.

    Args:
        samples: Of every pixel, row by row; their ``openness`` is 1 and is changed in place.
        spec: Optics.
        rectangles: Where to look for each body.
        bodies: Of the frame.
    """
    for index in range(len(bodies.half_extent_m)):
        _shade_beside(
            samples,
            spec.width_px,
            (int(rectangles.left[index]), int(rectangles.right[index])),
            (int(rectangles.top[index]), int(rectangles.bottom[index])),
            bodies.world_from_box[index],
            bodies.half_extent_m[index],
        )


@compiled
def _shade_beside(
    samples: Samples,
    width_px: int,
    columns: tuple[int, int],
    rows: tuple[int, int],
    world_from_box: NDArray[np.float32],
    half_m: NDArray[np.float32],
) -> None:
    forward = (world_from_box[0, 0], world_from_box[1, 0], world_from_box[2, 0])
    aside = (world_from_box[0, 1], world_from_box[1, 1], world_from_box[2, 1])
    above = (world_from_box[0, 2], world_from_box[1, 2], world_from_box[2, 2])
    for row in range(rows[0], rows[1]):
        for pixel in range(row * width_px + columns[0], row * width_px + columns[1]):
            along = samples.distance[pixel]
            if along == np.inf:
                continue
            ray = samples.rays[pixel]
            offset = (
                ray[0] + along * ray[3] - world_from_box[0, 3],
                ray[1] + along * ray[4] - world_from_box[1, 3],
                ray[2] + along * ray[5] - world_from_box[2, 3],
            )
            if abs(dot(above, offset) + half_m[2]) >= _CONTACT_HEIGHT_M:
                continue
            beside = max(abs(dot(forward, offset)) - half_m[0], abs(dot(aside, offset)) - half_m[1], 0.0)
            if beside < CONTACT_REACH_M:
                samples.openness[pixel] *= 1.0 - _DARKEST * np.exp(-((beside / _FADE_M) ** 2))
