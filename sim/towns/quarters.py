"""Quarters without a highway: grids, T-junctions, roundabouts, signs, avenues, hills."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from drivevla.sim.towns.lattice import Cell, Chain, Lattice, bricks, rectangle
from drivevla.sim.towns.plan import Control, Node, Plan, Point, Profile, Street
from drivevla.sim.towns.terrain import rolling

__all__ = ["boulevard", "grid", "hills", "multilane", "narrow", "plan_of", "roundabout", "stop", "tee", "wound"]

Choose = Callable[[Cell], Control]
Widen = Callable[[Chain], Profile]
_TURN_RAD = math.radians(20)
_LEAST_WOUND_M = 75.0
_LEAST_ANGLE_RAD = math.radians(62)
"""Between two streets at a crossing; sharper corners would push the junction's mouths far out."""


def plan_of(
    lattice: Lattice,
    *,
    profile: Widen,
    control: Choose,
    node: Node,
    bend_radius_m: float = 30.0,
    keep: Sequence[Cell] = (),
) -> tuple[Plan, dict[Cell, int]]:
    """A plan with a node at every crossing of a lattice and a street along every chain.

    Args:
        lattice: The skeleton.
        profile: The cross-section of a chain, seen along it.
        control: Who gives way at a crossing.
        node: What all nodes have in common.
        bend_radius_m: Of the streets' bends.
        keep: Cells that become nodes though only two streets of the lattice meet there.

    Returns:
        The plan and the node of each crossing.
    """
    plan = Plan()
    number: dict[Cell, int] = {}
    for chain in lattice.chains(keep=keep):
        for cell in (chain[0], chain[-1]):
            if cell not in number:
                number[cell] = len(plan.nodes)
                plan.nodes.append(replace(node, xy_m=lattice.points[cell], control=control(cell)))
        via = tuple(lattice.points[cell] for cell in chain[1:-1])
        start, end = number[chain[0]], number[chain[-1]]
        plan.streets.append(Street(start=start, end=end, via=via, profile=profile(chain), bend_radius_m=bend_radius_m))
    return plan, number


