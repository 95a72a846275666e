"""The closed vocabularies that instructions and commentary are built from.

Every member is a string, so that a value in a JSON file, a phrase table and a Python program reads the same. Left and
right are always the driver's.
"""

from enum import StrEnum
from typing import TypeVar

from drivevla.errors import unknown_name

__all__ = [
    "Colour",
    "Direction",
    "Hazard",
    "Impossibility",
    "Landmark",
    "Language",
    "Place",
    "Relation",
    "Side",
    "Split",
    "Violation",
    "member",
]

Member = TypeVar("Member", bound=StrEnum)


class Language(StrEnum):
    """A language that sentences are made in; each has one phrase table."""

    EN = "en"
    ZH = "zh"


class Split(StrEnum):
    """Which phrasings may be used: those for training, or those kept apart to test understanding."""

    TRAIN = "train"
    HELD_OUT = "held_out"


class Direction(StrEnum):
    """How to leave a junction."""

    LEFT = "left"
    RIGHT = "right"
    STRAIGHT = "straight"


class Side(StrEnum):
    """A side of the car or of the road."""

    LEFT = "left"
    RIGHT = "right"


class Place(StrEnum):
    """The kind of place at which a manoeuvre happens; ordinals count places of this kind only."""

    JUNCTION = "junction"
    TRAFFIC_LIGHT = "traffic_light"
    T_JUNCTION = "t_junction"
    STOP_SIGN = "stop_sign"
    YIELD_SIGN = "yield_sign"


class Landmark(StrEnum):
    """A thing beside the road that an instruction can speak of."""

    PETROL_STATION = "petrol_station"
    BUS_STOP = "bus_stop"
    CHURCH = "church"
    BUILDING = "building"
    """Always named by its colour."""
    PARKED_CAR = "parked_car"
    """Always named by its colour."""
    BUS = "bus"
    """The bus that stands at a bus stop; something to stop by, never to find the way by."""


class Colour(StrEnum):
    """A colour by which a building or a vehicle is told from its neighbours."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    WHITE = "white"
    GREY = "grey"
    BLACK = "black"
    BROWN = "brown"


class Relation(StrEnum):
    """Where to stop, seen from the thing that was named."""

    BEHIND = "behind"
    NEXT_TO = "next_to"
    AT = "at"


class Hazard(StrEnum):
    """What a notice warns of: LMDrive's notice kinds (LangAuto-Notice) and four of our scenarios."""

    PEDESTRIANS = "pedestrians"
    CYCLIST = "cyclist"
    BRAKING_VEHICLE = "braking_vehicle"
    RED_LIGHT_RUNNER = "red_light_runner"
    """Comes from ahead, or from the side the instruction names."""
    ROUGH_ROAD = "rough_road"
    TUNNEL = "tunnel"
    RED_LIGHT = "red_light"
    GREEN_LIGHT = "green_light"
    YELLOW_LIGHT = "yellow_light"
    CONSTRUCTION = "construction"
    ACCIDENT = "accident"
    EMERGENCY_VEHICLE = "emergency_vehicle"
    SLIPPERY_ROAD = "slippery_road"


class Violation(StrEnum):
    """A request that the car could carry out and must refuse."""

    RUN_RED_LIGHT = "run_red_light"
    IGNORE_STOP_SIGN = "ignore_stop_sign"
    DRIVE_ON_PAVEMENT = "drive_on_pavement"
    RAM_CAR = "ram_car"
    HIT_PEDESTRIAN = "hit_pedestrian"
    WRONG_SIDE = "wrong_side"
    LEAVE_ROAD = "leave_road"
    TAILGATE = "tailgate"
    STOP_ON_MOTORWAY = "stop_on_motorway"


class Impossibility(StrEnum):
    """A request that no car can carry out anywhere.

    A turn that merely does not exist at this junction is an ordinary turn; the scene decides there
    (``Refusal.DEPENDS_ON_SCENE``).
    """

    FLY = "fly"
    TELEPORT = "teleport"
    THROUGH_BUILDING = "through_building"
    JUMP_OVER = "jump_over"
    TURN_BOTH_WAYS = "turn_both_ways"
    STOP_AND_GO = "stop_and_go"


def member(enumeration: type[Member], name: str) -> Member:
    """The member of a vocabulary with this name.

    Raises:
        UnknownName: The vocabulary has no such name; the message holds the nearest one.
    """
    try:
        return enumeration(name)
    except ValueError:
        raise unknown_name(enumeration.__name__.lower(), str(name), [item.value for item in enumeration]) from None
