"""Puts landmarks beside the roads: never on a lane that is driven or a sidewalk, never into each other."""

import math
import random
from dataclasses import dataclass, field

import shapely
from shapely import STRtree
from shapely.geometry import MultiPoint, Polygon

from drivevla.language.vocabulary import Colour, Landmark
from drivevla.sim.towns.curves import Place
from drivevla.sim.towns.landmark_kinds import LANDMARK_KINDS
from drivevla.sim.towns.network import Network, Road, RoadObject
from drivevla.sim.towns.outlines import road_outline

__all__ = ["box_on_ground", "place_landmarks"]

_CLEAR_M = 1.2
"""Between a landmark and any road's edge."""
_APART_M = 2.0
"""Between two landmarks."""
_FROM_ENDS_M = 14.0
"""Along the road, between a landmark's edges and the junctions."""
_BUILDING_EVERY_M = 75.0
_CHURCH_EVERY_M = 1600.0
_PETROL_EVERY_M = 1300.0
_BUS_STOP_EVERY_M = 700.0
_DRIVEWAY_CAR_EVERY_M = 160.0
_WITHIN_LANE_M = 0.03
"""Between a parked vehicle and the border of its lane."""


@dataclass
class _Lots:
    """What ground is taken."""

    roads: STRtree
    outlines: list[Polygon]
    taken: list[Polygon] = field(default_factory=list)

    def free(self, box: Polygon) -> bool:
        wide = box.buffer(_CLEAR_M)
        if any(self.outlines[index].intersects(wide) for index in self.roads.query(wide)):
            return False
        return self.apart(box)

    def apart(self, box: Polygon) -> bool:
        return not self.taken or float(shapely.distance(self.taken, box).min()) >= _APART_M


def place_landmarks(network: Network, rng: random.Random) -> None:
    """Add landmarks to a network's roads.

    Args:
        network: Complete with roads and junctions; gets the objects.
        rng: Draws where and what.
    """
    outlines = [road_outline(road) for road in network.roads] + _junction_floors(network)
    lots = _Lots(STRtree(outlines), outlines)
    streets = [road for road in network.roads if road.junction == -1 and _has_sidewalks(road)]
    length = sum(road.curve.length_m for road in streets)
    _add_bus_stops(network, streets, lots, rng, round(length / _BUS_STOP_EVERY_M))
    for kind, every_m, least in (
        (Landmark.CHURCH, _CHURCH_EVERY_M, 1),
        (Landmark.PETROL_STATION, _PETROL_EVERY_M, 1),
        (Landmark.BUILDING, _BUILDING_EVERY_M, 8),
        (Landmark.PARKED_CAR, _DRIVEWAY_CAR_EVERY_M, 4),
    ):
        for _ in range(max(round(length / every_m), least)):
            _add_beside(network, rng.sample(streets, len(streets)), lots, rng, kind)
    for road in streets:
        _park_cars(network, road, lots, rng)


def box_on_ground(place: Place, size_m: tuple[float, float, float]) -> Polygon:
    """The ground under a box: length along the heading, width across, the place in its middle."""
    half_length, half_width = size_m[0] / 2, size_m[1] / 2
    ends = (place.ahead(half_length), place.ahead(-half_length))
    front, back = ([end.beside(side * half_width).xy_m for side in (1, -1)] for end in ends)
    return Polygon([*front, *reversed(back)])


def _junction_floors(network: Network) -> list[Polygon]:
    """The ground within each junction, which is paved or an island even where no lane runs."""
    floors = []
    for junction in network.junctions:
        inside = [road for road in network.roads if road.junction == junction.id]
        points = [road.curve.at(s).xy_m for road in inside for s in road.curve.distances(4.0)]
        floors.append(MultiPoint(points).convex_hull)
    return [floor for floor in floors if isinstance(floor, Polygon)]


def _has_sidewalks(road: Road) -> bool:
    section = road.sections[0]
    return bool(section.left and section.right) and section.left[-1].kind == section.right[-1].kind == "sidewalk"


def _size_m(kind: Landmark, rng: random.Random) -> tuple[float, float, float]:
    spec = LANDMARK_KINDS[kind]
    length, width, height = (round(rng.uniform(*span), 2) for span in (spec.depth_m, spec.width_m, spec.height_m))
    return length, width, height


def _thing(
    network: Network,
    kind: Landmark,
    color: Colour | None,
    where: tuple[float, float, float],
    size_m: tuple[float, float, float],
) -> RoadObject:
    spec = LANDMARK_KINDS[kind]
    s_m, t_m, heading_rad = where
    colored = () if color is None else (("color", color.value),)
    return RoadObject(
        id=network.new_id(),
        type=spec.type,
        name=spec.words if color is None else _colored_name(kind, color),
        s_m=s_m,
        t_m=t_m,
        heading_rad=heading_rad,
        size_m=size_m,
        user_data=(("landmark", kind.value), *colored),
    )


def _colored_name(kind: Landmark, color: Colour) -> str:
    words = LANDMARK_KINDS[kind].words
    return f"parked {color.value} car" if kind is Landmark.PARKED_CAR else f"{color.value} {words}"


