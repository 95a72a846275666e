"""Sets of rays: one per pose and optics, cast together, whatever the sensors then make of the hits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.casting import MAX_SEE_THROUGH, SEE_THROUGH_STEP_M, Hits
from drivevla.sim.server.render.frame import RenderActor
from drivevla.sim.server.render.lidar import LidarRays, lidar_rays
from drivevla.sim.server.render.pinhole import view_rays, world_from
from drivevla.sim.server.render.radar import radar_rays
from drivevla.sim.server.render.reach import Reach, pixels_inside, reach_of_bodies
from drivevla.sim.server.render.requests import CameraShot, LidarShot, RadarShot
from drivevla.sim.server.render.stage import Stage

__all__ = ["CameraView", "LidarView", "RadarView", "View", "cast_views", "look"]

_NO_HITS = Hits(np.zeros(0, np.float32), np.zeros(0, np.uint32), np.zeros((0, 2), np.float32))
_CARRIER_MARGIN_M = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Rays and what they hit.

    Attributes:
        pose: The sensor in the world.
        parent_id: Its carrier.
        rays: (N, 6) float32 origins and directions in the world.
        hits: Of the rays, once cast.
    """

    pose: Pose
    parent_id: int
    rays: NDArray[np.float32]
    hits: Hits = _NO_HITS


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraView(View):
    """A camera's rays; ``reach`` says where the moving bodies matter in the picture."""

    shot: CameraShot
    reach: Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class LidarView(View):
    """A LiDAR's rays; ``cast`` says to which laser each belongs."""

    shot: LidarShot
    cast: LidarRays


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarView(View):
    """A radar's rays."""

    shot: RadarShot


def look(shot: CameraShot | LidarShot | RadarShot, stage: Stage) -> View:
    """The rays of a shot, not yet cast."""
    if isinstance(shot, CameraShot):
        return CameraView(
            pose=shot.pose,
            parent_id=shot.parent_id,
            rays=view_rays(shot.spec, shot.pose),
            shot=shot,
            reach=reach_of_bodies(shot.spec, shot.pose, stage.bodies, stage.sky.sun_direction),
        )
    if isinstance(shot, LidarShot):
        cast = lidar_rays(shot)
        return LidarView(pose=shot.pose, parent_id=shot.parent_id, rays=cast.rays, shot=shot, cast=cast)
    return RadarView(pose=shot.pose, parent_id=shot.parent_id, rays=radar_rays(shot), shot=shot)


def cast_views(views: Sequence[View], stage: Stage) -> list[View]:
    """The same views with their hits, from one cast."""
    if not views:
        return []
    hits = stage.caster.cast(
        np.concatenate([view.rays for view in views]),
        bodies=np.flatnonzero(np.concatenate([_can_meet_bodies(view) for view in views])),
    )
    ends = np.cumsum([len(view.rays) for view in views])
    found = []
    for view, end in zip(views, ends, strict=True):
        span = slice(int(end) - len(view.rays), int(end))
        part = Hits(hits.distance[span], hits.row[span], hits.barycentric[span])
        _see_through_carrier(view, part, stage)
        found.append(replace(view, hits=part))
    return found


def _can_meet_bodies(view: View) -> NDArray[np.bool_]:
    if isinstance(view, CameraView):
        return pixels_inside(view.shot.spec, view.reach.covered)
    return np.ones(len(view.rays), np.bool_)


def _see_through_carrier(view: View, hits: Hits, stage: Stage) -> None:
    """From inside its carrier's box a sensor looks through the carrier's own body; changes the hits in place."""
    carrier = stage.actor(view.parent_id)
    if carrier is None or not _is_inside(carrier, view.pose):
        return
    own = np.flatnonzero(stage.triangles.actor_id.take(hits.row) == carrier.actor_id)
    if not len(own):
        return
    rays, passed = view.rays[own], hits.distance[own]
    _overwrite(hits, own, stage.caster.cast(rays, with_bodies=False), np.zeros(len(own), np.float32))
    for _ in range(MAX_SEE_THROUGH):
        passed += SEE_THROUGH_STEP_M / np.linalg.norm(rays[:, 3:], axis=1)
        onward = rays.copy()
        onward[:, :3] += onward[:, 3:] * passed[:, None]
        farther = stage.caster.cast(onward, with_static=False)
        still_own = stage.triangles.actor_id.take(farther.row) == carrier.actor_id
        nearer = np.flatnonzero(~still_own & (passed + farther.distance < hits.distance[own]))
        _overwrite(hits, own[nearer], farther.take(nearer), passed[nearer])
        left = np.flatnonzero(still_own)
        if not len(left):
            return
        own, rays, passed = own[left], rays[left], passed[left] + farther.distance[left]


def _overwrite(hits: Hits, index: NDArray[np.intp], found: Hits, passed: NDArray[np.float32]) -> None:
    hits.distance[index] = passed + found.distance
    hits.row[index] = found.row
    hits.barycentric[index] = found.barycentric


def _is_inside(actor: RenderActor, pose: Pose) -> bool:
    world_from_actor = world_from(actor.pose)
    local = (np.asarray(pose.location_m) - world_from_actor[:3, 3]) @ world_from_actor[:3, :3]
    reach = np.asarray(actor.half_extent_m) + _CARRIER_MARGIN_M
    return bool((np.abs(local - np.asarray(actor.center_m)) < reach).all())
