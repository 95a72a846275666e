"""Whether a goal was reached, judged from the record alone: poses, speeds and flags, read on the map."""

import math
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from drivevla.errors import ConfigError, ContractError
from drivevla.language import (
    AvoidExit,
    ChangeLane,
    Direction,
    FollowRoad,
    Goal,
    HeedNotice,
    HoldSpeed,
    InOrder,
    JunctionRef,
    KeepLane,
    MatchSpeedLimit,
    ReachObject,
    ReachPoint,
    Refuse,
    SetOff,
    SpeedAtMost,
    SpeedTrend,
    StandStill,
    StayBehind,
    StopPlace,
    TakeExit,
    TakeRoundaboutExit,
    TakeTurning,
    Trend,
)
from drivevla.sim.maps import Landmark
from drivevla.sim.navigator.beside import name_of
from drivevla.sim.navigator.passages import Sort
from drivevla.sim.navigator.stops import EgoShape, is_in_place, line_ahead_m
from drivevla.sim.navigator.track import LaneCrossed, Passed, Sample, Track

if TYPE_CHECKING:
    import carla

__all__ = ["GoalMonitor", "Verdict"]

_SETTLE_S = 3.0
"""A speed is judged once the car has had so long to come to it."""
_LEADER_WITHIN_M = 50.0
_LEADER_ASIDE_M = 2.0
_OVERTAKEN_ASIDE_M = 8.0
"""A vehicle that has come to lie behind the car within so many metres aside was overtaken, and did not turn off."""


class Verdict(Enum):
    """What became of a goal."""

    PENDING = "pending"
    REACHED = "reached"
    FAILED = "failed"


Did = Passed | LaneCrossed | None


