"""The routes of a town: where to, in what weather, among whom, and in which words. All drawn from seeds."""

from __future__ import annotations

import logging
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drivevla.collection.config import CollectionConfig
from drivevla.errors import ConfigError, DataError, nearest, require
from drivevla.language import Language
from drivevla.sim.routes import Route, generate_routes
from drivevla.sim.routes.weather import Weather, WeatherSchedule
from drivevla.sim.scenarios.placement import place_scenarios

if TYPE_CHECKING:
    import carla

__all__ = ["RouteDraw", "routes_of", "weather_named"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDraw:
    """One route and all that was drawn for it.

    Attributes:
        name: Of its episode: the town's, and a number.
        split: Of its town.
        route: Where to, in what weather, with which scenarios.
        weather: The weather's name.
        language: Of the sentences.
        guidance: What is heard.
        vehicles: Background traffic.
        walkers: People on the pavements.
        seed: Of everything else.
    """

    name: str
    split: str
    route: Route
    weather: str
    language: str
    guidance: str
    vehicles: int
    walkers: int
    seed: int


def routes_of(config: CollectionConfig, town: str, carla_map: carla.Map) -> tuple[RouteDraw, ...]:
    """The routes of a town; the same arguments give the same ones.

    A town without room for as many routes gives those it has, and says so.
    """
    rng = np.random.default_rng([config.seed, zlib.crc32(town.encode())])
    routes = [*_plain(config, carla_map, rng), *_with_scenarios(config, carla_map, rng)]
    return tuple(_draw(config, town, number, route, rng) for number, route in enumerate(routes))


def weather_named(name: str) -> Weather:
    """One of CARLA's presets.

    Raises:
        ConfigError: There is no such preset.
    """
    presets = require("carla", "sim").WeatherParameters
    known = [each for each in dir(presets) if each[0].isupper()]
    if name not in known:
        match = nearest(name, known)
        raise ConfigError(f"no weather {name!r}" + (f"; did you mean {match!r}?" if match else f" of {known}"))
    preset = getattr(presets, name)
    return Weather(**{key: float(getattr(preset, key)) for key in Weather().values()})


def _plain(config: CollectionConfig, carla_map: carla.Map, rng: np.random.Generator) -> tuple[Route, ...]:
    for count in range(config.routes_per_town, 0, -1):
        try:
            return generate_routes(
                carla_map,
                count=count,
                seed=int(rng.integers(2**31)),
                length_m=(config.min_length_m, config.max_length_m),
            )
        except DataError as error:
            logger.warning("%s: %s", carla_map.name, error)
    return ()


def _with_scenarios(config: CollectionConfig, carla_map: carla.Map, rng: np.random.Generator) -> list[Route]:
    found: list[Route] = []
    for number in rng.permutation(len(config.scenario_types)).tolist():
        if len(found) >= config.scenarios_per_town:
            break
        kind = config.scenario_types[number]
        seed, difficulty = int(rng.integers(2**31)), float(rng.uniform(0.1, 0.7))
        found += place_scenarios(carla_map, [kind], seed=seed, difficulty=difficulty)
    return found


def _draw(config: CollectionConfig, town: str, number: int, route: Route, rng: np.random.Generator) -> RouteDraw:
    weather = config.weathers[int(rng.integers(len(config.weathers)))]
    return RouteDraw(
        name=f"{town}_{number:02d}",
        split=config.split_of(town),
        route=replace(route, town=town, weather=WeatherSchedule.constant(weather_named(weather))),
        weather=weather,
        language=(Language.ZH if rng.random() < config.chinese_share else Language.EN).value,
        guidance=config.guidances[int(rng.integers(len(config.guidances)))],
        vehicles=int(rng.integers(config.min_vehicles, config.max_vehicles + 1)),
        walkers=int(rng.integers(config.min_walkers, config.max_walkers + 1)),
        seed=int(rng.integers(2**31)),
    )
