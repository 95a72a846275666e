"""Which lights and signs a driver meets at the end of each lane."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from drivevla.language import Place
from drivevla.sim.routes.junctions import predecessors
from drivevla.sim.routes.lanes import Lane, lane_graph
from drivevla.sim.routes.once import once

if TYPE_CHECKING:
    import carla

__all__ = ["approach_signs"]

_PLACES = {"1000001": Place.TRAFFIC_LIGHT, "206": Place.STOP_SIGN, "205": Place.YIELD_SIGN}
"""CARLA's numbers of signals that stand at junctions."""
_REACH_M = 40.0
"""A signal stands within so much of the end of the road that it is for, as ``sim.routes.junctions`` takes it."""


@once
def approach_signs(carla_map: "carla.Map") -> Mapping[int, frozenset[Place]]:
    """Lights and signs for whoever comes along a lane into a junction, by the lane's index in the graph.

    A map states a signal either on the road before the junction or on the roads inside it; both are read.
    """
    graph = lane_graph(carla_map)
    before = predecessors(graph)
    by_road: dict[int, list[int]] = {}
    for number, lane in enumerate(graph.lanes):
        by_road.setdefault(lane.key[0], []).append(number)
    found: dict[int, set[Place]] = {}
    for kind, place in _PLACES.items():
        for signal in carla_map.get_all_landmarks_of_type(kind):
            for number in by_road.get(signal.road_id, ()):
                lane = graph.lanes[number]
                if not any(low <= lane.key[2] <= high for low, high in signal.get_lane_validities()):
                    continue
                if lane.junction >= 0:
                    approaches = [each for each in before[number] if graph.lanes[each].junction < 0]
                else:
                    near = abs(float(graph.s_m[lane.end - 1]) - signal.s) <= _REACH_M
                    approaches = [number] if near and _leads_into_junction(graph.lanes, number) else []
                for each in approaches:
                    found.setdefault(each, set()).add(place)
    return {number: frozenset(places) for number, places in found.items()}


def _leads_into_junction(lanes: tuple[Lane, ...], number: int) -> bool:
    return any(lanes[each].junction >= 0 for each in lanes[number].successors)
