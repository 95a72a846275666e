"""Single rays and sweeps: what lies on a line, what a moving sphere meets."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.casting import MAX_SEE_THROUGH, SEE_THROUGH_STEP_M
from drivevla.sim.server.render.measurements import RayHit
from drivevla.sim.server.render.pinhole import world_from
from drivevla.sim.server.render.requests import ObstacleShot
from drivevla.sim.server.render.stage import Stage
from drivevla.sim.server.scene.mesh import Label

__all__ = ["all_hits", "first_hit", "sweep"]

_MAX_RAY_HITS = 256
_RAY_STEP_M = 1e-3


def first_hit(stage: Stage, start_m: NDArray[np.float64], along: NDArray[np.float64], far_m: float) -> RayHit | None:
    """The first surface from a point along a unit vector, not farther than ``far_m``."""
    hits = stage.caster.cast(np.concatenate([start_m, along])[None].astype(np.float32))
    distance = float(hits.distance[0])
    if distance > far_m:
        return None
    return _ray_hit(stage, start_m + distance * along, distance, int(hits.row[0]))


def all_hits(stage: Stage, start_m: NDArray[np.float64], end_m: NDArray[np.float64]) -> list[RayHit]:
    """Every surface between two points, in order, at most 256 of them."""
    length = float(np.linalg.norm(end_m - start_m))
    hits: list[RayHit] = []
    if length == 0.0:
        return hits
    along, travelled = (end_m - start_m) / length, 0.0
    while len(hits) < _MAX_RAY_HITS:
        hit = first_hit(stage, start_m + travelled * along, along, length - travelled)
        if hit is None:
            break
        travelled += hit.distance_m
        hits.append(RayHit(hit.location_m, travelled, hit.label, hit.actor_id, hit.object_id))
        travelled += _RAY_STEP_M
    return hits


def sweep(stage: Stage, shot: ObstacleShot) -> RayHit | None:
    """What a sphere moved along the sensor's x axis meets first, its carrier excepted.

    A bundle of 37 parallel rays, each starting on the sphere, stands for the sphere.
    """
    spec, world_from_sensor = shot.spec, world_from(shot.pose)
    rays = _sphere_rays(spec.hit_radius_m, world_from_sensor)
    forward = world_from_sensor[:3, 0]
    travelled = np.zeros(len(rays))
    hits = stage.caster.cast(rays, with_static=not spec.only_dynamics)
    carrier = stage.actor(shot.parent_id)
    for _ in range(MAX_SEE_THROUGH if carrier is not None else 0):
        own = np.flatnonzero(stage.triangles.actor_id.take(hits.row) == shot.parent_id)
        if not len(own):
            break
        travelled[own] += hits.distance[own] + SEE_THROUGH_STEP_M
        onward = rays[own]
        onward[:, :3] += (travelled[own, None] * forward).astype(np.float32)
        farther = stage.caster.cast(onward, with_static=not spec.only_dynamics)
        hits.distance[own], hits.row[own] = farther.distance, farther.row
    reach = travelled + hits.distance
    first = int(np.argmin(reach))
    if not reach[first] <= spec.distance_m:
        return None
    location = rays[first, :3] + reach[first] * forward
    return _ray_hit(stage, location, float(reach[first]), int(hits.row[first]))


def _sphere_rays(radius_m: float, world_from_sensor: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 6) rays along x from points of a sphere's front half: its middle and three rings."""
    offsets = [(radius_m, 0.0, 0.0)]
    for share in (0.4, 0.75, 0.999):
        turn = np.arange(12) * (np.pi / 6.0)
        ahead = radius_m * np.sqrt(1.0 - share**2)
        ring = np.stack([np.full(12, ahead), radius_m * share * np.cos(turn), radius_m * share * np.sin(turn)], axis=1)
        offsets += [(x, y, z) for x, y, z in ring.tolist()]
    rays = np.empty((len(offsets), 6), np.float32)
    rays[:, :3] = np.array(offsets) @ world_from_sensor[:3, :3].T + world_from_sensor[:3, 3]
    rays[:, 3:] = world_from_sensor[:3, 0]
    return rays


def _ray_hit(stage: Stage, location_m: NDArray[np.float64], distance_m: float, row: int) -> RayHit:
    table = stage.triangles
    x, y, z = (float(value) for value in location_m)
    return RayHit(
        (x, y, z), distance_m, Label(int(table.label[row])), int(table.actor_id[row]), int(table.object_id[row])
    )
