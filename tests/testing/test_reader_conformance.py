from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from drivevla.errors import UnknownName
from drivevla.geometry import matrix_from_yaw, rigid
from drivevla.testing import check_reader
from drivevla.types import EgoState, Future, Observation, Provenance, Sample, Scene, Truth


class Circle:
    """Four samples of a drive to the left, half a second apart."""

    dataset = "circle"
    scenes = (Scene(name="left", tokens=("0", "1", "2", "3")),)

    def __init__(self, harm: Callable[[Sample], Sample] = lambda sample: sample) -> None:
        self.harm = harm

    def sample(self, token: str) -> Sample:
        if token not in self.scenes[0].tokens:
            raise UnknownName(token)
        now_s, ahead_s = 0.5 * int(token), np.arange(1, 9) / 4.0
        x, y, yaw = 20.0 * np.sin(0.5 * now_s), 20.0 * (1 - np.cos(0.5 * now_s)), 0.5 * now_s
        poses = np.stack([20.0 * np.sin(0.5 * ahead_s), 20.0 * (1 - np.cos(0.5 * ahead_s)), 0.5 * ahead_s], axis=1)
        world_from_ego = rigid(matrix_from_yaw(yaw), np.array([x, y, 0.0]))
        future = Future(times_s=ahead_s, poses=poses, valid=np.ones(8, dtype=np.bool_))
        sample = Sample(
            source=Provenance(dataset=self.dataset, scene="left", token=token),
            observation=Observation(timestamp_s=now_s, ego=EgoState(speed_mps=10.0)),
            truth=Truth(timestamp_s=now_s, world_from_ego=world_from_ego, future=future),
        )
        return self.harm(sample)


def changed_poses(sample: Sample, factors: list[float]) -> Sample:
    future = sample.truth.future
    assert future is not None
    return replace(sample, truth=replace(sample.truth, future=replace(future, poses=future.poses * factors)))


def test_a_reader_that_keeps_the_contract_passes() -> None:
    assert check_reader(Circle()) == 4


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda sample: changed_poses(sample, [1.0, -1.0, -1.0]), "differ by"),
        (lambda sample: changed_poses(sample, [1.0, 1.0, 57.3]), "rad"),
        (lambda sample: changed_poses(sample, [0.5, 0.5, 0.5]), "differ by"),
        (lambda sample: replace(sample, source=replace(sample.source, scene="right")), "says that it is"),
        (lambda sample: replace(sample, source=replace(sample.source, split="train")), "split 'train'"),
    ],
    ids=["mirrored", "degrees", "another rate", "another scene", "another split"],
)
def test_what_breaks_the_contract_is_found(harm: Callable[[Sample], Sample], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_reader(Circle(harm))
