"""Which upright boxes overlap, along which direction they met, and where they touch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import kernel

__all__ = ["BOX", "Boxes", "Overlaps", "meet", "overlaps"]

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_LEAST_HEIGHT_M = 0.05
"""Boxes whose heights share less pass over or under each other: kerbs, bridges."""

BOX = np.dtype(
    [
        ("center_m", float, (3,)),
        ("half_m", float, (3,)),
        ("velocity_mps", float, (2,)),
        ("cos", float),
        ("sin", float),
        ("reach_m", float),
    ]
)
"""An upright box: ``velocity_mps`` tells along which side two met, ``reach_m`` is half its diagonal from above."""


class Boxes:
    """Upright boxes, their columns views of one table.

    Args:
        center_m: (N, 3).
        half_m: (N, 3).
        yaw_rad: (N,) of each box's x axis.
        velocity_mps: (N, 2); None: still.
    """

    __slots__ = ("center_m", "cos", "half_m", "reach_m", "records", "sin", "velocity_mps")

    def __init__(self, center_m: Floats, half_m: Floats, yaw_rad: Floats, velocity_mps: Floats | None = None) -> None:
        self._show(np.zeros(len(yaw_rad), dtype=BOX))
        self.center_m[:], self.half_m[:] = center_m, half_m
        self.cos[:], self.sin[:] = np.cos(yaw_rad), np.sin(yaw_rad)
        self.reach_m[:] = np.hypot(self.half_m[:, 0], self.half_m[:, 1])
        if velocity_mps is not None:
            self.velocity_mps[:] = velocity_mps

    @classmethod
    def of(cls, records: NDArray[np.void]) -> "Boxes":
        """The boxes of a table of ``BOX`` records."""
        boxes = cls.__new__(cls)
        boxes._show(records)
        return boxes

    def __len__(self) -> int:
        return len(self.records)

    def _show(self, records: NDArray[np.void]) -> None:
        self.records = records
        self.center_m, self.half_m, self.velocity_mps = (
            records[name] for name in ("center_m", "half_m", "velocity_mps")
        )
        self.cos, self.sin, self.reach_m = records["cos"], records["sin"], records["reach_m"]


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
    hit = _which_meet(one.records, other.records, first, second)
    first, second = first[hit], second[hit]
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


@kernel
def meet(a: Any, b: Any) -> bool:
    """Whether two ``BOX`` records share space: circles first, then heights, then the four axes of the two boxes."""
    dx, dy, reach = b.center_m[0] - a.center_m[0], b.center_m[1] - a.center_m[1], a.reach_m + b.reach_m
    if dx * dx + dy * dy >= reach * reach:
        return False
    if abs(b.center_m[2] - a.center_m[2]) >= a.half_m[2] + b.half_m[2] - _LEAST_HEIGHT_M:
        return False
    cos, sin = abs(a.cos * b.cos + a.sin * b.sin), abs(a.cos * b.sin - a.sin * b.cos)
    x, y, u, v = a.half_m[0], a.half_m[1], b.half_m[0], b.half_m[1]
    return bool(
        abs(dx * a.cos + dy * a.sin) < x + cos * u + sin * v
        and abs(dy * a.cos - dx * a.sin) < y + sin * u + cos * v
        and abs(dx * b.cos + dy * b.sin) < u + cos * x + sin * y
        and abs(dy * b.cos - dx * b.sin) < v + sin * x + cos * y
    )


@kernel
def _which_meet(one: Any, other: Any, first: Index, second: Index) -> NDArray[np.bool_]:
    hit = np.empty(len(first), dtype=np.bool_)
    for pair in range(len(first)):
        hit[pair] = meet(one[first[pair]], other[second[pair]])
    return hit


def _axes(boxes: Boxes, index: Index) -> Floats:
    cos, sin = boxes.cos[index], boxes.sin[index]
    return np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2)


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
    tangent = np.stack([-normal[:, 1], normal[:, 0]], axis=1)
    middle = np.where(face_is_first[:, None], one.center_m[first, :2], other.center_m[second, :2])
    half = np.where(
        face_is_first,
        _extent(tangent[:, None], _axes(one, first), one.half_m[first])[:, 0],
        _extent(tangent[:, None], _axes(other, second), other.half_m[second])[:, 0],
    )
    place = _dot(point - middle, tangent)
    return point + tangent * (np.clip(place, -half, half) - place)[:, None]
