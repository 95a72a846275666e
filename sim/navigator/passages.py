"""A passage through a junction, as a driver would tell it: from where, which exits there were, which one was taken.

The planner's points and a driven track are read in the same way, from the last lane before the junction and the first
lane after it, so that an instruction and the check of its goal speak of the same thing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from drivevla.errors import ContractError
from drivevla.language import Direction, Place
from drivevla.sim.navigator.approach_signs import approach_signs
from drivevla.sim.routes.junctions import predecessors, roundabout_lanes
from drivevla.sim.routes.lanes import LaneGraph, lane_graph
from drivevla.sim.routes.once import once

if TYPE_CHECKING:
    import carla

__all__ = ["STRAIGHT_DEG", "Arm", "Exit", "JunctionReader", "Passage", "Sort", "junction_reader"]

STRAIGHT_DEG = 35.0
"""A turn by less is straight on: the threshold of CARLA's global route planner."""
_MILD_DEG = 40.0

Arm = tuple[int, int]
"""A road as it leaves a junction: its id, and the sign of the lanes that lead away on it."""


class Sort(Enum):
    """What a junction of the map is to somebody who drives through it."""

    PLAIN = "plain"
    """Roads meet: what "the second junction" counts."""
    ROUNDABOUT = "roundabout"
    RAMP = "ramp"
    """Three arms and no turn beyond 40 degrees: lanes part or come together."""
    NONE = "none"
    """Fewer than three arms: the road goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A way out of a junction from one approach.

    Attributes:
        arm: The road that it leads into.
        turn_deg: From the heading before the junction to that behind it, clockwise: positive is to the right.
    """

    arm: Arm
    turn_deg: float

    @property
    def direction(self) -> Direction:
        """Straight below 35 degrees, else left or right."""
        if abs(self.turn_deg) < STRAIGHT_DEG:
            return Direction.STRAIGHT
        return Direction.RIGHT if self.turn_deg > 0 else Direction.LEFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One passage.

    Attributes:
        junction: The junction's id in the map; of the first, where several adjoin.
        sort: What it is to a driver.
        places: The kinds of place that it is from this approach; empty unless it is ``PLAIN``.
        exits: Every way out from the approach, by any of its lanes, without the way back.
        taken: The one that was taken.
        roundabout_exit: Which exit was taken, counted from the entry, on a roundabout.
    """

    junction: int
    sort: Sort
    places: frozenset[Place]
    exits: tuple[Exit, ...]
    taken: Exit
    roundabout_exit: int | None = None

    @property
    def is_only_one_in_its_direction(self) -> bool:
        """Whether no other exit goes off in the same direction as the one that was taken."""
        return sum(exit.direction is self.taken.direction for exit in self.exits) == 1

    def offers(self, direction: Direction) -> bool:
        """Whether one can leave in a direction."""
        return any(exit.direction is direction for exit in self.exits)


@once
def junction_reader(carla_map: "carla.Map") -> "JunctionReader":
    """The reader of a map; made once for a map object."""
    return JunctionReader(carla_map)


class JunctionReader:
    """Tells passages from the lanes before and behind them."""

    def __init__(self, carla_map: "carla.Map") -> None:
        self.graph: LaneGraph = lane_graph(carla_map)
        self.number_of = {lane.key: number for number, lane in enumerate(self.graph.lanes)}
        self.rings = roundabout_lanes(self.graph)
        self._signs = approach_signs(carla_map)
        self._before = predecessors(self.graph)
        self._of_junction: dict[int, list[int]] = {}
        for number, lane in enumerate(self.graph.lanes):
            if lane.junction >= 0:
                self._of_junction.setdefault(lane.junction, []).append(number)

    def passage(self, before: int, inside: tuple[int, ...], after: int) -> Passage:
        """The passage from one lane through others into another.

        Args:
            before: The last lane before the junction, as an index into the graph's lanes.
            inside: Lanes on the way, at least one; any of those that overlap there will do but on a roundabout.
            after: The first lane behind it.

        Raises:
            ContractError: ``inside`` is empty.
        """
        if not inside:
            raise ContractError("a passage needs at least one lane inside the junction, got none")
        lanes = self.graph.lanes
        junction = next((lanes[each].junction for each in inside if lanes[each].junction >= 0), -1)
        taken = Exit(arm=_arm(lanes[after].key), turn_deg=self._turn_deg(before, after))
        on_ring = any(each in self.rings for each in inside)
        sort = Sort.ROUNDABOUT if on_ring else self._sort(junction)
        return Passage(
            junction=junction,
            sort=sort,
            places=self._places(before, junction) if sort is Sort.PLAIN else frozenset(),
            exits=(taken,) if on_ring else self._exits(before, taken),
            taken=taken,
            roundabout_exit=self._count_exits((before, *inside), taken.arm) if on_ring else None,
        )

    def exits_ahead(self, before: int) -> tuple[Exit, ...]:
        """Every way out of the junction that a lane leads into, from any lane of its road."""
        return self._exits(before, None)

    def beside(self, number: int) -> Iterator[int]:
        """The lanes of the same road section and direction, this one among them."""
        road, section, lane = self.graph.lanes[number].key
        for step in (1, -1):
            each: int | None = lane if step == 1 else lane + step
            while each and (found := self.number_of.get((road, section, each))) is not None and each * lane > 0:
                yield found
                each += step

    def _exits(self, before: int, taken: Exit | None) -> tuple[Exit, ...]:
        found: dict[Arm, Exit] = {} if taken is None else {taken.arm: taken}
        for lane in self.beside(before):
            for after in self.ways_out(lane):
                turn_deg = self._turn_deg(lane, after)
                arm = _arm(self.graph.lanes[after].key)
                if arm not in found and abs(turn_deg) < 180.0 - STRAIGHT_DEG:
                    found[arm] = Exit(arm=arm, turn_deg=turn_deg)
        return tuple(sorted(found.values(), key=lambda exit: exit.turn_deg))

    def ways_out(self, lane: int) -> Iterator[int]:
        """First lanes behind the junction that can be reached from a lane before it."""
        seen: set[int] = set()
        ahead = [each for each in self.graph.lanes[lane].successors if self.graph.lanes[each].junction >= 0]
        while ahead:
            number = ahead.pop()
            if number in seen:
                continue
            seen.add(number)
            if self.graph.lanes[number].junction < 0:
                yield number
            else:
                ahead += self.graph.lanes[number].successors

    def _turn_deg(self, before: int, after: int) -> float:
        lanes = self.graph.lanes
        return math.remainder(lanes[after].entry_yaw_deg - lanes[before].exit_yaw_deg, 360.0)

    def _arms(self, junction: int) -> set[int]:
        """Roads that lead into or out of a junction."""
        lanes = self.graph.lanes
        beyond = (
            each
            for number in self._of_junction.get(junction, ())
            for each in (*lanes[number].successors, *self._before[number])
        )
        return {lanes[each].key[0] for each in beyond if lanes[each].junction != junction}

    def _sort(self, junction: int) -> Sort:
        arms = len(self._arms(junction))
        if arms < 3:
            return Sort.NONE
        lanes = self.graph.lanes
        turns = (
            abs(math.remainder(lanes[number].exit_yaw_deg - lanes[number].entry_yaw_deg, 360.0))
            for number in self._of_junction[junction]
        )
        return Sort.RAMP if arms == 3 and max(turns) < _MILD_DEG else Sort.PLAIN

    def _places(self, before: int, junction: int) -> frozenset[Place]:
        signs = frozenset(place for lane in self.beside(before) for place in self._signs.get(lane, ()))
        tee = {Place.T_JUNCTION} if len(self._arms(junction)) == 3 else set()
        return signs | tee | {Place.JUNCTION}

    def _count_exits(self, way: tuple[int, ...], taken: Arm) -> int:
        """Roads that go off the ring up to and with the one that was taken."""
        passed: set[Arm] = set()
        for lane in way:
            for beside in self.beside(lane):
                for branch in self.graph.lanes[beside].successors:
                    arm = self._exit_of(branch)
                    if arm is not None:
                        passed.add(arm)
        return len(passed | {taken})

    def _exit_of(self, branch: int) -> Arm | None:
        """The road that a lane leads to off the ring, or None if it goes on round."""
        while branch in self.rings:
            successors = self.graph.lanes[branch].successors
            if len(successors) != 1 or len(self._before[branch]) > 1:
                return None
            branch = successors[0]
        return _arm(self.graph.lanes[branch].key)


def _arm(key: tuple[int, int, int]) -> Arm:
    return key[0], 1 if key[2] > 0 else -1
