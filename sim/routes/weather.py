"""Weather along a route, in the numbers of ``carla.WeatherParameters``."""

import bisect
import math
from dataclasses import dataclass, fields

from drivevla.errors import ContractError

__all__ = ["LEADERBOARD_1_WEATHER", "LEADERBOARD_2_WEATHER", "Weather", "WeatherPoint", "WeatherSchedule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """One state of the weather; names, units and defaults are those of ``carla.WeatherParameters`` (CARLA 0.9.16).

    Percentages are 0 to 100, angles degrees, ``fog_distance`` metres. A negative ``sun_azimuth_angle`` is found in
    official files (-1) and passed on as it is.
    """

    cloudiness: float = 0.0
    precipitation: float = 0.0
    precipitation_deposits: float = 0.0
    wind_intensity: float = 0.0
    sun_azimuth_angle: float = 0.0
    sun_altitude_angle: float = 0.0
    fog_density: float = 0.0
    fog_distance: float = 0.0
    wetness: float = 0.0
    fog_falloff: float = 0.0
    scattering_intensity: float = 0.0
    mie_scattering_scale: float = 0.0
    rayleigh_scattering_scale: float = 0.0331
    dust_storm: float = 0.0

    def __post_init__(self) -> None:
        for name, value in self.values().items():
            if not math.isfinite(value):
                raise ContractError(f"weather: {name} must be a finite number, got {value}")

    def values(self) -> dict[str, float]:
        """Every parameter by name, in the order of the fields."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


LEADERBOARD_1_WEATHER = Weather(sun_altitude_angle=70.0, cloudiness=30.0)
"""Of a leaderboard 1 route that states none (``leaderboard`` repository, ``utils/route_parser.py``, branch 1.0)."""
LEADERBOARD_2_WEATHER = Weather(sun_altitude_angle=70.0, cloudiness=50.0)
"""Of a leaderboard 2 route that states none, and the base that a stated one changes (same file, branch 2.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherPoint:
    """The weather at one place of a route.

    Attributes:
        route_percentage: 0 at the start, 100 at the end.
        weather: What it is like there.
    """

    route_percentage: float
    weather: Weather

    def __post_init__(self) -> None:
        if not 0.0 <= self.route_percentage <= 100.0:
            raise ContractError(f"route_percentage must lie in 0 to 100, got {self.route_percentage}")


@dataclass(frozen=True, slots=True)
class WeatherSchedule:
    """How the weather changes along a route: linear between its points, constant before the first and after the last.

    Attributes:
        points: At least one, by ascending percentage.
    """

    points: tuple[WeatherPoint, ...]

    def __post_init__(self) -> None:
        places = [each.route_percentage for each in self.points]
        if not places or places != sorted(places):
            raise ContractError(f"a weather schedule needs points by ascending route_percentage, got {places}")

    @classmethod
    def constant(cls, weather: Weather) -> "WeatherSchedule":
        """The same weather all the way."""
        return cls((WeatherPoint(route_percentage=0.0, weather=weather),))

    def at(self, route_percentage: float) -> Weather:
        """The weather where that share of the route is driven; every parameter is interpolated by itself."""
        after = bisect.bisect_right(self.points, route_percentage, key=lambda point: point.route_percentage)
        if after == 0:
            return self.points[0].weather
        first = self.points[after - 1]
        if after == len(self.points):
            return first.weather
        second = self.points[after]
        span = second.route_percentage - first.route_percentage
        share = (route_percentage - first.route_percentage) / span
        start, end = first.weather.values(), second.weather.values()
        return Weather(**{name: start[name] + share * (end[name] - start[name]) for name in start})
