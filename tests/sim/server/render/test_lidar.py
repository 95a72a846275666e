import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.errors import SimulatorError
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor
from drivevla.sim.server.render.measurements import SEMANTIC_POINT, LidarScan
from drivevla.sim.server.render.renderer import Renderer
from drivevla.sim.server.render.requests import LidarShot, LidarSpec
from drivevla.sim.server.scene.mesh import Label

NO_LOSS = LidarSpec(
    channels=16,
    range_m=80.0,
    points_per_second=16 * 360 * 10,
    rotation_frequency_hz=10.0,
    upper_fov_deg=10.0,
    lower_fov_deg=-20.0,
    dropoff_general_rate=0.0,
    dropoff_zero_intensity=0.0,
)
POSE = Pose((0.0, 0.0, 2.0), (0.0, 30.0, 0.0))


def scan(
    street: Renderer, spec: LidarSpec, *, seed: int = 0, start: float = 0.0, interval_s: float = 0.1, pose: Pose = POSE
) -> LidarScan:
    rng = np.random.default_rng(seed)
    shot = LidarShot(spec=spec, pose=pose, start_angle_rad=start, interval_s=interval_s, rng=rng)
    return street.lidar(shot, DynamicFrame())


def in_world(points: NDArray[Any], pose: Pose) -> NDArray[np.float64]:
    matrix = pose.matrix()
    moved: NDArray[np.float64] = points[:, :3].astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def test_range_to_planes_is_exact_to_a_centimetre(street: Renderer) -> None:
    world = in_world(scan(street, NO_LOSS).points, POSE)
    road = (np.abs(world[:, 1]) < 3.9) & (world[:, 2] < 1.0) & (np.abs(world[:, 0]) < 30.0)
    assert road.sum() > 500
    assert np.abs(world[road, 2]).max() < 0.02  # markings lie 1 cm above the road
    bare = road & (np.abs(world[:, 1]) > 0.2)
    assert np.abs(world[bare, 2]).max() < 0.001
    along = (world[:, 0] + 60.0) % 14.0  # a house every 14 m, 12 m long
    wall = (world[:, 1] > 8.5) & (world[:, 1] < 9.5) & (world[:, 2] > 1.0) & (along > 0.5) & (along < 11.5)
    assert wall.sum() > 100
    assert np.abs(world[wall, 1] - 9.0).max() < 0.01


def test_points_are_grouped_by_channel_from_the_upper_laser_down(street: Renderer) -> None:
    result = scan(street, NO_LOSS)
    assert result.points_in_channel.shape == (16,)
    assert result.points_in_channel.sum() == len(result.points)
    elevation = np.degrees(np.arctan2(result.points[:, 2], np.hypot(result.points[:, 0], result.points[:, 1])))
    expected = np.repeat(np.linspace(10.0, -20.0, 16), result.points_in_channel)
    np.testing.assert_allclose(elevation, expected, atol=1e-3)


def test_a_tick_sweeps_rotation_frequency_times_its_time(street: Renderer) -> None:
    # 10 Hz for 0.025 s: a quarter turn, from straight back over the left to the left.
    result = scan(street, NO_LOSS, interval_s=0.025)
    azimuth = np.degrees(np.arctan2(result.points[:, 1], result.points[:, 0]))
    assert azimuth.min() >= -180.0
    assert azimuth.max() <= -90.0
    assert azimuth.max() > -93.0
    assert result.horizontal_angle_rad == pytest.approx(math.pi / 2.0)
    after = scan(street, NO_LOSS, interval_s=0.025, start=result.horizontal_angle_rad)
    azimuth = np.degrees(np.arctan2(after.points[:, 1], after.points[:, 0]))
    assert azimuth.min() >= -90.0 - 1e-3
    assert azimuth.max() <= 0.0
    assert scan(street, NO_LOSS).horizontal_angle_rad == pytest.approx(0.0, abs=1e-6)


def test_intensity_is_the_attenuation_of_the_distance(street: Renderer) -> None:
    spec = LidarSpec.from_attributes(attributes(atmosphere_attenuation_rate="0.004"))
    points = np.asarray(scan(street, spec).points, np.float32)
    distance = np.linalg.norm(points[:, :3].astype(np.float64), axis=1)
    np.testing.assert_allclose(points[:, 3], np.exp(-0.004 * distance), rtol=1e-5)


def attributes(**changes: str) -> dict[str, str]:
    values = {
        "channels": "16",
        "range": "80",
        "points_per_second": "57600",
        "rotation_frequency": "10",
        "upper_fov": "10",
        "lower_fov": "-20",
        "horizontal_fov": "360",
        "atmosphere_attenuation_rate": "0",
        "dropoff_general_rate": "0",
        "dropoff_intensity_limit": "0.8",
        "dropoff_zero_intensity": "0",
        "noise_stddev": "0",
    }
    return values | changes


