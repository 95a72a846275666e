"""RGB pictures: shading in parallel pieces, then lamps and rain over them, then the film."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.bulbs import draw_lit_bulbs
from drivevla.sim.server.render.casting import Hits
from drivevla.sim.server.render.lamps import headlights_of
from drivevla.sim.server.render.rain import draw_rain
from drivevla.sim.server.render.reach import contact_shade, pixels_inside
from drivevla.sim.server.render.shading import Patch, Shader, develop
from drivevla.sim.server.render.stage import Stage
from drivevla.sim.server.render.views import CameraView

__all__ = ["take_pictures"]

_CHUNK = 16_384
"""Pixels shaded at once: few enough for the intermediate arrays to stay in the processor's cache."""


@lru_cache(maxsize=1)
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=min(len(os.sched_getaffinity(0)), 8), thread_name_prefix="shade")


def take_pictures(views: Sequence[CameraView], stage: Stage) -> list[NDArray[np.uint8]]:
    """(H, W, 4) B, G, R, A of each view. Each pixel is computed on its own, so threads change no byte."""
    lights = [np.empty((3, len(view.rays)), np.float32) for view in views]
    jobs = []
    for view, light in zip(views, lights, strict=True):
        shader = _shader(view, stage)
        near = pixels_inside(view.shot.spec, view.reach.shaded)
        openness = contact_shade(view.shot.spec, view.rays, view.hits.distance, view.reach.shaded, stage.bodies)
        parts = [slice(first, first + _CHUNK) for first in range(0, len(view.rays), _CHUNK)]
        jobs += [partial(_shade_part, shader, view, near, openness, part, light) for part in parts]
    for _ in _workers().map(lambda job: job(), jobs):
        pass
    return [_finish(view, light, stage) for view, light in zip(views, lights, strict=True)]


def _shader(view: CameraView, stage: Stage) -> Shader:
    night = stage.sky.night > 0.0
    return Shader(
        caster=stage.caster,
        triangles=stage.triangles,
        materials=stage.materials,
        atlas=stage.atlas,
        sky=stage.sky,
        weather=stage.frame.weather,
        street_lamps=stage.street_lamps,
        headlights=headlights_of(stage.frame, np.asarray(view.pose.location_m)) if night else (),
    )


def _shade_part(
    shader: Shader,
    view: CameraView,
    near: NDArray[np.bool_],
    openness: NDArray[np.float32],
    part: slice,
    light: NDArray[np.float32],
) -> None:
    hits = Hits(view.hits.distance[part], view.hits.row[part], view.hits.barycentric[part])
    patch = Patch(view.rays[part], hits, view.shot.spec.focal_px, near[part], openness[part])
    light[:, part] = shader.shade(patch)


def _finish(view: CameraView, light: NDArray[np.float32], stage: Stage) -> NDArray[np.uint8]:
    spec, frame, sky = view.shot.spec, stage.frame, stage.sky
    image = light.reshape(3, spec.height_px, spec.width_px)
    draw_lit_bulbs(image, stage.bulbs, stage.lit_bulbs, spec, view.pose, stage.caster, sky)
    draw_rain(image, frame.weather, frame.time_s, sky.haze_rgb * sky.exposure)
    return develop(light).reshape(spec.height_px, spec.width_px, 4)
