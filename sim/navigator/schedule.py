"""What is said where along a route: cues, found before the drive from the route, the map and a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from drivevla.errors import ContractError
from drivevla.language import Goal, Instruction, InstructionKind, goal_of
from drivevla.sim.navigator.beside import Sight
from drivevla.sim.navigator.choices import Choice, choices_at, cruising, events_after
from drivevla.sim.navigator.decisions import Crossing, Roadbook

__all__ = ["Cue", "Scheduled", "Triggers", "cues_between", "make_schedule"]

Reason = Literal["route", "repeat", "scheduled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """Distances at which instructions come and go. Our own choice; no benchmark publishes any.

    Attributes:
        announce_m: What comes next is said this far before it begins.
        look_ahead_m: A turn beyond straight junctions is spoken of ("the second ...") up to this far ahead.
        repeat_m: It is said again, from there, this far before it begins.
        done_m: The instruction is withdrawn this far behind the end of what it was about.
    """

    announce_m: float = 80.0
    look_ahead_m: float = 200.0
    repeat_m: float = 30.0
    done_m: float = 2.0

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ContractError: A distance is not positive, or the repetition would come before the announcement.
        """
        if not (0 < self.repeat_m < self.announce_m <= self.look_ahead_m and self.done_m > 0):
            raise ContractError(f"triggers need 0 < repeat_m < announce_m <= look_ahead_m and done_m > 0, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """An instruction that a suite wants said on a stretch of the route: speeds, stops, prohibitions.

    Attributes:
        issue_m: Along the plan, where it is said.
        withdraw_m: Where it is withdrawn.
        instruction: What is said.
    """

    issue_m: float
    withdraw_m: float
    instruction: Instruction


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One thing said.

    Attributes:
        issue_m: Along the plan, where it is said; ordinals and distances count from there.
        withdraw_m: Where it is withdrawn.
        instruction: What is said.
        goal: What must become true.
        reason: ``route`` for something new, ``repeat`` for the same thing said anew, ``scheduled`` by the suite.
        junctions: The map's id of the junction that is meant, or None, for each step of the instruction.
    """

    issue_m: float
    withdraw_m: float
    instruction: Instruction
    goal: Goal
    reason: Reason
    junctions: tuple[int | None, ...] = ()

    @property
    def junction(self) -> int | None:
        """The junction of the first step."""
        return self.junctions[0] if self.junctions else None


def make_schedule(
    book: Roadbook,
    sights: Sequence[Sight],
    *,
    rng: np.random.Generator,
    triggers: Triggers,
    scheduled: Sequence[Scheduled] = (),
) -> tuple[Cue, ...]:
    """The cues of a route, end to end from its beginning to its end.

    Kinds are drawn evenly among those that are true at the place, then one instruction of the kind.

    Raises:
        ContractError: Scheduled stretches overlap or lie outside the route.
    """
    cues: list[Cue] = []
    position_m = 0.0
    for each in _checked(scheduled, book.plan.length_m):
        cues += cues_between(book, sights, position_m, each.issue_m, rng=rng, triggers=triggers)
        cues.append(
            Cue(
                issue_m=each.issue_m,
                withdraw_m=each.withdraw_m,
                instruction=each.instruction,
                goal=goal_of(each.instruction),
                reason="scheduled",
            )
        )
        position_m = each.withdraw_m
    return (*cues, *cues_between(book, sights, position_m, book.plan.length_m, rng=rng, triggers=triggers))


def cues_between(
    book: Roadbook,
    sights: Sequence[Sight],
    position_m: float,
    limit_m: float,
    *,
    rng: np.random.Generator,
    triggers: Triggers,
) -> list[Cue]:
    """The cues of a stretch of the route, end to end; what was said before it is taken as forgotten."""
    cues: list[Cue] = []
    about: object = None
    while position_m < limit_m:
        cue, about = _next_cue(book, sights, position_m, limit_m, rng, triggers, about)
        cues.append(cue)
        position_m = cue.withdraw_m
    return cues


def _next_cue(
    book: Roadbook,
    sights: Sequence[Sight],
    position_m: float,
    limit_m: float,
    rng: np.random.Generator,
    triggers: Triggers,
    about: object,
) -> tuple[Cue, object]:
    ahead = events_after(book, position_m)
    is_announced = any(event is about for event in ahead)  # "the second": the first is passed, it is still to come
    if not ahead or (ahead[0].begin_m - position_m > triggers.announce_m and not is_announced):
        until_m = ahead[0].begin_m - triggers.announce_m if ahead else book.plan.length_m
        choice = _pick(rng, cruising(book, sights, position_m, min(until_m, limit_m)))
    else:
        choices = choices_at(book, sights, position_m, reach_m=triggers.look_ahead_m)
        choices = [choice for choice in choices if not _is_cut_short(choice, limit_m, triggers)]
        # A roundabout's fifth exit has no words.
        nothing = Choice(
            instruction=Instruction(kind=InstructionKind.FOLLOW_ROAD), event=ahead[0], first_event=ahead[0]
        )
        choice = _pick(rng, choices or [nothing])
        until_m = _until(choice, ahead[0].end_m, position_m, triggers)
    subject = choice.first_event
    cue = Cue(
        issue_m=position_m,
        withdraw_m=max(min(until_m, limit_m), position_m + 0.1),
        instruction=choice.instruction,
        goal=goal_of(choice.instruction),
        reason="repeat" if subject is not None and subject is about else "route",
        junctions=tuple(
            event.passage.junction if isinstance(event, Crossing) else None
            for event in dict.fromkeys((choice.first_event, choice.event))
        ),
    )
    return cue, subject


def _is_cut_short(choice: Choice, limit_m: float, triggers: Triggers) -> bool:
    """Whether two steps would be withdrawn before the second is done."""
    assert choice.event is not None
    is_two = choice.instruction.kind is InstructionKind.TWO_STEPS
    return is_two and choice.event.end_m + triggers.done_m > limit_m


def _until(choice: Choice, first_end_m: float, position_m: float, triggers: Triggers) -> float:
    """Where a choice is done with, or would be stale: behind a junction that it counted, and shortly before its own."""
    assert choice.event is not None
    assert choice.first_event is not None
    if choice.instruction.kind is InstructionKind.TWO_STEPS:
        return choice.event.end_m + triggers.done_m
    if choice.event.end_m > first_end_m:
        return first_end_m + triggers.done_m
    repeat_at_m = choice.event.begin_m - triggers.repeat_m
    if position_m < repeat_at_m - triggers.done_m:
        return repeat_at_m
    return choice.event.end_m + triggers.done_m


def _pick(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    kinds = sorted({choice.instruction.kind for choice in choices})
    kind = kinds[rng.integers(len(kinds))]
    of_kind = [choice for choice in choices if choice.instruction.kind is kind]
    return of_kind[rng.integers(len(of_kind))]


def _checked(scheduled: Sequence[Scheduled], length_m: float) -> list[Scheduled]:
    ordered = sorted(scheduled, key=lambda each: each.issue_m)
    end_m = 0.0
    for each in ordered:
        if not end_m <= each.issue_m < each.withdraw_m <= length_m:
            raise ContractError(
                f"scheduled instructions must follow one another within the route's {length_m:.1f} m, "
                f"got {each.instruction.kind} from {each.issue_m} to {each.withdraw_m} m after {end_m} m"
            )
        end_m = each.withdraw_m
    return ordered
