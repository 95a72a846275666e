"""Samples to learn from, out of a data set."""

from collections.abc import Sequence
from pathlib import Path

import torch

from drivevla.datasets.drivelog import DriveLogReader
from drivevla.datasets.drivelog.fixture import write_fixture
from drivevla.training.batches import TrainingSample
from drivevla.training.material import ReaderSamples
from drivevla.training.sources import MemoryBatches, StreamedBatches
from drivevla.types import Sample, Scene

STEPS, DT_S = 8, 0.25


class Counting:
    """A reader that counts what it reads."""

    def __init__(self, root: Path) -> None:
        self.inner = DriveLogReader(root)
        self.whole, self.spared = 0, 0

    @property
    def dataset(self) -> str:
        return self.inner.dataset

    @property
    def scenes(self) -> Sequence[Scene]:
        return self.inner.scenes

    def sample(self, token: str) -> Sample:
        self.whole += 1
        return self.inner.sample(token)

    def sample_without_sensors(self, token: str) -> Sample:
        self.spared += 1
        return self.inner.sample_without_sensors(token)


def places(reader: Counting) -> list[tuple[Counting, str]]:
    return [(reader, token) for scene in reader.scenes for token in scene.tokens]


def test_what_was_driven_is_asked_once_and_no_picture_is_read_for_it(tmp_path: Path) -> None:
    write_fixture(tmp_path / "log", episodes=2, frames=6)
    reader = Counting(tmp_path / "log")
    source = StreamedBatches(ReaderSamples(places(reader)), steps=STEPS, dt_s=DT_S)
    driven = source.drives()
    source.drives()
    assert (reader.whole, reader.spared) == (0, len(source))
    whole = MemoryBatches(ReaderSamples(places(reader)), steps=STEPS, dt_s=DT_S).drives()
    assert torch.equal(driven.target.waypoints_BT3, whole.target.waypoints_BT3)
    assert torch.equal(driven.target.valid_BT, whole.target.valid_BT)
    assert torch.equal(driven.speed_N, whole.speed_N)


def test_a_sample_brings_what_auxiliary_heads_should_say_and_a_glance_does_not(tmp_path: Path) -> None:
    write_fixture(tmp_path / "log", episodes=1, frames=3)
    samples = ReaderSamples(places(Counting(tmp_path / "log")))
    whole, glance = samples[0], samples.glance(0)
    assert isinstance(glance, TrainingSample)
    assert whole.auxiliary is not None
    assert whole.observation.cameras
    assert (glance.auxiliary, dict(glance.observation.cameras), glance.observation.lidar) == (None, {}, None)
    assert [each.sentence for each in glance.alternatives] == [each.sentence for each in whole.alternatives]
    assert glance.observation.instruction == whole.observation.instruction
