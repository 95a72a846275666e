"""The renderer: one static scene, one set of moving bodies at a time, and every sensor that looks at them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import SimulatorError
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.bodies.placing import PlacedBodies, place_bodies
from drivevla.sim.server.render.bulbs import draw_lit_bulbs, find_bulbs
from drivevla.sim.server.render.casting import MAX_SEE_THROUGH, SEE_THROUGH_STEP_M, Hits, RayCaster
from drivevla.sim.server.render.flow import optical_flow
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor
from drivevla.sim.server.render.labels import instance_pixels, normal_pixels, semantic_pixels
from drivevla.sim.server.render.lamps import find_street_lamps, headlights_of
from drivevla.sim.server.render.lidar import LidarRays, lidar_rays, lidar_scan
from drivevla.sim.server.render.materials import FIRST_STATIC, MaterialTable
from drivevla.sim.server.render.measurements import Image, LidarScan, Measurement, RadarScan, RayHit
from drivevla.sim.server.render.pinhole import encode_depth, view_rays
from drivevla.sim.server.render.radar import radar_rays, radar_scan
from drivevla.sim.server.render.rain import draw_rain
from drivevla.sim.server.render.reach import pixels_near_bodies
from drivevla.sim.server.render.requests import CameraShot, LidarShot, ObstacleShot, RadarShot, Shot
from drivevla.sim.server.render.shading import Shader, View, develop
from drivevla.sim.server.render.sky import Sky, paint_sky
from drivevla.sim.server.render.textures import paint_atlas
from drivevla.sim.server.render.triangles import TriangleTable, rows_of_mesh
from drivevla.sim.server.scene.mesh import Label, SceneMesh

__all__ = ["Renderer"]

_CHUNK = 24_576
"""Pixels shaded at once: few enough for the intermediate arrays to stay in the processor's cache."""

_PARENT_MARGIN_M = 0.02
_MAX_RAY_HITS = 256
_RAY_STEP_M = 1e-3


@dataclass(frozen=True, slots=True)
class _View:
    """One set of rays that several shots may share, and where it lies in the common cast."""

    shot: Shot
    rays: NDArray[np.float32]
    scan: LidarRays | None = None