def grid(rng: random.Random) -> Plan:
    """A signalised grid; some edges are missing (T-junctions), some crossings have signs."""
    lattice = rectangle(rng, columns=rng.randint(4, 5), rows=rng.randint(3, 4), block_m=(72, 125))
    lattice = lattice.thinned(rng, len(lattice.edges) // rng.randint(7, 12)).jittered(rng, rng.uniform(0, 6))
    street = _street(rng, lane_m=(3.2, 3.6), speeds=(40, 50), parking=rng.choice((0.0, 2.4, 3.0)))
    avenue_row = rng.randint(0, 3)
    avenue = replace(street, forward=2, backward=2, center="solid_solid", parking_m=0.0, speed_kph=50)
    signs: Sequence[Control] = ("stop_all", "stop_minor", "yield_minor")
    plan, _ = plan_of(
        lattice,
        profile=lambda chain: avenue if _on_row(chain, avenue_row) else street,
        control=_mostly(rng, "signals", signs, share=0.75),
        node=Node(xy_m=(0, 0), kerb_radius_m=rng.uniform(6.5, 8.5)),
    )
    return _turned(rng, plan)


def tee(rng: random.Random) -> Plan:
    """Winding streets that meet in T-junctions."""
    lattice = bricks(rng, columns=rng.randint(4, 6), rows=rng.randint(3, 4), block_m=(70, 105))
    lattice = lattice.jittered(rng, rng.uniform(7, 11))
    street = _street(rng, lane_m=(3.2, 3.5), speeds=(30, 50), parking=rng.choice((0.0, 2.4, 3.0)))
    plan, _ = plan_of(
        lattice,
        profile=lambda _: street,
        control=_mostly(rng, "stop_minor", ("yield_minor", "signals", "stop_all"), share=0.4),
        node=Node(xy_m=(0, 0), kerb_radius_m=rng.uniform(6.5, 8.5)),
        bend_radius_m=rng.uniform(26, 45),
    )
    return _turned(rng, wound(rng, plan, share=0.8, reach=0.13))


def roundabout(rng: random.Random) -> Plan:
    """Streets that meet in roundabouts, with a few plain crossings between them."""
    columns, rows = rng.choice(((3, 3), (4, 3), (3, 4)))
    lattice = rectangle(rng, columns=columns, rows=rows, block_m=(115, 150))
    lattice = lattice.thinned(rng, rng.randint(0, 1) if columns * rows > 9 else 0).jittered(rng, rng.uniform(4, 12))
    street = _street(rng, lane_m=(3.3, 3.6), speeds=(40, 50), parking=rng.choice((0.0, 2.4)))
    plan, _ = plan_of(
        lattice,
        profile=lambda _: street,
        control=_mostly(rng, "roundabout", ("yield_minor", "signals"), share=0.85),
        node=Node(xy_m=(0, 0), ring_radius_m=rng.uniform(14, 20)),
        bend_radius_m=rng.uniform(35, 60),
    )
    return _turned(rng, wound(rng, plan, share=0.5, reach=0.1))


def stop(rng: random.Random) -> Plan:
    """A quiet quarter: stop signs on all or on the minor streets, yield signs, no lights."""
    lattice = rectangle(rng, columns=rng.randint(4, 5), rows=rng.randint(4, 5), block_m=(62, 95))
    lattice = lattice.thinned(rng, len(lattice.edges) // rng.randint(5, 8)).jittered(rng, rng.uniform(2, 7))
    street = _street(rng, lane_m=(3.2, 3.5), speeds=(30, 40), parking=rng.choice((2.4, 3.0)))
    street = replace(street, center=rng.choice(("broken", "solid")))
    plan, _ = plan_of(
        lattice,
        profile=lambda _: street,
        control=_mostly(rng, "stop_all", ("stop_minor", "stop_minor", "yield_minor"), share=0.35),
        node=Node(xy_m=(0, 0), kerb_radius_m=rng.uniform(6.5, 8)),
        bend_radius_m=rng.uniform(22, 35),
    )
    return _turned(rng, wound(rng, plan, share=0.3, reach=0.08))


def multilane(rng: random.Random) -> Plan:
    """Avenues of four to six lanes with medians and left-turn lanes, crossed by streets and lesser avenues."""
    columns, rows = rng.choice(((3, 3), (4, 3), (3, 4)))
    lattice = rectangle(rng, columns=columns, rows=rows, block_m=(150, 210))
    lattice = lattice.thinned(rng, rng.randint(0, 1)).jittered(rng, rng.uniform(0, 8))
    lane_m = rng.uniform(3.2, 3.6)
    wide, narrow = rng.choice(((3, 2), (2, 2), (3, 3)))
    avenue = Profile(
        forward=wide,
        backward=wide,
        lane_m=lane_m,
        median_m=rng.uniform(3.2, 3.5),
        turn_lanes=True,
        sidewalk_m=2.5,
        speed_kph=60,
    )
    cross = Profile(forward=narrow, backward=narrow, lane_m=lane_m, center="solid_solid", sidewalk_m=2.0, speed_kph=50)
    if rng.random() < 0.5:
        cross = replace(avenue, forward=2, backward=2, speed_kph=50)
    plan, _ = plan_of(
        lattice,
        profile=lambda chain: avenue if chain[0][1] == chain[-1][1] else cross,
        control=lambda _: "signals",
        node=Node(xy_m=(0, 0), kerb_radius_m=rng.uniform(8, 11)),
        bend_radius_m=rng.uniform(40, 60),
    )
    return _turned(rng, wound(rng, plan, share=0.35, reach=0.08))


def hills(rng: random.Random) -> Plan:
    """Winding streets over hills."""
    lattice = bricks(rng, columns=rng.randint(4, 5), rows=rng.randint(3, 4), block_m=(110, 160))
    lattice = lattice.thinned(rng, rng.randint(0, 2)).jittered(rng, rng.uniform(10, 18))
    street = _street(rng, lane_m=(3.2, 3.6), speeds=(40, 60), parking=0.0)
    street = replace(street, center=rng.choice(("broken", "solid", "solid_solid")))
    plan, _ = plan_of(
        lattice,
        profile=lambda _: street,
        control=_mostly(rng, "yield_minor", ("stop_minor", "signals", "stop_all"), share=0.4),
        node=Node(xy_m=(0, 0), kerb_radius_m=rng.uniform(6.5, 9)),
        bend_radius_m=rng.uniform(25, 60),
    )
    plan.terrain = rolling(rng, grade=rng.uniform(0.055, 0.075), wave_m=(280, 520))
    return _turned(rng, wound(rng, plan, share=1.0, reach=0.16))


def narrow(rng: random.Random) -> Plan:
    """Streets with tight bends that meet at tight corners, each of its own radius."""
    lattice = rectangle(rng, columns=rng.randint(4, 5), rows=rng.randint(3, 4), block_m=(48, 95))
    lattice = lattice.thinned(rng, len(lattice.edges) // rng.randint(3, 6)).jittered(rng, rng.uniform(0, 7))
    street = _street(rng, lane_m=(3.1, 3.7), speeds=(30, 40, 50), parking=0.0)
    plan, _ = plan_of(
        lattice,
        profile=lambda _: street,
        control=_mostly(rng, rng.choice(("signals", "stop_minor")), ("yield_minor", "signals", "stop_all"), share=0.5),
        node=Node(xy_m=(0, 0)),
        bend_radius_m=max(street.lane_m / 2 + 6.1, street.lane_m + street.sidewalk_m + 0.8) + rng.uniform(0, 6),
    )
    plan = wound(rng, plan, share=0.3, reach=0.1)
    return _turned(rng, _cornered(rng, plan, kerb_m=(4.5, 6.5), turn_m=(6.1, 9)))


def boulevard(rng: random.Random) -> Plan:
    """Streets of four to six lanes, mostly without turn lanes, at crossings and T-junctions of every size."""
    columns, rows = rng.choice(((3, 3), (4, 3), (3, 4)))
    lattice = rectangle(rng, columns=columns, rows=rows, block_m=(95, 170))
    lattice = lattice.thinned(rng, rng.randint(1, 3)).jittered(rng, rng.uniform(0, 8))
    lanes = rng.choice((2, 2, 3))
    wide = Profile(
        forward=lanes,
        backward=lanes,
        lane_m=round(rng.uniform(3.2, 3.7), 2),
        center=rng.choice(("solid", "solid_solid")),
        speed_kph=rng.choice((40, 50, 60)),
    )
    parted = replace(wide, median_m=rng.uniform(3.2, 8))
    if rng.random() < 0.4:
        parted = replace(parted, median_m=wide.lane_m, turn_lanes=True)
    lesser = replace(wide, forward=lanes - 1, backward=lanes - 1, speed_kph=40)
    # streets of all sorts meet everywhere: a third always wide, a third of another sort, the rest drawn one by one
    profiles = {0: wide, 1: rng.choice((parted, wide))}
    plan, _ = plan_of(
        lattice,
        profile=lambda chain: profiles.get((chain[0][0] + chain[0][1]) % 3, rng.choice((wide, lesser))),
        control=_mostly(rng, "signals", ("stop_minor", "yield_minor"), share=0.8),
        node=Node(xy_m=(0, 0)),
        bend_radius_m=rng.uniform(20, 40),
    )
    return _turned(rng, _cornered(rng, plan, kerb_m=(5, 14), turn_m=(6.5, 14)))


def _cornered(rng: random.Random, plan: Plan, *, kerb_m: tuple[float, float], turn_m: tuple[float, float]) -> Plan:
    """Give every crossing corners of its own."""
    nodes = [
        replace(node, kerb_radius_m=rng.uniform(*kerb_m), turn_radius_m=rng.uniform(*turn_m)) for node in plan.nodes
    ]
    return replace(plan, nodes=nodes)


def _street(rng: random.Random, *, lane_m: tuple[float, float], speeds: Sequence[int], parking: float) -> Profile:
    return Profile(
        lane_m=round(rng.uniform(*lane_m), 2),
        sidewalk_m=rng.choice((1.8, 2.0, 2.4)),
        parking_m=parking,
        speed_kph=rng.choice(speeds),
        center=rng.choice(("solid", "solid_solid", "broken")),
    )


def _on_row(chain: Chain, row: int) -> bool:
    return all(cell[1] == row for cell in chain)


def _mostly(rng: random.Random, usual: Control, others: Sequence[Control], *, share: float) -> Choose:
    """The usual control at about ``share`` of the crossings; the first two drawn always show both sorts."""
    drawn: list[Control] = []

    def choose(_: Cell) -> Control:
        if len(drawn) == 0:
            drawn.append(usual)
        elif len(drawn) <= len(others):
            drawn.append(others[len(drawn) - 1])
        else:
            drawn.append(usual if rng.random() < share else rng.choice(others))
        return drawn[-1]

    return choose


def wound(rng: random.Random, plan: Plan, *, share: float, reach: float) -> Plan:
    """Bend straight streets: one bow or an S.

    Args:
        rng: Draws which and how.
        plan: The town.
        share: Of the straight streets that are bent.
        reach: How far to the side at most, as a share of the street's length.
    """
    bent = replace(plan, streets=list(plan.streets))
    for index, street in enumerate(plan.streets):
        (ax, ay), (bx, by) = plan.nodes[street.start].xy_m, plan.nodes[street.end].xy_m
        length = math.dist((ax, ay), (bx, by))
        if street.via or length < _LEAST_WOUND_M or rng.random() > share:
            continue
        normal = (-(by - ay) / length, (bx - ax) / length)
        aside = [length * rng.uniform(reach / 2, reach) * rng.choice((-1, 1))]
        aside.append(aside[0] if rng.random() < 0.6 else -aside[0] * 0.7)
        via: list[Point] = [
            (ax + (bx - ax) * at + normal[0] * shift, ay + (by - ay) * at + normal[1] * shift)
            for at, shift in zip((0.36, 0.64), aside, strict=True)
        ]
        bent.streets[index] = replace(
            street, via=tuple(via), bend_radius_m=max(street.bend_radius_m, float(street.profile.speed_kph))
        )
        if min(_narrowest_rad(bent, street.start), _narrowest_rad(bent, street.end)) < _LEAST_ANGLE_RAD:
            bent.streets[index] = street
    return bent


def _narrowest_rad(plan: Plan, node: int) -> float:
    """The smallest angle between two streets at a node."""
    touching = [street for street in plan.streets if node in (street.start, street.end)]
    directions = sorted(plan.towards(street, node) % math.tau for street in touching)
    return min((b - a) % math.tau for a, b in zip(directions, [*directions[1:], directions[0]], strict=True))


def _turned(rng: random.Random, plan: Plan) -> Plan:
    """Turn the town by some degrees, so that its streets do not all run north and east."""
    angle = rng.uniform(-_TURN_RAD, _TURN_RAD)
    cos, sin = math.cos(angle), math.sin(angle)

    def turn(point: Point) -> Point:
        return point[0] * cos - point[1] * sin, point[0] * sin + point[1] * cos

    nodes = [replace(node, xy_m=turn(node.xy_m)) for node in plan.nodes]
    streets = [replace(street, via=tuple(turn(point) for point in street.via)) for street in plan.streets]
    return replace(plan, nodes=nodes, streets=streets)
