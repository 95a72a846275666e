"""The renderer: one static scene, one set of moving bodies at a time, and every sensor that looks at them."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import SimulatorError
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.flow import optical_flow
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor
from drivevla.sim.server.render.labels import instance_pixels, normal_pixels, semantic_pixels
from drivevla.sim.server.render.lidar import lidar_scan
from drivevla.sim.server.render.measurements import Image, LidarScan, Measurement, RadarScan, RayHit
from drivevla.sim.server.render.pictures import take_pictures
from drivevla.sim.server.render.pinhole import encode_depth
from drivevla.sim.server.render.probes import all_hits, first_hit, sweep
from drivevla.sim.server.render.radar import radar_scan
from drivevla.sim.server.render.requests import CameraShot, CameraSpec, LidarShot, ObstacleShot, RadarShot, Shot
from drivevla.sim.server.render.stage import Stage
from drivevla.sim.server.render.views import CameraView, LidarView, RadarView, View, cast_views, look
from drivevla.sim.server.scene.mesh import SceneMesh

__all__ = ["Renderer"]

MOST_RAYS = 1_500_000
"""Of cameras, to be cast together; each takes some 100 bytes on its way to a pixel."""


class Renderer:
    """Answers the sensors of one scene. Equal inputs give equal bytes, whatever was rendered before.

    Not to be called from two threads at once: it holds one frame at a time.
    """

    def __init__(self, mesh: SceneMesh) -> None:
        """Build what does not move; a second or two for a town.

        Args:
            mesh: Static scene, CARLA's world frame.
        """
        self._stage = Stage(mesh)
        # The first picture ever on a machine is compiled for some seconds: now rather than in somebody's tick.
        body = RenderActor(
            actor_id=1, type_id="static.prop.box01", kind="prop", pose=Pose((0.0, 0.0, 0.0)), half_extent_m=(0.5,) * 3
        )
        shot = CameraShot(kind="rgb", spec=CameraSpec(16, 8), pose=Pose((-3.0, 0.0, 0.0)))
        self.camera(shot, DynamicFrame(actors=(body,)))

    def render_many(self, shots: Sequence[Shot], frame: DynamicFrame) -> list[Measurement]:
        """Every measurement of one instant, in the order of the shots; their rays are cast together.

        Cameras of equal pose, optics and carrier share their rays, whatever they show.

        Args:
            shots: Cameras, LiDARs, radars and obstacle detectors.
            frame: The world around them. Passing the same object again reuses the bodies built for it.
        """
        self._stage.enter(frame)
        keys = [_key(number, shot) for number, shot in enumerate(shots)]
        results: dict[int, Measurement] = {}
        for batch in _batches(keys, shots):
            results |= self._render_batch({number: (keys[number], shots[number]) for number in batch})
        return [results[number] for number in range(len(shots))]

    def _render_batch(self, batch: dict[int, tuple[Hashable, Shot]]) -> dict[int, Measurement]:
        stage = self._stage
        looks = {key: shot for key, shot in batch.values() if not isinstance(shot, ObstacleShot)}
        views: dict[Hashable, View] = {key: look(shot, stage) for key, shot in looks.items()}
        views = dict(zip(views, cast_views(list(views.values()), stage), strict=True))
        colourful = {key for key, shot in batch.values() if isinstance(shot, CameraShot) and shot.kind == "rgb"}
        cameras = {key: view for key, view in views.items() if key in colourful and isinstance(view, CameraView)}
        pictures = dict(zip(cameras, take_pictures(list(cameras.values()), stage), strict=True))
        results: dict[int, Measurement] = {}
        for number, (key, shot) in batch.items():
            if isinstance(shot, ObstacleShot):
                results[number] = sweep(stage, shot)
            elif isinstance(shot, CameraShot) and shot.kind == "rgb":
                results[number] = pictures[key]
            else:
                results[number] = _measurement(shot, views[key], stage)
        return results

    def camera(self, shot: CameraShot, frame: DynamicFrame) -> Image:
        """One picture: (H, W, 4) uint8 B, G, R, A; for optical flow (H, W, 2) float32."""
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
        self._stage.enter(frame)
        return sweep(self._stage, shot)

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
        self._stage.enter(frame)
        return first_hit(self._stage, start, along / length, distance_m)

    def cast_ray(self, start_m: ArrayLike, end_m: ArrayLike, frame: DynamicFrame) -> list[RayHit]:
        """Every surface on the way between two points, in order.

        Raises:
            SimulatorError: A number is not finite.
        """
        start, end = np.asarray(start_m, np.float64), np.asarray(end_m, np.float64)
        if not np.isfinite([*start, *end]).all():
            raise SimulatorError(f"a ray needs finite numbers, got {start} to {end}")
        self._stage.enter(frame)
        return all_hits(self._stage, start, end)


def _key(number: int, shot: Shot) -> Hashable:
    """Equal for shots that share their rays."""
    return (shot.spec, shot.pose, shot.parent_id) if isinstance(shot, CameraShot) else number


def _batches(keys: Sequence[Hashable], shots: Sequence[Shot]) -> list[list[int]]:
    """Shots whose rays are cast together, by number: few enough rays for the memory, and all that share theirs."""
    batches: list[list[int]] = []
    of_key: dict[Hashable, list[int]] = {}
    rays = MOST_RAYS + 1
    for number, (key, shot) in enumerate(zip(keys, shots, strict=True)):
        own = shot.spec.width_px * shot.spec.height_px if isinstance(shot, CameraShot) else 0
        if key not in of_key:
            if rays + own > MOST_RAYS:
                batches.append([])
                rays = 0
            rays += own
            of_key[key] = batches[-1]
        of_key[key].append(number)
    return batches


def _measurement(shot: CameraShot | LidarShot | RadarShot, view: View, stage: Stage) -> Measurement:
    if isinstance(view, LidarView):
        return lidar_scan(view.shot, view.cast, view.hits, stage.triangles)
    if isinstance(view, RadarView):
        return radar_scan(view.shot, view.rays, view.hits, stage.velocity_mps(view.hits.row))
    assert isinstance(shot, CameraShot)
    return _plain_image(shot, view, stage)


def _plain_image(shot: CameraShot, view: View, stage: Stage) -> Image:
    """Every picture but RGB."""
    hits, table = view.hits, stage.triangles
    pixels: NDArray[np.uint8]
    if shot.kind == "depth":
        pixels = encode_depth(hits.distance)
    elif shot.kind == "semantic_segmentation":
        pixels = semantic_pixels(hits.row, table)
    elif shot.kind == "instance_segmentation":
        pixels = instance_pixels(hits.row, table)
    elif shot.kind == "normals":
        pixels = normal_pixels(hits.row, view.rays[:, 3:], table)
    else:
        return optical_flow(shot, stage.frame, view.rays, hits, stage.actor_index(hits.row))
    return pixels.reshape(shot.spec.height_px, shot.spec.width_px, 4)
