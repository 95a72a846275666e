"""What the navigator gives at a step, and what it notes for the record."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivevla.language import Goal, Instruction
from drivevla.types import Command

__all__ = ["Event", "Guidance", "Protocol"]


class Protocol(Enum):
    """What a policy may hear."""

    INSTRUCTIONS = "instructions"
    """Sentences alone, as in LangAuto."""
    COMMANDS = "commands"
    """Commands alone."""
    POINTS = "points"
    """Target points alone."""
    LEADERBOARD = "leaderboard"
    """Commands and target points, as the leaderboard's agents get them."""
    ALL = "all"

    @property
    def hears_sentences(self) -> bool:
        """Whether instructions are told."""
        return self in {Protocol.INSTRUCTIONS, Protocol.ALL}

    @property
    def hears_commands(self) -> bool:
        """Whether the command of the next target is told."""
        return self in {Protocol.COMMANDS, Protocol.LEADERBOARD, Protocol.ALL}

    @property
    def hears_points(self) -> bool:
        """Whether the next two target points are told."""
        return self in {Protocol.POINTS, Protocol.LEADERBOARD, Protocol.ALL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something was said, or is no longer said.

    Attributes:
        what: ``issue``, ``repeat`` (the same thing said anew) or ``withdraw``.
        time_s: When.
        distance_m: Where along the route.
        instruction: Of what.
        misleading: Whether it was a misleading one.
        said_anew: For a withdrawal, whether the same thing is said anew in its place: what is said next is judged then,
            and not this.
    """

    what: Literal["issue", "repeat", "withdraw"]
    time_s: float
    distance_m: float
    instruction: Instruction
    misleading: bool = False
    said_anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guidance:
    """What may be heard at a step, and what lies behind it.

    The first three go into the ``Observation``; the rest is for the record alone.

    Attributes:
        text: The sentence, with a notice's sentence behind it where there is one.
        command: Command of the next target.
        target_points_m: (2, 2) the next target and the one after it, ego frame.
        instruction: The instruction in force.
        goal: What must become true.
        junctions: The map's id of the junction that is meant, or None, for each step of the instruction.
        misleading: Whether the instruction is one that must be refused.
        notice: The notice that is given.
        distance_m: How far along the route the car is.
        offset_m: How far from the route it is.
        events: What changed at this step.
    """

    text: str | None
    command: Command | None
    target_points_m: NDArray[np.float64] | None
    instruction: Instruction | None
    goal: Goal | None
    junctions: tuple[int | None, ...]
    misleading: bool
    notice: Instruction | None
    distance_m: float
    offset_m: float
    events: tuple[Event, ...]
