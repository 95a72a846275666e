"""Instructions in force: what the expert does for them, and which it refuses."""

from dataclasses import dataclass

from drivevla.language import (
    ChangeLane,
    Goal,
    HoldSpeed,
    InOrder,
    Instruction,
    InstructionKind,
    MatchSpeedLimit,
    RefusalReason,
    Refuse,
    Side,
    SpeedAtMost,
    SpeedTrend,
    StandStill,
    StopPlace,
    Trend,
)
from drivevla.sim.expert.body import FRONT_M, HALF_WIDTH_M
from drivevla.sim.expert.gaps import room_beside
from drivevla.sim.expert.profile import Stop
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.way import Places, Way
from drivevla.types import Command, LaneTruth, LightTruth, SignTruth, Truth

__all__ = ["Wish", "Wishes"]

_REASONS = {
    InstructionKind.UNSAFE_REQUEST: RefusalReason.UNSAFE,
    InstructionKind.EXCESSIVE_SPEED: RefusalReason.UNSAFE,
    InstructionKind.IMPOSSIBLE_REQUEST: RefusalReason.IMPOSSIBLE,
    InstructionKind.UNRELATED_REQUEST: RefusalReason.NOT_UNDERSTOOD,
}
_CHANGES = {Side.LEFT: Command.CHANGE_LANE_LEFT, Side.RIGHT: Command.CHANGE_LANE_RIGHT}
_OVER_LIMIT = 1.05
_SLOWER, _FASTER = 0.7, 1.3
_STOPPING_MPS2 = 2.0
_BEFORE_LINE_M = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an instruction changes about the drive.

    Attributes:
        cruise_mps: Speed to drive at on a free road, instead of the expert's own.
        most_mps: Speed not to exceed.
        stop: Where to stand.
        left_m: Where beside the route to drive.
        refused: Why it is refused.
    """

    cruise_mps: float | None = None
    most_mps: float | None = None
    stop: Stop | None = None
    left_m: float = 0.0
    refused: RefusalReason | None = None


class Wishes:
    """Follows the instruction in force; remembers how fast the car was and where when it came into force."""

    def __init__(self) -> None:
        self._instruction: Instruction | None = None
        self._goal: Goal | None = None
        self._speed_mps = 0.0
        self._begun_m = 0.0
        self._stands_m: float | None = None
        self._left_m = 0.0
        self._by_route = False

    def update(
        self, truth: Truth, way: Way, others: Others, places: Places, lanes: dict[str, LaneTruth], *, speed_mps: float
    ) -> Wish:
        """What the instruction of a truth asks of the drive now; nothing where there is none."""
        if truth.goal != self._goal or truth.instruction != self._instruction:
            self._goal, self._instruction = truth.goal, truth.instruction
            self._speed_mps, self._begun_m, self._stands_m = speed_mps, way.distance_m, None
            self._left_m = 0.0
            first = _first(truth.goal)
            self._by_route = isinstance(first, ChangeLane) and _CHANGES[first.side] in way.commands
        goal = _first(truth.goal)
        limit_mps = truth.speed_limit_mps or float("inf")
        match goal:
            case Refuse():
                kind = truth.instruction.kind if truth.instruction is not None else None
                return Wish(
                    refused=_REASONS.get(kind, RefusalReason.UNAVAILABLE) if kind else RefusalReason.UNAVAILABLE
                )
            case HoldSpeed(speed_mps=wanted):
                if wanted > _OVER_LIMIT * limit_mps:
                    return Wish(refused=RefusalReason.UNSAFE)
                return Wish(cruise_mps=min(wanted, limit_mps))
            case SpeedAtMost(speed_mps=most):
                return Wish(most_mps=most)
            case MatchSpeedLimit():
                return Wish(cruise_mps=limit_mps) if truth.speed_limit_mps else Wish()
            case SpeedTrend(trend=Trend.SLOWER):
                return Wish(most_mps=max(_SLOWER * self._speed_mps, 1.0))
            case SpeedTrend():
                return Wish(cruise_mps=min(max(_FASTER * self._speed_mps, 2.0), limit_mps))
            case StandStill():
                return self._stand(goal, truth, way, lanes, speed_mps)
            case ChangeLane() if not self._by_route:
                return self._change(goal, way, others, places, lanes, speed_mps)
        return Wish()

    def _stand(self, goal: StandStill, truth: Truth, way: Way, lanes: dict[str, LaneTruth], speed_mps: float) -> Wish:
        if goal.place is StopPlace.BY_OBJECT:
            return Wish()  # the truth does not tell where landmarks are
        lines_ahead: tuple[LightTruth | SignTruth, ...] = (*(truth.lights or ()), *(truth.signs or ()))
        lines = [
            each.stop_distance_m - FRONT_M - _BEFORE_LINE_M
            for each in lines_ahead
            if each.affects_ego and each.stop_distance_m is not None and each.stop_distance_m > FRONT_M
        ]
        if goal.place is StopPlace.AT_LINE:
            return Wish(stop=Stop(distance_m=min(lines), key="instruction")) if lines else Wish()
        if self._stands_m is None:
            self._stands_m = way.distance_m + speed_mps**2 / (2.0 * _STOPPING_MPS2) + 1.0
        lane = lanes.get(way.lane_ids[0])
        left_m = 0.0
        if goal.place is StopPlace.AT_ROADSIDE and lane is not None:
            left_m = -max(lane.width_m / 2 - HALF_WIDTH_M, 0.0)
        return Wish(stop=Stop(distance_m=max(self._stands_m - way.distance_m, 0.0), key="instruction"), left_m=left_m)

    def _change(
        self, goal: ChangeLane, way: Way, others: Others, places: Places, lanes: dict[str, LaneTruth], speed_mps: float
    ) -> Wish:
        lane = lanes.get(way.lane_ids[0])
        left = goal.side is Side.LEFT
        beside = None if lane is None else (lane.left_id if left else lane.right_id)
        if lane is None or way.in_junction[0]:
            return Wish(left_m=self._left_m)
        if self._left_m == 0.0:
            if not beside or (left and not lane.left_same_direction):
                return Wish(refused=RefusalReason.UNAVAILABLE)
            if (lane.may_change_left if left else lane.may_change_right) is False:
                return Wish(refused=RefusalReason.UNSAFE)
            width_m = lanes[beside].width_m if beside in lanes else lane.width_m
            target_m = (1.0 if left else -1.0) * (lane.width_m + width_m) / 2
            if way.distance_m - self._begun_m >= goal.earliest_m and room_beside(places, others, target_m, speed_mps):
                self._left_m = target_m
        elif not beside:  # the lane that was changed to ends
            self._left_m = 0.0
        return Wish(left_m=self._left_m)


def _first(goal: Goal | None) -> Goal | None:
    """What is asked for first, where several things are."""
    if not isinstance(goal, InOrder):
        return goal
    return goal.goals[0] if goal.goals else None
