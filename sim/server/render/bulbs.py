"""Lit lamps of traffic lights, drawn as discs of their true size with an occlusion test.

A lamp 30 m away covers less than two pixels of a small camera: with one ray through each pixel's centre it would
flicker between lit, half lit and gone. So each lit lamp is projected and blended by the share of the pixels that it
covers, never smaller than a pixel, as a real lamp that overexposes its pixel is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.casting import RayCaster
from drivevla.sim.server.render.frame import LightColour
from drivevla.sim.server.render.lamps import connected_parts
from drivevla.sim.server.render.materials import LIT_LAMP
from drivevla.sim.server.render.pinhole import project
from drivevla.sim.server.render.requests import CameraSpec
from drivevla.sim.server.render.sky import Sky
from drivevla.sim.server.render.textures import linear_from_srgb
from drivevla.sim.server.render.triangles import unit_normals
from drivevla.sim.server.scene.mesh import SceneMesh

__all__ = ["Bulbs", "draw_lit_bulbs", "find_bulbs"]

REACH_M = 150.0
_SMALLEST_RADIUS_PX = 0.75
_HALO = 0.30


@dataclass(frozen=True, slots=True)
class Bulbs:
    """Every lamp of every traffic light.

    Attributes:
        center_m: (B, 3) world.
        normal: (B, 3) unit, the way it shines.
        radius_m: (B,).
        rgb: (B, 3) linear colour.
        signal_id: OpenDRIVE signal of each.
        colour: Which lamp each is.
    """

    center_m: NDArray[np.float64]
    normal: NDArray[np.float64]
    radius_m: NDArray[np.float64]
    rgb: NDArray[np.float32]
    signal_id: tuple[str, ...]
    colour: tuple[str, ...]

    def lit(self, states: Mapping[str, LightColour]) -> NDArray[np.intp]:
        """Which of the lamps shine."""
        pairs = zip(self.signal_id, self.colour, strict=True)
        return np.flatnonzero([states.get(signal) == colour for signal, colour in pairs])


def find_bulbs(mesh: SceneMesh) -> Bulbs:
    """The lamps of a static mesh: connected triangles of a bulb material."""
    is_bulb = np.array([m.surface == "bulb" and m.bulb is not None for m in mesh.materials], bool)
    chosen = np.flatnonzero(is_bulb[mesh.material]) if len(is_bulb) else np.empty(0, np.intp)
    if not len(chosen):
        return Bulbs(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros((0, 3), np.float32), (), ())
    part = connected_parts(mesh, chosen)
    corners = mesh.vertices_m[mesh.triangles[chosen]]
    order = np.argsort(part, kind="stable")
    starts = np.flatnonzero(np.diff(part[order], prepend=-1))
    centers, normals, radii, colours, signals, names = [], [], [], [], [], []
    for group in np.split(order, starts[1:]):
        material = mesh.materials[int(mesh.material[chosen[group[0]]])]
        points = corners[group].reshape(-1, 3).astype(np.float64)
        center = 0.5 * (points.min(axis=0) + points.max(axis=0))
        normal = unit_normals(corners[group]).mean(axis=0).astype(np.float64)
        centers.append(center)
        normals.append(normal / max(float(np.linalg.norm(normal)), 1e-9))
        radii.append(float(np.linalg.norm(points - center, axis=1).max()))
        colours.append(linear_from_srgb(np.asarray(material.rgb)))
        signals.append(material.signal_id or "")
        names.append(material.bulb or "")
    return Bulbs(np.array(centers), np.array(normals), np.array(radii), np.array(colours), tuple(signals), tuple(names))


def draw_lit_bulbs(
    light: NDArray[np.float32],
    bulbs: Bulbs,
    lit: NDArray[np.intp],
    spec: CameraSpec,
    pose: Pose,
    caster: RayCaster,
    sky: Sky,
) -> None:
    """Blend the lit lamps into a picture.

    Args:
        light: (3, H, W) exposed linear light, changed in place.
        bulbs: All lamps.
        lit: Which of them shine.
        spec: Optics.
        pose: The camera in the world.
        caster: For what stands between camera and lamp.
        sky: Exposure and haze.
    """
    seen = _visible(bulbs, lit, spec, pose, caster)
    pixel, depth = project(spec, pose, bulbs.center_m[seen])
    distance = np.linalg.norm(bulbs.center_m[seen] - np.asarray(pose.location_m), axis=1)
    haze = sky.extinction_per_m * np.maximum(distance - sky.haze_start_m, 0.0) + sky.air_per_m * distance
    strength = LIT_LAMP * sky.exposure * sky.lamp_gain
    order = np.argsort(-distance, kind="stable")  # far ones first
    for number in order:
        index = seen[number]
        clear = float(np.exp(-haze[number]))
        radius = max(float(bulbs.radius_m[index]) * spec.focal_px / float(depth[number]), _SMALLEST_RADIUS_PX)
        colour = bulbs.rgb[index] * (strength * clear) + sky.haze_rgb * (sky.exposure * (1.0 - clear))
        _draw_disc(light, pixel[number], radius, colour.astype(np.float32))


def _visible(bulbs: Bulbs, lit: NDArray[np.intp], spec: CameraSpec, pose: Pose, caster: RayCaster) -> NDArray[np.intp]:
    if not len(lit):
        return lit
    origin = np.asarray(pose.location_m)
    towards = bulbs.center_m[lit] - origin
    distance = np.linalg.norm(towards, axis=1)
    pixel, depth = project(spec, pose, bulbs.center_m[lit])
    margin = 4.0
    inside = (pixel > -margin).all(axis=1) & (pixel < [spec.width_px + margin, spec.height_px + margin]).all(axis=1)
    faces = np.einsum("bk,bk->b", bulbs.normal[lit], towards) < -0.05 * distance
    near = lit[inside & faces & (depth > 0.3) & (distance < REACH_M)]
    if not len(near):
        return near
    # Just before the lamp, so that its own glass does not count.
    target = bulbs.center_m[near] + 0.06 * bulbs.normal[near]
    rays = np.empty((len(near), 6), np.float32)
    rays[:, :3] = origin
    rays[:, 3:] = target - origin
    blocked = caster.occluded(rays, far=1.0, moving=False) | caster.occluded(rays, far=1.0, moving=True)
    return near[~blocked]


def _draw_disc(
    light: NDArray[np.float32], center_px: NDArray[np.float64], radius_px: float, rgb: NDArray[np.float32]
) -> None:
    """An antialiased disc with a faint halo; ``center_px`` is (u, v) with pixel centres at halves."""
    _, height, width = light.shape
    reach = int(np.ceil(2.2 * radius_px + 2.0))
    column, row = int(np.floor(center_px[0])), int(np.floor(center_px[1]))
    rows = np.arange(max(row - reach, 0), min(row + reach + 1, height))
    columns = np.arange(max(column - reach, 0), min(column + reach + 1, width))
    if not len(rows) or not len(columns):
        return
    away = np.hypot(rows[:, None] + 0.5 - center_px[1], columns[None, :] + 0.5 - center_px[0])
    cover = np.clip(radius_px + 0.5 - away, 0.0, 1.0).astype(np.float32)
    halo = (_HALO * np.exp(-((away / (1.3 * radius_px)) ** 2))).astype(np.float32) * (1.0 - cover)
    patch = light[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    patch *= 1.0 - np.maximum(cover, 0.6 * halo)
    patch += rgb[:, None, None] * (cover + halo)