class GoalMonitor:
    """Judges one goal from the moment its instruction is issued until it is withdrawn.

    Feed every step to ``update``; call ``finish`` when the instruction is withdrawn. A verdict is final.
    """

    def __init__(
        self,
        goal: Goal,
        carla_map: "carla.Map",
        landmarks: Sequence[Landmark] = (),
        *,
        junctions: Sequence[int | None] = (),
        shape: EgoShape | None = None,
    ) -> None:
        """Begin to judge.

        Args:
            goal: What must become true.
            carla_map: Where the car drives.
            landmarks: Of that map, for goals that name one.
            junctions: The map's ids of the junctions that are meant, one for each step, as ``Guidance`` gives them.
                Without them the first junctions that are met count.
            shape: Of the car, for goals of where to stand; the usual ego's where None.

        Raises:
            ConfigError: The goal cannot be judged from a record: a motorway's ramps, and a landmark's junction that is
                not given.
        """
        self.goal = goal
        self.verdict = Verdict.PENDING
        self._map, self._landmarks, self._junctions = carla_map, landmarks, tuple(junctions)
        self._junction = junctions[0] if junctions else None
        self._track = Track(carla_map)
        self._passed: list[Passed] = []
        self._samples: list[Sample] = []
        self._shape = shape or EgoShape()
        self._leader: int | None = None
        self._step = 0
        self._inner: GoalMonitor | None = None
        _check(goal, self._junctions)
        if isinstance(goal, InOrder):
            self._inner = GoalMonitor(goal.goals[0], carla_map, landmarks, junctions=self._junctions[:1], shape=shape)

    @property
    def goal_now(self) -> Goal:
        """What must become true next: of goals in order, the first that is not reached yet."""
        return self.goal if self._inner is None else self._inner.goal_now

    def update(self, sample: Sample) -> Verdict:
        """Judge with one step more.

        Raises:
            ContractError: The goal is about other vehicles, and the sample does not know them.
        """
        if self.verdict is not Verdict.PENDING:
            return self.verdict
        self._samples.append(sample)
        did = self._track.update(sample)
        if isinstance(did, Passed):
            self._passed.append(did)
        self.verdict = self._judge(did, sample)
        return self.verdict

    def finish(self) -> Verdict:
        """The last word: what was to be kept and never broken is reached, what is still to come has failed."""
        if self.verdict is Verdict.PENDING:
            self.verdict = self._at_end()
        return self.verdict

    def _judge(self, did: Did, sample: Sample) -> Verdict:
        match self.goal:
            case TakeExit(junction=ref, exit=exit):
                return self._at_junction(did, ref, exit, wanted=True)
            case AvoidExit(junction=ref, exit=exit):
                return self._at_junction(did, ref, exit, wanted=False)
            case TakeTurning():
                return self._turning(did, self.goal)
            case TakeRoundaboutExit(ordinal=ordinal):
                if isinstance(did, Passed) and did.passage.sort is Sort.ROUNDABOUT:
                    return _verdict(did.passage.roundabout_exit == ordinal)
            case FollowRoad():
                return self._follow(did, self.goal)
            case ChangeLane():
                return self._change(did, self.goal)
            case KeepLane(side=side):
                if isinstance(did, LaneCrossed) and side in {None, did.side}:
                    return Verdict.FAILED
            case ReachObject() | ReachPoint():
                return Verdict.REACHED if self._is_near(sample) else Verdict.PENDING
            case Refuse():
                return Verdict.REACHED if sample.refused else Verdict.PENDING
            case HeedNotice():
                return Verdict.FAILED if sample.infraction else Verdict.PENDING
            case InOrder():
                return self._in_order(sample)
            case StandStill():
                return self._stands(did, self.goal, sample)
            case StayBehind():
                return self._stays_behind(sample)
            case _:
                return self._speed(sample)
        return Verdict.PENDING

    def _stands(self, did: Did, goal: StandStill, sample: Sample) -> Verdict:
        if goal.place is StopPlace.AT_LINE and isinstance(did, Passed):
            return Verdict.FAILED
        if abs(sample.speed_mps) > goal.speed_mps:
            return Verdict.PENDING
        line_m = None if self._track.point is None else line_ahead_m(self._track.graph, self._track.point)
        stands = is_in_place(
            goal, sample.pose, shape=self._shape, carla_map=self._map, line_m=line_m, landmarks=self._landmarks
        )
        return Verdict.REACHED if stands else Verdict.PENDING

    def _stays_behind(self, sample: Sample) -> Verdict:
        if sample.vehicles is None:
            raise ContractError("whether a vehicle was overtaken needs the other vehicles: give Sample.vehicles")
        seen = {number: _seen_from(sample.pose, place) for number, place in sample.vehicles.items()}
        if len(self._samples) == 1:
            ahead = {
                number: x_m
                for number, (x_m, y_m) in seen.items()
                if 0.0 < x_m <= _LEADER_WITHIN_M and abs(y_m) <= _LEADER_ASIDE_M
            }
            self._leader = min(ahead, key=lambda number: ahead[number], default=None)
        if self._leader not in seen:
            return Verdict.PENDING
        x_m, y_m = seen[self._leader]
        return Verdict.FAILED if x_m < -self._shape.rear_m and abs(y_m) <= _OVERTAKEN_ASIDE_M else Verdict.PENDING

    def _at_junction(self, did: Did, ref: JunctionRef, exit: Direction, *, wanted: bool) -> Verdict:
        if not isinstance(did, Passed) or did.passage.sort is not Sort.PLAIN:
            return Verdict.PENDING
        counted = [each for each in self._passed if ref.place in each.passage.places]
        if self._junction is not None:
            is_meant = did.passage.junction == self._junction
        elif ref.distance_m is not None:
            is_meant = abs(did.entered_m - ref.distance_m) <= ref.distance_tolerance * ref.distance_m
        else:
            is_meant = len(counted) == ref.ordinal and counted[-1] is did
        if is_meant:
            return _verdict((did.passage.taken.direction is exit) is wanted)
        by_landmark = ref.after is not None or ref.at is not None
        run_past = not by_landmark and ref.distance_m is None and len(counted) >= ref.ordinal
        return Verdict.FAILED if run_past and wanted else Verdict.PENDING

    def _turning(self, did: Did, goal: TakeTurning) -> Verdict:
        if not isinstance(did, Passed) or did.passage.sort is not Sort.PLAIN:
            return Verdict.PENDING
        side = Direction(goal.side.value)
        met = sum(exit.direction is side for each in self._passed for exit in each.passage.exits)
        taken = did.passage.taken.direction
        if taken is side:
            return _verdict(met == goal.ordinal)
        return Verdict.FAILED if met >= goal.ordinal or taken is not Direction.STRAIGHT else Verdict.PENDING

    def _follow(self, did: Did, goal: FollowRoad) -> Verdict:
        if isinstance(did, Passed):
            straight = did.passage.taken.direction is Direction.STRAIGHT
            if not straight and len(did.passage.exits) > 1:
                return Verdict.FAILED
        done = goal.distance_m is not None and self._track.driven_m >= goal.distance_m
        return Verdict.REACHED if done else Verdict.PENDING

    def _change(self, did: Did, goal: ChangeLane) -> Verdict:
        late = goal.latest_m is not None and self._track.driven_m > goal.latest_m
        if isinstance(did, LaneCrossed):
            early = did.driven_m < goal.earliest_m
            return _verdict(did.side is goal.side and not early and not late)
        return Verdict.FAILED if late else Verdict.PENDING

    def _is_near(self, sample: Sample) -> bool:
        x_m, y_m, _ = sample.pose
        if isinstance(self.goal, ReachPoint):
            start_x, start_y, yaw = self._samples[0].pose
            goal_x = start_x + self.goal.x_m * math.cos(yaw) - self.goal.y_m * math.sin(yaw)
            goal_y = start_y + self.goal.x_m * math.sin(yaw) + self.goal.y_m * math.cos(yaw)
            return math.dist((x_m, y_m), (goal_x, goal_y)) <= self.goal.radius_m
        assert isinstance(self.goal, ReachObject)
        name = (self.goal.thing.landmark, self.goal.thing.colour)
        places = [mark.location_m for mark in self._landmarks if name_of(mark) == name]
        return any(math.dist((x_m, -y_m), place[:2]) <= self.goal.radius_m for place in places)

    def _in_order(self, sample: Sample) -> Verdict:
        assert isinstance(self.goal, InOrder)
        assert self._inner is not None
        verdict = self._inner.update(sample)
        if verdict is not Verdict.REACHED:
            return verdict
        self._step += 1
        if self._step == len(self.goal.goals):
            return Verdict.REACHED
        self._inner = GoalMonitor(
            self.goal.goals[self._step],
            self._map,
            self._landmarks,
            junctions=self._junctions[self._step : self._step + 1],
            shape=self._shape,
        )
        return self._inner.update(sample)

    def _speed(self, sample: Sample) -> Verdict:
        speed = sample.speed_mps
        settled = sample.time_s - self._samples[0].time_s >= _SETTLE_S and not sample.hindered
        match self.goal:
            case SpeedAtMost(speed_mps=bound, tolerance_mps=tolerance):
                return Verdict.FAILED if settled and speed > bound + tolerance else Verdict.PENDING
            case HoldSpeed(speed_mps=target, tolerance=share):
                return Verdict.FAILED if settled and abs(speed - target) > share * target else Verdict.PENDING
            case MatchSpeedLimit(tolerance=share):
                limit = sample.speed_limit_mps
                off = limit is not None and not (1.0 - share) * limit <= speed <= limit
                return Verdict.FAILED if settled and off else Verdict.PENDING
            case SetOff(speed_mps=least):
                return Verdict.REACHED if speed > least else Verdict.PENDING
        return Verdict.PENDING

    def _at_end(self) -> Verdict:
        match self.goal:
            case KeepLane() | HeedNotice() | SpeedAtMost() | AvoidExit() | StayBehind():
                return _verdict(bool(self._samples))
            case FollowRoad(distance_m=distance):
                # a spoken distance is rounded by up to a tenth
                return _verdict(bool(self._samples) and self._track.driven_m >= 0.9 * (distance or 0))
            case HoldSpeed() | MatchSpeedLimit():
                return _verdict(bool(self._samples) and self._has_settled())
            case SpeedTrend(trend=trend, share_per_s=share):
                return _verdict(self._has_trend(trend, share))
            case InOrder(goals=goals):
                assert self._inner is not None
                last = self._step == len(goals) - 1
                return _verdict(last and self._inner.finish() is Verdict.REACHED)
        return Verdict.FAILED

    def _has_settled(self) -> bool:
        return self._samples[-1].time_s - self._samples[0].time_s >= _SETTLE_S

    def _has_trend(self, trend: Trend, share_per_s: float) -> bool:
        if len(self._samples) < 2:
            return False
        times = np.array([sample.time_s for sample in self._samples])
        speeds = np.array([sample.speed_mps for sample in self._samples])
        slope = float(np.polyfit(times - times[0], speeds, 1)[0])
        bound = share_per_s * float(speeds[0])
        return slope < -bound if trend is Trend.SLOWER else slope > bound


