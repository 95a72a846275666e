"""Light on surfaces: sun and shadow, sky, wet and glossy reflections, lamps and headlights, haze, and the film."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.casting import Hits, RayCaster
from drivevla.sim.server.render.lamps import Headlight, StreetLamps, headlight_illumination
from drivevla.sim.server.render.materials import MaterialTable
from drivevla.sim.server.render.planar import dot
from drivevla.sim.server.render.sky import Sky, panorama_index
from drivevla.sim.server.render.surfaces import Surfaces, look_up_surfaces
from drivevla.sim.server.render.textures import TextureAtlas
from drivevla.sim.server.render.triangles import SKY_ROW, TriangleTable
from drivevla.sim.server.render.weather import Weather

__all__ = ["Patch", "Shader", "develop"]

SHADOW_REACH_M = 150.0
"""Farther away, sunlit surfaces are not tested for shadow."""

_SKIN_M = 0.015
_FILM_STEPS = 4096
_FILM_WHITE = 6.0


@dataclass(frozen=True, slots=True)
class Patch:
    """Some of a picture's rays.

    Attributes:
        rays: (N, 6) world.
        hits: Of the rays.
        focal_px: Focal length.
        near_bodies: (N,) the pixels that moving bodies can cover or shade.
        openness: (N,) share of the sky's light that the bodies leave to the ground beside them.
    """

    rays: NDArray[np.float32]
    hits: Hits
    focal_px: float
    near_bodies: NDArray[np.bool_]
    openness: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shader:
    """Colours the pixels of one frame."""

    caster: RayCaster
    triangles: TriangleTable
    materials: MaterialTable
    atlas: TextureAtlas
    sky: Sky
    weather: Weather
    street_lamps: StreetLamps
    headlights: tuple[Headlight, ...]

    def shade(self, patch: Patch) -> NDArray[np.float32]:
        """(3, N) linear light of every ray of a patch, exposed."""
        light = np.empty((3, len(patch.rays)), np.float32)
        missed = patch.hits.row == SKY_ROW
        above = np.flatnonzero(missed)
        light[:, above] = self.sky.panorama.take(panorama_index(patch.rays[above, 3:].T), axis=1)
        solid = np.flatnonzero(~missed)
        if len(solid):
            surfaces = look_up_surfaces(
                patch.rays, patch.hits, solid, patch.focal_px, self.triangles, self.materials, self.atlas
            )
            light[:, solid] = self._lit(surfaces, patch.near_bodies[solid], patch.openness[solid])
        light *= self.sky.exposure
        return light

    def _lit(
        self, surfaces: Surfaces, near_bodies: NDArray[np.bool_], openness: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        sky, materials = self.sky, self.materials
        up = surfaces.normal[2]
        upward = 0.5 + 0.5 * up
        light = sky.ground_rgb[:, None] + (sky.zenith_rgb - sky.ground_rgb)[:, None] * upward
        # Only what faces up is darkened: the side of a car does not shade itself.
        light *= np.where(up > 0.7, openness, 1.0)
        sun = self._sun(surfaces, near_bodies)
        light += sky.sun_rgb[:, None] * sun
        if sky.night > 0.0:
            light += self._lamplight(surfaces)
        wet = self._wetness(surfaces)
        albedo = surfaces.albedo
        if wet is not None:
            albedo *= 1.0 - 0.65 * wet
        light *= albedo
        self._add_reflections(light, surfaces, wet, sun)
        if sky.night > 0.0:
            shine = np.minimum(0.2 + 0.8 * materials.window_glow, 1.0).take(surfaces.material)
            light += surfaces.shine * shine * (0.30 * sky.night) * _WARM[:, None]
        glow = materials.glow * sky.lamp_gain + sky.night * materials.night_glow
        light += glow.take(surfaces.material, axis=1)
        self._add_haze(light, surfaces)
        return light

    def _sun(self, surfaces: Surfaces, near_bodies: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(N,) cosine of the sun's incidence, 0 in shadow."""
        soft = self.materials.soft.take(surfaces.material)
        cosine = dot(self.sky.sun_direction, surfaces.normal)
        sun = np.maximum(cosine * (1.0 - soft) + soft, 0.0)
        if float(self.sky.sun_rgb.max()) < 0.05:
            return sun
        in_sun = np.flatnonzero((sun > 0.01) & (surfaces.distance_m < SHADOW_REACH_M))
        asked, answer = _one_of_two(surfaces.pixel.take(in_sun), surfaces.row.take(in_sun))
        tested = in_sun.take(asked)
        rays = np.empty((len(tested), 6), np.float32)
        for axis in range(3):
            offset = surfaces.normal[axis].take(tested)
            offset *= _SKIN_M
            offset += surfaces.point_m[axis].take(tested)
            rays[:, axis] = offset
        rays[:, 3:] = self.sky.sun_direction
        shaded = self.caster.occluded(rays, moving=False)
        bodies = np.flatnonzero(near_bodies[tested] & ~shaded)
        shaded[bodies] = self.caster.occluded(rays[bodies], moving=True)
        sun[in_sun[shaded.take(answer)]] = 0.0
        return sun

    def _lamplight(self, surfaces: Surfaces) -> NDArray[np.float32]:
        lit = self.street_lamps.illumination(surfaces.point_m, surfaces.normal) * (self.sky.night * 0.42)
        light = _WARM[:, None] * lit
        if self.headlights:
            beams = headlight_illumination(self.headlights, surfaces.point_m, surfaces.normal)
            # Markings and signs throw the light back to where it came from.
            beams *= 1.0 + 1.6 * self.materials.retro.take(surfaces.material)
            light += beams
        return light

    def _wetness(self, surfaces: Surfaces) -> NDArray[np.float32] | None:
        """(N,) 0 dry to 1 under water, or None on a dry day."""
        weather = self.weather
        damp = max(weather.wetness, 0.6 * weather.precipitation) / 100.0
        puddles = weather.precipitation_deposits / 100.0
        if damp <= 0.0 and puddles <= 0.0:
            return None
        wet = self.materials.wettable.take(surfaces.material)
        wet *= surfaces.normal[2] > 0.7
        x, y, _ = surfaces.point_m
        pattern = np.sin(x * 0.43 + 1.7 * np.sin(y * 0.19)) * np.sin(y * 0.37 + 1.3 * np.sin(x * 0.23))
        pool = np.clip((pattern - (1.0 - 1.9 * puddles)) * 2.5, 0.0, 1.0)
        wet *= np.maximum(0.62 * damp, pool)
        return wet

    def _add_reflections(
        self,
        light: NDArray[np.float32],
        surfaces: Surfaces,
        wet: NDArray[np.float32] | None,
        sun: NDArray[np.float32],
    ) -> None:
        gloss = self.materials.gloss.take(surfaces.material)
        facade = surfaces.own * (self.materials.ground_floor_m.take(surfaces.material) > -1.0)
        gloss += 0.16 * facade
        if wet is not None:
            gloss += 0.065 * wet * wet
        shiny = np.flatnonzero(gloss > 0.004)
        if not len(shiny):
            return
        strength = gloss[shiny]
        cosine = surfaces.cos_view[shiny]
        away = 1.0 - cosine
        grazing = away * away
        grazing *= grazing
        grazing *= away
        # Rough surfaces mirror less than the Fresnel equations say: a car's paint or a wet road stays itself.
        fresnel = strength * (1.0 + 7.0 * grazing)
        np.minimum(fresnel, 0.75, out=fresnel)
        normal = surfaces.normal.take(shiny, axis=1)
        mirrored = surfaces.direction.take(shiny, axis=1) + (2.0 * cosine) * normal
        reflected = self.sky.panorama.take(panorama_index(mirrored), axis=1)
        np.minimum(reflected, 2.0, out=reflected)
        # Below the horizon a mirror shows the street instead of the sky.
        low = np.clip(mirrored[2] * 6.0 + 0.7, 0.0, 1.0)
        reflected *= 0.25 + 0.75 * low
        highlight = np.maximum(dot(self.sky.sun_direction, mirrored), 0.0)
        for _ in range(6):
            highlight *= highlight  # to the power of 64
        reflected += self.sky.sun_rgb[:, None] * (1.5 * highlight * (sun[shiny] > 0.0))
        patch = light.take(shiny, axis=1)
        patch += (reflected - patch) * fresnel
        light[:, shiny] = patch

    def _add_haze(self, light: NDArray[np.float32], surfaces: Surfaces) -> None:
        sky = self.sky
        depth = surfaces.distance_m * -sky.air_per_m
        if sky.extinction_per_m > 0.0:
            depth -= sky.extinction_per_m * np.maximum(surfaces.distance_m - sky.haze_start_m, 0.0)
        clear = np.exp(depth)
        light -= sky.haze_rgb[:, None]
        light *= clear
        light += sky.haze_rgb[:, None]


