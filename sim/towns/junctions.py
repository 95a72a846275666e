"""From a node of the plan to a junction: connecting roads for every movement, and sidewalks round the corners."""

import math
from dataclasses import dataclass

from drivevla.sim.towns.curves import Place, join
from drivevla.sim.towns.network import Connection, Contact, Cubic, Lane, Mark, Network, Road, RoadLink, Section
from drivevla.sim.towns.plan import Movement

__all__ = ["LaneMouth", "Leg", "build_junction", "turns"]

_STRAIGHT_RAD = math.radians(38)


@dataclass(frozen=True, slots=True)
class LaneMouth:
    """The end of one lane at a junction.

    Attributes:
        lane_id: On its road.
        inner: The lane's left border there, heading along the traffic.
        width_m: The lane's width there.
        turn_lane: Whether it was opened for left turns only.
    """

    lane_id: int
    inner: Place
    width_m: float
    turn_lane: bool = False


@dataclass(frozen=True)
class Leg:
    """The end of a road at a junction.

    Attributes:
        street: Index of the street in the plan.
        road: The road.
        contact: Which end of it.
        outward_rad: The direction in which it leaves the junction.
    """

    street: int
    road: Road
    contact: Contact
    outward_rad: float

    @property
    def s_m(self) -> float:
        """Where the mouth is along the road."""
        return 0.0 if self.contact == "start" else self.road.curve.length_m

    def at_m(self, distance_m: float) -> float:
        """Where along the road lies a point that far before the mouth."""
        return distance_m if self.contact == "start" else self.road.curve.length_m - distance_m

    def incoming(self, kind: str = "driving") -> list[LaneMouth]:
        """Lanes whose traffic enters the junction, from the left to the right."""
        return self._mouths(kind, enters=True)

    def outgoing(self, kind: str = "driving") -> list[LaneMouth]:
        """Lanes whose traffic leaves the junction, from the left to the right."""
        return self._mouths(kind, enters=False)

    def _mouths(self, kind: str, *, enters: bool) -> list[LaneMouth]:
        # lanes with negative ids run along the reference line: they enter where the road ends
        negative = enters == (self.contact == "end")
        section = self.road.sections[0 if self.contact == "start" else -1]
        borders = self.road.borders_m(self.s_m)
        mouths = []
        for lane_id, lane in section.lanes().items():
            if lane.kind != kind or (lane_id < 0) != negative:
                continue
            inner, outer = borders[lane_id]
            place = self.road.curve.at(self.s_m, inner)
            mouths.append(
                LaneMouth(lane_id, place if negative else place.turned(), abs(outer - inner), lane.key == "turn")
            )
        return sorted(mouths, key=lambda mouth: abs(mouth.lane_id))


def turns(legs: list[Leg]) -> list[Movement]:
    """Which ways lead through a junction, worked out from the directions and lane counts of its legs."""
    movements = []
    for leg in legs:
        lanes = leg.incoming()
        if not lanes:
            continue
        exits = [other for other in legs if other is not leg and other.outgoing()]
        for other, sources in zip(exits, _shared_out(leg, lanes, exits), strict=True):
            movements += _lane_pairs(leg, other, sources)
    return movements


def build_junction(
    network: Network,
    junction_id: int,
    legs: list[Leg],
    movements: list[Movement],
    *,
    height_m: float,
    speed_kph: int,
    turn_radius_m: float = math.inf,
) -> list[Connection]:
    """Add a junction's connecting roads to the network and link the legs to it.

    Args:
        network: Gets the roads.
        junction_id: The junction's id.
        legs: The roads that end here.
        movements: Which ways lead through it.
        height_m: Height of the whole junction.
        speed_kph: Speed limit inside.
        turn_radius_m: Largest radius of the middle of a lane that turns.
    """
    by_street = {leg.street: leg for leg in legs}
    connections = []
    for leg in legs:
        link = RoadLink("junction", junction_id)
        if leg.contact == "start":
            leg.road.predecessor = link
        else:
            leg.road.successor = link
    for movement in movements:
        leg, other = by_street[movement.from_street], by_street[movement.to_street]
        source, target = leg.incoming()[movement.from_lane], other.outgoing()[movement.to_lane]
        mark = Mark("broken") if movement.parallel else Mark("none")
        connections.append(
            _connect(network, junction_id, (leg, source), (other, target), "driving", mark, turn_radius_m)
        )
    ordered = sorted(legs, key=lambda leg: leg.outward_rad)
    for leg, after in zip(ordered, [*ordered[1:], ordered[0]], strict=True):
        # seen from a car that enters, the next leg counter-clockwise is the one on its right
        entering, leaving = leg.incoming("sidewalk"), after.outgoing("sidewalk")
        if leg is not after and entering and leaving:
            connections.append(
                _connect(network, junction_id, (leg, entering[0]), (after, leaving[0]), "sidewalk", Mark("curb"))
            )
    for road in network.roads[-len(connections) :]:
        road.heights = (Cubic(0.0, height_m),)
        road.speed_kph = speed_kph
    return connections


