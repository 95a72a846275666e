"""What would follow if something else were asked for: other sentences at the same instant, each with its trajectory.

The expert itself answers: a copy of it, with all that it remembers, is told another instruction, or another way at the
next junction. So the alternatives obey lights, signs and traffic as the drive does.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.collection.labels import explanation_of, future_of, is_drivable
from drivevla.collection.other_ways import MEMORY_M, OtherWay, OtherWays
from drivevla.evaluation.closed_loop.driver import Moment
from drivevla.geometry import invert_rigid, yaw_from_matrix
from drivevla.language import (
    Direction,
    Goal,
    Instruction,
    InstructionKind,
    Language,
    MatchSpeedLimit,
    Refuse,
    Side,
    SpeedAtMost,
    Split,
    goal_of,
    realise,
    sample_instruction,
    swap_left_right,
)
from drivevla.sim.navigator.beside import Sight
from drivevla.sim.navigator.choices import Choice, choices_at, cruising, events_after
from drivevla.sim.navigator.decisions import Crossing, Roadbook
from drivevla.sim.navigator.misleading import impossible_at
from drivevla.sim.navigator.passages import Sort
from drivevla.sim.routes.lanes import LaneGraph
from drivevla.types import Alternative, LightTruth, Observation, Plan, SignTruth, Truth

__all__ = ["Alternatives"]

_REACH_M = 200.0
_ANNOUNCE_M = 80.0
"""As the navigator's ``Triggers`` have it."""
_MPS_PER_KMH = 1 / 3.6
_SPEEDS_KMH = (10, 15, 20, 25, 30, 40, 50, 60)
_ALWAYS_REFUSED = (
    InstructionKind.UNSAFE_REQUEST,
    InstructionKind.EXCESSIVE_SPEED,
    InstructionKind.IMPOSSIBLE_REQUEST,
    InstructionKind.UNRELATED_REQUEST,
)
_STOPS = (InstructionKind.STOP_NOW, InstructionKind.PULL_OVER, InstructionKind.STOP_AT_LINE)
_SPEED_KINDS = (
    InstructionKind.SLOWER,
    InstructionKind.FASTER,
    InstructionKind.HOLD_SPEED,
    InstructionKind.DO_NOT_EXCEED,
    InstructionKind.DRIVE_AT_LIMIT,
)
_SLOW_MPS, _STEADY_SHARE = 2.5, 0.15
_FRONT_M = 5.0
_STOPPED_MPS = 0.7
_SLOWER_SHARE = 0.6
"""Of the speed at which the expert drives without instructions."""
_CLEAR_M = 2.0
_SLOWING_M = 25.0
"""So far before a turn a car begins to slow down for it."""
_CHANGE_M = 25.0
"""A change of lanes is not asked for just before a turn."""
_WITHIN_M = (None, None, 40, 50, 60)
_KEEPING_SHARE, _REFUSED_CHANGE_SHARE = 1 / 3, 0.3
_EARLIER_SHARE = 0.6
"""Of what leads along a way: said some metres ago, as most of what a car hears while it drives was."""
_APART_M = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    instruction: Instruction
    plan: Plan
    told_pose: NDArray[np.float64] | None = None


