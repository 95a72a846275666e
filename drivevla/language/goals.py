"""What must become true for an instruction to count as obeyed, as plain data that a navigator can check.

A goal names things of the map and of the drive (junctions, lanes, speeds, objects), never of the simulator. It is
judged from the moment the instruction is issued until it is withdrawn. Ordinals and distances count from where the
car was when the instruction was issued, in ``InOrder`` from where the goal before was reached. Tolerances are fields
with defaults, so that a suite can state others.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from drivevla.language.instruction import Instruction
from drivevla.language.kinds import InstructionKind
from drivevla.language.vocabulary import Colour, Direction, Hazard, Landmark, Place, Relation, Side

__all__ = [
    "AvoidExit",
    "ChangeLane",
    "FollowRoad",
    "Goal",
    "HeedNotice",
    "HoldSpeed",
    "InOrder",
    "JunctionRef",
    "KeepLane",
    "MatchSpeedLimit",
    "Named",
    "Ramp",
    "ReachObject",
    "ReachPoint",
    "Refuse",
    "SetOff",
    "SpeedAtMost",
    "SpeedTrend",
    "StandStill",
    "StayBehind",
    "StopPlace",
    "TakeExit",
    "TakeRamp",
    "TakeRoundaboutExit",
    "TakeTurning",
    "Trend",
    "goal_of",
]

_MPS_PER_KMH = 1 / 3.6


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A thing that the instruction speaks of.

    Attributes:
        landmark: What it is.
        colour: Its colour, for buildings and parked cars.
    """

    landmark: Landmark
    colour: Colour | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class JunctionRef:
    """Which junction is meant.

    Attributes:
        ordinal: The n-th one on the way, from 1.
        place: Only places of this kind count.
        distance_m: It lies this far ahead, where the instruction said so; then the nearest to that distance is meant,
            within ``distance_tolerance`` of it.
        after: Counting starts once this thing has been passed.
        at: The junction nearest to this thing.
        distance_tolerance: Share of the distance by which a spoken one may be off.
    """

    ordinal: int = 1
    place: Place = Place.JUNCTION
    distance_m: int | None = None
    after: Named | None = None
    at: Named | None = None
    distance_tolerance: float = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeExit:
    """The junction is left in this direction, its earlier ones having been passed by any exit that leads there."""

    junction: JunctionRef
    exit: Direction


@dataclass(frozen=True, kw_only=True, slots=True)
class AvoidExit:
    """The junction is left in another direction than this."""

    junction: JunctionRef
    exit: Direction


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeTurning:
    """The n-th road that goes off on a side is taken; junctions without one are passed straight on."""

    side: Side
    ordinal: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeRoundaboutExit:
    """The roundabout is left by its n-th exit, counted from the entry."""

    ordinal: int


