"""The parts of an OpenDRIVE text that the client's API does not give: widths, marks, elevation, controllers.

Only what the scene needs is read. Lane positions agree with ``carla.Map``: like the client's own parser, this one
ignores superelevation and lateral shape.
"""

from dataclasses import dataclass
from xml.etree import ElementTree

from drivevla.errors import DataError
from drivevla.sim.maps.cubics import CubicProfile
from drivevla.sim.maps.plan_view import PlanView
from drivevla.sim.maps.xml_numbers import number_of

__all__ = [
    "Connection",
    "Junction",
    "Lane",
    "LaneSection",
    "Road",
    "RoadMark",
    "RoadNetwork",
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
class Road:
    """One road; ``junction_id`` is -1 outside junctions. Links are (element type, id, contact point) or None."""

    road_id: int
    junction_id: int
    length_m: float
    plan_view: PlanView
    elevation: CubicProfile
    lane_offset: CubicProfile
    sections: tuple[LaneSection, ...]
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
    roads = [_named_road(element) for element in root.iterfind("road")]
    if not roads:
        raise DataError("the OpenDRIVE text has no <road>")
    junctions = [_junction(element) for element in root.iterfind("junction")]
    controllers = {
        element.get("id", ""): tuple(dict.fromkeys(c.get("signalId", "") for c in element.iterfind("control")))
        for element in root.iterfind("controller")
    }
    return RoadNetwork({r.road_id: r for r in roads}, {j.junction_id: j for j in junctions}, controllers)


def _mark(element: ElementTree.Element) -> RoadMark:
    return RoadMark(
        number_of(element, "sOffset", 0.0),
        element.get("type", "none"),
        element.get("color", "standard"),
        number_of(element, "width", 0.12),
    )


def _lane(element: ElementTree.Element) -> Lane:
    height = element.find("height")
    links = [element.find(f"link/{end}") for end in ("predecessor", "successor")]
    return Lane(
        lane_id=int(number_of(element, "id")),
        kind=element.get("type", "none"),
        width=CubicProfile.of(element.iterfind("width"), "sOffset"),
        height_m=(0.0, 0.0) if height is None else (number_of(height, "inner", 0.0), number_of(height, "outer", 0.0)),
        marks=tuple(sorted((_mark(m) for m in element.iterfind("roadMark")), key=lambda mark: mark.start_m)),
        predecessor=None if links[0] is None else int(number_of(links[0], "id")),
        successor=None if links[1] is None else int(number_of(links[1], "id")),
    )


def _sections(road: ElementTree.Element, length_m: float) -> tuple[LaneSection, ...]:
    elements = sorted(road.iterfind("lanes/laneSection"), key=lambda e: number_of(e, "s", 0.0))
    starts = [number_of(e, "s", 0.0) for e in elements]
    sections = []
    for element, start, end in zip(elements, starts, [*starts, length_m][1:], strict=True):
        lanes = sorted((_lane(lane) for lane in element.iterfind("*/lane")), key=lambda lane: -lane.lane_id)
        if end > start and lanes:
            sections.append(LaneSection(start, end, tuple(lanes)))
    return tuple(sections)


def _link(road: ElementTree.Element, end: str) -> tuple[str, int, str] | None:
    element = road.find(f"link/{end}")
    if element is None:
        return None
    return element.get("elementType", "road"), int(number_of(element, "elementId")), element.get("contactPoint", "")


def _named_road(element: ElementTree.Element) -> Road:
    try:
        return _road(element)
    except DataError as error:
        raise DataError(f"road {element.get('id')}: {error}") from error


def _road(element: ElementTree.Element) -> Road:
    length_m, plan_view = number_of(element, "length"), PlanView.of(element)
    sections = _sections(element, length_m)
    if not sections or length_m <= 0:
        raise DataError("a road needs a positive length and a <laneSection>")
    return Road(
        road_id=int(number_of(element, "id")),
        junction_id=int(number_of(element, "junction", -1)),
        length_m=length_m,
        plan_view=plan_view,
        elevation=CubicProfile.of(element.iterfind("elevationProfile/elevation")),
        lane_offset=CubicProfile.of(element.iterfind("lanes/laneOffset")),
        sections=sections,
        predecessor=_link(element, "predecessor"),
        successor=_link(element, "successor"),
    )


def _junction(element: ElementTree.Element) -> Junction:
    connections = []
    for c in element.iterfind("connection"):
        links = tuple((int(number_of(k, "from")), int(number_of(k, "to"))) for k in c.iterfind("laneLink"))
        incoming, connecting = int(number_of(c, "incomingRoad")), int(number_of(c, "connectingRoad"))
        connections.append(Connection(incoming, connecting, c.get("contactPoint", "start"), links))
    controllers = sorted(element.iterfind("controller"), key=lambda c: number_of(c, "sequence", 0.0))
    ids = tuple(c.get("id", "") for c in controllers)
    return Junction(int(number_of(element, "id")), tuple(connections), ids)