class Alternatives:
    """Draws other instructions for the instants of one drive, and what would follow each.

    Args:
        expert: Who drives; it is copied, never told anything.
        ways: The other ways along the route.
        graph: Lanes of the map.
        chinese_share: Of the sentences.
        rng: Decides what is asked for, and in which words.
    """

    def __init__(
        self, expert: Any, ways: OtherWays, graph: LaneGraph, *, chinese_share: float, rng: np.random.Generator
    ) -> None:
        self._expert, self._ways, self._graph = expert, ways, graph
        self._chinese_share, self._rng = chinese_share, rng
        self._been: list[tuple[float, NDArray[np.float64]]] = []

    def passed(self, position_m: float, world_from_ego: NDArray[np.float64]) -> None:
        """Remember where the car was: whatever is asked for later may have been said there.

        Args:
            position_m: Along the route.
            world_from_ego: (4, 4).
        """
        if not self._been or position_m > self._been[-1][0] + _APART_M:
            self._been.append((position_m, world_from_ego))

    def at(self, moment: Moment, *, most: int) -> tuple[Alternative, ...]:
        """At most so many, of different sorts; one sort is asked for after the other until there are enough.

        Another way at the junction comes first wherever there is one: there the same pictures lead to different drives
        by the words alone.
        """
        assert moment.observation is not None
        assert moment.truth is not None
        assert moment.plan is not None
        position_m = moment.guidance.distance_m
        sorts = (
            self._speed,
            self._stop,
            self._lane,
            self._refused,
            self._said_otherwise,
            self._prohibited,
            self._other_way,
        )
        found: list[Alternative] = []
        for make in (self._other_way, *(sorts[number] for number in self._rng.permutation(len(sorts)).tolist())):
            if len(found) >= most:
                break
            made = make(moment, position_m)
            if made is not None and is_drivable(made.plan):
                found.append(self._told(made))
        return tuple(found)

    def _told(self, made: _Made) -> Alternative:
        language, plan = Language.ZH if self._rng.random() < self._chinese_share else Language.EN, made.plan
        return Alternative(
            sentence=realise(made.instruction, language=language, split=Split.TRAIN, rng=self._rng),
            instruction=made.instruction,
            told_pose=made.told_pose,
            future=future_of(plan),
            refused=plan.refused,
            target_speed_mps=plan.target_speed_mps,
            explanation=explanation_of(plan),
        )

    def _other_way(self, moment: Moment, position_m: float) -> _Made | None:
        ways = self._ways.at(position_m)
        if not ways:
            return None
        way: OtherWay = ways[int(self._rng.integers(len(ways)))]
        told_m, told_pose = self._told_where(moment, position_m, begin_m=way.begin_m)
        said = _still_true(way.book, way.sights, told_m - way.begin_m, position_m - way.begin_m)
        if told_pose is not None:  # a copy of the expert counts from here how far it is to a change of lanes
            said = [each for each in said if isinstance(each.first_event, Crossing)]
        instruction = self._one_of([each.instruction for each in said])
        if instruction is None:
            return None
        assert moment.truth is not None
        plan = self._asked(moment.observation, way.seen(moment.truth, instruction))
        return _Made(instruction=instruction, plan=plan, told_pose=told_pose)

    def _said_otherwise(self, moment: Moment, position_m: float) -> _Made | None:
        """The route's own way in other words, of either language."""
        assert moment.plan is not None
        told_m, told_pose = self._told_where(moment, position_m, begin_m=0.0)
        said = _still_true(self._ways.book, self._ways.sights, told_m, position_m)
        instruction = self._one_of([each.instruction for each in said])
        if instruction is None or moment.plan.refused:
            return None
        return _Made(instruction=instruction, plan=moment.plan, told_pose=told_pose)

    def _told_where(
        self, moment: Moment, position_m: float, *, begin_m: float
    ) -> tuple[float, NDArray[np.float64] | None]:
        """Where on the route something is said: here, with no pose, or where the car was some metres ago."""
        since_m = max(begin_m, position_m - MEMORY_M)
        been = [each for each in self._been if since_m < each[0] < position_m - _APART_M]
        if not been or self._rng.random() >= _EARLIER_SHARE:
            return position_m, None
        assert moment.truth is not None
        there_m, world_from_told = self._pick(been)
        ego_from_told = invert_rigid(moment.truth.world_from_ego) @ world_from_told
        return there_m, np.array([*ego_from_told[:2, 3], yaw_from_matrix(ego_from_told[:3, :3])])

    def _speed(self, moment: Moment, position_m: float) -> _Made | None:
        kind = self._pick(_SPEED_KINDS)
        if kind in (InstructionKind.HOLD_SPEED, InstructionKind.DO_NOT_EXCEED):
            instruction = Instruction(kind=kind, speed_kmh=self._pick(_SPEEDS_KMH))
        elif kind is not InstructionKind.DRIVE_AT_LIMIT and not _is_steady(moment):
            return None  # "faster" than a car that is picking up speed anyhow says nothing
        else:
            instruction = Instruction(kind=kind)
        return self._instead(moment, instruction, position_m, goal=_lasting_goal(kind, moment), also_m=_SLOWING_M)

    def _stop(self, moment: Moment, position_m: float) -> _Made | None:
        kind = self._pick(_STOPS)
        if self._is_inside(position_m):
            return None
        truth = moment.truth
        assert truth is not None
        signals: tuple[LightTruth | SignTruth, ...] = (*(truth.lights or ()), *(truth.signs or ()))
        lines = [each for each in signals if each.affects_ego and (each.stop_distance_m or 0.0) > _FRONT_M]
        if kind is InstructionKind.STOP_AT_LINE and not lines:
            return None
        return self._instead(moment, Instruction(kind=kind), position_m, goal=_lasting_goal(kind, moment))

    def _lane(self, moment: Moment, position_m: float) -> _Made | None:
        if self._is_inside(position_m):
            return None
        if any(move.begin_m - 40.0 < position_m < move.end_m for move in self._ways.book.moves):
            return None
        if self._rng.random() < _KEEPING_SHARE:
            return self._instead(moment, Instruction(kind=InstructionKind.KEEP_LANE), position_m, also_m=_CHANGE_M)
        side, within_m = self._pick(tuple(Side)), self._pick(_WITHIN_M)
        asked = Instruction(kind=InstructionKind.CHANGE_LANE, side=side, within_m=within_m)
        made = self._instead(moment, asked, position_m, also_m=_CHANGE_M)
        # Most roads have no lane on most sides: left at that, a bare "change lanes" would mean to refuse.
        if made is None or not made.plan.refused or self._rng.random() < _REFUSED_CHANGE_SHARE:
            return made
        made = self._instead(moment, swap_left_right(asked), position_m, also_m=_CHANGE_M)
        return None if made is None or made.plan.refused else made

    def _refused(self, moment: Moment, position_m: float) -> _Made | None:
        """What cannot or must not be done; the car goes on as if nothing had been said."""
        impossible = impossible_at(self._ways.book, self._graph, position_m)
        turns = tuple(each for each in impossible if each.kind is InstructionKind.TURN)  # lanes are asked for by _lane
        if turns and self._rng.random() < 0.5:
            instruction = self._pick(turns)
        else:
            instruction = sample_instruction(self._rng, kind=self._pick(_ALWAYS_REFUSED))
        return self._instead(moment, instruction, position_m, goal=Refuse(), also_m=_SLOWING_M)

    def _prohibited(self, moment: Moment, position_m: float) -> _Made | None:
        """A prohibition that the route keeps to anyhow."""
        ahead = [each for each in self._ways.book.crossings if each.begin_m > position_m]
        assert moment.plan is not None
        if not ahead or ahead[0].begin_m - position_m > _ANNOUNCE_M or not ahead[0].passage.places:
            return None
        crossing = ahead[0].passage
        if moment.plan.refused or not self._needs_no_way(moment.plan, position_m, also_m=_SLOWING_M):
            return None
        others = tuple(each for each in Direction if each is not crossing.taken.direction and crossing.offers(each))
        if not others:
            return None
        place = self._pick(tuple(sorted(crossing.places)))
        instruction = Instruction(
            kind=InstructionKind.DO_NOT_TURN, direction=self._pick(others), ordinal=1, place=place
        )
        return _Made(instruction=instruction, plan=moment.plan)

    def _instead(
        self,
        moment: Moment,
        instruction: Instruction,
        position_m: float,
        *,
        goal: Goal | None = None,
        also_m: float = 0.0,
    ) -> _Made | None:
        """What the expert does on the route for an instruction that does not say which way to go."""
        assert moment.truth is not None
        if self._turns_off(position_m, position_m + also_m):
            return None  # it would not be kept
        truth = replace(moment.truth, instruction=instruction, goal=goal or goal_of(instruction))
        plan = self._asked(moment.observation, truth)
        made = _Made(instruction=instruction, plan=plan)
        return made if self._needs_no_way(plan, position_m, also_m=also_m) else None

    def _asked(self, observation: Observation | None, truth: Truth) -> Plan:
        assert observation is not None
        # A copy: four times as fast as ``copy.deepcopy``.
        plan = pickle.loads(pickle.dumps(self._expert)).act(observation, truth)
        assert isinstance(plan, Plan)
        return plan

    def _needs_no_way(self, plan: Plan, position_m: float, *, also_m: float = 0.0) -> bool:
        """Whether a plan on the route comes to no junction at which words would have to say where to go."""
        return not self._turns_off(position_m, position_m + _length_m(plan) + _CLEAR_M + also_m)

    def _turns_off(self, begin_m: float, end_m: float) -> bool:
        return any(
            each.end_m > begin_m and each.begin_m < end_m and not _is_straight(each)
            for each in self._ways.book.crossings
        )

    def _is_inside(self, position_m: float) -> bool:
        return any(each.begin_m - 1.0 < position_m < each.end_m for each in self._ways.book.crossings)

    def _one_of(self, instructions: Sequence[Instruction]) -> Instruction | None:
        """One of them, kinds evenly, as the navigator draws them."""
        kinds = tuple(sorted({each.kind for each in instructions}))
        if not kinds:
            return None
        kind = self._pick(kinds)
        return self._pick(tuple(each for each in instructions if each.kind is kind))

    def _pick(self, items: Sequence[Any]) -> Any:
        return items[int(self._rng.integers(len(items)))]


