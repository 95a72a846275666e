"""Why the car does it: the causes a commentary can name, their slots, and the actions each can explain."""

from dataclasses import dataclass
from enum import StrEnum

from drivevla.language.meta_actions import Lateral, Longitudinal, MetaAction

__all__ = ["CAUSES", "Actor", "Cause", "CauseSpec", "RefusalReason"]


class Actor(StrEnum):
    """The kind of vehicle that a cause speaks of."""

    VEHICLE = "vehicle"
    """Any, where the kind does not matter or is not known."""
    CAR = "car"
    VAN = "van"
    TRUCK = "truck"
    BUS = "bus"
    MOTORCYCLE = "motorcycle"


class RefusalReason(StrEnum):
    """Why an instruction was refused."""

    UNSAFE = "unsafe"
    """Carrying it out would endanger somebody or break the law."""
    UNAVAILABLE = "unavailable"
    """The junction, exit, lane or object is not there."""
    IMPOSSIBLE = "impossible"
    """No car could do it."""
    NOT_UNDERSTOOD = "not_understood"
    """It is not an instruction about driving."""


class Cause(StrEnum):
    """The one thing that explains the present action best."""

    RED_LIGHT = "red_light"
    YELLOW_LIGHT = "yellow_light"
    GREEN_LIGHT = "green_light"
    STOP_SIGN = "stop_sign"
    YIELD_SIGN = "yield_sign"
    LEADING_VEHICLE = "leading_vehicle"
    BRAKING_VEHICLE = "braking_vehicle"
    STOPPED_TRAFFIC = "stopped_traffic"
    BLOCKED_JUNCTION = "blocked_junction"
    PEDESTRIAN = "pedestrian"
    CYCLIST_CROSSING = "cyclist_crossing"
    CYCLIST_AHEAD = "cyclist_ahead"
    CUT_IN = "cut_in"
    PARKED_OBSTACLE = "parked_obstacle"
    OPEN_DOOR = "open_door"
    ACCIDENT = "accident"
    CONSTRUCTION = "construction"
    EMERGENCY_VEHICLE = "emergency_vehicle"
    ONCOMING_TRAFFIC = "oncoming_traffic"
    ONCOMING_IN_LANE = "oncoming_in_lane"
    CROSSING_TRAFFIC = "crossing_traffic"
    RED_LIGHT_RUNNER = "red_light_runner"
    MERGING_TRAFFIC = "merging_traffic"
    FREE_GAP = "free_gap"
    SPEED_LIMIT = "speed_limit"
    CURVE = "curve"
    JUNCTION = "junction"
    ROUNDABOUT = "roundabout"
    SLIPPERY_ROAD = "slippery_road"
    POOR_VISIBILITY = "poor_visibility"
    ROUTE = "route"
    RETURN_TO_LANE = "return_to_lane"
    LEAVE_PARKING = "leave_parking"
    INSTRUCTION = "instruction"
    REFUSED_INSTRUCTION = "refused_instruction"
    ROUTE_END = "route_end"
    CLEAR_ROAD = "clear_road"


@dataclass(frozen=True, kw_only=True, slots=True)
class CauseSpec:
    """The slots of a cause, and the actions it can sensibly explain.

    Attributes:
        meaning: When to give this cause.
        required: Slots that must be given.
        optional: Slots that may be given.
        longitudinal: What it can explain; for sampling and for checks of a commentary, not enforced, because a
            network may say otherwise.
        lateral: Likewise.
        drives_on: Whether it can explain going on in the lane at the same speed.
    """

    meaning: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    longitudinal: tuple[Longitudinal, ...]
    lateral: tuple[Lateral, ...] = (Lateral.KEEP_LANE,)
    drives_on: bool = True

    @property
    def actions(self) -> "tuple[MetaAction, ...]":
        """The meta-actions that this cause can sensibly explain."""
        actions = [MetaAction(pace, way) for pace in self.longitudinal for way in self.lateral]
        idle = MetaAction(Longitudinal.KEEP_SPEED, Lateral.KEEP_LANE)
        return tuple(
            action
            for action in actions
            if (self.drives_on or action != idle)
            and not (action.longitudinal is Longitudinal.WAIT and action.lateral in _NUDGES)
        )


