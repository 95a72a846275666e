"""Weathers by everyday words, and by the names of CARLA's presets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivevla.errors import require, unknown_name

if TYPE_CHECKING:
    import carla

__all__ = ["WORDS", "weather_named"]

WORDS = {
    "clear": "ClearNoon",
    "cloudy": "CloudyNoon",
    "wet": "WetNoon",
    "drizzle": "SoftRainNoon",
    "rain": "MidRainyNoon",
    "storm": "HardRainSunset",
    "sunset": "ClearSunset",
    "night": "ClearNight",
}


def weather_named(name: str) -> carla.WeatherParameters:
    """The weather of a word of ``WORDS`` or of a preset of CARLA's.

    Raises:
        UnknownName: There is no such weather.
        MissingExtra: carla is not installed.
    """
    presets = require("carla", "sim").WeatherParameters
    known = [each for each in dir(presets) if each[0].isupper()]
    preset = WORDS.get(name, name)
    if preset not in known:
        raise unknown_name("weather", name, [*WORDS, *known])
    return getattr(presets, preset)
