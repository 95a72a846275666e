"""Roundabouts: a node becomes a ring of one-way roads and one small junction per street."""

import math
from dataclasses import replace

from drivevla.sim.towns.curves import Arc, Curve, Place
from drivevla.sim.towns.plan import Node, Plan, Profile, Street

__all__ = ["with_rings"]

_GAP_M = 10.0
"""Along the ring, from a street's axis to where its lanes meet the ring: long enough for an easy curve."""
_ENTRY_M = 15.0
"""From the ring's outer edge to the streets' mouths."""
_LEAST_RING_M = 6.0
"""Shortest piece of ring between two streets."""
RING = Profile(forward=1, backward=0, lane_m=3.7, sidewalk_m=2.0, speed_kph=30)


def with_rings(plan: Plan) -> Plan:
    """The same plan with every ``roundabout`` node replaced by its ring."""
    rings = [index for index, node in enumerate(plan.nodes) if node.control == "roundabout"]
    if not rings:
        return plan
    built = replace(plan, nodes=list(plan.nodes), streets=list(plan.streets))
    for node in rings:
        _build_ring(built, node)
    return _without_unused(built)


def _build_ring(plan: Plan, node: int) -> None:
    center, height = plan.nodes[node], plan.height_m(node)
    touching = [i for i, street in enumerate(plan.streets) if node in (street.start, street.end)]
    touching.sort(key=lambda i: plan.towards(plan.streets[i], node) % math.tau)
    directions = [plan.towards(plan.streets[i], node) for i in touching]
    narrowest = min((b - a) % math.tau for a, b in zip(directions, [*directions[1:], directions[0]], strict=True))
    radius = max(center.ring_radius_m, (2 * _GAP_M + _LEAST_RING_M) / narrowest)
    spread = math.atan2(_GAP_M, radius)
    joints = []
    for index in touching:
        street = plan.streets[index]
        direction = plan.towards(street, node)
        mouth = Place(*center.xy_m, direction).ahead(radius + RING.lane_m + _ENTRY_M)
        plan.nodes.append(Node(xy_m=mouth.xy_m, control="yield_entry", height_m=height))
        joints.append((len(plan.nodes) - 1, direction))
        if street.start == node:
            plan.streets[index] = replace(street, start=joints[-1][0], start_place=mouth, via=street.via)
        else:
            plan.streets[index] = replace(street, end=joints[-1][0], end_place=mouth.turned())
    for (joint, direction), (next_joint, next_direction) in zip(joints, [*joints[1:], joints[0]], strict=True):
        begin = direction + spread
        sweep = (next_direction - direction) % math.tau - 2 * spread
        start = Place(*center.xy_m, begin).ahead(radius).turned(math.pi / 2)
        curve = Curve((Arc(start, sweep * radius, 1 / radius),))
        plan.streets.append(Street(start=joint, end=next_joint, profile=RING, curve=curve, name="roundabout"))


def _without_unused(plan: Plan) -> Plan:
    used = sorted({node for street in plan.streets for node in (street.start, street.end)})
    number = {old: new for new, old in enumerate(used)}
    streets = [replace(street, start=number[street.start], end=number[street.end]) for street in plan.streets]
    return replace(plan, nodes=[plan.nodes[old] for old in used], streets=streets)
