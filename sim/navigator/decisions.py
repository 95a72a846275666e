"""What lies along a plan: junctions in the order in which they are met, and lane changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.language import Side
from drivevla.sim.navigator.passages import Passage, Sort, junction_reader
from drivevla.sim.routes.plan import DensePlan
from drivevla.sim.routes.road_options import RoadOption

if TYPE_CHECKING:
    import carla

__all__ = ["Crossing", "LaneMove", "Roadbook", "read_roadbook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A junction on the way.

    Attributes:
        begin_m: Along the plan, where it is entered.
        end_m: Where it is left.
        passage: What it is, and which way it is left.
        location_m: (x, y) of its middle on the plan, CARLA's frame.
    """

    begin_m: float
    end_m: float
    passage: Passage
    location_m: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneMove:
    """A lane change on the way.

    Attributes:
        begin_m: Along the plan, where it begins.
        end_m: Where it ends.
        side: To which side.
    """

    begin_m: float
    end_m: float
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Roadbook:
    """All that a plan meets, in order.

    Attributes:
        plan: The plan.
        lanes: (N,) index into the graph's lanes of every point of it.
        crossings: Junctions that are driven through from end to end; what is no junction to a driver is left out.
        moves: Lane changes.
    """

    plan: DensePlan
    lanes: NDArray[np.int64]
    crossings: tuple[Crossing, ...]
    moves: tuple[LaneMove, ...]

    def point_at(self, distance_m: float) -> int:
        """The point of the plan at or just behind a distance along it."""
        found = int(np.searchsorted(self.plan.distance_m, distance_m, side="right")) - 1
        return min(max(found, 0), len(self.lanes) - 1)


def read_roadbook(carla_map: "carla.Map", plan: DensePlan) -> Roadbook:
    """Read a plan against its map.

    Raises:
        ContractError: The plan was made on another map.
    """
    reader = junction_reader(carla_map)
    keys = [(road, section, lane) for road, section, lane in plan.lane.tolist()]
    if unknown := sorted({key for key in keys if key not in reader.number_of}):
        raise ContractError(
            f"the plan drives on lanes that {carla_map.name} does not have, first {unknown[0]} (road, section, lane); "
            "give the map that the plan was made on"
        )
    lanes = np.array([reader.number_of[key] for key in keys])
    inside = np.array([reader.graph.lanes[each].junction >= 0 or each in reader.rings for each in lanes.tolist()])
    crossings = []
    for begin, end in _runs(inside.tolist()):
        if begin == 0 or end == len(lanes):
            continue  # where the route starts or ends there is nothing to say about the other side
        passage = reader.passage(
            int(lanes[begin - 1]), tuple(dict.fromkeys(lanes[begin:end].tolist())), int(lanes[end])
        )
        if passage.sort is not Sort.NONE:
            x, y = plan.location_m[begin:end, :2].mean(axis=0).tolist()
            crossings.append(
                Crossing(
                    begin_m=float(plan.distance_m[begin]),
                    end_m=float(plan.distance_m[end]),
                    passage=passage,
                    location_m=(x, y),
                )
            )
    return Roadbook(plan=plan, lanes=lanes, crossings=tuple(crossings), moves=tuple(_moves(plan)))


def _moves(plan: DensePlan) -> Iterator[LaneMove]:
    found = []
    for option, side in ((RoadOption.CHANGELANELEFT, Side.LEFT), (RoadOption.CHANGELANERIGHT, Side.RIGHT)):
        for begin, end in _runs((plan.option == option).tolist()):
            begin_m, end_m = plan.distance_m[max(begin - 1, 0)], plan.distance_m[end - 1]
            found.append(LaneMove(begin_m=float(begin_m), end_m=float(end_m), side=side))
    yield from sorted(found, key=lambda move: move.begin_m)


def _runs(flags: list[bool]) -> Iterator[tuple[int, int]]:
    """Begin and end, one past, of every run of true values."""
    begin: int | None = None
    for number, flag in enumerate([*flags, False]):
        if flag and begin is None:
            begin = number
        elif not flag and begin is not None:
            yield begin, number
            begin = None