class Ramp(StrEnum):
    """Which way a motorway's ramp leads."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeRamp:
    """The motorway is joined or left by the ramp on a side; within the tolerance of a distance, where one was said."""

    ramp: Ramp
    side: Side
    distance_m: int | None = None
    distance_tolerance: float = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowRoad:
    """Every junction is passed straight on, or by its only exit, for a distance where one was said."""

    distance_m: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeLane:
    """The lane changes by one to a side; the car's centre crosses the lane's border between the two distances.

    For a change "in N metres" the window is a quarter of the distance either way and 30 m for the change itself.

    Attributes:
        side: Left means the neighbour on the driver's left.
        earliest_m: Distance driven before which it would be too early.
        latest_m: Distance driven after which it is too late; None where nothing was said.
    """

    side: Side
    earliest_m: float = 0.0
    latest_m: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepLane:
    """No lane change; where a side is given, none to that side. Going around an obstacle and back is no breach."""

    side: Side | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldSpeed:
    """The speed lies within a share of the target whenever nothing (light, traffic, curve, limit) forbids it.

    The share, 20 %, is the one SimLingo's Action Dreaming evaluation uses for a target speed (metrics notes 3.4;
    RenzKa/simlingo).
    """

    speed_mps: float
    tolerance: float = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeedAtMost:
    """The speed never exceeds a bound by more than the tolerance."""

    speed_mps: float
    tolerance_mps: float = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchSpeedLimit:
    """As ``HoldSpeed``, with the limit in force as the target, and never above it."""

    tolerance: float = 0.2


class Trend(StrEnum):
    """A change of speed."""

    SLOWER = "slower"
    FASTER = "faster"


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeedTrend:
    """The speed's linear trend, in m/s per second, is beyond a share of the speed at the start, the way that was asked.

    The share, 5 % per second, is SimLingo's for "slower" and "faster" (Action Dreaming).
    """

    trend: Trend
    share_per_s: float = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class SetOff:
    """The car moves off: faster than ``speed_mps``, as soon as nothing forbids it."""

    speed_mps: float = 1.0


class StopPlace(StrEnum):
    """Where the car must stand."""

    IN_LANE = "in_lane"
    """Where it is, as soon as comfort allows."""
    AT_LINE = "at_line"
    """Front bumper before the stop line, by at most the tolerance."""
    AT_ROADSIDE = "at_roadside"
    """At the edge of the carriageway, in the outermost lane or beside it."""
    BY_OBJECT = "by_object"
    """Behind, next to or at a named thing, by at most the tolerance along the lane."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StandStill:
    """The car stands.

    Attributes:
        place: Where.
        relation: Behind, next to or at, for ``BY_OBJECT``: behind measures front bumper to the thing's rear, the
            others centre to centre.
        thing: The thing, for ``BY_OBJECT``.
        tolerance_m: How far off still counts.
        speed_mps: At or below this the car stands (0.1 m/s: SimLingo's "stop").
    """

    place: StopPlace
    relation: Relation | None = None
    thing: Named | None = None
    tolerance_m: float = 5.0
    speed_mps: float = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class ReachObject:
    """The car comes within a radius of a thing."""

    thing: Named
    radius_m: float = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReachPoint:
    """The car comes within a radius of a point, given in the ego frame at issue (x forward, y left, metres)."""

    x_m: float
    y_m: float
    radius_m: float = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StayBehind:
    """The vehicle that is ahead when the instruction is issued is not overtaken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeedNotice:
    """The route does not change; what the notice warns of, if it is there, is met without collision or infraction."""

    hazard: Hazard
    side: Side | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refuse:
    """The plan's refusal flag is set and the car drives on as if nothing had been said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InOrder:
    """The goals are reached one after the other."""

    goals: "tuple[Goal, ...]" = field(default=())


Goal = (
    TakeExit
    | AvoidExit
    | TakeTurning
    | TakeRoundaboutExit
    | TakeRamp
    | FollowRoad
    | ChangeLane
    | KeepLane
    | HoldSpeed
    | SpeedAtMost
    | MatchSpeedLimit
    | SpeedTrend
    | SetOff
    | StandStill
    | ReachObject
    | ReachPoint
    | StayBehind
    | HeedNotice
    | Refuse
    | InOrder
)


def goal_of(instruction: Instruction) -> Goal:
    """What must become true for this instruction to count as obeyed.

    For a kind whose refusal depends on the scene, the navigator replaces the goal by ``Refuse`` where the scene lacks
    what was named.
    """
    kind = instruction.kind
    if kind in _REFUSED:
        return Refuse()
    for part in (_route_goal, _lane_goal, _speed_goal, _stop_goal):
        if (goal := part(instruction)) is not None:
            return goal
    if kind is InstructionKind.NOTICE:
        return HeedNotice(hazard=_given(instruction.hazard), side=instruction.side)
    return InOrder(goals=(goal_of(_given(instruction.first)), goal_of(_given(instruction.second))))


_REFUSED = frozenset(
    {
        InstructionKind.UNSAFE_REQUEST,
        InstructionKind.EXCESSIVE_SPEED,
        InstructionKind.IMPOSSIBLE_REQUEST,
        InstructionKind.UNRELATED_REQUEST,
    }
)

Value = TypeVar("Value")


def _given(slot: Value | None) -> Value:
    assert slot is not None  # Instruction has checked that its kind's slots are there
    return slot


def _named(instruction: Instruction) -> Named:
    return Named(landmark=_given(instruction.landmark), colour=instruction.colour)


