"""A ring of two carriageways around a town, with diamond interchanges: bridges, on- and off-ramps.

Everything is laid out along a carriageway's own direction: the ring is driven counter-clockwise on its outer
carriageway and clockwise on its inner one, so both have their ramps on the right.
"""

import math
from dataclasses import dataclass, replace

from drivevla.sim.towns.curves import Arc, Curve, Place
from drivevla.sim.towns.plan import Control, Movement, Node, Plan, Point, Profile, Street

__all__ = ["LEAST_STRAIGHT_M", "TERMINAL_M", "Ring", "add_ring"]

_JOINT_M = 52.0
"""Length of the places where a ramp leaves or joins."""
_RAMP_REACH_M = 150.0
"""Along the carriageway, from an interchange's middle to the narrow end of its ramps."""
LEAST_STRAIGHT_M = 2 * (_RAMP_REACH_M + _JOINT_M) + 20.0
"""Straight carriageway that an interchange takes."""
TERMINAL_M = 48.0
"""From the ring's middle line to where its ramps meet the street that crosses it."""
_BRIDGE_HEIGHT_M = 6.2
_RAMP_ANGLE_RAD = math.radians(8)
_SHOULDER_M = 2.5
_RAMP = Profile(forward=1, backward=0, lane_m=3.7, sidewalk_m=0.0, shoulder_m=1.5, speed_kph=50, type="motorway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A rounded rectangle around the origin.

    Attributes:
        half_m: Half its width and half its height, to the middle between the carriageways.
        corner_m: Radius of its corners.
        lanes: Per carriageway.
        median_m: Between the carriageways.
        speed_kph: Speed limit.
        control: Who gives way where ramps meet streets.
    """

    half_m: Point
    corner_m: float
    lanes: int
    median_m: float
    speed_kph: int
    control: Control

    def middle(self) -> Curve:
        """The line between the carriageways, counter-clockwise from the middle of the southern side."""
        (width, height), corner = self.half_m, self.corner_m
        sides = [width - corner, 2 * (height - corner), 2 * (width - corner), 2 * (height - corner), width - corner]
        arcs: list[Arc] = []
        here = Place(0.0, -height, 0.0)
        for index, side in enumerate(sides):
            arcs.append(Arc(here, side, 0.0))
            if index < 4:
                arcs.append(Arc(arcs[-1].at(side), corner * math.pi / 2, 1 / corner))
                here = arcs[-1].at(arcs[-1].length_m)
        return Curve(tuple(arcs))


@dataclass(frozen=True, slots=True)
class _Crossing:
    """An interchange on one carriageway: where along it, and the node where its ramps meet the street."""

    s_m: float
    terminal: int


def add_ring(plan: Plan, ring: Ring, gates: list[tuple[int, Profile]]) -> None:
    """Add a ring road and lead streets out to it.

    Args:
        plan: A town around the origin; gets nodes and streets.
        ring: The ring road.
        gates: Nodes from which a street leads east (those with positive x) or west to an interchange, and its profile.
    """
    outer: list[_Crossing] = []
    inner: list[_Crossing] = []
    middle = ring.middle()
    for node, profile in gates:
        side = 1.0 if plan.nodes[node].xy_m[0] > 0 else -1.0
        y_m = plan.nodes[node].xy_m[1]
        terminals = []
        for offset in (-TERMINAL_M, TERMINAL_M):
            x_m = side * (ring.half_m[0] + offset)
            plan.nodes.append(Node(xy_m=(x_m, y_m), control=ring.control, kerb_radius_m=9.0, height_m=_BRIDGE_HEIGHT_M))
            terminals.append(len(plan.nodes) - 1)
        plan.streets.append(Street(start=node, end=terminals[0], profile=profile, name="link road"))
        plan.streets.append(Street(start=terminals[0], end=terminals[1], profile=profile, name="bridge"))
        s_m = _nearest_m(middle, (side * ring.half_m[0], y_m))
        outer.append(_Crossing(s_m, terminals[1]))
        inner.append(_Crossing(middle.length_m - s_m, terminals[0]))
    half = ring.median_m / 2
    profile = Profile(
        forward=ring.lanes,
        backward=0,
        lane_m=3.6,
        sidewalk_m=0.0,
        shoulder_m=_SHOULDER_M,
        speed_kph=ring.speed_kph,
        type="motorway",
    )
    _add_carriageway(
        plan, middle.offset(-half), [_moved(c, middle, -half) for c in outer], profile, "outer carriageway"
    )
    backwards = middle.reversed()
    _add_carriageway(
        plan, backwards.offset(-half), [_moved(c, backwards, -half) for c in inner], profile, "inner carriageway"
    )


def _nearest_m(curve: Curve, point_m: Point) -> float:
    """Where along a curve's straight parts a point beside it lies."""
    s_m = min(curve.distances(10.0), key=lambda s: math.dist(curve.at(s).xy_m, point_m))
    place = curve.at(s_m)
    dx, dy = point_m[0] - place.x_m, point_m[1] - place.y_m
    return s_m + dx * math.cos(place.heading_rad) + dy * math.sin(place.heading_rad)


def _moved(crossing: _Crossing, middle: Curve, offset_m: float) -> _Crossing:
    carriageway = middle.offset(offset_m)
    return replace(crossing, s_m=_nearest_m(carriageway, middle.at(crossing.s_m, offset_m).xy_m))


def _add_carriageway(plan: Plan, curve: Curve, crossings: list[_Crossing], profile: Profile, name: str) -> None:
    crossings = sorted(crossings, key=lambda crossing: crossing.s_m)
    first_street = len(plan.streets)
    joints = []
    for crossing in crossings:
        for s_m in (crossing.s_m - _RAMP_REACH_M - _JOINT_M, crossing.s_m + _RAMP_REACH_M):
            plan.nodes.append(Node(xy_m=curve.at(s_m + _JOINT_M / 2).xy_m, control="free", height_m=0.0))
            joints.append((len(plan.nodes) - 1, s_m))
    for (joint, s_m), (after, next_m) in zip(joints, [*joints[1:], joints[0]], strict=True):
        piece = _around(curve, s_m + _JOINT_M, next_m)
        plan.streets.append(Street(start=joint, end=after, profile=profile, curve=piece, name=name))
    for index, crossing in enumerate(crossings):
        leave, enter = joints[2 * index][0], joints[2 * index + 1][0]
        count = len(joints)
        before, between, behind = (first_street + (2 * index + k) % count for k in (-1, 0, 1))
        off_ramp, on_ramp = _add_ramps(plan, curve, crossing, (leave, enter), profile)
        through = range(profile.forward)
        last = profile.forward - 1
        plan.nodes[leave] = replace(
            plan.nodes[leave],
            movements=(
                *(Movement(before, lane, between, lane, parallel=lane < last) for lane in through),
                Movement(before, last, off_ramp, 0),
            ),
        )
        plan.nodes[enter] = replace(
            plan.nodes[enter],
            movements=(
                *(Movement(between, lane, behind, lane, parallel=lane < last) for lane in through),
                Movement(on_ramp, 0, behind, last),
            ),
        )


def _add_ramps(
    plan: Plan, curve: Curve, crossing: _Crossing, joints: tuple[int, int], profile: Profile
) -> tuple[int, int]:
    """The off- and the on-ramp of an interchange; returns the indices of their streets."""
    # the ramp's left edge, clear of the shoulder of the lanes that go on
    beside_m = -(profile.width_m + profile.shoulder_m + 0.5)
    leaves = curve.at(crossing.s_m - _RAMP_REACH_M, beside_m).turned(-_RAMP_ANGLE_RAD)
    enters = curve.at(crossing.s_m + _RAMP_REACH_M, beside_m).turned(_RAMP_ANGLE_RAD)
    terminal = Place(*plan.nodes[crossing.terminal].xy_m, curve.at(crossing.s_m).heading_rad)
    plan.streets.append(
        Street(
            start=joints[0],
            end=crossing.terminal,
            profile=_RAMP,
            start_place=leaves,
            name="off-ramp",
            via=(terminal.ahead(-40.0).xy_m,),
        )
    )
    plan.streets.append(
        Street(
            start=crossing.terminal,
            end=joints[1],
            profile=_RAMP,
            end_place=enters,
            name="on-ramp",
            via=(terminal.ahead(40.0).xy_m,),
        )
    )
    return len(plan.streets) - 2, len(plan.streets) - 1


def _around(curve: Curve, from_m: float, to_m: float) -> Curve:
    """Part of a closed curve, over its beginning if need be."""
    if to_m > from_m:
        return curve.part(from_m, to_m)
    return Curve((*curve.part(from_m, curve.length_m).arcs, *curve.part(0.0, to_m).arcs))