class Renderer:
    """Answers sensors of one scene. Equal inputs give equal bytes; nothing is kept from one frame to the next."""

    def __init__(self, mesh: SceneMesh) -> None:
        """Build what does not move: search tree, tables, textures, lamps.

        Args:
            mesh: Static scene, CARLA's world frame.
        """
        texts = sorted({material.text or "" for material in mesh.materials if material.surface == "sign"})
        self._atlas = paint_atlas(tuple(texts))
        self._materials = MaterialTable(mesh, self._atlas)
        self._triangles = TriangleTable(rows_of_mesh(mesh, first_material=FIRST_STATIC))
        self._caster = RayCaster(
            np.ascontiguousarray(mesh.vertices_m, np.float32), np.ascontiguousarray(mesh.triangles, np.uint32)
        )
        self._bulbs = find_bulbs(mesh)
        self._street_lamps = find_street_lamps(mesh)
        self._frame: DynamicFrame | None = None
        self._bodies: PlacedBodies = place_bodies((), 0.0, first_material=self._materials.first_dynamic)
        self._sky: Sky = paint_sky(DynamicFrame().weather)

    def render_many(self, shots: Sequence[Shot], frame: DynamicFrame) -> list[Measurement]:
        """Every measurement of one instant, in the order of the shots; their rays are cast together.

        Cameras of equal pose, optics and carrier share their rays, whatever they show.

        Args:
            shots: Cameras, LiDARs, radars and obstacle detectors.
            frame: The world around them. Passing the same object again reuses the bodies built for it.
        """
        self._enter(frame)
        views: dict[object, _View] = {}
        keys = []
        for number, shot in enumerate(shots):
            key = (shot.spec, shot.pose, shot.parent_id) if isinstance(shot, CameraShot) else number
            keys.append(key)
            if key not in views:
                views[key] = _prepare(shot)
        near = {key: self._near_bodies(view) for key, view in views.items()}
        hits = dict(zip(views, self._cast(list(views.values()), list(near.values())), strict=True))
        lit: dict[object, NDArray[np.uint8]] = {}
        results: list[Measurement] = []
        for key, shot in zip(keys, shots, strict=True):
            view, found = views[key], hits[key]
            if isinstance(shot, CameraShot):
                if shot.kind == "rgb" and key not in lit:
                    lit[key] = self._picture(shot, view.rays, found, near[key])
                results.append(lit[key] if shot.kind == "rgb" else self._plain_image(shot, view.rays, found))
            elif isinstance(shot, LidarShot):
                assert view.scan is not None
                results.append(lidar_scan(shot, view.scan, found, self._triangles))
            elif isinstance(shot, RadarShot):
                results.append(radar_scan(shot, view.rays, found, self._velocity(found)))
            else:
                results.append(self._sweep(shot))
        return results

    def camera(self, shot: CameraShot, frame: DynamicFrame) -> Image:
        """One picture: (H, W, 4) uint8 B, G, R, A, for optical flow (H, W, 2) float32."""
        (image,) = self.render_many([shot], frame)
        assert isinstance(image, np.ndarray)
        return image

    def lidar(self, shot: LidarShot, frame: DynamicFrame) -> LidarScan:
        """One scan, plain or semantic."""
        (scan,) = self.render_many([shot], frame)
        assert isinstance(scan, LidarScan)
        return scan

    def radar(self, shot: RadarShot, frame: DynamicFrame) -> RadarScan:
        """One set of detections."""
        (scan,) = self.render_many([shot], frame)
        assert isinstance(scan, RadarScan)
        return scan

    def obstacle(self, shot: ObstacleShot, frame: DynamicFrame) -> RayHit | None:
        """What a sphere swept along the sensor's x axis meets first, its carrier excepted."""
        self._enter(frame)
        return self._sweep(shot)

    def project_point(
        self, location_m: ArrayLike, direction: ArrayLike, distance_m: float, frame: DynamicFrame
    ) -> RayHit | None:
        """The first thing on the way from a point, not farther than ``distance_m`` along ``direction``.

        Raises:
            SimulatorError: A number is not finite or the direction is zero.
        """
        start, along = np.asarray(location_m, np.float64), np.asarray(direction, np.float64)
        length = float(np.linalg.norm(along))
        if not np.isfinite([*start, *along, distance_m]).all() or length == 0.0:
            raise SimulatorError(f"a ray needs finite numbers and a direction, got {start}, {along}, {distance_m}")
        self._enter(frame)
        return self._first_hit(start, along / length, distance_m)

    def cast_ray(self, start_m: ArrayLike, end_m: ArrayLike, frame: DynamicFrame) -> list[RayHit]:
        """Every surface on the way between two points, in order.

        Raises:
            SimulatorError: A number is not finite.
        """
        start, end = np.asarray(start_m, np.float64), np.asarray(end_m, np.float64)
        if not np.isfinite([*start, *end]).all():
            raise SimulatorError(f"a ray needs finite numbers, got {start} to {end}")
        length = float(np.linalg.norm(end - start))
        hits: list[RayHit] = []
        if length == 0.0:
            return hits
        self._enter(frame)
        along, travelled = (end - start) / length, 0.0
        while len(hits) < _MAX_RAY_HITS:
            hit = self._first_hit(start + travelled * along, along, length - travelled)
            if hit is None:
                break
            travelled += hit.distance_m
            hits.append(RayHit(hit.location_m, travelled, hit.label, hit.actor_id, hit.object_id))
            travelled += _RAY_STEP_M
        return hits

    def _enter(self, frame: DynamicFrame) -> None:
        if frame is self._frame:
            return
        self._bodies = place_bodies(frame.actors, frame.time_s, first_material=self._materials.first_dynamic)
        self._caster.set_bodies(self._bodies.vertices_m, self._bodies.triangles)
        self._triangles.set_dynamic(self._bodies.rows)
        self._materials.set_dynamic(self._bodies.materials)
        self._materials.set_lights(frame.light_states)
        self._sky = paint_sky(frame.weather)
        self._frame = frame

    def _near_bodies(self, view: _View) -> NDArray[np.bool_]:
        if isinstance(view.shot, CameraShot):
            return pixels_near_bodies(view.shot.spec, view.shot.pose, self._bodies.corners_m, self._sky.sun_direction)
        return np.ones(len(view.rays), np.bool_)

    def _cast(self, views: list[_View], near: list[NDArray[np.bool_]]) -> list[Hits]:
        if not views:
            return []
        rays = np.concatenate([view.rays for view in views])
        hits = self._caster.cast(rays, bodies=np.flatnonzero(np.concatenate(near)))
        ends = np.cumsum([len(view.rays) for view in views])
        parts = []
        for view, end in zip(views, ends, strict=True):
            span = slice(int(end) - len(view.rays), int(end))
            part = Hits(hits.distance[span], hits.row[span], hits.barycentric[span])
            parts.append(self._see_through_carrier(view, part))
        return parts

    def _see_through_carrier(self, view: _View, hits: Hits) -> Hits:
        """From inside its carrier's box a sensor looks through the carrier's own body."""
        carrier = self._actor(view.shot.parent_id)
        if carrier is None or not _is_inside(carrier, view.shot.pose):
            return hits
        start = np.zeros(len(view.rays), np.float32)
        for _ in range(MAX_SEE_THROUGH):
            own = np.flatnonzero(self._triangles.actor_id.take(hits.row) == carrier.actor_id)
            if not len(own):
                break
            step = SEE_THROUGH_STEP_M / np.linalg.norm(view.rays[own, 3:], axis=1)
            start[own] = hits.distance[own] + step
            onward = view.rays[own]
            onward[:, :3] += onward[:, 3:] * start[own, None]
            farther = self._caster.cast(onward)
            hits.distance[own] = farther.distance + start[own]
            hits.row[own] = farther.row
            hits.barycentric[own] = farther.barycentric
        return hits

    def _actor(self, actor_id: int) -> RenderActor | None:
        actors = self._frame.actors if self._frame is not None else ()
        return next((actor for actor in actors if actor.actor_id == actor_id), None)

    def _picture(
        self, shot: CameraShot, rays: NDArray[np.float32], hits: Hits, near: NDArray[np.bool_]
    ) -> NDArray[np.uint8]:
        frame, spec = self._frame, shot.spec
        assert frame is not None
        night = self._sky.night > 0.0
        shader = Shader(
            caster=self._caster,
            triangles=self._triangles,
            materials=self._materials,
            atlas=self._atlas,
            sky=self._sky,
            weather=frame.weather,
            street_lamps=self._street_lamps,
            headlights=headlights_of(frame, np.asarray(shot.pose.location_m)) if night else (),
        )
        light = np.empty((3, len(rays)), np.float32)
        for first in range(0, len(rays), _CHUNK):
            part = slice(first, first + _CHUNK)
            cut = Hits(hits.distance[part], hits.row[part], hits.barycentric[part])
            light[:, part] = shader.shade(View(rays[part], cut, spec.focal_px, near[part]))
        image = light.reshape(3, spec.height_px, spec.width_px)
        lit = self._bulbs.lit(frame.light_states)
        draw_lit_bulbs(image, self._bulbs, lit, spec, shot.pose, self._caster, self._sky)
        draw_rain(image, frame.weather, frame.time_s, self._sky.haze_rgb * self._sky.exposure)
        return develop(light).reshape(spec.height_px, spec.width_px, 4)

    def _plain_image(self, shot: CameraShot, rays: NDArray[np.float32], hits: Hits) -> Image:
        assert self._frame is not None
        shape = (shot.spec.height_px, shot.spec.width_px, 4)
        pixels: NDArray[np.uint8]
        if shot.kind == "depth":
            pixels = encode_depth(hits.distance)
        elif shot.kind == "semantic_segmentation":
            pixels = semantic_pixels(hits.row, self._triangles)
        elif shot.kind == "instance_segmentation":
            pixels = instance_pixels(hits.row, self._triangles)
        elif shot.kind == "normals":
            pixels = normal_pixels(hits.row, rays[:, 3:], self._triangles)
        else:
            return optical_flow(shot, self._frame, rays, hits, self._actor_index(hits.row))
        return pixels.reshape(shape)

    def _actor_index(self, row: NDArray[np.uint32]) -> NDArray[np.intp]:
        """(N,) which of the frame's actors each row belongs to, -1 for the static scene and the sky."""
        index = np.full(len(row), -1, np.intp)
        moving = np.flatnonzero(row >= self._triangles.first_dynamic)
        index[moving] = self._bodies.actor_index[row[moving] - self._triangles.first_dynamic]
        return index

    def _velocity(self, hits: Hits) -> NDArray[np.float64]:
        """(N, 3) world velocity of what was hit."""
        actors = self._frame.actors if self._frame is not None else ()
        velocities = np.array([*(actor.velocity_mps for actor in actors), (0.0, 0.0, 0.0)])
        return velocities[self._actor_index(hits.row)]

    def _sweep(self, shot: ObstacleShot) -> RayHit | None:
        """A bundle of parallel rays that fills the sphere's shadow, each starting on the sphere."""
        spec, world_from_sensor = shot.spec, shot.pose.matrix()
        rays = _sphere_rays(spec.hit_radius_m, world_from_sensor)
        forward = world_from_sensor[:3, 0]
        carrier = self._actor(shot.parent_id)
        travelled = np.zeros(len(rays))
        hits = self._caster.cast(rays, with_static=not spec.only_dynamics)
        for _ in range(MAX_SEE_THROUGH):
            own = np.flatnonzero(self._triangles.actor_id.take(hits.row) == (carrier.actor_id if carrier else -1))
            if not len(own):
                break
            travelled[own] += hits.distance[own] + SEE_THROUGH_STEP_M
            onward = rays[own]
            onward[:, :3] += (travelled[own, None] * forward).astype(np.float32)
            farther = self._caster.cast(onward, with_static=not spec.only_dynamics)
            hits.distance[own], hits.row[own] = farther.distance, farther.row
        reach = travelled + hits.distance
        first = int(np.argmin(reach))
        if not reach[first] <= spec.distance_m:
            return None
        at = rays[first, :3] + reach[first] * forward
        return self._ray_hit(at, float(reach[first]), int(hits.row[first]))

    def _first_hit(self, start_m: NDArray[np.float64], along: NDArray[np.float64], far_m: float) -> RayHit | None:
        hits = self._caster.cast(np.concatenate([start_m, along])[None].astype(np.float32))
        distance = float(hits.distance[0])
        if distance > far_m:
            return None
        return self._ray_hit(start_m + distance * along, distance, int(hits.row[0]))

    def _ray_hit(self, location_m: NDArray[np.float64], distance_m: float, row: int) -> RayHit:
        table = self._triangles
        x, y, z = (float(value) for value in location_m)
        label = Label(int(table.label[row]))
        return RayHit((x, y, z), distance_m, label, int(table.actor_id[row]), int(table.object_id[row]))


