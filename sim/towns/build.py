"""From a plan to a network: mouths, roads, junctions, signals."""

import math
from dataclasses import dataclass
from itertools import combinations

from drivevla.sim.towns.curves import Curve, Place, fillet, join
from drivevla.sim.towns.junctions import Leg, build_junction, turns
from drivevla.sim.towns.network import Junction, Network, Road
from drivevla.sim.towns.plan import Plan, Street
from drivevla.sim.towns.right_of_way import add_crosswalk, add_speed_limits, govern
from drivevla.sim.towns.roundabouts import with_rings
from drivevla.sim.towns.streets import build_street, heights_along

__all__ = ["build_network"]

_JUNCTION_SPEED_KPH = 30
_LEFT_RAD = math.radians(38)


@dataclass(frozen=True, slots=True)
class _Ray:
    """A street where it leaves a node: direction, distance from the axis to the kerb, whether one may drive into it."""

    street: int
    direction_rad: float
    half_width_m: float
    open: bool


def build_network(plan: Plan) -> Network:
    """Build everything but the landmarks.

    Args:
        plan: What the kind of town decided.
    """
    plan = with_rings(plan)
    network = Network()
    rays = [_rays(plan, node) for node in range(len(plan.nodes))]
    legs: list[list[Leg]] = [[] for _ in plan.nodes]
    for index, street in enumerate(plan.streets):
        road = _build_road(plan, street, index, rays, network.new_id())
        network.roads.append(road)
        legs[street.start].append(Leg(index, road, "start", road.curve.start.heading_rad))
        legs[street.end].append(Leg(index, road, "end", road.curve.end.turned().heading_rad))
    for node, here in enumerate(legs):
        _build_node(plan, node, here, network)
    for road in list(network.roads):
        if road.junction == -1:
            add_speed_limits(network, road)
    return network


def _rays(plan: Plan, node: int) -> list[_Ray]:
    rays = []
    for index, street in enumerate(plan.streets):
        if node in (street.start, street.end) and not _placed(street, node):
            half = street.profile.width_m / 2 + street.profile.shoulder_m
            lanes = street.profile.forward if node == street.start else street.profile.backward
            rays.append(_Ray(index, plan.towards(street, node), half, lanes > 0))
    return sorted(rays, key=lambda ray: ray.direction_rad % math.tau)


def _placed(street: Street, node: int) -> bool:
    place = street.start_place if node == street.start else street.end_place
    return place is not None or street.curve is not None


def _setback_m(rays: list[_Ray], street: int, kerb_radius_m: float) -> float:
    """How far from the node a street's mouth lies, so that its kerbs can be rounded towards both neighbours."""
    position = next(i for i, ray in enumerate(rays) if ray.street == street)
    own = rays[position]
    setbacks = [kerb_radius_m]
    for neighbour in (rays[position - 1], rays[(position + 1) % len(rays)]):
        if neighbour is own:
            continue
        angle = abs(math.remainder(neighbour.direction_rad - own.direction_rad, math.tau))
        if angle > math.radians(150):
            continue
        crossing = (neighbour.half_width_m + own.half_width_m * math.cos(angle)) / math.sin(angle)
        setbacks.append(crossing + kerb_radius_m / math.tan(angle / 2))
    return max(setbacks)


def _mouth(plan: Plan, street: Street, index: int, node: int, rays: list[list[_Ray]]) -> Place:
    """Where a street's reference line begins or ends at a node, heading along the street."""
    starts = node == street.start
    given = street.start_place if starts else street.end_place
    if given is not None:
        return given
    direction = plan.towards(street, node)
    setback = _setback_m(rays[node], index, plan.nodes[node].kerb_radius_m)
    outward = Place(*plan.nodes[node].xy_m, direction).ahead(setback)
    along = outward if starts else outward.turned()
    return along.beside(street.profile.width_m / 2) if street.profile.one_way else along


def _build_road(plan: Plan, street: Street, index: int, rays: list[list[_Ray]], road_id: int) -> Road:
    curve = street.curve
    if curve is None:
        begin = _mouth(plan, street, index, street.start, rays)
        end = _mouth(plan, street, index, street.end, rays)
        # ramps swing from heading to heading; the corners of their plan only say how they reach the street
        curve = join(begin, end) if street.profile.one_way else _through(begin, street, end)
    ends = (plan.height_m(street.start), plan.height_m(street.end))
    node_is_junction = tuple(plan.nodes[node].control != "free" for node in (street.start, street.end))
    return build_street(
        road_id,
        street.name or f"street {index}",
        street.profile,
        curve,
        heights_along(curve, ends, plan.terrain),
        approaches=(node_is_junction[0], node_is_junction[1]),
        left_turns=(_turns_left(rays[street.start], index), _turns_left(rays[street.end], index)),
    )


def _through(begin: Place, street: Street, end: Place) -> Curve:
    return fillet((begin.xy_m, *street.via, end.xy_m), radius_m=street.bend_radius_m)


def _turns_left(rays: list[_Ray], street: int) -> bool:
    own = next((ray for ray in rays if ray.street == street), None)
    if own is None:
        return False
    angles = (
        math.remainder(ray.direction_rad - own.direction_rad - math.pi, math.tau)
        for ray in rays
        if ray is not own and ray.open
    )
    return any(angle > _LEFT_RAD for angle in angles)


def _build_node(plan: Plan, node: int, legs: list[Leg], network: Network) -> None:
    spec = plan.nodes[node]
    junction_id = network.new_id()
    movements = list(spec.movements) if spec.movements is not None else turns(legs)
    fast = max(leg.road.speed_kph for leg in legs) if spec.control == "free" else _JUNCTION_SPEED_KPH
    connections = build_junction(
        network,
        junction_id,
        legs,
        movements,
        height_m=plan.height_m(node),
        speed_kph=fast,
        turn_radius_m=spec.turn_radius_m,
    )
    minor = _minor(plan, legs)
    crossings = [leg for leg in legs if add_crosswalk(network, leg, spec.control)]
    controllers = govern(network, legs, spec.control, minor=minor, with_crosswalk={leg.street for leg in crossings})
    network.junctions.append(Junction(junction_id, f"junction {node}", tuple(connections), controllers))


def _minor(plan: Plan, legs: list[Leg]) -> set[int]:
    """The streets that end at or cross a through street: all but the widest, straightest pair of legs."""
    pairs = [
        (plan.streets[a.street].profile.width_m + plan.streets[b.street].profile.width_m, -_bend_rad(a, b), a, b)
        for a, b in combinations(legs, 2)
        if _bend_rad(a, b) < _LEFT_RAD
    ]
    if not pairs:
        return set()
    _, _, first, second = max(pairs, key=lambda pair: (round(pair[0], 3), pair[1]))
    return {leg.street for leg in legs} - {first.street, second.street}


def _bend_rad(leg: Leg, other: Leg) -> float:
    return abs(math.remainder(other.outward_rad - leg.outward_rad - math.pi, math.tau))
