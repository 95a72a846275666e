"""The kinds of instruction: which slots each one has, and whether the car should obey it."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["KINDS", "InstructionKind", "KindSpec", "Refusal"]


class InstructionKind(StrEnum):
    """What an instruction asks for."""

    TURN = "turn"
    TURN_IN_DISTANCE = "turn_in_distance"
    TURN_AT_LANDMARK = "turn_at_landmark"
    TURN_AFTER_LANDMARK = "turn_after_landmark"
    TAKE_TURNING = "take_turning"
    ROUNDABOUT_EXIT = "roundabout_exit"
    ENTER_MOTORWAY = "enter_motorway"
    LEAVE_MOTORWAY = "leave_motorway"
    FOLLOW_ROAD = "follow_road"
    CHANGE_LANE = "change_lane"
    CHANGE_LANE_IN_DISTANCE = "change_lane_in_distance"
    KEEP_LANE = "keep_lane"
    HOLD_SPEED = "hold_speed"
    SLOWER = "slower"
    FASTER = "faster"
    DRIVE_AT_LIMIT = "drive_at_limit"
    START = "start"
    STOP_NOW = "stop_now"
    STOP_AT_LINE = "stop_at_line"
    STOP_BY = "stop_by"
    PULL_OVER = "pull_over"
    DRIVE_TO = "drive_to"
    DRIVE_TO_POINT = "drive_to_point"
    TWO_STEPS = "two_steps"
    DO_NOT_TURN = "do_not_turn"
    DO_NOT_CHANGE_LANE = "do_not_change_lane"
    DO_NOT_EXCEED = "do_not_exceed"
    DO_NOT_OVERTAKE = "do_not_overtake"
    NOTICE = "notice"
    UNSAFE_REQUEST = "unsafe_request"
    EXCESSIVE_SPEED = "excessive_speed"
    IMPOSSIBLE_REQUEST = "impossible_request"
    UNRELATED_REQUEST = "unrelated_request"


class Refusal(StrEnum):
    """Whether an instruction of a kind should be refused."""

    NEVER = "never"
    DEPENDS_ON_SCENE = "depends_on_scene"
    """Refuse when the scene lacks the junction, exit, lane or object, or when obeying would break the law here."""
    ALWAYS = "always"


@dataclass(frozen=True, kw_only=True, slots=True)
class KindSpec:
    """The slots of a kind and how to take it.

    Attributes:
        meaning: What the driver wants, in one clause.
        required: Slots that must be given.
        optional: Slots that may be given.
        refusal: Whether to refuse.
        highest_ordinal: Largest ordinal, where the kind has one.
        speed_range_kmh: Smallest and largest speed, where the kind has one.
        leads: May be the first of two steps.
        follows: May be the second of two steps.
    """

    meaning: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    refusal: Refusal = Refusal.DEPENDS_ON_SCENE
    highest_ordinal: int = 3
    speed_range_kmh: tuple[int, int] = (5, 130)
    leads: bool = False
    follows: bool = False


_NEVER, _ALWAYS = Refusal.NEVER, Refusal.ALWAYS

KINDS: dict[InstructionKind, KindSpec] = {
    InstructionKind.TURN: KindSpec(
        meaning="leave the n-th junction of this kind in a direction",
        required=("direction", "ordinal", "place"),
        leads=True,
        follows=True,
    ),
    InstructionKind.TURN_IN_DISTANCE: KindSpec(
        meaning="leave the junction that many metres ahead in a direction",
        required=("direction", "distance_m", "place"),
        leads=True,
        follows=True,
    ),
    InstructionKind.TURN_AT_LANDMARK: KindSpec(
        meaning="leave the junction at the landmark in a direction",
        required=("direction", "landmark"),
        optional=("colour",),
        leads=True,
        follows=True,
    ),
    InstructionKind.TURN_AFTER_LANDMARK: KindSpec(
        meaning="leave the n-th junction after the landmark in a direction",
        required=("direction", "ordinal", "landmark"),
        optional=("colour",),
        leads=True,
        follows=True,
    ),
    InstructionKind.TAKE_TURNING: KindSpec(
        meaning="take the n-th road that goes off on a side, passing junctions without one",
        required=("side", "ordinal"),
        leads=True,
        follows=True,
    ),
    InstructionKind.ROUNDABOUT_EXIT: KindSpec(
        meaning="leave the roundabout by its n-th exit",
        required=("ordinal",),
        highest_ordinal=4,
        leads=True,
        follows=True,
    ),
    InstructionKind.ENTER_MOTORWAY: KindSpec(
        meaning="join the motorway by the slip road on a side",
        required=("side",),
        optional=("distance_m",),
        leads=True,
        follows=True,
    ),
    InstructionKind.LEAVE_MOTORWAY: KindSpec(
        meaning="leave the motorway by the exit on a side",
        required=("side",),
        optional=("distance_m",),
        leads=True,
        follows=True,
    ),
    InstructionKind.FOLLOW_ROAD: KindSpec(
        meaning="follow the road, optionally for a distance",
        optional=("distance_m",),
        refusal=_NEVER,
        leads=True,
        follows=True,
    ),
    InstructionKind.CHANGE_LANE: KindSpec(
        meaning="move one lane to a side, optionally within a distance",
        required=("side",),
        optional=("within_m",),
        leads=True,
        follows=True,
    ),
    InstructionKind.CHANGE_LANE_IN_DISTANCE: KindSpec(
        meaning="move one lane to a side after a distance", required=("side", "distance_m"), leads=True, follows=True
    ),
    InstructionKind.KEEP_LANE: KindSpec(meaning="stay in the present lane", follows=True),
    InstructionKind.HOLD_SPEED: KindSpec(meaning="drive at a speed", required=("speed_kmh",), leads=True, follows=True),
    InstructionKind.SLOWER: KindSpec(meaning="drive slower than now", refusal=_NEVER, leads=True, follows=True),
    InstructionKind.FASTER: KindSpec(meaning="drive faster than now", follows=True),
    InstructionKind.DRIVE_AT_LIMIT: KindSpec(meaning="drive at the speed limit", refusal=_NEVER, follows=True),
    InstructionKind.START: KindSpec(meaning="set off from standstill"),
    InstructionKind.STOP_NOW: KindSpec(meaning="stop in the lane at once"),
    InstructionKind.STOP_AT_LINE: KindSpec(meaning="stop with the front at the next stop line", follows=True),
    InstructionKind.STOP_BY: KindSpec(
        meaning="stop behind, next to or at a named thing",
        required=("relation", "landmark"),
        optional=("colour",),
        follows=True,
    ),
    InstructionKind.PULL_OVER: KindSpec(meaning="stop at the edge of the road", follows=True),
    InstructionKind.DRIVE_TO: KindSpec(
        meaning="find the way to a landmark", required=("landmark",), optional=("colour",), follows=True
    ),
    InstructionKind.DRIVE_TO_POINT: KindSpec(
        meaning="go to a point given in metres ahead and to a side",
        required=("distance_m",),
        optional=("side", "lateral_m"),
    ),
    InstructionKind.TWO_STEPS: KindSpec(meaning="do one thing and then another", required=("first", "second")),
    InstructionKind.DO_NOT_TURN: KindSpec(
        meaning="leave the n-th junction of this kind in any direction but this",
        required=("direction", "ordinal", "place"),
    ),
    InstructionKind.DO_NOT_CHANGE_LANE: KindSpec(
        meaning="make no lane change, or none to a side", optional=("side",), refusal=_NEVER
    ),
    InstructionKind.DO_NOT_EXCEED: KindSpec(
        meaning="stay at or below a speed", required=("speed_kmh",), refusal=_NEVER
    ),
    InstructionKind.DO_NOT_OVERTAKE: KindSpec(meaning="stay behind the vehicle ahead", refusal=_NEVER),
    InstructionKind.NOTICE: KindSpec(
        meaning="be told of something ahead; the route does not change",
        required=("hazard",),
        optional=("side",),
        refusal=_NEVER,
    ),
    InstructionKind.UNSAFE_REQUEST: KindSpec(
        meaning="something possible that must not be done", required=("violation",), refusal=_ALWAYS
    ),
    InstructionKind.EXCESSIVE_SPEED: KindSpec(
        meaning="drive faster than any road allows",
        required=("speed_kmh",),
        refusal=_ALWAYS,
        speed_range_kmh=(131, 400),
    ),
    InstructionKind.IMPOSSIBLE_REQUEST: KindSpec(
        meaning="something no car can do", required=("impossibility",), refusal=_ALWAYS
    ),
    InstructionKind.UNRELATED_REQUEST: KindSpec(meaning="something that is not about driving", refusal=_ALWAYS),
}