def _still_true(book: Roadbook, sights: Sequence[Sight], told_m: float, position_m: float) -> list[Choice]:
    """What the navigator could have said at a place of a way and has not taken back at another, farther on."""
    if any(each.begin_m < told_m < each.end_m for each in book.crossings):
        return []
    first_m = min((each.begin_m for each in events_after(book, told_m)), default=book.plan.length_m + _ANNOUNCE_M)
    if first_m - told_m <= _ANNOUNCE_M:
        said = choices_at(book, sights, told_m, reach_m=_REACH_M)
        return [each for each in said if each.event is not None and position_m < each.event.end_m]
    until_m = min(first_m - _ANNOUNCE_M, book.plan.length_m)
    return list(cruising(book, sights, told_m, until_m)) if position_m < until_m else []


def _is_straight(crossing: Crossing) -> bool:
    plain = crossing.passage.sort in (Sort.PLAIN, Sort.RAMP)
    return plain and crossing.passage.taken.direction is Direction.STRAIGHT


def _lasting_goal(kind: InstructionKind, moment: Moment) -> Goal | None:
    """What a driver without memory does for as long as the instruction is in force; None for the instruction's own.

    The goals of "slower", "faster" and "stop now" count from the instant at which they are said. Asked for anew at
    every capture they would never be reached: always slower still, always to a stop that begins a little later.
    """
    assert moment.plan is not None
    if kind is InstructionKind.STOP_NOW or (kind is InstructionKind.PULL_OVER and _speed_mps(moment) < _STOPPED_MPS):
        return SpeedAtMost(speed_mps=0.0)
    if kind is InstructionKind.SLOWER:
        return SpeedAtMost(speed_mps=_SLOWER_SHARE * float(moment.plan.diagnostics["cruise_mps"] or 0.0))
    return MatchSpeedLimit() if kind is InstructionKind.FASTER else None


def _is_steady(moment: Moment) -> bool:
    assert moment.plan is not None
    speed_mps, target_mps = _speed_mps(moment), moment.plan.target_speed_mps
    return speed_mps > _SLOW_MPS and target_mps is not None and abs(target_mps - speed_mps) < _STEADY_SHARE * speed_mps


def _speed_mps(moment: Moment) -> float:
    assert moment.observation is not None
    return max(moment.observation.ego.speed_mps, 0.0)


def _length_m(plan: Plan) -> float:
    points = np.concatenate([np.zeros((1, 2)), plan.waypoints[:, :2]])
    return float(np.hypot(*np.diff(points, axis=0).T).sum())