def _prepare(shot: Shot) -> _View:
    if isinstance(shot, CameraShot):
        return _View(shot, view_rays(shot.spec, shot.pose))
    if isinstance(shot, LidarShot):
        scan = lidar_rays(shot)
        return _View(shot, scan.rays, scan)
    if isinstance(shot, RadarShot):
        return _View(shot, radar_rays(shot))
    return _View(shot, np.empty((0, 6), np.float32))


def _is_inside(actor: RenderActor, pose: Pose) -> bool:
    world_from_actor = actor.pose.matrix()
    local = (np.asarray(pose.location_m) - world_from_actor[:3, 3]) @ world_from_actor[:3, :3]
    reach = np.asarray(actor.half_extent_m) + _PARENT_MARGIN_M
    return bool((np.abs(local - np.asarray(actor.center_m)) < reach).all())


def _sphere_rays(radius_m: float, world_from_sensor: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 6) rays along x from points of a sphere's front half: its middle and three rings."""
    offsets = [(radius_m, 0.0, 0.0)]
    for share in (0.4, 0.75, 0.999):
        turn = np.arange(12) * (np.pi / 6.0)
        ahead = radius_m * np.sqrt(1.0 - share**2)
        offsets += [
            (ahead, radius_m * share * c, radius_m * share * s) for c, s in zip(np.cos(turn), np.sin(turn), strict=True)
        ]
    rays = np.empty((len(offsets), 6), np.float32)
    rays[:, :3] = np.array(offsets) @ world_from_sensor[:3, :3].T + world_from_sensor[:3, 3]
    rays[:, 3:] = world_from_sensor[:3, 0]
    return rays