def _connect(
    network: Network,
    junction_id: int,
    source: tuple[Leg, LaneMouth],
    target: tuple[Leg, LaneMouth],
    kind: str,
    mark: Mark,
    turn_radius_m: float = math.inf,
) -> Connection:
    (leg, begin), (other, end) = source, target
    turn_rad = _turn_rad(leg, other)
    widest_m = math.inf
    if abs(turn_rad) > _STRAIGHT_RAD:
        # the reference line is the lane's left border: outside of the middle in right turns, inside in left ones
        aside_m = max(begin.width_m, end.width_m) / 2
        widest_m = turn_radius_m + math.copysign(aside_m, -turn_rad)
    curve = join(begin.inner, end.inner, widest_m=widest_m)
    width = Cubic.between(0.0, curve.length_m, (begin.width_m, 0.0), (end.width_m, 0.0))
    driving = kind == "driving"
    lane = Lane(
        "drive 0" if driving else "edge",
        "driving" if driving else "sidewalk",
        (width,),
        (mark if driving else Mark("none"),),
        predecessor=begin.lane_id,
        successor=end.lane_id,
    )
    road = Road(
        id=network.new_id(),
        name="way through" if driving else "corner",
        curve=curve,
        heights=(),
        sections=(Section(0.0, (), (lane,), (Mark("none") if driving else mark,)),),
        speed_kph=30,
        junction=junction_id,
        predecessor=RoadLink("road", leg.road.id, leg.contact),
        successor=RoadLink("road", other.road.id, other.contact),
    )
    network.roads.append(road)
    return Connection(leg.road.id, road.id, ((begin.lane_id, -1),))


def _turn_rad(leg: Leg, other: Leg) -> float:
    return math.remainder(other.outward_rad - leg.outward_rad - math.pi, math.tau)


def _shared_out(leg: Leg, lanes: list[LaneMouth], exits: list[Leg]) -> list[list[int]]:
    """Which incoming lanes (indices, from the left) may take each exit."""
    count = len(lanes)
    angles = [_turn_rad(leg, other) for other in exits]
    if count == 1 or len(exits) == 1:
        return [list(range(count)) for _ in exits]
    straight = min(range(len(exits)), key=lambda i: abs(angles[i]))
    ahead = straight if abs(angles[straight]) < _STRAIGHT_RAD else None
    lefts = [i for i, angle in enumerate(angles) if angle > 0 and i != ahead]
    rights = [i for i, angle in enumerate(angles) if angle <= 0 and i != ahead]
    through = list(range(1 if lanes[0].turn_lane and lefts else 0, count))
    if lefts and not lanes[0].turn_lane and count >= 3:
        through = through[1:]
    shares: list[list[int]] = [[] for _ in exits]
    left_lanes = [0]
    right_lanes = [count - 1]
    if ahead is None:
        half = max(count // 2, 1) if lefts and rights else count
        left_lanes, right_lanes = list(range(half)), list(range(count - half if not lefts else half, count))
    else:
        shares[ahead] = through
        if not lefts or not lanes[0].turn_lane:
            shares[ahead] = _fitting(through, len(exits[ahead].outgoing()), bool(lefts), bool(rights))
    for i in lefts:
        shares[i] = left_lanes
    for i in rights:
        shares[i] = right_lanes
    return shares


def _fitting(through: list[int], room: int, left: bool, right: bool) -> list[int]:
    # lanes that have nowhere to go straight on become turning lanes, where there is a turn to take
    surplus = len(through) - room
    while surplus > 0 and len(through) > 1 and (left or right):
        through = through[1:] if left else through[:-1]
        left, surplus = False, surplus - 1
    return through


def _lane_pairs(leg: Leg, other: Leg, sources: list[int]) -> list[Movement]:
    room = len(other.outgoing())
    angle = _turn_rad(leg, other)
    pairs = []
    for position, source in enumerate(sources):
        if angle < -_STRAIGHT_RAD:  # right turns end in the right lanes
            target = max(room - len(sources) + position, 0)
        elif angle > _STRAIGHT_RAD:
            target = min(position, room - 1)
        else:
            target = min(position + max(room - len(sources), 0), room - 1)
        pairs.append(Movement(leg.street, source, other.street, target))
    return pairs
