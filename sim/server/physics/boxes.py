"""Which upright boxes overlap, along which direction they met, and where they touch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.physics.rows import columns

__all__ = ["Boxes", "Overlaps", "overlaps"]

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_LEAST_HEIGHT_M = 0.05
"""Boxes whose heights share less pass over or under each other: kerbs, bridges."""


class Boxes:
    """Upright boxes.

    Args:
        center_m: (N, 3).
        half_m: (N, 3).
        yaw_rad: (N,) of each box's x axis.
        velocity_mps: (N, 2) that tells along which side two boxes met; None: still.
    """

    __slots__ = ("center_m", "cos", "half_m", "reach_m", "sin", "velocity_mps")

    def __init__(self, center_m: Floats, half_m: Floats, yaw_rad: Floats, velocity_mps: Floats | None = None) -> None:
        self.center_m, self.half_m = center_m, half_m
        self.cos, self.sin = np.cos(yaw_rad), np.sin(yaw_rad)
        self.reach_m = np.hypot(half_m[:, 0], half_m[:, 1])
        self.velocity_mps = np.zeros((len(yaw_rad), 2)) if velocity_mps is None else velocity_mps

    def __len__(self) -> int:
        return len(self.cos)


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
    first, second = _meeting(one, other, first, second)
    if not len(first):
        return _NONE
    axes_one, axes_other = _axes(one, first), _axes(other, second)
    axes = np.concatenate([axes_one, axes_other], axis=1)
    extent = _extent(axes, axes_one, one.half_m[first]) + _extent(axes, axes_other, other.half_m[second])
    along = _dot(axes, (other.center_m[second, :2] - one.center_m[first, :2])[:, None])
    overlap = extent - np.abs(along)
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


_NONE = Overlaps(
    first=np.zeros(0, dtype=np.intp),
    second=np.zeros(0, dtype=np.intp),
    normal=np.zeros((0, 2)),
    depth_m=np.zeros(0),
    point_m=np.zeros((0, 2)),
)


def _meeting(one: Boxes, other: Boxes, first: Index, second: Index) -> tuple[Index, Index]:
    """Those pairs that overlap: circles first, then the four axes of the two boxes."""
    offset = other.center_m[second] - one.center_m[first]
    reach = one.reach_m[first] + other.reach_m[second]
    dx, dy = offset[:, 0], offset[:, 1]
    near = np.nonzero(dx * dx + dy * dy < reach * reach)[0]
    if not len(near):
        return near, near
    first, second, offset = first[near], second[near], offset[near]
    dx, dy = offset[:, 0], offset[:, 1]
    half_one, half_other = one.half_m[first], other.half_m[second]
    cos_one, sin_one, cos_other, sin_other = one.cos[first], one.sin[first], other.cos[second], other.sin[second]
    cos = np.abs(cos_one * cos_other + sin_one * sin_other)
    sin = np.abs(cos_one * sin_other - sin_one * cos_other)
    x, y, z = half_one.T
    u, v, w = half_other.T
    meet = np.abs(offset[:, 2]) < z + w - _LEAST_HEIGHT_M
    meet &= np.abs(dx * cos_one + dy * sin_one) < x + cos * u + sin * v
    meet &= np.abs(dy * cos_one - dx * sin_one) < y + sin * u + cos * v
    meet &= np.abs(dx * cos_other + dy * sin_other) < u + cos * x + sin * y
    meet &= np.abs(dy * cos_other - dx * sin_other) < v + sin * x + cos * y
    hit = np.nonzero(meet)[0]
    return first[hit], second[hit]


def _axes(boxes: Boxes, index: Index) -> Floats:
    cos, sin = boxes.cos[index], boxes.sin[index]
    return columns(cos, sin, -sin, cos).reshape(-1, 2, 2)


def _dot(left: Floats, right: Floats) -> Floats:
    return np.asarray(left[..., 0] * right[..., 0] + left[..., 1] * right[..., 1], dtype=np.float64)


def _extent(directions: Floats, axes: Floats, half_m: Floats) -> Floats:
    """Half the length of a box seen along directions (P, K, 2)."""
    ahead, aside = _dot(directions, axes[:, 0:1]), _dot(directions, axes[:, 1:2])
    return np.abs(ahead) * half_m[:, 0:1] + np.abs(aside) * half_m[:, 1:2]


def _corners(boxes: Boxes, index: Index) -> Floats:
    axes = _axes(boxes, index)
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
    tangent = columns(-normal[:, 1], normal[:, 0])
    middle = np.where(face_is_first[:, None], one.center_m[first, :2], other.center_m[second, :2])
    half = np.where(
        face_is_first,
        _extent(tangent[:, None], _axes(one, first), one.half_m[first])[:, 0],
        _extent(tangent[:, None], _axes(other, second), other.half_m[second])[:, 0],
    )
    place = _dot(point - middle, tangent)
    return point + tangent * (np.clip(place, -half, half) - place)[:, None]
