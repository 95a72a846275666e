"""LiDAR scans: the rays of one tick, drop-off, noise, and both point layouts.

The model is CARLA's (``RayCastSemanticLidar.cpp`` and ``RayCastLidar.cpp`` of its public sources; attributes explained
on carla.org, "LIDAR sensor"): a general share of rays is dropped before casting; a return of intensity
I = exp(-attenuation * distance) above the limit is kept, below it with probability 1 - zero * (1 - I / limit).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.casting import Hits
from drivevla.sim.server.render.measurements import SEMANTIC_POINT, LidarScan
from drivevla.sim.server.render.pinhole import world_from
from drivevla.sim.server.render.requests import LidarShot, LidarSpec
from drivevla.sim.server.render.triangles import TriangleTable

__all__ = ["LidarRays", "lidar_rays", "lidar_scan"]


@dataclass(frozen=True, slots=True)
class LidarRays:
    """The rays that a scan casts.

    Attributes:
        directions: (N, 3) float32 unit vectors in the sensor's frame.
        channel: (N,) laser of each ray, ascending.
        rays: (N, 6) float32 origins and directions in the world.
    """

    directions: NDArray[np.float32]
    channel: NDArray[np.intp]
    rays: NDArray[np.float32]


def lidar_rays(shot: LidarShot) -> LidarRays:
    """The rays of one tick, less those that the general drop-off takes."""
    spec, per_channel = shot.spec, shot.points_per_channel
    swept_deg = spec.rotation_frequency_hz * spec.horizontal_fov_deg * shot.interval_s
    steps = np.arange(per_channel) * (swept_deg / max(per_channel, 1))
    angle_deg = np.fmod(math.degrees(shot.start_angle_rad) + steps, spec.horizontal_fov_deg)
    azimuth = np.radians(angle_deg - spec.horizontal_fov_deg / 2.0)
    elevation = np.radians(channel_elevations_deg(spec))[:, None]
    directions = np.empty((spec.channels, per_channel, 3), np.float32)
    directions[..., 0] = np.cos(elevation) * np.cos(azimuth)
    directions[..., 1] = np.cos(elevation) * np.sin(azimuth)
    directions[..., 2] = np.sin(elevation)
    channel = np.repeat(np.arange(spec.channels), per_channel)
    flat = directions.reshape(-1, 3)
    if shot.rng is not None and spec.dropoff_general_rate > 0.0:
        kept = np.flatnonzero(shot.rng.random(len(flat)) >= spec.dropoff_general_rate)
        flat, channel = flat[kept], channel[kept]
    world_from_sensor = world_from(shot.pose)
    rays = np.empty((len(flat), 6), np.float32)
    rays[:, :3] = world_from_sensor[:3, 3]
    rays[:, 3:] = flat @ world_from_sensor[:3, :3].T.astype(np.float32)
    return LidarRays(flat, channel, rays)


def channel_elevations_deg(spec: LidarSpec) -> NDArray[np.float64]:
    """(channels,) elevations, from the upper to the lower limit; a single laser looks along the upper one."""
    return np.linspace(spec.upper_fov_deg, spec.lower_fov_deg, spec.channels)


def lidar_scan(shot: LidarShot, cast: LidarRays, hits: Hits, table: TriangleTable) -> LidarScan:
    """Points from hits: range limit, noise, drop-off, grouping by channel."""
    spec = shot.spec
    returned = np.flatnonzero(hits.distance <= spec.range_m)
    distance = hits.distance[returned]
    channel = cast.channel[returned]
    directions = cast.directions[returned]
    if shot.semantic or shot.rng is None:
        points = _semantic_points(directions, distance, cast.rays[returned, 3:], hits.row[returned], table)
        return LidarScan(_end_angle_rad(shot), _count(channel, spec), points)
    intensity = np.exp(-spec.attenuation_per_m * distance)
    if spec.noise_stddev_m > 0.0:
        distance = distance + shot.rng.normal(0.0, spec.noise_stddev_m, len(distance)).astype(np.float32)
    kept = _survivors(spec, intensity, shot.rng)
    plain = np.empty((len(kept), 4), np.float32)
    plain[:, :3] = directions[kept] * distance[kept, None]
    plain[:, 3] = intensity[kept]
    return LidarScan(_end_angle_rad(shot), _count(channel[kept], spec), plain)


def _survivors(spec: LidarSpec, intensity: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.intp]:
    keep_probability = np.ones(len(intensity))
    if spec.dropoff_intensity_limit > 0.0:
        weak = np.minimum(intensity / spec.dropoff_intensity_limit, 1.0)
        keep_probability = 1.0 - spec.dropoff_zero_intensity * (1.0 - weak)
    return np.flatnonzero(rng.random(len(intensity)) < keep_probability)


def _semantic_points(
    directions: NDArray[np.float32],
    distance: NDArray[np.float32],
    world_directions: NDArray[np.float32],
    row: NDArray[np.uint32],
    table: TriangleTable,
) -> NDArray[np.void]:
    points = np.empty(len(distance), SEMANTIC_POINT)
    location = directions * distance[:, None]
    points["x"], points["y"], points["z"] = location.T
    # A surface has two sides here, so that the angle of incidence is always below 90 degrees.
    points["cos_incidence"] = np.abs(np.einsum("nk,nk->n", world_directions, table.normal[row]))
    points["object_id"] = table.actor_id[row]
    points["tag"] = table.label[row]
    return points


def _count(channel: NDArray[np.intp], spec: LidarSpec) -> NDArray[np.uint32]:
    return np.bincount(channel, minlength=spec.channels).astype(np.uint32)


def _end_angle_rad(shot: LidarShot) -> float:
    swept_deg = shot.spec.rotation_frequency_hz * shot.spec.horizontal_fov_deg * shot.interval_s
    start_deg = math.degrees(shot.start_angle_rad)
    return math.radians(math.fmod(start_deg + swept_deg, shot.spec.horizontal_fov_deg))
