"""CARLA's weather parameters as the renderer reads them, and what follows from them: sun, haze, wetness."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Weather"]


@dataclass(frozen=True, slots=True)
class Weather:
    """``carla.WeatherParameters``: the same fields, ranges and order as on the wire (carla.org, "Weather").

    Attributes:
        cloudiness: 0 clear to 100 overcast.
        precipitation: Rain, 0 to 100.
        precipitation_deposits: Puddles, 0 to 100.
        wind_intensity: 0 to 100; slants the rain.
        sun_azimuth_angle: Degrees, clockwise seen from above, 0 along +x.
        sun_altitude_angle: Degrees, -90 midnight to 90 noon.
        fog_density: 0 to 100.
        fog_distance: Metres without fog before it starts.
        fog_falloff: Density change with height; 0 is a fog without a top.
        wetness: 0 to 100; darkens and polishes the road.
        scattering_intensity: Glow of the fog around lights.
        mie_scattering_scale: Haze of pollen and dust.
        rayleigh_scattering_scale: Blueness of the sky.
        dust_storm: 0 to 100.
    """

    cloudiness: float = 0.0
    precipitation: float = 0.0
    precipitation_deposits: float = 0.0
    wind_intensity: float = 0.0
    sun_azimuth_angle: float = 0.0
    sun_altitude_angle: float = 60.0
    fog_density: float = 0.0
    fog_distance: float = 0.0
    fog_falloff: float = 0.0
    wetness: float = 0.0
    scattering_intensity: float = 0.0
    mie_scattering_scale: float = 0.0
    rayleigh_scattering_scale: float = 0.0331
    dust_storm: float = 0.0

    @property
    def sun_direction(self) -> NDArray[np.float32]:
        """(3,) unit vector from the ground towards the sun, CARLA's world frame."""
        azimuth, altitude = math.radians(self.sun_azimuth_angle), math.radians(self.sun_altitude_angle)
        return np.array(
            [math.cos(altitude) * math.cos(azimuth), math.cos(altitude) * math.sin(azimuth), math.sin(altitude)],
            dtype=np.float32,
        )

    @property
    def daylight(self) -> float:
        """0 in the night, 1 when the sun stands 12 degrees or higher; dusk between -6 (civil twilight) and 12."""
        return float(np.clip((self.sun_altitude_angle + 6.0) / 18.0, 0.0, 1.0))

    @property
    def night(self) -> float:
        """0 while the street lamps are off by day, 1 when nothing but lamps gives light."""
        return 1.0 - min(1.0, 1.6 * self.daylight)

    @property
    def overcast(self) -> float:
        """Fraction of the sun that clouds, rain and dust take away."""
        return float(
            np.clip(self.cloudiness / 100.0 * 0.9 + self.precipitation / 400.0 + self.dust_storm / 150.0, 0.0, 0.97)
        )
