"""The parts of an OpenDRIVE text that the client's API does not give: widths, marks, elevation, objects, controllers.

Only what the scene needs is read. Lane positions agree with ``carla.Map``: like the client's own parser, this one
ignores superelevation and lateral shape.
"""

import math
from dataclasses import dataclass
from xml.etree import ElementTree

from drivevla.errors import DataError
from drivevla.sim.server.scene.cubics import CubicProfile
from drivevla.sim.server.scene.plan_view import Geometry, PlanView

__all__ = [
    "Connection",
    "Junction",
    "Lane",
    "LaneSection",
    "Road",
    "RoadMark",
    "RoadNetwork",
    "RoadObject",
    "parse_opendrive",
]


@dataclass(frozen=True, slots=True)
class RoadMark:
    """The mark on a lane's outer border, from ``start_m`` after the section's start until the next one."""

    start_m: float
    kind: str
    color: str
    width_m: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of a section; positive ids lie left of the reference line. Lane 0 has marks only."""

    lane_id: int
    kind: str
    width: CubicProfile
    height_m: tuple[float, float]
    marks: tuple[RoadMark, ...]
    predecessor: int | None
    successor: int | None


@dataclass(frozen=True, slots=True)
class LaneSection:
    """A stretch of road with the same lanes; ``lanes`` from the leftmost (highest id) to the rightmost, with lane 0."""

    start_s_m: float
    end_s_m: float
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class RoadObject:
    """A ``<object>`` beside or on the road; ``outline`` holds (u, v) corners where it has one."""

    object_id: str
    name: str
    kind: str
    s_m: float
    t_m: float
    z_offset_m: float
    heading_rad: float
    length_m: float
    width_m: float
    height_m: float


@dataclass(frozen=True, slots=True)
class Road:
    """One road; ``junction_id`` is -1 outside junctions. Links are (element type, id, contact point) or None."""

    road_id: int
    junction_id: int
    length_m: float
    plan_view: PlanView
    elevation: CubicProfile
    lane_offset: CubicProfile
    sections: tuple[LaneSection, ...]
    objects: tuple[RoadObject, ...]
    predecessor: tuple[str, int, str] | None
    successor: tuple[str, int, str] | None


@dataclass(frozen=True, slots=True)
class Connection:
    """How one road enters a junction: ``lane_links`` are (incoming lane, connecting lane)."""

    incoming_road: int
    connecting_road: int
    contact_point: str
    lane_links: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """A junction with its connections and the ids of its controllers in their sequence."""

    junction_id: int
    connections: tuple[Connection, ...]
    controller_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoadNetwork:
    """Everything read from one text; ``controllers`` maps a controller's id to the signals it switches together."""

    roads: dict[int, Road]
    junctions: dict[int, Junction]
    controllers: dict[str, tuple[str, ...]]


def parse_opendrive(text: str) -> RoadNetwork:
    """Read an OpenDRIVE text.

    Raises:
        DataError: The text is not XML, not OpenDRIVE, has no roads, or a road misses what it cannot do without.
    """
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise DataError(f"the OpenDRIVE text is not well-formed XML: {error}") from error
    if root.tag != "OpenDRIVE":
        raise DataError(f"the root element of an OpenDRIVE text is <OpenDRIVE>, got <{root.tag}>")
    roads = [_road(element) for element in root.iterfind("road")]
    if not roads:
        raise DataError("the OpenDRIVE text has no <road>")
    junctions = [_junction(element) for element in root.iterfind("junction")]
    controllers = {
        element.get("id", ""): tuple(dict.fromkeys(c.get("signalId", "") for c in element.iterfind("control")))
        for element in root.iterfind("controller")
    }
    return RoadNetwork({r.road_id: r for r in roads}, {j.junction_id: j for j in junctions}, controllers)


def _number(element: ElementTree.Element, name: str, default: float | None = None) -> float:
    text = element.get(name)
    if text is None:
        if default is None:
            raise DataError(f"<{element.tag}> needs the attribute {name!r}; it has {sorted(element.keys())}")
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise DataError(f"<{element.tag} {name}={text!r}>: not a number") from error
    if not math.isfinite(value):
        raise DataError(f"<{element.tag} {name}={text!r}>: not finite")
    return value


def _cubics(elements: list[ElementTree.Element], start: str) -> CubicProfile:
    def record(e: ElementTree.Element) -> tuple[float, float, float, float, float]:
        a, b, c, d = (_number(e, name, 0.0) for name in "abcd")
        return _number(e, start, 0.0), a, b, c, d

    return CubicProfile.of(map(record, elements))


