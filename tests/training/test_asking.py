"""One instant, several sentences: which is heard is decided by the draw alone."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drivevla.language import Direction, Instruction, InstructionKind, Place
from drivevla.testing.toy_junction import DT_S, STEPS, junction_sample
from drivevla.training.asking import Wordings, asked_of, chosen
from drivevla.training.batches import TrainingSample
from drivevla.training.config import DrawConfig
from drivevla.training.order import Pick
from drivevla.training.sources import BatchSource, MemoryBatches, StreamedBatches
from drivevla.types import Alternative

TURN = Instruction(kind=InstructionKind.TURN, direction=Direction.LEFT, ordinal=1, place=Place.JUNCTION)
OTHER = 1.0 - 1e-9


def at_a_junction(seed: int) -> TrainingSample:
    """Asked to go left, with what would have followed "go right"."""
    own = junction_sample("left", "go left", speed_mps=5.0, seed=seed)
    told = dataclasses.replace(own.observation, told_pose=np.array([-7.0, 0.0, 0.0]))
    own = dataclasses.replace(own, observation=told)
    right = junction_sample("right", "go right", speed_mps=5.0, seed=seed)
    told_pose = np.array([-4.0, 1.0, 0.0])
    other = Alternative(
        sentence="go right", future=right.future, refused=True, target_speed_mps=2.0, told_pose=told_pose
    )
    return dataclasses.replace(own, instruction=TURN, alternatives=(other,))


@pytest.fixture(params=["streamed", "memory", "read by a process"])
def source(request: pytest.FixtureRequest) -> BatchSource:
    samples = [at_a_junction(seed) for seed in range(5)]
    if request.param == "streamed":
        return StreamedBatches(samples, steps=STEPS, dt_s=DT_S)
    workers = 0 if request.param == "memory" else 1
    return MemoryBatches(samples, steps=STEPS, dt_s=DT_S, workers=workers)


def test_what_is_heard_what_is_driven_and_what_is_refused_belong_together(source: BatchSource) -> None:
    picks = [Pick(3, 0.9, 0.0), Pick(1, 0.1, 0.0), Pick(3, 0.1, 0.0)]
    (batch,) = source.stream([picks], DrawConfig(alternative_share=0.5))
    assert batch.names == ("left-3", "left-1", "left-3")
    assert batch.sensors.sentences == ("go left", "go right", "go right")
    assert batch.sensors.told_B3 is not None
    assert batch.sensors.told_B3[:, 0].tolist() == [-7.0, -4.0, -4.0]
    assert batch.sensors.frame_B is not None
    assert batch.sensors.frame_B.tolist() == [0, 1, 0]
    assert batch.sensors.frames == 2
    assert (batch.target.waypoints_BT3[:, -1, 1] > 0).tolist() == [True, False, False]
    assert batch.refused_B.tolist() == [0.0, 1.0, 1.0]
    assert batch.target.target_speed_B is not None
    assert batch.target.target_speed_B.tolist() == [5.0, 2.0, 2.0]


def test_a_batch_out_of_memory_is_the_one_that_is_read(source: BatchSource) -> None:
    read = StreamedBatches([at_a_junction(seed) for seed in range(5)], steps=STEPS, dt_s=DT_S)
    picks = [[Pick(4, 0.3, 0.0), Pick(0, 0.8, 0.0)]]
    (one,), (other,) = (list(each.stream(picks, DrawConfig(alternative_share=0.5))) for each in (source, read))
    assert one.sensors.lidar is not None
    assert other.sensors.lidar is not None
    assert torch.equal(one.sensors.lidar.points_BP4, other.sensors.lidar.points_BP4)
    assert torch.equal(one.target.waypoints_BT3, other.target.waypoints_BT3)
    kept, glanced = source.drives(), read.drives()
    assert torch.equal(kept.target.waypoints_BT3, glanced.target.waypoints_BT3)
    assert torch.equal(kept.speed_N, glanced.speed_N)
    assert kept.kinds == glanced.kinds == (TURN.kind,) * 5


def test_other_words_mean_the_same_and_are_the_same_each_time() -> None:
    wordings = Wordings(3, languages=("en", "zh"), seed=1)
    own, other = asked_of(at_a_junction(0), wordings)
    assert own.sentences[0] == "go left"
    assert 4 <= len(own.sentences) <= 7
    assert own.sentences[1:] == Wordings(3, languages=("en", "zh"), seed=1).of(TURN)
    assert other.sentences == ("go right",)  # its slots are not known, so nobody can say it otherwise
    assert Wordings(0).of(TURN) == ()


def test_silence_stays_silence_whatever_is_known_of_the_instruction() -> None:
    sample = at_a_junction(0)
    silent = dataclasses.replace(sample, observation=dataclasses.replace(sample.observation, instruction=None))
    assert asked_of(silent, Wordings(3))[0].sentences == ("",)


def test_every_draw_asks_for_something() -> None:
    said = (("a", "b"), ("c",), ("d", "e", "f"))
    kinds, draw = [TURN.kind, None, None], DrawConfig(alternative_share=0.6)
    assert chosen(said, kinds, Pick(0, 0.6, 0.0), draw) == (0, "a")
    assert chosen(said, kinds, Pick(0, 0.59, OTHER), draw) == (2, "f")
    assert chosen(said, kinds, Pick(0, 0.0, OTHER), draw) == (1, "c")
    assert chosen(said[:1], kinds[:1], Pick(0, 0.0, OTHER), DrawConfig(alternative_share=1.0)) == (0, "b")
    assert chosen(said, kinds, Pick(0, 0.0, 0.0), DrawConfig()) == (0, "a")


@given(asked=st.floats(0.0, 1.0, exclude_max=True))
def test_other_things_are_asked_for_as_often_as_their_kinds_weigh(asked: float) -> None:
    kinds = [None, InstructionKind.TWO_STEPS, InstructionKind.FASTER, None]
    draw = DrawConfig(alternative_share=1.0, kind_weights={"two_steps": 2.5, "faster": 0.5})
    index, _ = chosen([["a"], ["b"], ["c"], ["d"]], kinds, Pick(0, asked, 0.0), draw)
    assert index == (1 if asked < 2.5 / 4 else 2 if asked < 3 / 4 else 3)
