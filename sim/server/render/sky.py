"""The sky: a panorama painted once per weather, and the light that it and the sun send down.

The colours are chosen by eye to look like a clear, cloudy, foggy, dusty or night sky; they follow no atmosphere model.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.sim.server.numba_import import inlined
from drivevla.sim.server.render.painting import smooth_noise
from drivevla.sim.server.render.vectors import Vector
from drivevla.sim.server.render.weather import Weather

__all__ = ["SIDE", "Sky", "paint_sky", "panorama_texel"]

SIDE = 512
"""The upper half of all directions, folded onto a square of this many texels a side (hemi-octahedral map: Z. Cigolle
et al., "A Survey of Efficient Representations for Independent Unit Vectors", JCGT 3(2), 2014)."""


@dataclass(frozen=True, slots=True)
class Sky:
    """Light of one weather; linear RGB, a white surface in full sun has a value near 1.

    Attributes:
        panorama: (SIDE * SIDE, 3) colour of the sky by direction.
        sun_direction: (3,) towards the sun, or the moon at night.
        sun_rgb: (3,) light of the sun, less what clouds take away.
        zenith_rgb: (3,) ambient light on a surface that faces up.
        ground_rgb: (3,) ambient light on a surface that faces down.
        haze_rgb: (3,) colour of fog, rain and dust in the distance.
        extinction_per_m: How quickly the haze takes over beyond ``haze_start_m``.
        haze_start_m: Clear distance.
        air_per_m: Extinction of clear air, from the camera on.
        exposure: What the picture is multiplied with: a camera opens up at night.
        night: 0 by day, 1 at night.
    """

    panorama: NDArray[np.float32]
    sun_direction: NDArray[np.float32]
    sun_rgb: NDArray[np.float32]
    zenith_rgb: NDArray[np.float32]
    ground_rgb: NDArray[np.float32]
    haze_rgb: NDArray[np.float32]
    extinction_per_m: float
    haze_start_m: float
    air_per_m: float
    exposure: float
    night: float

    @property
    def lamp_gain(self) -> float:
        """What lamps are dimmed by, so that an open aperture at night does not burn them out to white."""
        return float(self.exposure**-0.8)


@inlined
def panorama_texel(direction: Vector) -> int:
    """The panorama's texel in a direction of any length; directions below the horizon give the horizon."""
    x, y, z = direction
    scale = 0.5 * (SIDE - 1) / (abs(x) + abs(y) + max(z, 0.0))
    column, row = (x + y) * scale + 0.5 * SIDE, (x - y) * scale + 0.5 * SIDE
    return int(row) * SIDE + int(column)


@lru_cache(maxsize=1)
def _directions() -> NDArray[np.float32]:
    """(3, SIDE * SIDE) unit vectors of the panorama's texels."""
    axis = (np.arange(SIDE) + 0.5) / SIDE * 2.0 - 1.0
    row, column = np.meshgrid(axis, axis, indexing="ij")
    x, y = (column + row) / 2.0, (column - row) / 2.0
    direction = np.stack([x, y, 1.0 - np.abs(x) - np.abs(y)]).reshape(3, -1)
    return (direction / np.linalg.norm(direction, axis=0)).astype(np.float32)


@lru_cache(maxsize=1)
def _cloud_noise() -> NDArray[np.float32]:
    """(SIDE * SIDE,) thickness of clouds on a layer overhead, before a coverage is chosen; mean 0, deviation 1."""
    rng = np.random.default_rng(77)
    layer = smooth_noise(rng, 1024, 8, 6)
    x, y, z = _directions()
    stretch = 1.6 / (z + 0.12)
    column = ((x * stretch) * 96).astype(int) % 1024
    row = ((y * stretch) * 96).astype(int) % 1024
    noise = layer[row, column]
    return ((noise - layer.mean()) / layer.std()).astype(np.float32)


def _mix(a: ArrayLike, b: ArrayLike, share: float) -> NDArray[np.float64]:
    return np.asarray(a, np.float64) * (1.0 - share) + np.asarray(b, np.float64) * share


def paint_sky(weather: Weather) -> Sky:
    """The sky of a weather; rounding the weather lets slow changes reuse the last panorama."""
    return _paint_rounded(
        Weather(
            cloudiness=round(weather.cloudiness),
            precipitation=round(weather.precipitation),
            sun_azimuth_angle=round(weather.sun_azimuth_angle),
            sun_altitude_angle=round(weather.sun_altitude_angle * 2.0) / 2.0,
            fog_density=round(weather.fog_density),
            fog_distance=round(weather.fog_distance),
            dust_storm=round(weather.dust_storm),
        )
    )


