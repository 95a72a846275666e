"""What is lost when sensors are stored, and that nothing more is."""

import dataclasses
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivevla.config.sensor_rig import load_rig
from drivevla.datasets.codec import (
    StorageConfig,
    as_stored,
    decode_image,
    encode_image,
    load_sweep,
    store_sweep,
)
from drivevla.errors import ContractError, DataError
from drivevla.geometry import matrix_from_euler, rigid, transform_points
from drivevla.types import EgoState, LidarSpec, LidarSweep, Observation

SPEC = LidarSpec(
    channels=16,
    azimuths=60,
    range_m=80.0,
    upper_fov_deg=10.0,
    lower_fov_deg=-30.0,
    ego_from_lidar=rigid(matrix_from_euler(yaw_rad=0.3, pitch_rad=0.02), [1.2, 0.1, 1.95]),
)
STORAGE = StorageConfig(lidar=SPEC)


def swept(rng: np.random.Generator, *, start_rad: float = 0.0, share: float = 0.9) -> LidarSweep:
    """A turn of the sensor from any azimuth on, in the order of its lasers; some returns are missing."""
    elevation = np.radians(np.linspace(10.0, -30.0, 16))[:, None]
    azimuth = start_rad + np.arange(60) * np.radians(6.0)
    across = np.cos(elevation)
    rays = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), np.sin(elevation) + 0 * azimuth], axis=-1)
    there = rng.random(16 * 60) < share
    range_m = rng.uniform(1.0, 80.0, there.sum())
    points = transform_points(SPEC.ego_from_lidar, rays.reshape(-1, 3)[there] * range_m[:, None])
    return LidarSweep(
        points_m=points.astype(np.float32),
        intensity=np.exp(-0.004 * range_m).astype(np.float32),
        timestamp_s=1.5,
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), start_rad=st.floats(-3.0, 3.0), share=st.floats(0.01, 1.0))
def test_a_sweep_comes_back_within_its_step(seed: int, start_rad: float, share: float) -> None:
    sweep = swept(np.random.default_rng(seed), start_rad=start_rad, share=share)
    stored = store_sweep(sweep, STORAGE)
    back = load_sweep(stored, STORAGE, timestamp_s=sweep.timestamp_s)
    assert len(back.points_m) == len(sweep.points_m)
    apart = np.linalg.norm(back.points_m[:, None] - sweep.points_m[None], axis=-1)
    nearest = apart.argmin(axis=1)
    assert apart.min(axis=1, initial=0.0).max(initial=0.0) < 0.01
    assert back.intensity is not None
    assert sweep.intensity is not None
    assert np.abs(back.intensity - sweep.intensity[nearest]).max(initial=0.0) <= 0.5 / 255 + 1e-6


def test_a_sweep_of_another_sensor_is_stored_as_points() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-300.0, 300.0, (500, 3)).astype(np.float32)
    for intensity in (None, rng.random(500).astype(np.float32)):
        sweep = LidarSweep(points_m=points, intensity=intensity, timestamp_s=0.0)
        back = load_sweep(store_sweep(sweep, STORAGE), STORAGE, timestamp_s=0.0)
        assert np.abs(back.points_m - points).max() <= 0.005 + 2e-5
        assert (back.intensity is None) == (intensity is None)
    empty = LidarSweep(points_m=np.zeros((0, 3), np.float32), timestamp_s=0.0)
    assert len(load_sweep(store_sweep(empty, STORAGE), STORAGE, timestamp_s=0.0).points_m) == 0


def test_ranges_take_a_fraction_of_what_points_take() -> None:
    sweep = swept(np.random.default_rng(0))
    assert len(store_sweep(sweep, STORAGE)) < 0.5 * len(store_sweep(sweep, StorageConfig()))


@pytest.mark.parametrize("cut", [0, 5, 25, 200])
def test_a_sweep_that_is_cut_short_is_refused(cut: int) -> None:
    stored = store_sweep(swept(np.random.default_rng(0)), STORAGE)
    with pytest.raises(DataError):
        load_sweep(stored[:cut], STORAGE, timestamp_s=0.0)


def test_a_sweep_that_unpacks_to_more_than_it_says_is_refused() -> None:
    stored = store_sweep(swept(np.random.default_rng(0)), STORAGE)
    header = stored[: len(stored) - len(zlib.compress(b""))][:30]
    with pytest.raises(DataError, match="unpacks to"):
        load_sweep(header + zlib.compress(bytes(50_000_000)), STORAGE, timestamp_s=0.0)


def test_storing_what_was_stored_changes_no_sweep_by_more_than_rounding() -> None:
    once = as_stored(
        Observation(timestamp_s=2.0, ego=EgoState(speed_mps=1.0), lidar=swept(np.random.default_rng(1))), STORAGE
    )
    twice = as_stored(once, STORAGE)
    assert once.lidar is not None
    assert twice.lidar is not None
    assert np.abs(once.lidar.points_m - twice.lidar.points_m).max() < 1e-4


def test_pictures_are_jpeg_of_the_stated_quality() -> None:
    rng = np.random.default_rng(0)
    picture = np.repeat(np.repeat(rng.integers(0, 256, (8, 16, 3), dtype=np.uint8), 8, axis=0), 8, axis=1)
    coarse, fine = (StorageConfig(jpeg_quality=quality) for quality in (30, 95))
    assert len(encode_image(picture, coarse)) < len(encode_image(picture, fine))
    worst = [np.abs(decode_image(encode_image(picture, each)).astype(int) - picture).mean() for each in (coarse, fine)]
    assert worst[1] < worst[0]
    with pytest.raises(DataError, match="expected"):
        decode_image(encode_image(picture, fine), size_px=(64, 64))
    with pytest.raises(DataError, match="cannot be read"):
        decode_image(encode_image(picture, fine)[:-30])
    with pytest.raises(DataError, match="cannot be read"):
        decode_image(b"nothing of the kind")


def test_a_storage_is_written_down_and_read_back() -> None:
    storage = StorageConfig.for_rig(load_rig("nano"), jpeg_quality=60)
    again = StorageConfig.from_dict(storage.to_dict())
    assert again.to_dict() == storage.to_dict()
    assert again.lidar is not None
    assert again.lidar.azimuths == 720
    with pytest.raises(DataError):
        StorageConfig.from_dict({"jpeg_quality": 60})
    with pytest.raises(ContractError, match="jpeg_quality"):
        dataclasses.replace(storage, jpeg_quality=100)
