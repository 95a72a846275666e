"""RGB pictures: shading, then lamps and rain over it, then the film."""

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

__all__ = ["take_picture"]

_CHUNK = 32_768
"""Pixels shaded at once: few enough for the intermediate arrays to stay in the processor's cache. Shading them in two
threads was measured to cost more processor time, by their waiting for the interpreter, than it saved."""


def take_picture(view: CameraView, stage: Stage) -> NDArray[np.uint8]:
    """(H, W, 4) B, G, R, A of a view."""
    spec, hits = view.shot.spec, view.hits
    night = stage.sky.night > 0.0
    shader = Shader(
        caster=stage.caster,
        triangles=stage.triangles,
        materials=stage.materials,
        atlas=stage.atlas,
        sky=stage.sky,
        weather=stage.frame.weather,
        street_lamps=stage.street_lamps,
        headlights=headlights_of(stage.frame, np.asarray(view.pose.location_m)) if night else (),
    )
    near = pixels_inside(spec, view.reach.shaded)
    openness = contact_shade(spec, view.rays, hits.distance, view.reach.shaded, stage.bodies)
    light = np.empty((3, len(view.rays)), np.float32)
    for first in range(0, len(view.rays), _CHUNK):
        part = slice(first, first + _CHUNK)
        cut = Hits(hits.distance[part], hits.row[part], hits.barycentric[part])
        light[:, part] = shader.shade(Patch(view.rays[part], cut, spec.focal_px, near[part], openness[part]))
    return _finish(view, light, stage)


def _finish(view: CameraView, light: NDArray[np.float32], stage: Stage) -> NDArray[np.uint8]:
    spec, frame, sky = view.shot.spec, stage.frame, stage.sky
    image = light.reshape(3, spec.height_px, spec.width_px)
    draw_lit_bulbs(image, stage.bulbs, stage.lit_bulbs, spec, view.pose, stage.caster, sky)
    draw_rain(image, frame.weather, frame.time_s, sky.haze_rgb * sky.exposure)
    return develop(light).reshape(spec.height_px, spec.width_px, 4)
