"""The lights of the ego's junction as scenarios set them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Literal

from drivevla.errors import DataError
from drivevla.sim.scenarios.lights import held, light_of, lights_of_junction
from drivevla.sim.scenarios.roads import Crossing, Entry

if TYPE_CHECKING:
    from drivevla.sim.scenarios.scenario import Play, Scenario

__all__ = ["both_green", "ego_green", "ego_lane", "ego_shows"]

FLOW_FIRST_S = 5.0
"""So long the flow alone has green."""


def ego_lane(scenario: Scenario, crossing: Crossing) -> tuple[int, int]:
    """Road and lane the ego comes by."""
    road, _, lane = scenario.plan.lane[max(crossing.enter - 1, 0)].tolist()
    return road, lane


def ego_green(scenario: Scenario, crossing: Crossing) -> AbstractContextManager[None]:
    """Green for the ego, red for all others, for as long as the context lasts.

    Raises:
        DataError: The junction has no lights, or none for the ego.
    """
    return ego_shows(scenario, crossing, "green")


@contextmanager
def ego_shows(scenario: Scenario, crossing: Crossing, colour: Literal["green", "red"]) -> Iterator[None]:
    """A state for the ego, red for all others.

    Raises:
        DataError: The junction has no lights, or none for the ego.
    """
    import carla

    lights = lights_of_junction(scenario.stage, crossing.junction)
    if not lights:
        raise DataError(f"scenario {scenario.spec.name} ({scenario.spec.type}) needs a junction with traffic lights")
    own = light_of(lights, ego_lane(scenario, crossing))
    state = carla.TrafficLightState
    shown = state.Green if colour == "green" else state.Red
    with held({each: shown if each.id == own.id else state.Red for each in lights}):
        yield


def both_green(scenario: Scenario, crossing: Crossing, entries: Sequence[Entry]) -> Play:
    """Green for the flow, 5 s later for the ego too, red for all others; for ever.

    Args:
        scenario: Whose junction it is.
        crossing: The ego's way.
        entries: The lanes that flows come by; none where no light is for the flow (a bicycle lane), and the ego's
            light turns green last all the same.

    Raises:
        DataError: The junction has no lights.
    """
    import carla

    lights = lights_of_junction(scenario.stage, crossing.junction)
    if not lights:
        raise DataError(f"scenario {scenario.spec.name} ({scenario.spec.type}) needs a junction with traffic lights")
    state = carla.TrafficLightState
    own = light_of(lights, ego_lane(scenario, crossing))
    keys = [scenario.roads.graph.lanes[entry.lane].key for entry in entries]
    flowing = {light_of(lights, (road, lane)).id for road, _, lane in keys}
    with held({each: state.Green if each.id in flowing else state.Red for each in lights}):
        yield from scenario.wait(FLOW_FIRST_S)
        own.set_state(state.Green)
        yield from scenario.until(lambda: False)
