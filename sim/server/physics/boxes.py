"""Which upright boxes overlap, along which direction they met, and where they touch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Boxes", "Overlaps", "overlaps"]

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_LEAST_HEIGHT_M = 0.05
"""Boxes whose heights share less pass over or under each other: kerbs, bridges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """Upright boxes.

    Attributes:
        center_m: (N, 3).
        half_m: (N, 3).
        yaw_rad: (N,) of each box's x axis.
        velocity_mps: (N, 2) that tells along which side two boxes met.
    """

    center_m: Floats
    half_m: Floats
    yaw_rad: Floats
    velocity_mps: Floats

    def __len__(self) -> int:
        return len(self.yaw_rad)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """Pairs of boxes that share space.

    Attributes:
        first: (P,) index of one box; second: (P,) of the other.
        normal: (P, 2) unit direction from the first to the second along which they are pushed apart.
        depth_m: (P,) how deep they are in each other along it.
        point_m: (P, 2) where they touch.
    """

    first: Index
    second: Index
    normal: Floats
    depth_m: Floats
    point_m: Floats

    def __len__(self) -> int:
        return len(self.first)


def overlaps(one: Boxes, other: Boxes, first: Index, second: Index, *, recent_s: float = 0.0) -> Overlaps:
    """Those of the candidate pairs that overlap, by the separating-axis theorem.

    The direction of contact is the axis along which the boxes met last, if that was within ``recent_s``: at speed a
    pole is deep in a bumper before a step notices it, deeper than it is wide. Otherwise it is the axis of least
    overlap.

    Args:
        one: Boxes that ``first`` points into.
        other: Boxes that ``second`` points into.
        first: (P,) candidates.
        second: (P,) candidates.
        recent_s: How long ago a meeting may have been.
    """
    offset = other.center_m[second] - one.center_m[first]
    level = np.abs(offset[:, 2]) < one.half_m[first, 2] + other.half_m[second, 2] - _LEAST_HEIGHT_M
    reach = np.hypot(one.half_m[first, 0], one.half_m[first, 1])
    reach += np.hypot(other.half_m[second, 0], other.half_m[second, 1])
    near = np.flatnonzero(level & (offset[:, 0] ** 2 + offset[:, 1] ** 2 < reach * reach))
    first, second, offset = first[near], second[near], offset[near, :2]
    axes_one, axes_other = _axes(one.yaw_rad[first]), _axes(other.yaw_rad[second])
    axes = np.concatenate([axes_one, axes_other], axis=1)
    extent = _extent(axes, axes_one, one.half_m[first]) + _extent(axes, axes_other, other.half_m[second])
    along = _dot(axes, offset[:, None])
    overlap = extent - np.abs(along)
    hit = np.flatnonzero(overlap.min(axis=1, initial=np.inf) > 0.0)
    if not len(hit):
        nothing = np.zeros(0, dtype=np.intp)
        return Overlaps(
            first=nothing, second=nothing, normal=np.zeros((0, 2)), depth_m=np.zeros(0), point_m=np.zeros((0, 2))
        )
    first, second, axes, along, overlap = first[hit], second[hit], axes[hit], along[hit], overlap[hit]
    away = axes * np.where(along < 0.0, -1.0, 1.0)[:, :, None]
    closing = _dot(away, (one.velocity_mps[first] - other.velocity_mps[second])[:, None])
    age_s = overlap / np.maximum(closing, 1e-6)
    youngest = age_s.argmin(axis=1)
    each = np.arange(len(first))
    chosen = np.where(age_s[each, youngest] < recent_s, youngest, overlap.argmin(axis=1))
    normal, depth = away[each, chosen], overlap[each, chosen]
    return Overlaps(
        first=first,
        second=second,
        normal=normal,
        depth_m=depth,
        point_m=_touching(one, other, first, second, normal, chosen < 2),
    )


def _axes(yaw_rad: Floats) -> Floats:
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.stack([np.stack([cos, sin], axis=1), np.stack([-sin, cos], axis=1)], axis=1)


def _dot(left: Floats, right: Floats) -> Floats:
    return np.asarray(left[..., 0] * right[..., 0] + left[..., 1] * right[..., 1], dtype=np.float64)


def _extent(directions: Floats, axes: Floats, half_m: Floats) -> Floats:
    """Half the length of a box seen along directions (P, K, 2)."""
    ahead, aside = _dot(directions, axes[:, 0:1]), _dot(directions, axes[:, 1:2])
    return np.abs(ahead) * half_m[:, 0:1] + np.abs(aside) * half_m[:, 1:2]


def _corners(boxes: Boxes, index: Index) -> Floats:
    axes = _axes(boxes.yaw_rad[index])
    ahead, aside = axes[:, 0] * boxes.half_m[index, 0:1], axes[:, 1] * boxes.half_m[index, 1:2]
    signed = np.stack([ahead + aside, ahead - aside, -ahead + aside, -ahead - aside], axis=1)
    corners: Floats = boxes.center_m[index, None, :2] + signed
    return corners


def _touching(
    one: Boxes, other: Boxes, first: Index, second: Index, normal: Floats, face_is_first: NDArray[np.bool_]
) -> Floats:
    """The foremost corners of the box that meets the other's face, averaged and kept within that face."""
    corners = np.where(face_is_first[:, None, None], _corners(other, second), _corners(one, first))
    inward = np.where(face_is_first[:, None], -normal, normal)
    depth = _dot(corners, inward[:, None])
    foremost: Floats = np.where(depth > depth.max(axis=1)[:, None] - 0.03, 1.0, 0.0)
    point = (corners * foremost[:, :, None]).sum(axis=1) / foremost.sum(axis=1)[:, None]
    tangent = np.stack([-normal[:, 1], normal[:, 0]], axis=1)
    middle = np.where(face_is_first[:, None], one.center_m[first, :2], other.center_m[second, :2])
    half = np.where(
        face_is_first,
        _extent(tangent[:, None], _axes(one.yaw_rad[first]), one.half_m[first])[:, 0],
        _extent(tangent[:, None], _axes(other.yaw_rad[second]), other.half_m[second])[:, 0],
    )
    place = _dot(point - middle, tangent)
    return point + tangent * (np.clip(place, -half, half) - place)[:, None]