def _junction(instruction: Instruction) -> JunctionRef:
    match instruction.kind:
        case InstructionKind.TURN_AT_LANDMARK:
            return JunctionRef(at=_named(instruction))
        case InstructionKind.TURN_AFTER_LANDMARK:
            return JunctionRef(ordinal=_given(instruction.ordinal), after=_named(instruction))
        case InstructionKind.TURN_IN_DISTANCE:
            return JunctionRef(place=_given(instruction.place), distance_m=instruction.distance_m)
    return JunctionRef(ordinal=_given(instruction.ordinal), place=_given(instruction.place))


def _route_goal(instruction: Instruction) -> Goal | None:
    match instruction.kind:
        case (
            InstructionKind.TURN
            | InstructionKind.TURN_IN_DISTANCE
            | InstructionKind.TURN_AT_LANDMARK
            | InstructionKind.TURN_AFTER_LANDMARK
        ):
            return TakeExit(junction=_junction(instruction), exit=_given(instruction.direction))
        case InstructionKind.DO_NOT_TURN:
            return AvoidExit(junction=_junction(instruction), exit=_given(instruction.direction))
        case InstructionKind.TAKE_TURNING:
            return TakeTurning(side=_given(instruction.side), ordinal=_given(instruction.ordinal))
        case InstructionKind.ROUNDABOUT_EXIT:
            return TakeRoundaboutExit(ordinal=_given(instruction.ordinal))
        case InstructionKind.ENTER_MOTORWAY:
            return TakeRamp(ramp=Ramp.ENTRY, side=_given(instruction.side), distance_m=instruction.distance_m)
        case InstructionKind.LEAVE_MOTORWAY:
            return TakeRamp(ramp=Ramp.EXIT, side=_given(instruction.side), distance_m=instruction.distance_m)
        case InstructionKind.FOLLOW_ROAD:
            return FollowRoad(distance_m=instruction.distance_m)
        case InstructionKind.DRIVE_TO:
            return ReachObject(thing=_named(instruction))
        case InstructionKind.DRIVE_TO_POINT:
            sign = -1 if instruction.side is Side.RIGHT else 1
            return ReachPoint(x_m=float(_given(instruction.distance_m)), y_m=float(sign * (instruction.lateral_m or 0)))
    return None


def _lane_goal(instruction: Instruction) -> Goal | None:
    match instruction.kind:
        case InstructionKind.CHANGE_LANE:
            return ChangeLane(side=_given(instruction.side), latest_m=instruction.within_m)
        case InstructionKind.CHANGE_LANE_IN_DISTANCE:
            distance_m = _given(instruction.distance_m)
            return ChangeLane(
                side=_given(instruction.side), earliest_m=0.75 * distance_m, latest_m=1.25 * distance_m + 30.0
            )
        case InstructionKind.KEEP_LANE:
            return KeepLane()
        case InstructionKind.DO_NOT_CHANGE_LANE:
            return KeepLane(side=instruction.side)
        case InstructionKind.DO_NOT_OVERTAKE:
            return StayBehind()
    return None


def _speed_goal(instruction: Instruction) -> Goal | None:
    match instruction.kind:
        case InstructionKind.HOLD_SPEED:
            return HoldSpeed(speed_mps=_given(instruction.speed_kmh) * _MPS_PER_KMH)
        case InstructionKind.DO_NOT_EXCEED:
            return SpeedAtMost(speed_mps=_given(instruction.speed_kmh) * _MPS_PER_KMH)
        case InstructionKind.SLOWER:
            return SpeedTrend(trend=Trend.SLOWER)
        case InstructionKind.FASTER:
            return SpeedTrend(trend=Trend.FASTER)
        case InstructionKind.DRIVE_AT_LIMIT:
            return MatchSpeedLimit()
        case InstructionKind.START:
            return SetOff()
    return None


def _stop_goal(instruction: Instruction) -> Goal | None:
    match instruction.kind:
        case InstructionKind.STOP_NOW:
            return StandStill(place=StopPlace.IN_LANE)
        case InstructionKind.STOP_AT_LINE:
            return StandStill(place=StopPlace.AT_LINE)
        case InstructionKind.PULL_OVER:
            return StandStill(place=StopPlace.AT_ROADSIDE)
        case InstructionKind.STOP_BY:
            tolerance_m = 15.0 if instruction.relation is Relation.AT else 5.0
            return StandStill(
                place=StopPlace.BY_OBJECT,
                relation=instruction.relation,
                thing=_named(instruction),
                tolerance_m=tolerance_m,
            )
    return None
