"""A network as OpenDRIVE 1.4 text.

Roads, lanes, links and junctions are written by ``scenariogeneration``. What it lacks, or writes in a form that CARLA
does not read, is added to its tree: junction controllers, outlines directly under their object, a signal's place in the
world, and a header without the time of day, so that equal networks give equal bytes.
"""

import math
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

from drivevla.errors import require
from drivevla.sim.towns.network import Cubic, Junction, Lane, Mark, Network, Road, RoadObject, Section, Signal, value_at

__all__ = ["opendrive_text"]

_GEO_REFERENCE = (
    "+proj=tmerc +lat_0={latitude:.6f} +lon_0={longitude:.6f} +k=1 +x_0=0 +y_0=0 "
    "+datum=WGS84 +units=m +vunits=m +no_defs"
)
_MARK_WIDTH_M = 0.15


def opendrive_text(network: Network, *, name: str, origin_deg: tuple[float, float]) -> str:
    """Write a network.

    Args:
        network: The town.
        name: For the header.
        origin_deg: Latitude and longitude of the point (0, 0).

    Raises:
        MissingExtra: ``scenariogeneration`` is not installed.
    """
    xodr = require("scenariogeneration.xodr", "sim")
    root = ET.Element("OpenDRIVE")
    root.append(_header(network, name, origin_deg))
    for road in network.roads:
        root.append(_road(road, xodr))
    for junction in network.junctions:
        for controller in junction.controllers:
            attributes = {"name": controller.name, "id": str(controller.id), "sequence": str(controller.sequence)}
            element = ET.SubElement(root, "controller", attributes)
            for signal in controller.signals:
                ET.SubElement(element, "control", {"signalId": str(signal), "type": "0"})
    for junction in network.junctions:
        root.append(_junction(junction, xodr))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _number(value: float) -> str:
    # a tenth of a micrometre: equal to the last digit on every machine, unlike repr of a sine
    text = f"{value:.7f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _coefficient(value: float) -> float:
    return float(f"{value:.10e}")


def _header(network: Network, name: str, origin_deg: tuple[float, float]) -> ET.Element:
    places = [road.curve.at(s) for road in network.roads for s in road.curve.distances(20.0)]
    attributes = {"revMajor": "1", "revMinor": "4", "name": name, "version": "1", "vendor": "DriveVLA"}
    attributes |= {
        "north": _number(max(place.y_m for place in places)),
        "south": _number(min(place.y_m for place in places)),
        "east": _number(max(place.x_m for place in places)),
        "west": _number(min(place.x_m for place in places)),
    }
    header = ET.Element("header", attributes)
    latitude, longitude = origin_deg
    ET.SubElement(header, "geoReference").text = _GEO_REFERENCE.format(latitude=latitude, longitude=longitude)
    return header


def _road(road: Road, xodr: ModuleType) -> ET.Element:
    view = xodr.PlanView()
    for s_m, arc in zip(road.curve.starts_m, road.curve.arcs, strict=True):
        length = _coefficient(arc.length_m)
        straight = abs(arc.curvature_per_m) < 1e-9
        shape = xodr.Line(length) if straight else xodr.Arc(_coefficient(arc.curvature_per_m), length=length)
        start = (_coefficient(value) for value in (arc.start.x_m, arc.start.y_m, arc.start.heading_rad))
        view.add_fixed_geometry(shape, *start, s=_coefficient(s_m))
    lanes = xodr.Lanes()
    for offset in road.offsets:
        lanes.add_laneoffset(xodr.LaneOffset(_coefficient(offset.s_m), *_powers(offset)))
    befores, afters = (None, *road.sections[:-1]), (*road.sections[1:], None)
    for before, section, after in zip(befores, road.sections, afters, strict=True):
        lanes.add_lanesection(_section(section, before, after, xodr))
    written = xodr.Road(road.id, view, lanes, road_type=road.junction, name=road.name)
    written.add_type(getattr(xodr.RoadType, road.type), speed=road.speed_kph, speed_unit="km/h")
    for height in road.heights:
        written.add_elevation(_coefficient(height.s_m), *_powers(height))
    for link, add in ((road.predecessor, written.add_predecessor), (road.successor, written.add_successor)):
        if link is not None:
            contact = None if link.contact is None else getattr(xodr.ContactPoint, link.contact)
            add(getattr(xodr.ElementType, link.kind), link.id, contact)
    element = written.get_element()
    element.set("length", str(_coefficient(road.curve.length_m)))
    if road.objects:
        objects = ET.SubElement(element, "objects")
        objects.extend(_object(thing, road) for thing in road.objects)
    if road.signals:
        signals = ET.SubElement(element, "signals")
        signals.extend(_signal(signal) for signal in road.signals)
    return element


def _powers(cubic: Cubic) -> tuple[float, float, float, float]:
    return _coefficient(cubic.a), _coefficient(cubic.b), _coefficient(cubic.c), _coefficient(cubic.d)


