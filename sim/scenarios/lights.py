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
    """Lights show these states for as long as the context lasts; afterwards their junction takes turns from the start.

    A turn lasts as long as was told when it began: one under way would end while the lights are held, and one that
    begins meanwhile would never end afterwards. So turns begin anew at both ends.
    """
    before = [(each, each.get_green_time(), each.get_yellow_time(), each.get_red_time()) for each in states]
    _begin_turns([(each, _FOR_EVER_S, _FOR_EVER_S, _FOR_EVER_S) for each in states])
    for light, state in states.items():
        light.set_state(state)
    try:
        yield
    finally:
        _begin_turns(before)


def _begin_turns(times_s: Sequence[tuple[carla.TrafficLight, float, float, float]]) -> None:
    """Lights with their times of green, yellow and red, the junction's turns begun anew."""
    for light, green_s, yellow_s, red_s in times_s:
        light.set_green_time(green_s)
        light.set_yellow_time(yellow_s)
        light.set_red_time(red_s)
    for light, *_ in times_s:
        light.reset_group()
