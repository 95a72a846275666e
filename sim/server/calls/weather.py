"""Weather."""

from dataclasses import astuple, fields
from functools import lru_cache

from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.wire import decode
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["CALLS"]

CALLS = CallGroup()

_weather: decode.Decoder[Weather] = decode.struct(Weather, *[decode.number] * len(fields(Weather)))


@CALLS.value("get_weather_parameters", locks=False)
def get_weather_parameters(simulator: Simulator) -> list[float]:
    """The weather."""
    return _to_wire(simulator.weather)


@CALLS.nothing("set_weather_parameters", _weather)
def set_weather_parameters(simulator: Simulator, weather: Weather) -> None:
    """Change the weather; at dusk and dawn the street lamps follow."""
    simulator.weather = weather
    if simulator.episode.street_lights.notice(weather):
        simulator.announce_lights()


@lru_cache(maxsize=1)  # the Traffic Manager asks every step
def _to_wire(weather: Weather) -> list[float]:
    return list(astuple(weather))