def test_the_general_drop_off_takes_its_share(street: Renderer) -> None:
    complete = len(scan(street, NO_LOSS).points)
    spec = LidarSpec.from_attributes(attributes(dropoff_general_rate="0.45"))
    kept = [len(scan(street, spec, seed=seed).points) / complete for seed in range(8)]
    # About 3,300 returns each: the mean of eight has a deviation of 0.003.
    assert np.mean(kept) == pytest.approx(0.55, abs=0.012)


def test_weak_returns_are_dropped_as_carla_does(street: Renderer) -> None:
    # All intensities are exp(-0.2 d); below 0.8 a return survives with 1 - 0.4 (1 - I / 0.8).
    strong = LidarSpec.from_attributes(attributes(atmosphere_attenuation_rate="0.2"))
    weak = LidarSpec.from_attributes(attributes(atmosphere_attenuation_rate="0.2", dropoff_zero_intensity="0.4"))
    intensity = scan(street, strong).points[:, 3].astype(np.float64)
    chance = 1.0 - 0.4 * np.maximum(1.0 - intensity / 0.8, 0.0)
    kept = [len(scan(street, weak, seed=seed).points) for seed in range(8)]
    deviation = math.sqrt((chance * (1.0 - chance)).sum() / 8.0)
    assert chance.sum() < 0.75 * len(intensity)
    assert np.mean(kept) == pytest.approx(chance.sum(), abs=4.0 * deviation)


def test_noise_moves_points_along_their_rays_only(street: Renderer) -> None:
    clean = scan(street, NO_LOSS).points[:, :3].astype(np.float64)
    spec = LidarSpec.from_attributes(attributes(noise_stddev="0.1"))
    noisy = scan(street, spec).points[:, :3].astype(np.float64)
    length = np.linalg.norm(clean, axis=1)
    direction = clean / length[:, None]
    along = np.einsum("nk,nk->n", noisy, direction)
    np.testing.assert_allclose(noisy, along[:, None] * direction, atol=1e-3)
    error = along - length
    assert error.mean() == pytest.approx(0.0, abs=0.01)
    assert error.std() == pytest.approx(0.1, rel=0.05)


def test_nothing_returns_beyond_the_range(street: Renderer) -> None:
    spec = LidarSpec.from_attributes(attributes(range="6"))
    points = scan(street, spec).points
    assert len(points) > 100
    assert np.linalg.norm(points[:, :3], axis=1).max() <= 6.0 + 1e-4


def test_semantic_points_carry_incidence_actor_and_tag(street: Renderer) -> None:
    car = RenderActor(
        actor_id=42,
        type_id="vehicle.mitsubishi.fusorosa",
        kind="bus",
        pose=Pose((12.0, 0.0, 0.0)),
        half_extent_m=(5.0, 1.2, 1.5),
        center_m=(0.0, 0.0, 1.5),
        label=Label.BUS,
        rgb=(0.9, 0.8, 0.2),
    )
    shot = LidarShot(
        spec=NO_LOSS, pose=Pose((0.0, 0.0, 2.0)), start_angle_rad=0.0, interval_s=0.1, rng=None, semantic=True
    )
    points: NDArray[np.void] = np.asarray(street.lidar(shot, DynamicFrame(actors=(car,))).points, SEMANTIC_POINT)
    assert SEMANTIC_POINT.itemsize == 24
    bus = points[points["object_id"] == 42]
    assert set(bus["tag"].tolist()) == {int(Label.BUS)}
    assert len(bus) > 50
    road = points[points["tag"] == Label.ROADS]
    distance = np.sqrt(road["x"] ** 2 + road["y"] ** 2 + road["z"] ** 2)
    np.testing.assert_allclose(road["cos_incidence"], 2.0 / distance, rtol=1e-3)
    assert set(road["object_id"].tolist()) == {0}


def test_the_same_seed_gives_the_same_bytes(street: Renderer) -> None:
    spec = LidarSpec.from_attributes(attributes(noise_stddev="0.05", dropoff_general_rate="0.3"))
    assert scan(street, spec, seed=4).points.tobytes() == scan(street, spec, seed=4).points.tobytes()
    assert scan(street, spec, seed=4).points.tobytes() != scan(street, spec, seed=5).points.tobytes()


def test_a_plain_lidar_without_randomness_or_with_too_many_rays_is_refused() -> None:
    with pytest.raises(SimulatorError, match="random generator"):
        LidarShot(spec=NO_LOSS, pose=POSE, start_angle_rad=0.0, interval_s=0.1, rng=None)
    crowded = LidarSpec(points_per_second=100_000_000)
    with pytest.raises(SimulatorError, match="LiDAR rays in one tick"):
        LidarShot(spec=crowded, pose=POSE, start_angle_rad=0.0, interval_s=1.0, rng=np.random.default_rng(0))
    with pytest.raises(SimulatorError, match="channels"):
        LidarSpec.from_attributes(attributes(channels="0"))


def test_an_interval_without_points_gives_an_empty_scan(street: Renderer) -> None:
    result = scan(street, LidarSpec.from_attributes(attributes(points_per_second="0")))
    assert result.points.shape == (0, 4)
    assert result.points_in_channel.tolist() == [0] * 16