def _seen_from(pose: tuple[float, float, float], place: tuple[float, float]) -> tuple[float, float]:
    """A place in the frame of a pose."""
    x_m, y_m, yaw_rad = pose
    east_m, north_m = place[0] - x_m, place[1] - y_m
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    return east_m * cos + north_m * sin, north_m * cos - east_m * sin


def _verdict(good: bool) -> Verdict:
    return Verdict.REACHED if good else Verdict.FAILED


_JUDGED = (
    TakeExit, AvoidExit, TakeTurning, TakeRoundaboutExit, FollowRoad, ChangeLane, KeepLane, HoldSpeed, SpeedAtMost,
    MatchSpeedLimit, SpeedTrend, SetOff, StandStill, StayBehind, ReachObject, ReachPoint, HeedNotice, Refuse, InOrder,
)  # fmt: skip


def _check(goal: Goal, junctions: Sequence[int | None]) -> None:
    if isinstance(goal, InOrder):
        for number, step in enumerate(goal.goals):
            _check(step, junctions[number : number + 1])
    if not isinstance(goal, _JUDGED):
        raise ConfigError(
            f"{goal} cannot be judged from a record; accepted are {', '.join(kind.__name__ for kind in _JUDGED)}"
        )
    by_landmark = isinstance(goal, TakeExit | AvoidExit) and (goal.junction.at or goal.junction.after)
    if by_landmark and (not junctions or junctions[0] is None):
        raise ConfigError(f"{goal} names a landmark's junction: pass the junctions that Guidance gives with it")
