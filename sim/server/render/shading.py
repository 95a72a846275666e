"""Light on surfaces: sun and shadow, sky, wet and glossy reflections, lamps and headlights, and haze."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import compiled, inlined
from drivevla.sim.server.render.lamps import Headlight, StreetLamps, headlight_at, street_light_at
from drivevla.sim.server.render.sky import Sky, panorama_texel
from drivevla.sim.server.render.surfaces import Matter, Samples, Surface, surface_of, texture_of
from drivevla.sim.server.render.triangles import SKY_ROW
from drivevla.sim.server.render.vectors import Vector, blend, dot, scaled, sum_of, times
from drivevla.sim.server.render.weather import Weather

__all__ = ["Light", "ask_for_sun", "colour", "light_of"]

SHADOW_REACH_M = 150.0
"""Farther away, sunlit surfaces are not tested for shadow."""

DARK, LIT, ASKS, AS_BEFORE = 0, 1, 2, 3
"""What is known of the sun on a sample before shadow rays are cast: the last takes the answer of the sample before."""

_SKIN_M = 0.015
_WARM = (1.0, 0.80, 0.52)


class Light(NamedTuple):
    """All light of one frame, as seen by one camera; colours are linear R, G, B.

    Attributes:
        panorama: Of ``Sky``, and so are those up to ``lamp_gain``.
        damp: 0 dry to 1 soaked.
        puddles: 0 none to 1.
        headlights: (H, 8) float32: origin, forward, strength, drop of the aim.
        lamp_pool: Of ``StreetLamps``: light on the ground, by row and column.
        lamp_corner_m: Its origin.
        lamp_cell_m: Its side of a cell.
    """

    panorama: NDArray[np.float32]
    sun_direction: Vector
    sun_rgb: Vector
    zenith_rgb: Vector
    ground_rgb: Vector
    haze_rgb: Vector
    extinction_per_m: float
    haze_start_m: float
    air_per_m: float
    exposure: float
    night: float
    lamp_gain: float
    damp: float
    puddles: float
    headlights: NDArray[np.float32]
    lamp_pool: NDArray[np.float32]
    lamp_corner_m: NDArray[np.float32]
    lamp_cell_m: float


def light_of(sky: Sky, weather: Weather, lamps: StreetLamps, headlights: tuple[Headlight, ...]) -> Light:
    """Everything that shines.

    Args:
        sky: Of the weather.
        weather: For what is wet.
        lamps: Of the scene.
        headlights: That matter to the camera.
    """
    beams = [[*lamp.origin_m, *lamp.forward, lamp.strength, lamp.aim_drop] for lamp in headlights]
    return Light(
        panorama=sky.panorama,
        sun_direction=_triple(sky.sun_direction),
        sun_rgb=_triple(sky.sun_rgb),
        zenith_rgb=_triple(sky.zenith_rgb),
        ground_rgb=_triple(sky.ground_rgb),
        haze_rgb=_triple(sky.haze_rgb),
        extinction_per_m=sky.extinction_per_m,
        haze_start_m=sky.haze_start_m,
        air_per_m=sky.air_per_m,
        exposure=sky.exposure,
        night=sky.night,
        lamp_gain=sky.lamp_gain,
        damp=max(weather.wetness, 0.6 * weather.precipitation) / 100.0,
        puddles=weather.precipitation_deposits / 100.0,
        headlights=np.array(beams, np.float32).reshape(-1, 8),
        lamp_pool=lamps.light,
        lamp_corner_m=lamps.origin_m,
        lamp_cell_m=lamps.cell_m,
    )


def _triple(array: NDArray[np.float32]) -> Vector:
    return float(array[0]), float(array[1]), float(array[2])


@inlined
def _sun_cosine(surface: Surface, soft: float, sun: Vector) -> float:
    return max(dot(sun, surface.normal) * (1.0 - soft) + soft, 0.0)


@compiled
def ask_for_sun(
    samples: Samples,
    first: int,
    end: int,
    matter: Matter,
    light: Light,
    sunlit: NDArray[np.uint8],
    rays: NDArray[np.float32],
) -> int:
    """Find out which of some samples need a shadow ray, and write those rays.

    Of two neighbours on one triangle only the first is asked.

    Args:
        samples: Of one camera.
        first: First of the samples, an even number.
        end: One after the last.
        matter: The tables.
        light: Of the frame.
        sunlit: (N,) of all samples, for DARK, LIT, ASKS or AS_BEFORE.
        rays: (end - first, 6) for the rays.

    Returns:
        How many rays were written.
    """
    count = 0
    sun = light.sun_direction
    faint = max(light.sun_rgb[0], light.sun_rgb[1], light.sun_rgb[2]) < 0.05
    for index in range(first, end):
        row = samples.row[index]
        sunlit[index] = DARK
        if row == SKY_ROW:
            continue
        if faint:
            sunlit[index] = LIT
            continue
        surface = surface_of(samples, index, matter.normal)
        if _sun_cosine(surface, matter.materials[matter.material[row]].soft, sun) <= 0.01:
            continue
        if surface.distance_m >= SHADOW_REACH_M:
            sunlit[index] = LIT
            continue
        if index & 1 and sunlit[index - 1] == ASKS and samples.row[index - 1] == row:
            sunlit[index] = AS_BEFORE
            continue
        sunlit[index] = ASKS
        origin = sum_of(surface.point_m, scaled(surface.normal, _SKIN_M))
        for axis in range(3):
            rays[count, axis] = origin[axis]
            rays[count, 3 + axis] = sun[axis]
        count += 1
    return count


@inlined
def _wetness(surface: Surface, wettable: float, light: Light) -> float:
    """0 dry to 1 under water."""
    if wettable == 0.0 or surface.normal[2] <= 0.7 or (light.damp <= 0.0 and light.puddles <= 0.0):
        return 0.0
    x, y = surface.point_m[0], surface.point_m[1]
    pattern = np.sin(x * 0.43 + 1.7 * np.sin(y * 0.19)) * np.sin(y * 0.37 + 1.3 * np.sin(x * 0.23))
    pool = min(max((pattern - (1.0 - 1.9 * light.puddles)) * 2.5, 0.0), 1.0)
    return wettable * max(0.62 * light.damp, pool)


@inlined
def _reflected(surface: Surface, gloss: float, light: Light, in_sun: bool) -> tuple[Vector, float]:
    """What a glossy surface mirrors, and the share of it in what is seen."""
    away = 1.0 - surface.cos_view
    # Rough surfaces mirror less than the Fresnel equations say: a car's paint or a wet road stays itself.
    share = min(gloss * (1.0 + 7.0 * away**5), 0.75)
    mirrored = sum_of(surface.direction, scaled(surface.normal, 2.0 * surface.cos_view))
    texel = panorama_texel(mirrored)
    sky = light.panorama
    # Below the horizon a mirror shows the street instead of the sky.
    seen = 0.25 + 0.75 * min(max(mirrored[2] * 6.0 + 0.7, 0.0), 1.0)
    seen_rgb = (min(sky[texel, 0], 2.0) * seen, min(sky[texel, 1], 2.0) * seen, min(sky[texel, 2], 2.0) * seen)
    if in_sun:
        highlight = max(dot(light.sun_direction, mirrored), 0.0) ** 64
        seen_rgb = sum_of(seen_rgb, scaled(light.sun_rgb, 1.5 * highlight))
    return seen_rgb, share


@inlined
def _lamplight(surface: Surface, retro: float, light: Light) -> Vector:
    lamp = street_light_at(surface.point_m, surface.normal, light.lamp_pool, light.lamp_corner_m, light.lamp_cell_m)
    lit = scaled(_WARM, lamp * light.night * 0.36)
    beam = headlight_at(light.headlights, surface.point_m, surface.normal)
    # Markings and signs throw the light back to where it came from.
    return sum_of(lit, scaled((1.0, 0.96, 0.86), beam * (1.0 + 1.6 * retro)))


@inlined
def _haze(colour: Vector, distance_m: float, light: Light) -> Vector:
    depth = light.air_per_m * distance_m + light.extinction_per_m * max(distance_m - light.haze_start_m, 0.0)
    return blend(light.haze_rgb, colour, np.exp(-depth))


@inlined
def _lit(samples: Samples, index: int, in_sun: bool, focal_px: float, matter: Matter, light: Light) -> Vector:
    material = matter.materials[matter.material[samples.row[index]]]
    surface = surface_of(samples, index, matter.normal)
    albedo, own, shine = texture_of(samples, index, surface, focal_px, matter)
    up = surface.normal[2]
    total = blend(light.ground_rgb, light.zenith_rgb, 0.5 + 0.5 * up)
    if up > 0.7:  # what faces up is darkened: the side of a car does not shade itself
        total = scaled(total, samples.openness[index])
    if in_sun:
        cosine = _sun_cosine(surface, material.soft, light.sun_direction)
        total = sum_of(total, scaled(light.sun_rgb, cosine))
    if light.night > 0.0:
        total = sum_of(total, _lamplight(surface, material.retro, light))
    wet = _wetness(surface, material.wettable, light)
    total = scaled(times(total, albedo), 1.0 - 0.65 * wet)
    gloss = material.gloss + 0.065 * wet * wet
    if material.ground_floor_m > -1.0:  # a facade's panes
        gloss += 0.16 * own
    if gloss > 0.004:
        mirror, share = _reflected(surface, gloss, light, in_sun)
        total = blend(total, mirror, share)
    if light.night > 0.0:
        window = shine * min(0.2 + 0.8 * material.window_glow, 1.0) * 0.30
        glow = sum_of(scaled(_WARM, window), (material.night_glow[0], material.night_glow[1], material.night_glow[2]))
        total = sum_of(total, scaled(glow, light.night))
    total = sum_of(total, scaled((material.glow[0], material.glow[1], material.glow[2]), light.lamp_gain))
    return _haze(total, surface.distance_m, light)


@compiled
def colour(
    samples: Samples,
    first: int,
    end: int,
    focal_px: float,
    matter: Matter,
    light: Light,
    sunlit: NDArray[np.uint8],
    image: NDArray[np.float32],
) -> None:
    """Colour some samples.

    Args:
        samples: Of one camera.
        first: First of the samples, an even number.
        end: One after the last.
        focal_px: Focal length.
        matter: The tables.
        light: Of the frame.
        sunlit: (N,) of all samples: DARK, LIT or AS_BEFORE; none asks any more.
        image: (3, N) of all samples, for exposed linear light.
    """
    for index in range(first, end):
        if samples.row[index] == SKY_ROW:
            texel = panorama_texel((samples.rays[index, 3], samples.rays[index, 4], samples.rays[index, 5]))
            seen = (light.panorama[texel, 0], light.panorama[texel, 1], light.panorama[texel, 2])
        else:
            state = sunlit[index - 1] if sunlit[index] == AS_BEFORE else sunlit[index]
            seen = _lit(samples, index, state == LIT, focal_px, matter, light)
        for channel in range(3):
            image[channel, index] = seen[channel] * light.exposure
