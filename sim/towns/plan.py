"""What a kind of town decides: where streets meet, how wide they are, who gives way. The builders do the rest.

Frames as in ``network``: x east, y north, metres, radians counter-clockwise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from drivevla.sim.towns.curves import Curve, Place

__all__ = ["Control", "Movement", "Node", "Plan", "Point", "Profile", "Street", "flat"]

Point = tuple[float, float]
Control = Literal["signals", "stop_all", "stop_minor", "yield_minor", "yield_entry", "roundabout", "free"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A street's cross-section.

    Attributes:
        forward: Lanes along the street's direction.
        backward: Lanes against it; 0 for one-way roads, whose reference line is their left edge.
        lane_m: Width of every driving lane.
        median_m: Strip between the directions, 0 for none.
        turn_lanes: Whether the median becomes a left-turn lane before junctions; it must then be a lane wide.
        parking_m: Width of the parking lanes beside both kerbs, 0 for none.
        sidewalk_m: Width of both sidewalks, 0 for none.
        shoulder_m: Width of the right shoulder of roads without a sidewalk.
        speed_kph: Speed limit.
        center: Paint between the directions where there is no median.
        type: OpenDRIVE's road type.
    """

    forward: int = 1
    backward: int = 1
    lane_m: float = 3.5
    median_m: float = 0.0
    turn_lanes: bool = False
    parking_m: float = 0.0
    sidewalk_m: float = 2.0
    shoulder_m: float = 0.0
    speed_kph: int = 50
    center: Literal["solid", "solid_solid", "broken"] = "solid"
    type: Literal["town", "motorway", "rural"] = "town"

    @property
    def one_way(self) -> bool:
        """Whether nobody comes towards you."""
        return self.backward == 0

    @property
    def width_m(self) -> float:
        """From kerb to kerb without parking."""
        return (self.forward + self.backward) * self.lane_m + self.median_m


@dataclass(frozen=True, slots=True)
class Movement:
    """One way through a junction: lanes are counted from the left (inside), streets are indices into the plan."""

    from_street: int
    from_lane: int
    to_street: int
    to_lane: int
    parallel: bool = False
    """Whether it runs beside another movement, so that a broken line is painted between them."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """Where streets meet.

    Attributes:
        xy_m: Its middle.
        control: Who gives way.
        kerb_radius_m: Of the rounded corners; the wider, the further back the streets end.
        turn_radius_m: Largest radius of a lane that turns: cars drive in straight and then turn as sharply as this.
        height_m: Height of the whole junction; the terrain's where None.
        movements: Which ways lead through it; worked out from the streets' directions where None.
        ring_radius_m: Of a roundabout: the inner edge of its lane.
    """

    xy_m: Point
    control: Control = "free"
    kerb_radius_m: float = 6.0
    turn_radius_m: float = math.inf
    height_m: float | None = None
    movements: tuple[Movement, ...] | None = None
    ring_radius_m: float = 16.0


@dataclass(frozen=True, kw_only=True)
class Street:
    """A road between two nodes.

    Attributes:
        start: Index of the node where it begins.
        end: Index of the node where it ends.
        profile: Its cross-section, seen along its direction.
        via: Corners between the nodes, rounded by ``bend_radius_m``.
        bend_radius_m: Radius of the bends.
        start_place: Where the reference line begins, for roads that do not begin square to a node's middle.
        end_place: Where it ends, heading along the road.
        curve: The whole reference line, where it is known.
        name: For people.
    """

    start: int
    end: int
    profile: Profile
    via: tuple[Point, ...] = ()
    bend_radius_m: float = 30.0
    start_place: Place | None = None
    end_place: Place | None = None
    curve: Curve | None = None
    name: str = ""


def flat(x_m: float, y_m: float) -> float:
    """The height of flat land."""
    del x_m, y_m
    return 0.0


@dataclass(kw_only=True)
class Plan:
    """A town before anything is built.

    Attributes:
        nodes: Where streets meet.
        streets: What joins them.
        terrain: Height over (x, y), smooth.
        origin_deg: Latitude and longitude of (0, 0).
    """

    nodes: list[Node] = field(default_factory=list)
    streets: list[Street] = field(default_factory=list)
    terrain: Callable[[float, float], float] = flat
    origin_deg: tuple[float, float] = (0.0, 0.0)

    def height_m(self, node: int) -> float:
        """The height of a node."""
        fixed = self.nodes[node].height_m
        return self.terrain(*self.nodes[node].xy_m) if fixed is None else fixed

    def towards(self, street: Street, node: int) -> float:
        """The direction in which a street leaves one of its nodes, in radians."""
        points = (self.nodes[street.start].xy_m, *street.via, self.nodes[street.end].xy_m)
        here, there = (points[0], points[1]) if node == street.start else (points[-1], points[-2])
        return math.atan2(there[1] - here[1], there[0] - here[0])