def _section(section: Section, before: Section | None, after: Section | None, xodr: ModuleType) -> Any:
    center = xodr.Lane(lane_type=xodr.LaneType.none)
    for mark in section.center:
        center.add_roadmark(_mark(mark, xodr))
    written = xodr.LaneSection(_coefficient(section.s_m), center)
    neighbours = [_ids_by_key(before), _ids_by_key(after)]
    for lane_id, lane in section.lanes().items():
        links = [
            ids.get((lane.key, lane_id > 0)) if section is not None else outer
            for ids, section, outer in zip(neighbours, (before, after), (lane.predecessor, lane.successor), strict=True)
        ]
        add = written.add_left_lane if lane_id > 0 else written.add_right_lane
        add(_lane(lane, links, xodr))
    return written


def _ids_by_key(section: Section | None) -> dict[tuple[str, bool], int]:
    if section is None:
        return {}
    return {(lane.key, lane_id > 0): lane_id for lane_id, lane in section.lanes().items()}


def _lane(lane: Lane, links: list[int | None], xodr: ModuleType) -> Any:
    first, *others = lane.widths
    written = xodr.Lane(getattr(xodr.LaneType, lane.kind), *_powers(first), soffset=_coefficient(first.s_m))
    for width in others:
        written.add_lane_width(*_powers(width), soffset=_coefficient(width.s_m))
    for direction, link in zip(("predecessor", "successor"), links, strict=True):
        if link is not None:
            written.add_link(direction, link)
    for mark in lane.marks:
        written.add_roadmark(_mark(mark, xodr))
    return written


def _mark(mark: Mark, xodr: ModuleType) -> Any:
    return xodr.RoadMark(
        getattr(xodr.RoadMarkType, mark.shape),
        _MARK_WIDTH_M,
        soffset=_coefficient(mark.s_m),
        color=getattr(xodr.RoadMarkColor, mark.color),
        laneChange=xodr.LaneChange.both if mark.crossable else xodr.LaneChange.none,
    )


def _junction(junction: Junction, xodr: ModuleType) -> ET.Element:
    written = xodr.Junction(junction.name, junction.id)
    for connection in junction.connections:
        entry = xodr.Connection(connection.incoming, connection.connecting, xodr.ContactPoint.start)
        for incoming, connecting in connection.lanes:
            entry.add_lanelink(incoming, connecting)
        written.add_connection(entry)
    element = written.get_element()
    for controller in junction.controllers:
        attributes = {"id": str(controller.id), "type": "0", "sequence": str(controller.sequence)}
        ET.SubElement(element, "controller", attributes)
    return element


def _object(thing: RoadObject, road: Road) -> ET.Element:
    length, width, height = thing.size_m
    attributes = {"id": str(thing.id), "name": thing.name, "type": thing.type, "orientation": "none"}
    # CARLA's parser measures a crosswalk's t from lane 0, not from the reference line as the standard has it
    from_m = value_at(road.offsets, thing.s_m) if thing.type == "crosswalk" else 0.0
    numbers = {
        "s": thing.s_m,
        "t": thing.t_m - from_m,
        "zOffset": 0.0,
        "hdg": thing.heading_rad,
        "pitch": 0.0,
        "roll": 0.0,
    }
    numbers |= {"length": length, "width": width, "height": height}
    element = ET.Element("object", attributes | {key: _number(value) for key, value in numbers.items()})
    if thing.outline_m:
        outline = ET.SubElement(element, "outline")
        for u, v in (*thing.outline_m, thing.outline_m[0]):
            ET.SubElement(outline, "cornerLocal", {"u": _number(u), "v": _number(v), "z": "0"})
    for code, value in thing.user_data:
        ET.SubElement(element, "userData", {"code": code, "value": value})
    return element


def _signal(signal: Signal) -> ET.Element:
    attributes = {
        "id": str(signal.id),
        "name": signal.name,
        "type": signal.type,
        "subtype": "-1",
        "country": "OpenDRIVE",
    }
    attributes |= {
        "dynamic": "yes" if signal.type == "1000001" else "no",
        "orientation": "+" if signal.forward else "-",
        "value": str(-1 if signal.value is None else signal.value),
        "text": "",
    }
    if signal.value is not None:
        attributes["unit"] = "km/h"
    numbers = {"s": signal.s_m, "t": signal.t_m, "zOffset": 0.0, "hOffset": 0.0, "pitch": 0.0, "roll": 0.0}
    element = ET.Element("signal", attributes | {key: _number(value) for key, value in numbers.items()})
    first, last = signal.lanes
    ET.SubElement(element, "validity", {"fromLane": str(first), "toLane": str(last)})
    stands = {"x": signal.stands.x_m, "y": signal.stands.y_m, "z": signal.ground_m}
    stands |= {"hdg": math.remainder(signal.stands.heading_rad, math.tau), "pitch": 0.0, "roll": 0.0}
    ET.SubElement(element, "positionInertial", {key: _number(value) for key, value in stands.items()})
    return element
