"""A road network in plain data, between the builders and the OpenDRIVE writer.

Frames and signs are OpenDRIVE's: x east, y north, ``t`` positive to the left of the reference line, right-hand traffic,
lanes with negative ids drive along the line and lanes with positive ids against it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from drivevla.sim.towns.curves import Curve, Place

__all__ = [
    "Connection",
    "Contact",
    "Controller",
    "Cubic",
    "Junction",
    "Lane",
    "LaneKind",
    "Mark",
    "MarkShape",
    "Network",
    "Road",
    "RoadLink",
    "RoadObject",
    "Section",
    "Signal",
    "SignalType",
    "value_at",
]

Contact = Literal["start", "end"]
LaneKind = Literal["driving", "parking", "shoulder", "median", "sidewalk"]
SignalType = Literal["1000001", "206", "205", "274"]
"""CARLA's numbers: traffic light, stop sign, yield sign, speed limit."""
MarkShape = Literal["none", "solid", "broken", "solid_solid", "curb"]


@dataclass(frozen=True, slots=True)
class Cubic:
    """A cubic that begins at ``s_m`` and holds until the next one begins: a + b ds + c ds^2 + d ds^3."""

    s_m: float
    a: float
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0

    @classmethod
    def between(cls, s_m: float, length_m: float, start: tuple[float, float], end: tuple[float, float]) -> "Cubic":
        """The cubic with the given (value, slope) at both ends."""
        (a, b), (value, slope) = start, end
        rise = (value - a) / length_m
        return cls(s_m, a, b, (3 * rise - 2 * b - slope) / length_m, (b + slope - 2 * rise) / length_m**2)


def value_at(cubics: Iterable[Cubic], s_m: float) -> float:
    """The value of a chain of cubics, ordered by where they begin; 0 before the first."""
    value = 0.0
    for cubic in cubics:
        if cubic.s_m > s_m + 1e-9:
            break
        ds = s_m - cubic.s_m
        value = cubic.a + ds * (cubic.b + ds * (cubic.c + ds * cubic.d))
    return value


@dataclass(frozen=True, slots=True)
class Mark:
    """A lane's outer marking from ``s_m`` within the section on.

    Attributes:
        shape: Kerbs are markings of their own in OpenDRIVE.
        color: Of the paint.
        crossable: Whether lanes may be changed across it, in both directions.
        s_m: Where it begins, from the section's start.
    """

    shape: MarkShape
    color: Literal["white", "yellow"] = "white"
    crossable: bool = False
    s_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of a section.

    Attributes:
        key: What it is within its road ("drive 0", "sidewalk"); lanes of equal key in consecutive sections are linked.
        kind: OpenDRIVE's type.
        widths: In distance from the section's start.
        marks: Of its outer border.
        predecessor: Lane id on the road that the road's predecessor link names, where that is a road.
        successor: Lane id on the road that the road's successor link names, where that is a road.
    """

    key: str
    kind: LaneKind
    widths: tuple[Cubic, ...]
    marks: tuple[Mark, ...] = (Mark("none"),)
    predecessor: int | None = None
    successor: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A lane section.

    Attributes:
        s_m: Where it begins.
        left: Lanes 1, 2, ... from the inside outwards.
        right: Lanes -1, -2, ... from the inside outwards.
        center: Markings between lanes 1 and -1.
    """

    s_m: float
    left: tuple[Lane, ...]
    right: tuple[Lane, ...]
    center: tuple[Mark, ...] = (Mark("none"),)

    def lanes(self) -> dict[int, Lane]:
        """Lanes by id, zero left out."""
        left = {i + 1: lane for i, lane in enumerate(self.left)}
        return left | {-i - 1: lane for i, lane in enumerate(self.right)}

    def borders_m(self, s_m: float, offset_m: float) -> dict[int, tuple[float, float]]:
        """Each lane's inner and outer ``t`` at ``s_m`` along the road, whose lane offset there is ``offset_m``."""
        borders = {}
        for side, lanes in ((1, self.left), (-1, self.right)):
            inner = offset_m
            for index, lane in enumerate(lanes):
                outer = inner + side * value_at(lane.widths, s_m - self.s_m)
                borders[side * (index + 1)] = (inner, outer)
                inner = outer
        return borders


