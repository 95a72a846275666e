"""Traffic lights and signs."""

from drivevla.errors import ContractError
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.wire import decode, encode
from drivevla.sim.server.world.lights import UNKNOWN, Light
from drivevla.sim.server.world.signals import SignalActors
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["CALLS"]

CALLS = CallGroup()

ID = decode.uint32
LONGEST_STATE_S = 1e6


def light_state(value: object) -> int:
    """The decoder of a TrafficLightState.

    Raises:
        ContractError: No such state.
    """
    state = decode.integer(value)
    if not 0 <= state <= UNKNOWN:
        raise ContractError(f"a traffic light's state is 0 to {UNKNOWN}, got {state}")
    return state


def duration_s(value: object) -> float:
    """The decoder of a time in seconds.

    Raises:
        ContractError: Negative, absurdly long or no number.
    """
    seconds = decode.number(value)
    if not 0.0 <= seconds <= LONGEST_STATE_S:
        raise ContractError(f"a light's time must lie in [0, {LONGEST_STATE_S:g}] seconds, got {seconds:g}")
    return seconds


@CALLS.nothing("set_traffic_light_state", ID, light_state)
def set_traffic_light_state(simulator: Simulator, actor_id: int, state: int) -> None:
    """Show a state until the next change."""
    signals, light = _light(simulator, actor_id)
    signals.lights.set_state(light.signal_id, state)


@CALLS.nothing("set_traffic_light_green_time", ID, duration_s)
def set_traffic_light_green_time(simulator: Simulator, actor_id: int, seconds: float) -> None:
    """Seconds of green of the whole phase."""
    signals, light = _light(simulator, actor_id)
    light.timing.green_s = seconds
    signals.lights.touch()


@CALLS.nothing("set_traffic_light_yellow_time", ID, duration_s)
def set_traffic_light_yellow_time(simulator: Simulator, actor_id: int, seconds: float) -> None:
    """Seconds of yellow of the whole phase."""
    signals, light = _light(simulator, actor_id)
    light.timing.yellow_s = seconds
    signals.lights.touch()


@CALLS.nothing("set_traffic_light_red_time", ID, duration_s)
def set_traffic_light_red_time(simulator: Simulator, actor_id: int, seconds: float) -> None:
    """Seconds that all are red before the next phase."""
    signals, light = _light(simulator, actor_id)
    light.timing.red_s = seconds
    signals.lights.touch()


@CALLS.nothing("freeze_all_traffic_lights", decode.boolean)
def freeze_all_traffic_lights(simulator: Simulator, frozen: bool) -> None:
    """Let time stand still for all lights."""
    lights = simulator.episode.signals.lights
    lights.frozen = frozen
    lights.touch()


@CALLS.nothing("reset_traffic_light_group", ID)
def reset_traffic_light_group(simulator: Simulator, actor_id: int) -> None:
    """Begin the junction's cycle anew."""
    signals, light = _light(simulator, actor_id)
    signals.lights.reset_group(light.signal_id)


@CALLS.nothing("reset_all_traffic_lights")
def reset_all_traffic_lights(simulator: Simulator) -> None:
    """Begin all cycles anew."""
    simulator.episode.signals.lights.reset_all()


@CALLS.value("get_group_traffic_lights", ID)
def get_group_traffic_lights(simulator: Simulator, actor_id: int) -> list[int]:
    """All lights of the junction."""
    signals, light = _light(simulator, actor_id)
    return [signals.actor(signal_id).actor_id for signal_id in signals.lights.group_of(light.signal_id)]


@CALLS.value("get_light_boxes", ID)
def get_light_boxes(simulator: Simulator, actor_id: int) -> list[object]:
    """World boxes of the light's heads."""
    signals, light = _light(simulator, actor_id)
    yaw_deg = simulator.episode.table.pose(signals.actor(light.signal_id)).rotation_deg[1]
    return [
        encode.bounding_box(center_m, HEAD_HALF_EXTENT_M, (0.0, yaw_deg, 0.0))
        for center_m in signals.signal(light.signal_id).head_locations_m
    ]


HEAD_HALF_EXTENT_M = (0.2, 0.25, 0.5)
"""Half sizes of a light head's housing."""


def _light(simulator: Simulator, actor_id: int) -> tuple[SignalActors, Light]:
    episode = simulator.episode
    return episode.signals, episode.signals.light_of(episode.table.get(actor_id))
