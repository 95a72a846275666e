"""LangAuto's misleading instructions: what cannot be done here, to be refused."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drivevla.errors import ContractError
from drivevla.language import Direction, Instruction, InstructionKind, Place, Side
from drivevla.sim.navigator.decisions import Roadbook
from drivevla.sim.navigator.passages import Sort
from drivevla.sim.navigator.schedule import Cue
from drivevla.sim.routes.lanes import LaneGraph

__all__ = ["Misleading", "draw_misleading", "impossible_at"]

_NEXT_JUNCTION_WITHIN_M = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Misleading:
    """How often and for how long the wrong thing is said before the right one.

    The share and the steps are LMDrive's (opendilab/LMDrive, LangAuto: at a change of the instruction, if a misleading
    one is available; metrics notes 3.4). A step is one ``update`` of the navigator.

    Attributes:
        share: Probability at each new instruction of the route.
        hold_steps: It is said for so many further steps.
        seed: Its own, so that the true instructions are the same with and without it.
    """

    share: float = 0.2
    hold_steps: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ContractError: The share is no probability, or the steps are negative.
        """
        if not 0.0 <= self.share <= 1.0 or self.hold_steps < 0:
            raise ContractError(f"misleading needs 0 <= share <= 1 and hold_steps >= 0, got {self}")


def impossible_at(book: Roadbook, graph: LaneGraph, position_m: float) -> list[Instruction]:
    """Turns that the next junction does not have, and lanes that are not there, at a place of the route."""
    said = []
    ahead = [crossing for crossing in book.crossings if crossing.begin_m > position_m]
    near = ahead[:1] if ahead and ahead[0].begin_m - position_m <= _NEXT_JUNCTION_WITHIN_M else []
    for crossing in near:
        if crossing.passage.sort is Sort.PLAIN:
            said += [
                Instruction(kind=InstructionKind.TURN, direction=direction, ordinal=1, place=Place.JUNCTION)
                for direction in Direction
                if not crossing.passage.offers(direction)
            ]
    lane = graph.lanes[int(book.lanes[book.point_at(position_m)])]
    if lane.junction < 0:
        said += [
            Instruction(kind=InstructionKind.CHANGE_LANE, side=side)
            for side, beside in ((Side.LEFT, lane.left), (Side.RIGHT, lane.right))
            if beside is None
        ]
    return said


def draw_misleading(
    book: Roadbook, graph: LaneGraph, cues: Sequence[Cue], misleading: Misleading
) -> dict[Cue, Instruction]:
    """Which cues are preceded by a misleading one, and what that says."""
    rng = np.random.default_rng(misleading.seed)
    drawn = {}
    for cue in cues:
        hit, choice = rng.random() < misleading.share, rng.random()
        said = impossible_at(book, graph, cue.issue_m) if cue.reason == "route" else []
        if hit and said:
            drawn[cue] = said[int(choice * len(said))]
    return drawn