@dataclass(frozen=True, slots=True)
class RoadLink:
    """What a road continues into.

    Attributes:
        kind: A road, or a junction.
        id: Its id.
        contact: Which end of the road is touched; None for junctions.
    """

    kind: Literal["road", "junction"]
    id: int
    contact: Contact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A traffic light or sign that governs some lanes of the road it is listed under.

    Attributes:
        id: Unique in the network.
        name: For people.
        type: What it is.
        s_m: Where it takes effect: the stop line.
        forward: Whether it governs traffic along the reference line.
        lanes: First and last lane id that it governs.
        stands: Where it stands and which way it looks (against the traffic), with the ground's height.
        ground_m: Height of the ground there.
        value: km/h for speed limits.
    """

    id: int
    name: str
    type: SignalType
    s_m: float
    t_m: float
    forward: bool
    lanes: tuple[int, int]
    stands: Place
    ground_m: float
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadObject:
    """Something on or beside a road.

    Attributes:
        id: Unique in the network.
        type: OpenDRIVE's type: crosswalk, building, ...
        name: For people.
        s_m: Along the road.
        t_m: Left of its reference line.
        heading_rad: Relative to the reference line there.
        size_m: Length along the heading, width, height.
        outline_m: Corners in the object's own frame; empty for a box.
        user_data: Codes and values for landmarks.
    """

    id: int
    type: str
    name: str
    s_m: float
    t_m: float
    heading_rad: float
    size_m: tuple[float, float, float]
    outline_m: tuple[tuple[float, float], ...] = ()
    user_data: tuple[tuple[str, str], ...] = ()


@dataclass(kw_only=True)
class Road:
    """One road.

    Attributes:
        id: Unique among roads and junctions.
        name: For people.
        curve: Its reference line.
        heights: Of the reference line, along it.
        offsets: Lane offset, along it.
        sections: At least one, in order.
        speed_kph: Speed limit.
        type: OpenDRIVE's road type.
        junction: Id of the junction that it lies in, or -1.
        predecessor: What lies before its start.
        successor: What lies behind its end.
    """

    id: int
    name: str
    curve: Curve
    heights: tuple[Cubic, ...]
    sections: tuple[Section, ...]
    speed_kph: int
    type: Literal["town", "motorway", "rural"] = "town"
    offsets: tuple[Cubic, ...] = ()
    junction: int = -1
    predecessor: RoadLink | None = None
    successor: RoadLink | None = None
    objects: list[RoadObject] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)

    def section_at(self, s_m: float) -> Section:
        """The section that holds at a distance along the road."""
        return [section for section in self.sections if section.s_m <= s_m + 1e-9][-1]

    def borders_m(self, s_m: float) -> dict[int, tuple[float, float]]:
        """Each lane's inner and outer ``t`` at a distance along the road."""
        return self.section_at(s_m).borders_m(s_m, value_at(self.offsets, s_m))

    def height_m(self, s_m: float) -> float:
        """Height of the reference line."""
        return value_at(self.heights, s_m)

    def edges_m(self, s_m: float) -> tuple[float, float]:
        """The outermost ``t`` on the left and on the right."""
        values = [t for pair in self.borders_m(s_m).values() for t in pair] or [0.0]
        return max(values), min(values)


@dataclass(frozen=True, slots=True)
class Connection:
    """One way through a junction: from an incoming road by a connecting road, lane to lane."""

    incoming: int
    connecting: int
    lanes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Controller:
    """Lights that are green together; the controllers of a junction take turns in the order of ``sequence``."""

    id: int
    name: str
    sequence: int
    signals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """A junction: its connections and the controllers of its lights."""

    id: int
    name: str
    connections: tuple[Connection, ...]
    controllers: tuple[Controller, ...] = ()


@dataclass
class Network:
    """A whole town."""

    roads: list[Road] = field(default_factory=list)
    junctions: list[Junction] = field(default_factory=list)
    last_id: int = 0

    def new_id(self) -> int:
        """An id that nothing else in the town has."""
        self.last_id += 1
        return self.last_id
