"""Augmentations keep pictures and calibration together; damaged samples are errors or counted."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'train' is not installed")
pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")

import torch

from drivevla.datasets.drivelog import DriveLogReader
from drivevla.datasets.drivelog.fixture import small_rig, turning_drive, write_fixture
from drivevla.datasets.exchanges import exchanges_of
from drivevla.errors import ConfigError, DataError, UnknownName
from drivevla.perception.collating import collate_observations
from drivevla.training.augmenting import AugmentationConfig, augmented
from drivevla.training.config import DataConfig
from drivevla.training.data import SkippingSamples
from drivevla.training.imitation import Imitation
from drivevla.training.material import ReaderSamples, read_material
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
    seen = collate_observations([dataclasses.replace(observation, cameras={"front": frame})])
    torch.manual_seed(seed)
    after = augmented(seen, AugmentationConfig(zoom=0.3)).cameras["front"]
    intrinsics = after.intrinsics_B33[0].double().numpy()
    scale = intrinsics[0, 0] / frame.intrinsics_px[0, 0]
    assert 1.0 < scale <= 1.3
    u, v, _ = intrinsics @ direction
    image = after.images_B3HW[0].permute(1, 2, 0).numpy()
    assert middle_px(image) == pytest.approx([u + scale * off_px[0], v + scale * off_px[1]], abs=0.35)
    assert image.shape == frame.image.shape


def test_the_same_draw_gives_the_same_and_another_draw_another(observation: Observation) -> None:
    config = AugmentationConfig(
        brightness=0.3, warmth=0.1, contrast=0.3, saturation=0.5, noise=0.02, zoom=0.2, lidar_dropout=0.5
    )
    seen, changed = collate_observations([observation, observation]), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        changed.append(augmented(seen, config))
    one, same, other = (each.cameras["left"].images_B3HW for each in changed)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert not torch.equal(one[0], one[1]), "each sample has its own"
    assert seen.lidar is not None
    assert changed[0].lidar is not None
    assert 0 < changed[0].lidar.keep_BP.sum() < seen.lidar.keep_BP.sum()


def test_nothing_asked_for_changes_nothing(observation: Observation) -> None:
    seen = collate_observations([observation])
    after = augmented(seen, AugmentationConfig())
    assert torch.equal(after.cameras["front"].images_B3HW, seen.cameras["front"].images_B3HW)
    assert after.lidar is seen.lidar
    with pytest.raises(ConfigError, match="zoom"):
        AugmentationConfig(zoom=1.5)
    with pytest.raises(UnknownName, match="brightness"):
        Imitation(augmentation={"brightnes": 0.1})


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


def test_what_a_log_says_reaches_training(tmp_path: Path) -> None:
    write_fixture(tmp_path, episodes=1, frames=4)
    reader = DriveLogReader(tmp_path)
    plain, asked = (read_material([tmp_path], DataConfig(questions=questions)).train for questions in (False, True))
    for index, token in enumerate(reader.scenes[0].tokens):
        stored = reader.sample(token)
        assert plain[index].explanation == stored.explanation
        assert plain[index].questions == (stored.questions or ())
        made = asked[index].questions
        assert bool(made) == bool(exchanges_of(stored.truth, stored.observation.ego.speed_mps)), "what the truth knows"
        assert all(each.exchange is not None for each in made[len(plain[index].questions) :])
        assert made == asked[index].questions, "the same ones each time"
    assert any(each.explanation is not None for each in (plain[index] for index in range(len(plain))))
    assert any(asked[index].questions for index in range(len(asked)))


def test_a_recipe_says_how_many_damaged_samples_are_put_up_with(tmp_path: Path) -> None:
    write_fixture(tmp_path, episodes=1, frames=4)
    row, _, _ = DriveLogReader(tmp_path).encoded("drive_00/000001")
    lidar = tmp_path / "lidar/chunk-000/file-000.bin"
    content = bytearray(lidar.read_bytes())
    content[row["lidar_offset"] + 40] ^= 0xFF
    lidar.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"file-000\.bin"):
        read_material([tmp_path], DataConfig()).train[1]
    assert read_material([tmp_path], DataConfig(skip_damaged=1)).train[1].name.endswith("000002")
    with pytest.raises(ConfigError, match="skip_damaged must be at least 0"):
        DataConfig(skip_damaged=-1)