_KEEP, _GO, _SLOW, _HARD = (
    Longitudinal.KEEP_SPEED,
    Longitudinal.ACCELERATE,
    Longitudinal.SLOW_DOWN,
    Longitudinal.BRAKE_HARD,
)
_STOP, _WAIT, _START = Longitudinal.STOP, Longitudinal.WAIT, Longitudinal.START
_YIELDING = (_SLOW, _STOP, _WAIT)
_BRAKING = (_SLOW, _HARD, _STOP, _WAIT)
_LANE = (Lateral.KEEP_LANE,)
_TURNS = (Lateral.TURN_LEFT, Lateral.TURN_RIGHT)
_CHANGES = (Lateral.CHANGE_LANE_LEFT, Lateral.CHANGE_LANE_RIGHT)
_NUDGES = (Lateral.NUDGE_LEFT, Lateral.NUDGE_RIGHT)

# The sides are those of right-hand traffic, as on CARLA's maps.
CAUSES: dict[Cause, CauseSpec] = {
    Cause.RED_LIGHT: CauseSpec(meaning="the light for us is red", longitudinal=_YIELDING, lateral=_LANE),
    Cause.YELLOW_LIGHT: CauseSpec(meaning="the light for us is yellow", longitudinal=(_SLOW, _STOP)),
    Cause.GREEN_LIGHT: CauseSpec(
        meaning="the light for us is or has turned green", longitudinal=(_START, _GO, _KEEP), lateral=_LANE + _TURNS
    ),
    Cause.STOP_SIGN: CauseSpec(meaning="a stop sign applies", longitudinal=_YIELDING),
    Cause.YIELD_SIGN: CauseSpec(meaning="a yield (give-way) sign applies", longitudinal=_YIELDING),
    Cause.LEADING_VEHICLE: CauseSpec(
        meaning="a slower vehicle ahead in our lane sets the speed",
        required=("actor",),
        optional=("colour",),
        longitudinal=(_SLOW, _KEEP),
    ),
    Cause.BRAKING_VEHICLE: CauseSpec(
        meaning="the vehicle ahead brakes hard",
        required=("actor",),
        optional=("colour",),
        longitudinal=(_SLOW, _HARD, _STOP),
    ),
    Cause.STOPPED_TRAFFIC: CauseSpec(meaning="a queue stands ahead", longitudinal=_BRAKING),
    Cause.BLOCKED_JUNCTION: CauseSpec(
        meaning="there is no room beyond the junction", longitudinal=_YIELDING, lateral=_LANE + _TURNS
    ),
    Cause.PEDESTRIAN: CauseSpec(
        meaning="somebody on foot crosses or is about to", optional=("side",), longitudinal=_BRAKING
    ),
    Cause.CYCLIST_CROSSING: CauseSpec(meaning="a cyclist crosses our way", optional=("side",), longitudinal=_BRAKING),
    Cause.CYCLIST_AHEAD: CauseSpec(
        meaning="a cyclist rides ahead of us or beside our lane",
        longitudinal=(_SLOW, _KEEP),
        lateral=_LANE + _NUDGES + _CHANGES,
    ),
    Cause.CUT_IN: CauseSpec(
        meaning="a vehicle moves into our lane from a side",
        required=("actor", "side"),
        optional=("colour",),
        longitudinal=(_SLOW, _HARD, _STOP),
    ),
    Cause.PARKED_OBSTACLE: CauseSpec(
        meaning="a parked or broken-down vehicle stands in our lane",
        required=("actor",),
        optional=("colour",),
        longitudinal=(_SLOW, _STOP, _WAIT, _KEEP),
        lateral=_LANE + _NUDGES + _CHANGES,
        drives_on=False,
    ),
    Cause.OPEN_DOOR: CauseSpec(
        meaning="a door of a parked car opens into our lane",
        optional=("side",),
        longitudinal=(_SLOW, _HARD, _KEEP),
        lateral=_LANE + _NUDGES,
        drives_on=False,
    ),
    Cause.ACCIDENT: CauseSpec(
        meaning="an accident blocks our lane",
        longitudinal=(_SLOW, _STOP, _WAIT, _KEEP),
        lateral=_LANE + _CHANGES,
        drives_on=False,
    ),
    Cause.CONSTRUCTION: CauseSpec(
        meaning="roadworks block our lane",
        longitudinal=(_SLOW, _STOP, _WAIT, _KEEP),
        lateral=_LANE + _CHANGES,
        drives_on=False,
    ),
    Cause.EMERGENCY_VEHICLE: CauseSpec(
        meaning="an emergency vehicle needs room", longitudinal=_YIELDING, lateral=_LANE + _CHANGES + _NUDGES
    ),
    Cause.ONCOMING_TRAFFIC: CauseSpec(
        meaning="oncoming traffic has priority: at a turn across it, or on the lane we need",
        longitudinal=_YIELDING,
        lateral=_LANE + _TURNS[:1],
    ),
    Cause.ONCOMING_IN_LANE: CauseSpec(
        meaning="an oncoming vehicle is partly in our lane",
        required=("actor",),
        optional=("colour",),
        longitudinal=_BRAKING,
        lateral=_LANE + _NUDGES[1:],
    ),
    Cause.CROSSING_TRAFFIC: CauseSpec(
        meaning="traffic on the crossing road has priority or takes it",
        optional=("side",),
        longitudinal=_BRAKING,
        lateral=_LANE + _TURNS,
    ),
    Cause.RED_LIGHT_RUNNER: CauseSpec(
        meaning="a vehicle comes through its red light",
        required=("actor",),
        optional=("side", "colour"),
        longitudinal=_BRAKING,
    ),
    Cause.MERGING_TRAFFIC: CauseSpec(
        meaning="traffic joins from a side, or we join it",
        required=("side",),
        longitudinal=(_SLOW, _GO, _KEEP),
        lateral=_LANE + _CHANGES,
    ),
    Cause.FREE_GAP: CauseSpec(
        meaning="the gap in traffic that we waited for is there",
        longitudinal=(_START, _GO, _KEEP),
        lateral=_LANE + _TURNS + _CHANGES,
    ),
    Cause.SPEED_LIMIT: CauseSpec(meaning="the speed limit", required=("speed_kmh",), longitudinal=(_SLOW, _KEEP, _GO)),
    Cause.CURVE: CauseSpec(meaning="the road bends to a side", required=("side",), longitudinal=(_SLOW, _KEEP)),
    Cause.JUNCTION: CauseSpec(meaning="a junction ahead asks for care", longitudinal=(_SLOW,), lateral=_LANE + _TURNS),
    Cause.ROUNDABOUT: CauseSpec(meaning="a roundabout ahead asks for care", longitudinal=(_SLOW,)),
    Cause.SLIPPERY_ROAD: CauseSpec(meaning="the road surface has little grip", longitudinal=(_SLOW, _KEEP)),
    Cause.POOR_VISIBILITY: CauseSpec(
        meaning="fog, rain, darkness or an occluder hides the road", longitudinal=(_SLOW, _KEEP)
    ),
    Cause.ROUTE: CauseSpec(
        meaning="the route goes this way", longitudinal=(_KEEP, _SLOW, _START), lateral=_TURNS + _CHANGES
    ),
    Cause.RETURN_TO_LANE: CauseSpec(meaning="the obstacle is passed", longitudinal=(_KEEP, _GO), lateral=_CHANGES),
    Cause.LEAVE_PARKING: CauseSpec(meaning="we leave a parking space", longitudinal=(_START,), lateral=_CHANGES[:1]),
    Cause.INSTRUCTION: CauseSpec(
        meaning="the driver asked for it",
        longitudinal=(_KEEP, _GO, _SLOW, _STOP, _START),
        lateral=_LANE + _TURNS + _CHANGES,
    ),
    Cause.REFUSED_INSTRUCTION: CauseSpec(
        meaning="the driver asked for something else, and it was refused",
        required=("reason",),
        longitudinal=(_KEEP, _WAIT),
    ),
    Cause.ROUTE_END: CauseSpec(meaning="the destination is reached", longitudinal=(_SLOW, _STOP, _WAIT)),
    Cause.CLEAR_ROAD: CauseSpec(meaning="nothing is in the way", longitudinal=(_KEEP, _GO, _START)),
}
