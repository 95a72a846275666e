"""Augmentations keep pictures and calibration together; damaged samples are errors or counted."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'train' is not installed")
pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")

from drivevla.datasets.drivelog import DriveLogReader
from drivevla.datasets.drivelog.fixture import small_rig, turning_drive, write_fixture
from drivevla.errors import ConfigError, DataError
from drivevla.training.data import Augmentation, AugmentationConfig, SkippingSamples
from drivevla.training.material import ReaderSamples
from drivevla.types import CameraFrame, Observation


@pytest.fixture
def observation() -> Observation:
    return turning_drive(small_rig(), frames=1)[0].observation


def with_a_spot(frame: CameraFrame, direction: np.ndarray) -> CameraFrame:  # type: ignore[type-arg]
    """Black, but for a white square where a direction of the optical frame is seen."""
    u, v, w = frame.intrinsics_px @ direction
    image = np.zeros_like(frame.image)
    column, row = int(u / w), int(v / w)
    image[row - 1 : row + 2, column - 1 : column + 2] = 255
    return dataclasses.replace(frame, image=image)


def middle_px(image: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """Where the light is, in the convention that pixel i covers [i, i + 1)."""
    weight = image.sum(axis=2).astype(float)
    rows, columns = np.indices(weight.shape) + 0.5
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("seed", range(8))
def test_what_stands_in_a_direction_is_seen_there_after_the_picture_was_zoomed(
    observation: Observation, seed: int
) -> None:
    direction = np.array([0.02, 0.015, 1.0])
    frame = with_a_spot(observation.cameras["front"], direction)
    before_u, before_v, _ = frame.intrinsics_px @ direction
    off_px = middle_px(frame.image) - [before_u, before_v]  # the square sits on whole pixels
    seen = dataclasses.replace(observation, cameras={"front": frame})
    change = Augmentation(AugmentationConfig(zoom=0.3))
    after = change(seen, np.random.default_rng(seed)).cameras["front"]
    scale = after.intrinsics_px[0, 0] / frame.intrinsics_px[0, 0]
    assert 1.0 < scale <= 1.3
    u, v, _ = after.intrinsics_px @ direction
    assert middle_px(after.image) == pytest.approx([u + scale * off_px[0], v + scale * off_px[1]], abs=0.35)
    assert after.image.shape == frame.image.shape


def test_the_same_draw_gives_the_same_and_another_draw_another(observation: Observation) -> None:
    change = Augmentation(AugmentationConfig(brightness=0.3, contrast=0.3, saturation=0.5, zoom=0.2, lidar_dropout=0.5))
    one, same, other = (change(observation, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one.cameras["left"].image, same.cameras["left"].image)
    assert not np.array_equal(one.cameras["left"].image, other.cameras["left"].image)
    assert one.lidar is not None
    assert observation.lidar is not None
    assert one.lidar.intensity is not None
    assert 0 < len(one.lidar.points_m) == len(one.lidar.intensity) < len(observation.lidar.points_m)


def test_nothing_asked_for_changes_nothing(observation: Observation) -> None:
    after = Augmentation(AugmentationConfig())(observation, np.random.default_rng(0))
    assert np.array_equal(after.cameras["front"].image, observation.cameras["front"].image)
    assert after.lidar is observation.lidar
    with pytest.raises(ConfigError, match="zoom"):
        AugmentationConfig(zoom=1.5)


def test_a_damaged_record_is_an_error_or_counted_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_fixture(tmp_path, episodes=1, frames=4)
    reader = DriveLogReader(tmp_path)
    lidar = tmp_path / "lidar/chunk-000/file-000.bin"
    row, _, _ = reader.encoded("drive_00/000001")
    content = bytearray(lidar.read_bytes())
    content[row["lidar_offset"] + 40] ^= 0xFF
    lidar.write_bytes(bytes(content))
    samples = ReaderSamples([(reader, token) for token in reader.scenes[0].tokens])
    with pytest.raises(DataError, match=rf"file-000\.bin: the sweep of \d+ bytes at {row['lidar_offset']}"):
        samples[1]
    skipping = SkippingSamples(samples, at_most=1)
    assert len(skipping) == len(samples)
    assert [skipping[index].name[-6:] for index in (0, 1, 2, 1)] == ["000000", "000002", "000002", "000002"]
    assert list(skipping.damaged) == [1]
    assert caplog.text.count("is left out") == 1
    with pytest.raises(DataError, match="1 samples cannot be read, 0 are put up with"):
        SkippingSamples(samples, at_most=0)[1]
