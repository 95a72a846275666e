"""Street lamps, for carla.LightManager."""

from typing import Any

from drivevla.errors import ContractError
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.wire import decode, encode
from drivevla.sim.server.world.simulator import Simulator
from drivevla.sim.server.world.street_lights import LampState

__all__ = ["CALLS"]

CALLS = CallGroup()

_GROUPS = 5
_HIGHEST_LUMEN = 1e7


def _whole(value: object, below: int, what: str) -> int:
    whole = decode.integer(value)
    if not 0 <= whole < below:
        raise ContractError(f"{what} must lie in [0, {below - 1}], got {whole}")
    return whole


def _intensity(value: object) -> float:
    lumen = decode.number(value)
    if not 0.0 <= lumen <= _HIGHEST_LUMEN:
        raise ContractError(f"a lamp's intensity must lie in [0, {_HIGHEST_LUMEN:g}] lumen, got {lumen:g}")
    return lumen


def _group(value: object) -> int:
    return _whole(value, _GROUPS, "a lamp's group")


def _rgb(value: object) -> tuple[int, int, int]:
    channels = decode.sequence(decode.integer)(value)
    if len(channels) != 3:
        raise ContractError(f"a colour is [red, green, blue], got {channels}")
    red, green, blue = (_whole(channel, 256, "a colour's channel") for channel in channels)
    return red, green, blue


def _id_and_state(lamp_id: int = 0, _location: object = None, *state: Any) -> tuple[int, LampState]:
    return lamp_id, LampState(*state)


lamp_state: decode.Decoder[tuple[int, LampState]] = decode.struct(
    _id_and_state, decode.uint32, decode.anything, _intensity, _group, _rgb, decode.boolean
)
"""The decoder of a LightState: a lamp's id and its new state; where it says that the lamp stands is not read."""


@CALLS.value("query_lights_state", decode.text)
def query_lights_state(simulator: Simulator, _client: str) -> list[object]:
    """The street lamps that stand beside sidewalks."""
    return [
        [
            light.object_id,
            encode.vector(light.location_m),
            state.intensity,
            state.group,
            list(state.rgb),
            state.active,
        ]
        for light, state in simulator.episode.street_lights
    ]


@CALLS.nothing("update_lights_state", decode.text, decode.sequence(lamp_state), decode.boolean)
def update_lights_state(
    simulator: Simulator, _client: str, lights: list[tuple[int, LampState]], _discard: bool
) -> None:
    """Switch street lamps: at night pictures show which are on; colour and intensity are kept and not drawn."""
    simulator.episode.street_lights.set(dict(lights))
    simulator.announce_lights()


@CALLS.nothing("update_day_night_cycle", decode.text, decode.boolean)
def update_day_night_cycle(simulator: Simulator, _client: str, active: bool) -> None:
    """Whether street lamps go on at dusk and off at dawn by themselves."""
    simulator.episode.street_lights.follow_sun = active
