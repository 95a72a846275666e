"""What a sentence asks for at a place: for labels and for scoring, never for the network.

The grammar reads the sentence, the map says whether it can be obeyed here. What comes out decides the verdict in the
report, and the route of a privileged policy; a learned policy is given the sentence and nothing of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivevla.demo.ways import ROUTE_GOALS, Way, WayFinder
from drivevla.errors import ConfigError
from drivevla.language import (
    ChangeLane,
    Goal,
    HoldSpeed,
    InOrder,
    Instruction,
    Language,
    Named,
    ParseFailure,
    Refuse,
    Side,
    StandStill,
    goal_of,
    parse_instruction,
)
from drivevla.language.parsing import Failure
from drivevla.sim.navigator import GoalMonitor
from drivevla.sim.navigator.beside import thing_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Meaning", "interpret", "read_sentence"]

_OVER_LIMIT = 1.05
"""A speed that is this much over the limit is asked for against the law; the expert's own measure."""

_UNREADABLE = {
    Failure.NOT_IN_GRAMMAR: "the judge's grammar cannot read it",
    Failure.AMBIGUOUS: "it can be read in more than one way",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Meaning:
    """A sentence as the judge understands it.

    Attributes:
        sentence: As it was said.
        instruction: Its slots; None where the grammar cannot read it.
        goal: What must become true; ``Refuse`` where it must be refused, None where it cannot be judged.
        way: A way that obeys it from here, where it asks for one.
        reason: Why it must be refused, or why it cannot be judged; empty for what is to be obeyed.
    """

    sentence: str
    instruction: Instruction | None = None
    goal: Goal | None = None
    way: Way | None = None
    reason: str = ""

    @property
    def must_refuse(self) -> bool:
        """Whether only a refusal is right."""
        return isinstance(self.goal, Refuse)

    @property
    def junctions(self) -> tuple[int | None, ...]:
        """The map's ids of the junctions that are meant, for the goal monitor."""
        return () if self.way is None or isinstance(self.goal, InOrder) else self.way.junctions


def read_sentence(sentence: str) -> Instruction | ParseFailure:
    """The instruction of a sentence in any language that the grammar knows."""
    failure: ParseFailure | None = None
    for language in Language:
        found = parse_instruction(sentence, language=language)
        if isinstance(found, Instruction):
            return found
        if failure is None or found.failure is Failure.AMBIGUOUS:
            failure = found
    assert failure is not None  # there is at least one language
    return failure


def interpret(sentence: str, finder: WayFinder, point: int | None, *, speed_limit_mps: float | None) -> Meaning:
    """What a sentence asks for where the car is now.

    Args:
        sentence: What is said.
        finder: Of the map.
        point: Where the car is on its lane graph; None off the lanes, where nothing is known of ways.
        speed_limit_mps: What applies there, where it is known.
    """
    instruction = read_sentence(sentence)
    if isinstance(instruction, ParseFailure):
        return Meaning(sentence=sentence, reason=_UNREADABLE[instruction.failure])
    goal = goal_of(instruction)
    if isinstance(goal, Refuse):
        return Meaning(sentence=sentence, instruction=instruction, goal=goal, reason="no car should do this anywhere")
    if point is None:
        return Meaning(sentence=sentence, instruction=instruction, reason="the car had left the road when it was said")
    if hindrance := _hindrance(goal, finder, point, speed_limit_mps):
        return Meaning(sentence=sentence, instruction=instruction, goal=Refuse(), reason=hindrance)
    wanted = [each for each in _steps(goal) if isinstance(each, ROUTE_GOALS)]
    way = finder.towards(wanted, point) if wanted else None
    if wanted and way is None:
        return Meaning(
            sentence=sentence, instruction=instruction, goal=Refuse(), reason="no way from here does what it asks for"
        )
    meaning = Meaning(sentence=sentence, instruction=instruction, goal=goal, way=way)
    try:
        GoalMonitor(goal, finder.carla_map, finder.landmarks, junctions=meaning.junctions)
    except ConfigError as error:
        return Meaning(sentence=sentence, instruction=instruction, way=way, reason=str(error))
    return meaning


def _steps(goal: Goal) -> Iterator[Goal]:
    if isinstance(goal, InOrder):
        for each in goal.goals:
            yield from _steps(each)
    else:
        yield goal


def _hindrance(goal: Goal, finder: WayFinder, point: int, speed_limit_mps: float | None) -> str:
    """Why the first thing that is asked for is not to be had here; empty where nothing forbids it."""
    first = next(_steps(goal))
    graph = finder.graph
    lane = graph.lanes[int(graph.lane_of[point])]
    match first:
        case ChangeLane(side=side) if lane.junction < 0:
            left = side is Side.LEFT
            if (lane.left if left else lane.right) is None:
                return f"there is no lane on the {side.value}"
            permitted = graph.may_change_left if left else graph.may_change_right
            if not permitted[point : lane.end].any():
                return f"the line on the {side.value} must not be crossed here"
        case HoldSpeed(speed_mps=speed) if speed_limit_mps is not None and speed > _OVER_LIMIT * speed_limit_mps:
            return f"the speed limit here is {3.6 * speed_limit_mps:.0f} km/h"
        case StandStill(thing=Named() as thing):
            name = (thing.landmark, thing.colour)
            if not any(thing_of(mark) == name for mark in finder.landmarks):
                return "there is no such thing in this town"
            if not finder.passes(name, point):
                return "nothing of that name stands beside the road ahead"
    return ""