def _geometry(element: ElementTree.Element) -> Geometry:
    s, x, y, heading, length = (_number(element, name) for name in ("s", "x", "y", "hdg", "length"))
    pose = (s, x, y, heading, length)
    for shape in element:
        if shape.tag == "line":
            return Geometry(*pose, "line")
        if shape.tag == "arc":
            return Geometry(*pose, "arc", (_number(shape, "curvature"),))
        if shape.tag == "spiral":
            return Geometry(*pose, "spiral", (_number(shape, "curvStart"), _number(shape, "curvEnd")))
        if shape.tag == "poly3":
            return Geometry(*pose, "poly3", tuple(_number(shape, k) for k in "abcd"))
        if shape.tag == "paramPoly3":
            end = length if shape.get("pRange") == "arcLength" else 1.0
            values = [_number(shape, k + axis) for axis in "UV" for k in "abcd"]
            return Geometry(*pose, "paramPoly3", (*values, end))
    raise DataError(f"<geometry s={s}> holds no shape that is known: line, arc, spiral, poly3, paramPoly3")


def _mark(element: ElementTree.Element) -> RoadMark:
    return RoadMark(
        _number(element, "sOffset", 0.0),
        element.get("type", "none"),
        element.get("color", "standard"),
        _number(element, "width", 0.12),
    )


def _lane(element: ElementTree.Element) -> Lane:
    height = element.find("height")
    links = [element.find(f"link/{end}") for end in ("predecessor", "successor")]
    return Lane(
        lane_id=int(_number(element, "id")),
        kind=element.get("type", "none"),
        width=_cubics(element.findall("width"), "sOffset"),
        height_m=(0.0, 0.0) if height is None else (_number(height, "inner", 0.0), _number(height, "outer", 0.0)),
        marks=tuple(sorted((_mark(m) for m in element.iterfind("roadMark")), key=lambda mark: mark.start_m)),
        predecessor=None if links[0] is None else int(_number(links[0], "id")),
        successor=None if links[1] is None else int(_number(links[1], "id")),
    )


def _sections(road: ElementTree.Element, length_m: float) -> tuple[LaneSection, ...]:
    elements = sorted(road.iterfind("lanes/laneSection"), key=lambda e: _number(e, "s", 0.0))
    starts = [_number(e, "s", 0.0) for e in elements]
    sections = []
    for element, start, end in zip(elements, starts, [*starts, length_m][1:], strict=True):
        lanes = sorted((_lane(lane) for lane in element.iterfind("*/lane")), key=lambda lane: -lane.lane_id)
        if end > start and lanes:
            sections.append(LaneSection(start, end, tuple(lanes)))
    return tuple(sections)


def _object(element: ElementTree.Element) -> RoadObject:
    return RoadObject(
        object_id=element.get("id", ""),
        name=element.get("name", ""),
        kind=element.get("type", "none"),
        s_m=_number(element, "s"),
        t_m=_number(element, "t"),
        z_offset_m=_number(element, "zOffset", 0.0),
        heading_rad=_number(element, "hdg", 0.0),
        length_m=_number(element, "length", 0.0),
        width_m=_number(element, "width", 0.0),
        height_m=_number(element, "height", 0.0),
    )


def _link(road: ElementTree.Element, end: str) -> tuple[str, int, str] | None:
    element = road.find(f"link/{end}")
    if element is None:
        return None
    return element.get("elementType", "road"), int(_number(element, "elementId")), element.get("contactPoint", "")


def _road(element: ElementTree.Element) -> Road:
    road_id, length_m = int(_number(element, "id")), _number(element, "length")
    pieces = tuple(sorted((_geometry(g) for g in element.iterfind("planView/geometry")), key=lambda g: g.start_s_m))
    sections = _sections(element, length_m)
    if not pieces or not sections or length_m <= 0:
        raise DataError(f"road {road_id} needs a positive length, a <planView> and a <laneSection>")
    return Road(
        road_id=road_id,
        junction_id=int(_number(element, "junction", -1)),
        length_m=length_m,
        plan_view=PlanView(pieces),
        elevation=_cubics(element.findall("elevationProfile/elevation"), "s"),
        lane_offset=_cubics(element.findall("lanes/laneOffset"), "s"),
        sections=sections,
        objects=tuple(_object(o) for o in element.iterfind("objects/object")),
        predecessor=_link(element, "predecessor"),
        successor=_link(element, "successor"),
    )


def _junction(element: ElementTree.Element) -> Junction:
    connections = []
    for c in element.iterfind("connection"):
        links = tuple((int(_number(k, "from")), int(_number(k, "to"))) for k in c.iterfind("laneLink"))
        incoming, connecting = int(_number(c, "incomingRoad")), int(_number(c, "connectingRoad"))
        connections.append(Connection(incoming, connecting, c.get("contactPoint", "start"), links))
    controllers = sorted(element.iterfind("controller"), key=lambda c: _number(c, "sequence", 0.0))
    ids = tuple(c.get("id", "") for c in controllers)
    return Junction(int(_number(element, "id")), tuple(connections), ids)
