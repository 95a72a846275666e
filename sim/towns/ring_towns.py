"""Towns inside a ring road: ``highway`` with a small town, ``mixed`` with a bit of everything."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

from drivevla.sim.towns.highway import LEAST_STRAIGHT_M, TERMINAL_M, Ring, add_ring
from drivevla.sim.towns.lattice import Cell, Chain, Lattice, rectangle
from drivevla.sim.towns.plan import Control, Node, Plan, Profile
from drivevla.sim.towns.quarters import plan_of, wound
from drivevla.sim.towns.terrain import faded, rolling

__all__ = ["highway", "mixed"]


def highway(rng: random.Random) -> Plan:
    """A ring of carriageways with two interchanges around a small signalised town."""
    columns, rows = rng.choice(((2, 4), (3, 3), (3, 4), (2, 5)))
    lattice = rectangle(rng, columns=columns, rows=rows, block_m=(85, 120)).jittered(rng, rng.uniform(0, 5))
    arterial = Profile(
        forward=rng.choice((1, 2)), backward=0, lane_m=3.5, sidewalk_m=2.0, speed_kph=50, center="solid_solid"
    )
    arterial = replace(arterial, backward=arterial.forward)
    street = Profile(lane_m=round(rng.uniform(3.2, 3.6), 2), parking_m=rng.choice((0.0, 2.4, 3.0)), speed_kph=40)
    row, other_row = rng.choice((rows // 2, (rows - 1) // 2)), rng.choice((rows // 2, (rows - 1) // 2))
    controls: tuple[Control, ...] = ("signals", "signals", "stop_all", "yield_minor")
    return _with_gates(
        lattice,
        columns=columns,
        gate_rows=(row, other_row),
        profile=lambda chain: arterial if _along(chain, row) else street,
        control=lambda _: rng.choice(controls),
        link=arterial,
        ring=_ring(rng, lattice, rows),
        bend=lambda plan: wound(rng, plan, share=0.2, reach=0.09),
    )


def mixed(rng: random.Random) -> Plan:
    """Avenue, grid, roundabouts, stop and yield signs, gentle hills, and a highway around them."""
    columns, rows = rng.choice(((4, 4), (3, 5), (4, 3)))
    lattice = rectangle(rng, columns=columns, rows=rows, block_m=(112, 145))
    avenue_row = rng.choice((rows // 2, (rows - 1) // 2))
    lattice = lattice.thinned(rng, rng.randint(1, 3), keep_row=avenue_row).jittered(rng, rng.uniform(2, 7))
    avenue = Profile(forward=2, backward=2, lane_m=3.5, median_m=3.3, turn_lanes=True, sidewalk_m=2.4, speed_kph=60)
    street = Profile(
        lane_m=round(rng.uniform(3.2, 3.5), 2),
        parking_m=3.0,
        speed_kph=rng.choice((40, 50)),
        center=rng.choice(("solid", "broken", "solid_solid")),
    )
    ring = _ring(rng, lattice, rows)
    sorts: tuple[Control, ...] = ("roundabout", "stop_all", "yield_minor", "roundabout", "stop_minor", "signals")
    quiet = cycle(rng.sample(sorts, len(sorts)))
    plan = _with_gates(
        lattice,
        columns=columns,
        gate_rows=(avenue_row, avenue_row),
        profile=lambda chain: avenue if _along(chain, avenue_row) else street,
        control=lambda cell: "signals" if cell[1] == avenue_row else next(quiet),
        link=avenue,
        ring=ring,
        bend=lambda plan: wound(rng, plan, share=0.5, reach=0.09),
    )
    half = _half_size(lattice)
    plan.terrain = faded(
        rolling(rng, grade=rng.uniform(0.02, 0.04), wave_m=(300, 450)),
        inner_m=(half[0] - 20, half[1]),
        outer_m=(half[0] + 60, ring.half_m[1] - 40),
    )
    return plan


def _with_gates(
    lattice: Lattice,
    *,
    columns: int,
    gate_rows: tuple[int, int],
    profile: Callable[[Chain], Profile],
    control: Callable[[Cell], Control],
    link: Profile,
    ring: Ring,
    bend: Callable[[Plan], Plan],
) -> Plan:
    """Build the town, bend its streets and join its western and eastern edge to the ring."""
    gates = ((0, gate_rows[0]), (columns - 1, gate_rows[1]))
    plan, numbers = plan_of(
        lattice, profile=profile, control=control, node=Node(xy_m=(0, 0), kerb_radius_m=7.5), keep=gates
    )
    plan = bend(plan)
    for gate in gates:
        number = numbers[gate]
        if plan.nodes[number].control == "roundabout":
            plan.nodes[number] = replace(plan.nodes[number], control="signals")
    add_ring(plan, ring, [(numbers[gate], link) for gate in gates])
    return plan


def _ring(rng: random.Random, lattice: Lattice, rows: int) -> Ring:
    half = _half_size(lattice)
    corner = rng.uniform(80, 120)
    link_m = rng.uniform(135, 165)
    off_middle = max(abs(y) for (_, j), (_, y) in lattice.points.items() if j in (rows // 2, (rows - 1) // 2))
    return Ring(
        half_m=(half[0] + link_m + TERMINAL_M, max(off_middle + LEAST_STRAIGHT_M / 2 + corner, half[1] + 70)),
        corner_m=corner,
        lanes=rng.choice((2, 3)),
        median_m=rng.uniform(4, 8),
        speed_kph=rng.choice((80, 90)),
        control=rng.choice(("signals", "stop_minor")),
    )


def _half_size(lattice: Lattice) -> tuple[float, float]:
    return max(abs(x) for x, _ in lattice.points.values()), max(abs(y) for _, y in lattice.points.values())


def _along(chain: Chain, row: int) -> bool:
    return all(cell[1] == row for cell in chain)
