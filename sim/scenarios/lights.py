"""Traffic lights that are held for a while.

Source: scenario_runner, ``TrafficLightFreezer``: a state is set and given all the time in the world, since CARLA can
freeze all lights of a town only at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from drivevla.errors import DataError

if TYPE_CHECKING:
    import carla

    from drivevla.sim.scenarios.stage import Stage

__all__ = ["held", "light_of", "lights_of_junction"]

_FOR_EVER_S = 10_000.0


def lights_of_junction(stage: Stage, junction: int) -> list[carla.TrafficLight]:
    """The lights of a junction, in a fixed order."""
    return sorted(stage.world.get_traffic_lights_in_junction(junction), key=lambda each: int(each.id))


def light_of(lights: Sequence[carla.TrafficLight], lane: tuple[int, int]) -> carla.TrafficLight:
    """The light that is for a lane, by road and lane id: it stops those who come by that lane.

    Raises:
        DataError: None is.
    """
    governed = [(light, lanes_before(light)) for light in lights]
    for light, lanes in governed:
        if lane in lanes:
            return light
    for light, lanes in governed:
        if any(road == lane[0] for road, _ in lanes):
            return light
    raise DataError(f"none of {len(lights)} lights of the junction is for lane {lane[1]} of road {lane[0]}")


def lanes_before(light: carla.TrafficLight) -> set[tuple[int, int]]:
    """Road and lane ids that a light governs, where it stops traffic and where its signal stands.

    Its signal may belong to the lanes inside the junction (Town01): where traffic stops is on the road before it.
    """
    return {
        (each.road_id, each.lane_id) for each in (*light.get_stop_waypoints(), *light.get_affected_lane_waypoints())
    }


@contextmanager
def held(states: Mapping[carla.TrafficLight, carla.TrafficLightState]) -> Iterator[None]:
    """Lights show these states for as long as the context lasts, and go on from their former ones afterwards."""
    before = [
        (each, each.get_state(), each.get_green_time(), each.get_yellow_time(), each.get_red_time()) for each in states
    ]
    for light, state in states.items():
        light.set_state(state)
        light.set_green_time(_FOR_EVER_S)
        light.set_yellow_time(_FOR_EVER_S)
        light.set_red_time(_FOR_EVER_S)
    try:
        yield
    finally:
        for light, state, green_s, yellow_s, red_s in before:
            light.set_green_time(green_s)
            light.set_yellow_time(yellow_s)
            light.set_red_time(red_s)
            light.set_state(state)
