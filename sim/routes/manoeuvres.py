"""What a route asks of a driver: manoeuvres, told from the dense plan and the map."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from drivevla.errors import ContractError
from drivevla.sim.routes.junctions import JunctionControl, junction_controls, predecessors, roundabout_lanes
from drivevla.sim.routes.lanes import LaneGraph, lane_graph
from drivevla.sim.routes.plan import DensePlan
from drivevla.sim.routes.road_options import LANE_CHANGES, RoadOption

if TYPE_CHECKING:
    import carla

__all__ = ["MANOEUVRES", "Manoeuvre", "ManoeuvreSite", "joins_from_ramp", "manoeuvres_on", "turn_manoeuvre"]

Manoeuvre = Literal[
    "left_lights",
    "left_signs",
    "left_none",
    "right_lights",
    "right_signs",
    "right_none",
    "straight_lights",
    "straight_signs",
    "straight_none",
    "lane_change_left",
    "lane_change_right",
    "roundabout",
    "merge",
    "follow",
]
"""Turns by what controls the junction; ``merge`` joins a lane that others come into from the same side (a ramp);
``follow`` is a route on which nothing else happens."""
MANOEUVRES: tuple[Manoeuvre, ...] = get_args(Manoeuvre)

_TURNS: dict[RoadOption, dict[JunctionControl, Manoeuvre]] = {
    RoadOption.LEFT: {"lights": "left_lights", "signs": "left_signs", "none": "left_none"},
    RoadOption.RIGHT: {"lights": "right_lights", "signs": "right_signs", "none": "right_none"},
    RoadOption.STRAIGHT: {"lights": "straight_lights", "signs": "straight_signs", "none": "straight_none"},
}
_MERGE_DEG = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ManoeuvreSite:
    """One manoeuvre on a plan.

    Attributes:
        manoeuvre: Which.
        begin: First point of the plan that belongs to it.
        end: One past the last.
    """

    manoeuvre: Manoeuvre
    begin: int
    end: int


def manoeuvres_on(carla_map: "carla.Map", plan: DensePlan) -> tuple[ManoeuvreSite, ...]:
    """The manoeuvres of a plan in their order; a plan without any is one long ``follow``.

    A passage of a junction is one manoeuvre: ``roundabout`` if it lies on a ring, ``merge`` if it joins a lane from a
    ramp, else its turn and what controls the junction. A way round a roundabout is one manoeuvre, however many
    junctions the map makes of it.
    """
    graph = lane_graph(carla_map)
    number_of = {lane.key: number for number, lane in enumerate(graph.lanes)}
    lanes = [number_of[key] for key in map(tuple, plan.lane.tolist())]
    options = plan.options()
    rings, controls, joining = roundabout_lanes(graph), junction_controls(carla_map), predecessors(graph)
    sites: list[ManoeuvreSite] = []
    for begin, end in _runs(_labels(plan, lanes, rings)):
        name: Manoeuvre
        if lanes[begin] in rings:
            name = "roundabout"
        elif options[begin] in LANE_CHANGES:
            name = "lane_change_left" if options[begin] is RoadOption.CHANGELANELEFT else "lane_change_right"
        elif options[begin] is RoadOption.LANEFOLLOW:
            continue
        elif begin > 0 and end < len(lanes) and joins_from_ramp(graph, joining, *_around(lanes, begin, end)):
            name = "merge"
        else:
            name = turn_manoeuvre(options[begin], controls.get(int(plan.junction[begin]), "none"))
        sites.append(ManoeuvreSite(manoeuvre=name, begin=begin, end=end))
    return tuple(sites) or (ManoeuvreSite(manoeuvre="follow", begin=0, end=len(lanes)),)


def turn_manoeuvre(option: RoadOption, control: JunctionControl) -> Manoeuvre:
    """The manoeuvre of a passage through a junction with that control."""
    if option not in _TURNS:
        raise ContractError(f"a passage of a junction is LEFT, RIGHT or STRAIGHT, got {option.name}")
    return _TURNS[option][control]


def _around(lanes: Sequence[int], begin: int, end: int) -> tuple[int, int, int]:
    return lanes[begin - 1], lanes[end - 1], lanes[end]


def _labels(plan: DensePlan, lanes: Sequence[int], rings: frozenset[int]) -> list[tuple[int, int]]:
    """A label for every point; equal neighbours are one manoeuvre."""
    on_ring = [lane in rings for lane in lanes]
    return [
        (-2, 0) if ring else (option, junction)
        for ring, option, junction in zip(on_ring, plan.option.tolist(), plan.junction.tolist(), strict=True)
    ]


def _runs(labels: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    begin = 0
    for number in range(1, len(labels) + 1):
        if number == len(labels) or labels[number] != labels[begin]:
            yield begin, number
            begin = number


def joins_from_ramp(graph: LaneGraph, joining: Sequence[Sequence[int]], before: int, last: int, after: int) -> bool:
    """Whether another lane, from another road but much the same direction, leads into the same lane.

    Args:
        graph: Of the map.
        joining: What ``predecessors`` gives.
        before: The lane before the junction.
        last: The last lane of the way inside it.
        after: The lane after it.
    """
    road, coming = graph.lanes[before].key[0], graph.lanes[before].exit_yaw_deg
    leaving = graph.lanes[after].entry_yaw_deg
    if abs(_turned(coming, leaving)) > _MERGE_DEG:
        return False
    for other in joining[after]:
        if other == last or graph.lanes[other].junction < 0:
            continue
        for source in joining[other]:
            lane = graph.lanes[source]
            if lane.key[0] != road and abs(_turned(lane.exit_yaw_deg, leaving)) <= _MERGE_DEG:
                return True
    return False


def _turned(first_deg: float, second_deg: float) -> float:
    return (second_deg - first_deg + 180.0) % 360.0 - 180.0