@lru_cache(maxsize=8)
def _paint_rounded(weather: Weather) -> Sky:
    day, overcast = weather.daylight, weather.overcast
    low_sun = float(np.clip(1.0 - weather.sun_altitude_angle / 25.0, 0.0, 1.0)) * day
    dust = min(weather.dust_storm / 100.0, 1.0)
    clear_zenith = _mix([0.10, 0.24, 0.62], [0.14, 0.20, 0.42], low_sun)
    clear_horizon = _mix([0.52, 0.68, 0.88], [0.95, 0.62, 0.36], low_sun)
    grey = np.array([0.50, 0.53, 0.57]) * (1.0 - 0.45 * weather.precipitation / 100.0)
    zenith, horizon = _mix(clear_zenith, grey * 0.9, overcast), _mix(clear_horizon, grey, overcast)
    zenith, horizon = (_mix(colour, [0.62, 0.42, 0.22], dust * 0.9) for colour in (zenith, horizon))
    brightness = day**1.5
    zenith = zenith * brightness + np.array([0.0008, 0.0013, 0.0034])
    horizon = horizon * brightness + np.array([0.0032, 0.0036, 0.0058])
    fog = weather.fog_density / 100.0
    haze = _mix(horizon, grey * 1.25 * brightness + 0.006, min(1.0, 1.5 * fog))
    sun_tint = _mix([1.0, 0.95, 0.86], [1.0, 0.60, 0.30], low_sun)
    above = float(np.clip((weather.sun_altitude_angle + 1.0) / 8.0, 0.0, 1.0))
    moon = np.array([0.010, 0.013, 0.022]) * (1.0 - day)
    sun = sun_tint * 2.1 * above * (1.0 - overcast) * (1.0 - fog) ** 4 + moon
    ambient = 0.34 + 0.26 * overcast
    extinction = 0.055 * fog**1.5 + 0.004 * weather.precipitation / 100.0 + 0.045 * dust**1.5
    panorama = _panorama(weather, zenith, horizon, haze, brightness, sun_tint)
    sun_direction = weather.sun_direction
    if above == 0.0:
        sun_direction = np.array([0.3, -0.4, 0.866], np.float32)  # the moon
    return Sky(
        panorama=panorama,
        sun_direction=sun_direction,
        sun_rgb=sun.astype(np.float32),
        zenith_rgb=((0.35 * zenith + 0.65 * horizon) * ambient * 1.9).astype(np.float32),
        ground_rgb=((0.5 * horizon + 0.12 * sun) * ambient * 0.7).astype(np.float32),
        haze_rgb=haze.astype(np.float32),
        extinction_per_m=float(extinction),
        haze_start_m=float(weather.fog_distance),
        air_per_m=1.0 / 1800.0,
        exposure=float(1.0 + 2.2 * (1.0 - day) ** 2 + 0.35 * overcast * day + 0.5 * low_sun),
        night=weather.night,
    )


def _panorama(
    weather: Weather,
    zenith: NDArray[np.float64],
    horizon: NDArray[np.float64],
    haze: NDArray[np.float64],
    brightness: float,
    sun_tint: NDArray[np.float64],
) -> NDArray[np.float32]:
    direction = _directions()
    height = direction[2]
    rise = np.sqrt(np.clip(height, 0.0, 1.0))
    sky = (horizon[:, None] + (zenith - horizon)[:, None] * rise).astype(np.float32)
    toward = np.clip(weather.sun_direction @ direction, 0.0, 1.0)
    visible = float(np.clip((weather.sun_altitude_angle + 4.0) / 6.0, 0.0, 1.0)) * (1.0 - weather.overcast)
    glow = 0.35 * toward**8 + 0.8 * toward**64
    sky += (sun_tint[:, None] * visible * brightness * glow).astype(np.float32)
    covered = weather.cloudiness / 100.0
    threshold = 2.2 - 4.2 * covered
    cloud = np.clip((_cloud_noise() - threshold) * 0.9, 0.0, 1.0) * np.clip(height * 8.0, 0.0, 1.0)
    dim = 1.0 - 0.5 * weather.precipitation / 100.0
    lit = np.array([0.92, 0.93, 0.95]) * brightness * dim + 0.004 + 0.25 * sun_tint * visible * brightness
    shaded = 1.0 - 0.42 * np.clip(_cloud_noise() - threshold - 0.6, 0.0, 1.4) / 1.4
    sky += cloud * (lit[:, None].astype(np.float32) * shaded - sky)
    disc = (toward > 0.99965) * (visible * 20.0) * (1.0 - cloud)
    sky += (sun_tint[:, None] * disc * brightness).astype(np.float32)
    fog = weather.fog_density / 100.0
    veil = np.clip(1.25 * fog**0.45 * (1.0 - 0.35 * height) + (1.0 - height * 12.0) * 0.15, 0.0, 1.0)
    sky += veil * (haze[:, None].astype(np.float32) - sky)
    if brightness < 0.05:
        stars = np.random.default_rng(5).random(height.shape) > 0.9993
        sky += (stars & (cloud < 0.2)) * np.float32(0.05 * (1.0 - fog))
    return np.ascontiguousarray(sky.T, np.float32)
