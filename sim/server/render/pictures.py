"""RGB pictures: shading, then lamps and rain over it, then the film."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.bands import bands, on_all_cores
from drivevla.sim.server.render.bulbs import draw_lit_bulbs
from drivevla.sim.server.render.film import develop
from drivevla.sim.server.render.lamps import headlights_of
from drivevla.sim.server.render.rain import draw_rain
from drivevla.sim.server.render.reach import contact_shade, pixels_inside
from drivevla.sim.server.render.shading import ASKS, DARK, LIT, Light, ask_for_sun, colour, light_of
from drivevla.sim.server.render.stage import Stage
from drivevla.sim.server.render.surfaces import Matter, Samples, matter_of
from drivevla.sim.server.render.views import CameraView

__all__ = ["take_pictures"]


@dataclass(frozen=True, slots=True)
class _Plate:
    """A camera's rays on their way to becoming a picture.

    Attributes:
        view: The camera.
        light: What shines on what it sees.
        samples: Rays and hits.
        sunlit: (N,) what is known of the sun on each.
        image: (3, N) exposed linear light.
    """

    view: CameraView
    light: Light
    samples: Samples
    sunlit: NDArray[np.uint8]
    image: NDArray[np.float32]

    def bands(self) -> list[tuple["_Plate", int, int]]:
        return [(self, first, end) for first, end in bands(len(self.sunlit))]


def take_pictures(views: Sequence[CameraView], stage: Stage) -> list[NDArray[np.uint8]]:
    """(H, W, 4) B, G, R, A of each view."""
    if not views:
        return []
    matter = matter_of(stage.triangles, stage.materials, stage.atlas)
    plates = [_plate(view, stage) for view in views]
    jobs = [job for plate in plates for job in plate.bands()]
    _find_sunlit(jobs, matter, stage)
    on_all_cores(lambda job: _colour(job, matter), jobs)
    return on_all_cores(lambda plate: _finish(plate, stage), plates)


def _plate(view: CameraView, stage: Stage) -> _Plate:
    shines = stage.sky.night > 0.0
    lamps = headlights_of(stage.frame, np.asarray(view.pose.location_m)) if shines else ()
    spec, reach, count = view.shot.spec, view.reach, len(view.rays)
    samples = Samples(
        rays=view.rays,
        distance=view.hits.distance,
        row=view.hits.row,
        barycentric=view.hits.barycentric,
        near_bodies=pixels_inside(spec, reach.shaded),
        openness=np.ones(count, np.float32),
    )
    contact_shade(samples, spec, reach.beside, stage.bodies)
    return _Plate(
        view=view,
        light=light_of(stage.sky, stage.frame.weather, stage.street_lamps, lamps),
        samples=samples,
        sunlit=np.empty(count, np.uint8),
        image=np.empty((3, count), np.float32),
    )


def _find_sunlit(jobs: Sequence[tuple[_Plate, int, int]], matter: Matter, stage: Stage) -> None:
    """Cast the shadow rays of all pictures together and note on each what they say."""

    def ask(job: tuple[_Plate, int, int]) -> NDArray[np.float32]:
        plate, first, end = job
        rays = np.empty((end - first, 6), np.float32)
        count = ask_for_sun(plate.samples, first, end, matter, plate.light, plate.sunlit, rays)
        return rays[:count]

    rays = np.concatenate(on_all_cores(ask, jobs))
    asked = [first + np.flatnonzero(plate.sunlit[first:end] == ASKS) for plate, first, end in jobs]
    near = np.concatenate([plate.samples.near_bodies[index] for (plate, _, _), index in zip(jobs, asked, strict=True)])
    shaded = stage.caster.occluded(rays, moving=False)
    bodies = np.flatnonzero(near & ~shaded)
    shaded[bodies] = stage.caster.occluded(rays.take(bodies, axis=0), moving=True)
    start = 0
    for (plate, _, _), index in zip(jobs, asked, strict=True):
        plate.sunlit[index] = np.where(shaded[start : start + len(index)], np.uint8(DARK), np.uint8(LIT))
        start += len(index)


def _colour(job: tuple[_Plate, int, int], matter: Matter) -> None:
    plate, first, end = job
    focal_px = plate.view.shot.spec.focal_px
    colour(plate.samples, first, end, focal_px, matter, plate.light, plate.sunlit, plate.image)


def _finish(plate: _Plate, stage: Stage) -> NDArray[np.uint8]:
    spec, frame, sky = plate.view.shot.spec, stage.frame, stage.sky
    image = plate.image.reshape(3, spec.height_px, spec.width_px)
    draw_lit_bulbs(image, stage.bulbs, stage.lit_bulbs, spec, plate.view.pose, stage.caster, sky)
    draw_rain(image, frame.weather, frame.time_s, sky.haze_rgb * sky.exposure)
    return develop(plate.image).reshape(spec.height_px, spec.width_px, 4)
