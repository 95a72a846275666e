"""Running a stop sign."""

import math
from collections.abc import Sequence
from functools import cached_property

from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent, carla_place
from drivevla.evaluation.driving_score.lane_map import LaneMap, LanePoint
from drivevla.evaluation.driving_score.signals import StopSign
from drivevla.evaluation.driving_score.tick import Point, Tick, along

__all__ = ["StopSigns", "StopSigns1"]

_STOPPED_BELOW_MPS = 0.1
_WITHIN_M = 4.0
_LANE_STEP_M = 0.5
_LANE_STEPS = 8
_BOX_GROWTH = 1.2
# Leaderboard 2 compares with this both the cosine of about 100 degrees and, as if it were one, a speed in m/s.
_BACKWARDS_BELOW = -0.17

_WITHIN_M_1 = 50.0
_LANE_STEP_M_1 = 1.0
_LANE_STEPS_1 = 20


class StopSigns(Criterion):
    """One event for every stop sign whose box the ego's lane leaves behind without the ego having stopped.

    A sign governs the ego while its box, 1.2 times as large, holds the lane point nearest to the ego or one of the
    next eight (0.5 m apart), the first being within 4 m of the box's middle. The tick in which a sign is found is not
    asked whether the ego stands. Source: scenario_runner d7bcaf0, ``RunningStopTest``.
    """

    def __init__(self, signs: Sequence[StopSign], lane_map: LaneMap) -> None:
        super().__init__()
        self._signs = tuple(signs)
        self._map = lane_map
        self._target: StopSign | None = None
        self._stopped = False
        self._last_failed_id: int | None = None

    def observe(self, tick: Tick) -> None:
        """Look for a sign, or see whether the ego stopped for the one it has come to."""
        lane = self._map.nearest_driving(tick.ego.position_m)
        way = _Way(lane.position_m, lane, step_m=_LANE_STEP_M, steps=_LANE_STEPS)
        if self._target is None:
            self._target = self._find(tick, lane, way)
            return
        if tick.speed_mps < _STOPPED_BELOW_MPS:
            self._stopped = True
        if not _governs(self._target, way):
            if not self._stopped and self._last_failed_id != self._target.sign_id:
                self._events.append(_event(self._target, tick))
                self._last_failed_id = self._target.sign_id
            self._target = None
            self._stopped = False

    def _find(self, tick: Tick, lane: LanePoint, way: "_Way") -> StopSign | None:
        reversing = along(tick.velocity_mps, tick.ego.forward) < _BACKWARDS_BELOW
        if reversing or along(tick.ego.forward, lane.forward) < _BACKWARDS_BELOW:
            return None
        return next((sign for sign in self._signs if _governs(sign, way)), None)


class StopSigns1(Criterion):
    """Leaderboard 1.0: looks 20 m ahead along the lane, and only blames an ego that came near the sign itself.

    The box that the ego must have been in is the trigger's, but laid around the sign's own place, and the sign must be
    within 50 m. Source: scenario_runner b9c342e, ``RunningStopTest``.
    """

    def __init__(self, signs: Sequence[StopSign], lane_map: LaneMap) -> None:
        super().__init__()
        self._signs = tuple(signs)
        self._map = lane_map
        self._target: StopSign | None = None
        self._stopped = False
        self._was_near = False

    def observe(self, tick: Tick) -> None:
        """Look for a sign, or see whether the ego stopped for the one it has come to."""
        position = tick.ego.position_m
        lane = self._map.nearest_driving(position)
        way = _Way(position, lane, step_m=_LANE_STEP_M_1, steps=_LANE_STEPS_1)
        if self._target is None:
            if along(tick.ego.forward, lane.forward) > 0.0:
                self._target = next((sign for sign in self._signs if _governs_1(sign, way)), None)
            return
        if tick.speed_mps < _STOPPED_BELOW_MPS:
            self._stopped = True
        if _in_box(position, self._target.position_m, self._target.trigger_half_size_m):
            self._was_near = True
        if not _governs_1(self._target, way):
            if not self._stopped and self._was_near:
                self._events.append(_event(self._target, tick))
            self._target = None
            self._stopped = False
            self._was_near = False


class _Way:
    """A place and the lane points ahead of it, looked up once and only where a sign is near enough to matter."""

    def __init__(self, start_m: Point, lane: LanePoint, *, step_m: float, steps: int) -> None:
        self.start_m = start_m
        self._lane = lane
        self._step_m = step_m
        self._steps = steps

    @cached_property
    def positions_m(self) -> tuple[Point, ...]:
        positions, lane = [self.start_m], self._lane
        for _ in range(self._steps):
            following = lane.ahead(self._step_m)
            if following is None:
                break
            lane = following
            positions.append(lane.position_m)
        return tuple(positions)


def _governs(sign: StopSign, way: _Way) -> bool:
    near = math.dist(sign.trigger_center_m, way.start_m) <= _WITHIN_M
    return near and _leads_through(way, sign, growth=_BOX_GROWTH)


def _governs_1(sign: StopSign, way: _Way) -> bool:
    near = math.dist(sign.position_m, way.start_m) <= _WITHIN_M_1
    return near and _leads_through(way, sign, growth=1.0)


def _leads_through(way: _Way, sign: StopSign, *, growth: float) -> bool:
    half_x_m, half_y_m = sign.trigger_half_size_m
    grown = (growth * half_x_m, growth * half_y_m)
    return any(_in_box(position, sign.trigger_center_m, grown) for position in way.positions_m)


def _in_box(position_m: Point, center_m: Point, half_size_m: tuple[float, float]) -> bool:
    return abs(position_m[0] - center_m[0]) < half_size_m[0] and abs(position_m[1] - center_m[1]) < half_size_m[1]


def _event(sign: StopSign, tick: Tick) -> TrafficEvent:
    return TrafficEvent(
        kind=EventKind.STOP_INFRACTION,
        message=f"Agent ran a stop with id={sign.sign_id} at {carla_place(sign.position_m)}",
        tick=tick.index,
        position_m=sign.position_m,
    )