def _one_of_two(pixel: NDArray[np.intp], row: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Let the right pixel of a pair on one triangle share the left one's shadow ray.

    Returns:
        Which entries are asked, and for each entry whose answer it takes (an index into those asked).
    """
    shares = np.zeros(len(pixel), np.bool_)
    shares[1:] = (pixel[1:] == pixel[:-1] + 1) & (pixel[1:] & 1 == 1) & (row[1:] == row[:-1])
    return np.flatnonzero(~shares), np.cumsum(~shares) - 1


_WARM = np.array([1.0, 0.80, 0.52], np.float32)


def _film_curve() -> NDArray[np.uint8]:
    light = np.arange(_FILM_STEPS) / (_FILM_STEPS - 1) * _FILM_WHITE
    toned = 1.0 - np.exp(-1.35 * light)
    toned = toned / toned[-1]
    return np.rint(255.0 * toned ** (1.0 / 2.2)).astype(np.uint8)


_FILM = _film_curve()


def develop(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(N, 4) B, G, R, A bytes of (3, N) exposed linear light: a film curve with a soft shoulder, then gamma 2.2."""
    scaled = np.clip(light, 0.0, _FILM_WHITE)
    scaled *= (_FILM_STEPS - 1) / _FILM_WHITE
    index = scaled.astype(np.uint16)
    pixels = np.empty((light.shape[1], 4), np.uint8)
    for channel in range(3):
        pixels[:, 2 - channel] = _FILM.take(index[channel])
    pixels[:, 3] = 255
    return pixels
