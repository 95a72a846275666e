"""Radar: random rays in an elliptic cone, with the radial velocity of what they meet.

The model is CARLA's (``Radar.cpp`` of its public sources): the radius across the cone is uniform, the angle around the
axis too; velocity is (target - own) along the ray, so it is negative for what comes nearer.
"""

import math

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.casting import Hits
from drivevla.sim.server.render.measurements import RadarScan
from drivevla.sim.server.render.pinhole import world_from
from drivevla.sim.server.render.requests import RadarShot

__all__ = ["radar_rays", "radar_scan"]


def radar_rays(shot: RadarShot) -> NDArray[np.float32]:
    """(N, 6) world rays with unit directions."""
    spec = shot.spec
    count = int(spec.points_per_second * shot.interval_s)
    radius, turn = shot.rng.random(count), shot.rng.random(count) * 2.0 * math.pi
    direction = np.ones((count, 3))
    direction[:, 1] = math.tan(math.radians(spec.horizontal_fov_deg) / 2.0) * radius * np.cos(turn)
    direction[:, 2] = math.tan(math.radians(spec.vertical_fov_deg) / 2.0) * radius * np.sin(turn)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    world_from_sensor = world_from(shot.pose)
    rays = np.empty((count, 6), np.float32)
    rays[:, :3] = world_from_sensor[:3, 3]
    rays[:, 3:] = direction @ world_from_sensor[:3, :3].T
    return rays


def radar_scan(shot: RadarShot, rays: NDArray[np.float32], hits: Hits, velocity_mps: NDArray[np.float64]) -> RadarScan:
    """Detections from hits.

    Args:
        shot: The measurement.
        rays: As cast.
        hits: Of those rays.
        velocity_mps: (N, 3) world velocity of whatever each ray met, 0 for the static scene.
    """
    seen = np.flatnonzero(hits.distance <= shot.spec.range_m)
    direction = rays[seen, 3:].astype(np.float64)
    in_sensor = direction @ world_from(shot.pose)[:3, :3]
    relative = velocity_mps[seen] - np.asarray(shot.velocity_mps)
    scan = np.empty((len(seen), 4), np.float32)
    scan[:, 0] = np.einsum("nk,nk->n", relative, direction)
    scan[:, 1] = np.arctan2(in_sensor[:, 1], in_sensor[:, 0])
    scan[:, 2] = np.arcsin(np.clip(in_sensor[:, 2], -1.0, 1.0))
    scan[:, 3] = hits.distance[seen]
    return RadarScan(scan)
