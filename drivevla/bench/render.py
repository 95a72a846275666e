"""How fast the embedded simulator renders: the nano rig on one vehicle among 30, and what the machine can do at all.

Run with ``python -m drivevla.bench.render [MAP]``.
"""

import sys
import time
from dataclasses import dataclass, replace

import numpy as np

from drivevla.sim.maps.find import find_map
from drivevla.sim.server.catalogue.catalogue import catalogue
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.casting import RayCaster
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor
from drivevla.sim.server.render.pinhole import view_rays
from drivevla.sim.server.render.renderer import Renderer
from drivevla.sim.server.render.requests import CameraShot, CameraSpec, LidarShot, LidarSpec, Shot
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.mesh import SceneMesh
from drivevla.sim.server.scene.scene import Scene

__all__ = ["RenderSpeed", "measure_rendering", "report"]

VEHICLES = 30
_CAPTURES = 20
_SPAWN_HEIGHT_M = 0.5

# The nano rig (configs/rigs/nano.yaml) on a car whose origin is 1.4 m ahead of its rear axle: size, field of view, x, y
# to the right, yaw to the right.
_CAMERAS = (
    (CameraSpec(320, 160, 65.0), 0.1, 0.0, 0.0),
    (CameraSpec(256, 128, 90.0), -0.1, -0.5, -60.0),
    (CameraSpec(256, 128, 90.0), -0.1, 0.5, 60.0),
)
_CAMERA_HEIGHT_M, _LIDAR_HEIGHT_M = 1.65, 1.95
_LIDAR = LidarSpec(
    channels=32,
    range_m=80.0,
    points_per_second=32 * 720 * 20,
    rotation_frequency_hz=20.0,
    dropoff_general_rate=0.0,
)


@dataclass(frozen=True, slots=True)
class RenderSpeed:
    """One measurement; times are the best of the repeats, since other programs only ever slow one down.

    Attributes:
        map_name: Whose scene.
        triangles: Of the static scene.
        build_s: From mesh to renderer.
        captures_per_s: Three RGB pictures and a LiDAR sweep of 23,040 rays each, with 30 vehicles moving.
        median_captures_per_s: The same, half of the captures being faster.
        lidar_ms: The sweep alone.
        rays_per_s: Calibration: the three cameras' rays against the static scene, nothing else.
        gemm_gflops: Calibration: float32 matrix products of side 1024.
    """

    map_name: str
    triangles: int
    build_s: float
    captures_per_s: float
    median_captures_per_s: float
    lidar_ms: float
    rays_per_s: float
    gemm_gflops: float


def measure_rendering(map_name: str = "Town03") -> RenderSpeed:
    """Build a town and render it.

    Args:
        map_name: Any name that ``find_map`` knows.

    Raises:
        UnknownName: There is no such map.
    """
    scene = build_scene(find_map(map_name), seed=0)
    start = time.perf_counter()
    renderer = Renderer(scene.mesh)
    build_s = time.perf_counter() - start
    actors = _traffic(scene)
    ego = actors[0]

    def capture(number: int, *, cameras: bool = True) -> float:
        frame = DynamicFrame(
            time_s=0.2 * number,
            weather=Weather(cloudiness=20.0, sun_altitude_angle=50.0, sun_azimuth_angle=30.0),
            light_states={signal.signal_id: "red" for signal in scene.signals},
            actors=tuple(replace(actor, wheel_steer_deg=float(number % 3)) for actor in actors),
        )
        shots = _rig(ego, np.random.default_rng(number))
        begin = time.perf_counter()
        renderer.render_many(shots if cameras else shots[-1:], frame)
        return time.perf_counter() - begin

    capture(0)
    times = [capture(number) for number in range(_CAPTURES)]
    lidar = [capture(number, cameras=False) for number in range(_CAPTURES)]
    return RenderSpeed(
        map_name=map_name,
        triangles=len(scene.mesh.triangles),
        build_s=build_s,
        captures_per_s=1.0 / min(times),
        median_captures_per_s=1.0 / float(np.median(times)),
        lidar_ms=1000.0 * min(lidar),
        rays_per_s=_ray_rate(scene.mesh, ego),
        gemm_gflops=_gemm_gflops(),
    )


def report(speed: RenderSpeed) -> str:
    """The measurement in words."""
    return (
        f"render {speed.map_name} ({speed.triangles:,} triangles, built in {speed.build_s:.1f} s), nano rig among "
        f"{VEHICLES} vehicles: {speed.captures_per_s:.1f} captures/s at best, {speed.median_captures_per_s:.1f} in the "
        f"median; LiDAR alone {speed.lidar_ms:.1f} ms. Calibration: {speed.rays_per_s / 1e6:.1f} M rays/s, "
        f"{speed.gemm_gflops:.0f} GFLOP/s in float32 matrix products."
    )


def _traffic(scene: Scene) -> list[RenderActor]:
    """The ego on the first spawn point and 30 vehicles of all kinds on those nearest to it."""
    places = np.array([pose.location_m for pose in scene.spawn_points])
    nearest = np.argsort(np.linalg.norm(places - places[0], axis=1), kind="stable")[: VEHICLES + 1]
    specs = list(catalogue().vehicles.values())
    actors = []
    for number, index in enumerate(nearest):
        spec, pose = specs[number % len(specs)], scene.spawn_points[int(index)]
        x, y, z = pose.location_m
        red, green, blue = (channel / 255.0 for channel in spec.rgb)
        actors.append(
            RenderActor(
                actor_id=number + 1,
                type_id=spec.id,
                kind=spec.base_type,
                pose=Pose((x, y, z - _SPAWN_HEIGHT_M), pose.rotation_deg),
                half_extent_m=spec.body.half_extent_m,
                center_m=spec.body.center_m,
                label=spec.label,
                rgb=(red, green, blue),
            )
        )
    return actors


def _rig(ego: RenderActor, rng: np.random.Generator) -> list[Shot]:
    def mounted(x: float, y: float, z: float, yaw_deg: float) -> Pose:
        pitch, yaw, roll = ego.pose.rotation_deg
        location = ego.pose.matrix() @ [x, y, z, 1.0]
        return Pose((location[0], location[1], location[2]), (pitch, yaw + yaw_deg, roll))

    shots: list[Shot] = [
        CameraShot(kind="rgb", spec=spec, pose=mounted(x, y, _CAMERA_HEIGHT_M, yaw), parent_id=ego.actor_id)
        for spec, x, y, yaw in _CAMERAS
    ]
    lidar = mounted(-0.2, 0.0, _LIDAR_HEIGHT_M, 0.0)
    shots.append(
        LidarShot(spec=_LIDAR, pose=lidar, start_angle_rad=0.0, interval_s=0.05, rng=rng, parent_id=ego.actor_id)
    )
    return shots


def _ray_rate(mesh: SceneMesh, ego: RenderActor) -> float:

    caster = RayCaster(mesh.vertices_m, mesh.triangles)
    shots = _rig(ego, np.random.default_rng(0))
    rays = np.concatenate([view_rays(shot.spec, shot.pose) for shot in shots if isinstance(shot, CameraShot)])
    times = []
    for _ in range(5):
        start = time.perf_counter()
        caster.cast(rays)
        times.append(time.perf_counter() - start)
    return len(rays) / min(times)


def _gemm_gflops() -> float:
    side = 1024
    matrix = np.random.default_rng(0).random((side, side), np.float32)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - start)
    return 2.0 * side**3 / min(times) / 1e9


if __name__ == "__main__":
    sys.stdout.write(report(measure_rendering(*sys.argv[1:2])) + "\n")
