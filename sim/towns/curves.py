"""Plane curves made of lines and arcs: exact lengths, offsets and reversals.

OpenDRIVE's frame: x east, y north, headings in radians, counter-clockwise; a point's ``t`` is positive to the left.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

__all__ = ["Arc", "Curve", "Place", "arc_to", "fillet", "join"]

_STRAIGHT_RAD = 1e-9
_PARALLEL_RAD = math.radians(3)


@dataclass(frozen=True, slots=True)
class Place:
    """A point with a heading.

    Attributes:
        x_m: East.
        y_m: North.
        heading_rad: Counter-clockwise from east.
    """

    x_m: float
    y_m: float
    heading_rad: float

    def beside(self, t_m: float) -> "Place":
        """The place ``t_m`` to the left, same heading."""
        sin, cos = math.sin(self.heading_rad), math.cos(self.heading_rad)
        return Place(self.x_m - t_m * sin, self.y_m + t_m * cos, self.heading_rad)

    def ahead(self, distance_m: float) -> "Place":
        """The place ``distance_m`` straight on, same heading."""
        sin, cos = math.sin(self.heading_rad), math.cos(self.heading_rad)
        return Place(self.x_m + distance_m * cos, self.y_m + distance_m * sin, self.heading_rad)

    def turned(self, angle_rad: float = math.pi) -> "Place":
        """The same point, heading turned to the left; about face by default."""
        return Place(self.x_m, self.y_m, math.remainder(self.heading_rad + angle_rad, math.tau))

    @property
    def xy_m(self) -> tuple[float, float]:
        """The point alone."""
        return self.x_m, self.y_m


@dataclass(frozen=True, slots=True)
class Arc:
    """A line or an arc.

    Attributes:
        start: Where it begins.
        length_m: Its length, positive.
        curvature_per_m: Positive turns left; 0 is a line.
    """

    start: Place
    length_m: float
    curvature_per_m: float

    def at(self, s_m: float) -> Place:
        """The place ``s_m`` along it."""
        turn = self.curvature_per_m * s_m
        half = turn / 2
        chord = s_m * (math.sin(half) / half if abs(half) > _STRAIGHT_RAD else 1.0)
        heading = self.start.heading_rad
        x = self.start.x_m + chord * math.cos(heading + half)
        y = self.start.y_m + chord * math.sin(heading + half)
        return Place(x, y, heading + turn)


@dataclass(frozen=True)
class Curve:
    """Lines and arcs, one after the other, without kinks.

    Attributes:
        arcs: At least one.
    """

    arcs: tuple[Arc, ...]

    @cached_property
    def starts_m(self) -> tuple[float, ...]:
        """Where each arc begins along the curve."""
        starts = [0.0]
        for arc in self.arcs[:-1]:
            starts.append(starts[-1] + arc.length_m)
        return tuple(starts)

    @cached_property
    def length_m(self) -> float:
        """Length of the whole."""
        return self.starts_m[-1] + self.arcs[-1].length_m

    @property
    def start(self) -> Place:
        """Where it begins."""
        return self.arcs[0].start

    @property
    def end(self) -> Place:
        """Where it ends."""
        return self.arcs[-1].at(self.arcs[-1].length_m)

    def at(self, s_m: float, t_m: float = 0.0) -> Place:
        """The place ``s_m`` along and ``t_m`` to the left."""
        index = max(bisect.bisect_right(self.starts_m, s_m) - 1, 0)
        return self.arcs[index].at(s_m - self.starts_m[index]).beside(t_m)

    def curvature_per_m(self, s_m: float) -> float:
        """Curvature ``s_m`` along, positive to the left."""
        return self.arcs[max(bisect.bisect_right(self.starts_m, s_m) - 1, 0)].curvature_per_m

    def offset(self, t_m: float) -> "Curve":
        """The parallel curve ``t_m`` to the left.

        Raises:
            ValueError: An arc is tighter than that.
        """
        arcs = []
        for arc in self.arcs:
            stretch = 1 - arc.curvature_per_m * t_m
            if stretch <= 0:
                raise ValueError(f"an arc of radius {1 / arc.curvature_per_m:.2f} m has no parallel at {t_m:.2f} m")
            arcs.append(Arc(arc.start.beside(t_m), arc.length_m * stretch, arc.curvature_per_m / stretch))
        return Curve(tuple(arcs))

    def reversed(self) -> "Curve":
        """The same points the other way round."""
        arcs = (Arc(arc.at(arc.length_m).turned(), arc.length_m, -arc.curvature_per_m) for arc in reversed(self.arcs))
        return Curve(tuple(arcs))

    def part(self, from_m: float, to_m: float) -> "Curve":
        """The part between two distances along it."""
        arcs = []
        for start, arc in zip(self.starts_m, self.arcs, strict=True):
            low, high = max(from_m - start, 0.0), min(to_m - start, arc.length_m)
            if high - low > 1e-6:
                arcs.append(Arc(arc.at(low), high - low, arc.curvature_per_m))
        return Curve(tuple(arcs))

    def distances(self, step_m: float) -> list[float]:
        """Distances along it, both ends among them, at most ``step_m`` apart."""
        count = max(math.ceil(self.length_m / step_m), 1)
        return [self.length_m * i / count for i in range(count + 1)]


def arc_to(start: Place, end_m: tuple[float, float]) -> Arc:
    """The arc (or line) that leaves ``start`` along its heading and passes through a point."""
    dx, dy = end_m[0] - start.x_m, end_m[1] - start.y_m
    chord = math.hypot(dx, dy)
    half = math.remainder(math.atan2(dy, dx) - start.heading_rad, math.tau)
    if abs(half) < _STRAIGHT_RAD:
        return Arc(start, chord, 0.0)
    return Arc(start, chord * half / math.sin(half), 2 * math.sin(half) / chord)


def join(start: Place, end: Place, *, widest_m: float = math.inf) -> Curve:
    """A curve without kinks from one place to another: line, arc and line where their tangents meet, else two arcs.

    Args:
        start: Where it begins.
        end: Where it ends.
        widest_m: Largest radius of an arc between two lines; it is as wide as it can be where nothing is said.

    Raises:
        ValueError: The end does not lie ahead, or is not headed away from the start, or the radius is not positive.
    """
    if not widest_m > 0.0:
        raise ValueError(f"the largest radius of an arc must be positive, got {widest_m:g} m")
    turn = math.remainder(end.heading_rad - start.heading_rad, math.tau)
    dx, dy = end.x_m - start.x_m, end.y_m - start.y_m
    if abs(turn) > _PARALLEL_RAD:
        # distances from both ends to the point where the tangents cross
        to_crossing = (dx * math.sin(end.heading_rad) - dy * math.cos(end.heading_rad)) / math.sin(turn)
        from_crossing = (dy * math.cos(start.heading_rad) - dx * math.sin(start.heading_rad)) / math.sin(turn)
        if to_crossing > 0.01 and from_crossing > 0.01:
            return _rounded(start, end, (to_crossing, from_crossing), turn, widest_m)
    return _two_arcs(start, end, dx, dy)


def fillet(points_m: Sequence[tuple[float, float]], *, radius_m: float) -> Curve:
    """A polyline whose corners are rounded, with the radius asked for or as much as its shorter leg allows.

    Args:
        points_m: At least two points; legs must not double back.
        radius_m: Radius of the corners.
    """
    arcs: list[Arc] = []
    here = _towards(points_m[0], points_m[1])
    for corner, after in pairwise(points_m[1:]):
        left_m = math.dist(here.xy_m, corner)
        turn = math.remainder(_towards(corner, after).heading_rad - here.heading_rad, math.tau)
        if abs(turn) < 1e-6:
            continue
        # half of the next leg is kept for the next corner
        reach = min(
            radius_m * math.tan(abs(turn) / 2),
            left_m,
            math.dist(corner, after) * (0.5 if after != points_m[-1] else 1.0),
        )
        if left_m - reach > 1e-6:
            arcs.append(Arc(here, left_m - reach, 0.0))
        begin = here.ahead(left_m - reach)
        curvature = math.copysign(math.tan(abs(turn) / 2) / reach, turn)
        arcs.append(Arc(begin, abs(turn / curvature), curvature))
        here = arcs[-1].at(arcs[-1].length_m)
    rest_m = math.dist(here.xy_m, points_m[-1])
    if rest_m > 1e-6:
        arcs.append(Arc(here, rest_m, 0.0))
    return Curve(tuple(arcs))


def _towards(point_m: tuple[float, float], other_m: tuple[float, float]) -> Place:
    return Place(*point_m, math.atan2(other_m[1] - point_m[1], other_m[0] - point_m[0]))


def _rounded(start: Place, end: Place, legs_m: tuple[float, float], turn: float, widest_m: float) -> Curve:
    to_crossing, from_crossing = legs_m
    reach = min(to_crossing, from_crossing, widest_m * math.tan(abs(turn) / 2))
    curvature = math.tan(turn / 2) / reach
    arcs = []
    if to_crossing - reach > 1e-6:
        arcs.append(Arc(start, to_crossing - reach, 0.0))
    begin = start.ahead(to_crossing - reach)
    arcs.append(Arc(begin, turn / curvature, curvature))
    if from_crossing - reach > 1e-6:
        arcs.append(Arc(end.ahead(reach - from_crossing), from_crossing - reach, 0.0))
    return Curve(tuple(arcs))


def _two_arcs(start: Place, end: Place, dx: float, dy: float) -> Curve:
    # A biarc with equal tangent lengths d: |v|^2 - 2 d v.(a+b) - 2 d^2 (1 - a.b) = 0 for unit tangents a and b.
    ax, ay = math.cos(start.heading_rad), math.sin(start.heading_rad)
    bx, by = math.cos(end.heading_rad), math.sin(end.heading_rad)
    along = dx * (ax + bx) + dy * (ay + by)
    if along <= 0:
        raise ValueError(f"no easy curve leads from {start} to {end}")
    spread = 1 - (ax * bx + ay * by)
    square = dx * dx + dy * dy
    if spread < 1e-12:
        reach = square / (2 * along)
    else:
        reach = (-along + math.sqrt(along * along + 2 * spread * square)) / (2 * spread)
    middle = (
        (start.x_m + end.x_m + reach * (ax - bx)) / 2,
        (start.y_m + end.y_m + reach * (ay - by)) / 2,
    )
    first = arc_to(start, middle)
    second = arc_to(first.at(first.length_m), end.xy_m)
    if abs(first.curvature_per_m) < 1e-9 and abs(second.curvature_per_m) < 1e-9:
        return Curve((Arc(start, math.hypot(dx, dy), 0.0),))
    return Curve((first, second))