def _color(kind: Landmark, rng: random.Random) -> Colour | None:
    colors = LANDMARK_KINDS[kind].colors
    return rng.choice(colors) if colors else None


def _add_beside(network: Network, streets: list[Road], lots: _Lots, rng: random.Random, kind: Landmark) -> None:
    """One landmark behind a sidewalk, its front to the road, on the first street that has room."""
    for road in streets:
        size = _size_m(kind, rng)
        margin = _FROM_ENDS_M + size[1] / 2
        if road.curve.length_m < 2 * margin:
            continue
        s_m = round(rng.uniform(margin, road.curve.length_m - margin), 2)
        side = rng.choice((1, -1))
        edge = road.edges_m(s_m)[0 if side > 0 else 1]
        t_m = round(edge + side * (size[0] / 2 + rng.uniform(1.6, 4.0)), 2)
        heading = -side * math.pi / 2
        box = box_on_ground(road.curve.at(s_m, t_m).turned(heading), size)
        if lots.free(box):
            lots.taken.append(box)
            road.objects.append(_thing(network, kind, _color(kind, rng), (s_m, t_m, heading), size))
            return


def _add_bus_stops(network: Network, streets: list[Road], lots: _Lots, rng: random.Random, count: int) -> None:
    """A shelter behind the sidewalk and a bus in the parking lane before it."""
    wide = [road for road in streets if _parking(road) is not None]
    for road in rng.sample(wide, len(wide)):
        if count == 0:
            return
        spot = _parking(road)
        assert spot is not None
        begin, end, width = spot
        bus = _size_m(Landmark.BUS, rng)
        if width < bus[1] or end - begin < bus[0] + 2:
            continue
        s_m = round(rng.uniform(begin + bus[0] / 2, end - bus[0] / 2), 2)
        side = rng.choice((1, -1))
        t_m, heading = _parking_spot(road, s_m, side)
        bus_box = box_on_ground(road.curve.at(s_m, t_m).turned(heading), bus)
        shelter = _size_m(Landmark.BUS_STOP, rng)
        shelter_t = round(road.edges_m(s_m)[0 if side > 0 else 1] + side * (shelter[0] / 2 + _CLEAR_M + 0.1), 2)
        shelter_box = box_on_ground(road.curve.at(s_m, shelter_t).turned(-side * math.pi / 2), shelter)
        if _in_parking(road, s_m, t_m, bus) and lots.free(shelter_box):
            lots.taken += [bus_box, shelter_box]
            road.objects.append(
                _thing(network, Landmark.BUS_STOP, None, (s_m, shelter_t, -side * math.pi / 2), shelter)
            )
            road.objects.append(_thing(network, Landmark.BUS, None, (s_m, t_m, heading), bus))
            count -= 1


def _park_cars(network: Network, road: Road, lots: _Lots, rng: random.Random) -> None:
    """Cars in a street's parking lanes."""
    spot = _parking(road)
    if spot is None:
        return
    begin, end, _ = spot
    for side in (1, -1):
        s_m = begin + rng.uniform(3, 12)
        while s_m < end - 3:
            size = _size_m(Landmark.PARKED_CAR, rng)
            t_m, heading = _parking_spot(road, s_m, side)
            box = box_on_ground(road.curve.at(s_m, t_m).turned(heading), size)
            if _in_parking(road, s_m, t_m, size) and lots.apart(box.buffer(-0.6)):
                lots.taken.append(box)
                where = (round(s_m, 2), t_m, heading)
                road.objects.append(_thing(network, Landmark.PARKED_CAR, _color(Landmark.PARKED_CAR, rng), where, size))
            s_m += size[0] + rng.uniform(1.8, 28.0)


def _parking(road: Road) -> tuple[float, float, float] | None:
    """Where a road's parking lanes have their full width: from, to, width."""
    for section in road.sections:
        for lane in section.lanes().values():
            if lane.kind == "parking":
                _, full, ramp = lane.widths
                return section.s_m + full.s_m, section.s_m + ramp.s_m, full.a
    return None


def _parking_spot(road: Road, s_m: float, side: int) -> tuple[float, float]:
    """The middle of the parking lane on one side, and the heading of its traffic."""
    lanes, borders = road.section_at(s_m).lanes(), road.borders_m(s_m)
    inner, outer = next(borders[i] for i, lane in lanes.items() if lane.kind == "parking" and i * side > 0)
    return round((inner + outer) / 2, 3), math.pi if side > 0 else 0.0


def _in_parking(road: Road, s_m: float, t_m: float, size_m: tuple[float, float, float]) -> bool:
    """Whether a box keeps inside the parking lane around (s, t); in tight bends a long one does not."""
    width = _parking_width_m(road)
    nearby = (road.curve.curvature_per_m(s_m + share * size_m[0]) for share in (-0.5, -0.25, 0.0, 0.25, 0.5))
    bow = max(abs(curvature / (1 - curvature * t_m)) for curvature in nearby) * size_m[0] ** 2 / 8
    return size_m[1] / 2 + bow < width / 2 - _WITHIN_LANE_M


def _parking_width_m(road: Road) -> float:
    spot = _parking(road)
    return 0.0 if spot is None else spot[2]
