"""Frames that are looked at once for several sentences: nothing but the work changes."""

import dataclasses

import numpy as np
import pytest
import torch

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ContractError
from drivevla.models.auxiliary.targets import AuxiliaryTarget
from drivevla.models.config import FusionConfig, ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.parts import PartConfig
from drivevla.perception.collating import collate_observations, share_frames
from drivevla.testing import sample_observation
from drivevla.training.batches import TrainingBatch, TrainingSample, collate_samples
from drivevla.training.imitation import Imitation
from drivevla.types import Future, SensorBatch

SENTENCES = ("go left", "go right", "stop")


def model() -> DrivingModel:
    torch.manual_seed(0)
    asked = {name: PartConfig(name=name) for name in ("light", "semantic_grid", "depth", "lamps")}
    config = ModelConfig(
        width=16, steps=4, dt_s=0.5, readers=("characters",), fusion=FusionConfig(latents=4, layers=1),
        lidar=PartConfig(name="raster", options={"cell_m": 2.0}), auxiliary=asked,
    )  # fmt: skip
    return DrivingModel(config)


def samples() -> list[TrainingSample]:
    rng = np.random.default_rng(0)
    rig = load_rig("nano")
    small = dataclasses.replace(
        rig, cameras={"front": dataclasses.replace(rig.cameras["front"], width_px=64, height_px=32)}
    )
    seen = [sample_observation(small, rng=rng) for _ in range(2)]
    times_s = np.arange(1, 5) * 0.5
    drives = []
    for index, said in enumerate(SENTENCES):
        poses = np.column_stack([(3.0 + index) * times_s, index * times_s, np.zeros(4)])
        future = Future(times_s=times_s, poses=poses, valid=np.ones(4, np.bool_))
        observation = dataclasses.replace(seen[index // 2], instruction=said)
        lamp = AuxiliaryTarget(light=1, lamps_L3=np.array([[20.0, 0.0, 2.0]]), lamp_whose_L=np.array([1]))
        drives.append(
            TrainingSample(observation=observation, future=future, refused=index == 2, name=str(index), auxiliary=lamp)
        )
    return drives


def both() -> tuple[TrainingBatch, TrainingBatch]:
    """The same three samples of two frames, sharing and not."""
    shared = collate_samples(samples(), steps=4, dt_s=0.5, frames=[7, 7, 3])
    return shared, collate_samples(samples(), steps=4, dt_s=0.5)


def test_pictures_are_there_once_and_unsharing_gives_each_its_own() -> None:
    shared, own = both()
    assert shared.sensors.frames == len(shared.sensors.cameras["front"].images_B3HW) == 2
    assert shared.sensors.sentences == own.sensors.sentences == SENTENCES
    unshared = shared.sensors.unshared()
    assert torch.equal(unshared.cameras["front"].images_B3HW, own.sensors.cameras["front"].images_B3HW)
    assert unshared.lidar is not None
    assert own.sensors.lidar is not None
    assert torch.equal(unshared.lidar.keep_BP, own.sensors.lidar.keep_BP)
    assert torch.equal(shared.sensors.ego_BE, own.sensors.ego_BE)


@pytest.mark.parametrize("without", ["nothing", "cameras", "lidar"])
def test_a_model_makes_the_same_of_both(without: str) -> None:
    shared, own = (_less(batch.sensors, without) for batch in both())
    planner = model().eval()
    with torch.no_grad():
        one, other = planner(shared), planner(own)
    torch.testing.assert_close(one.context.tokens_BSD, other.context.tokens_BSD)
    torch.testing.assert_close(one.refusal_B, other.refusal_B)
    assert one.context.bev_BDXY is not None
    torch.testing.assert_close(one.context.bev_BDXY, other.context.bev_BDXY)


def test_losses_and_gradients_are_the_same() -> None:
    made = []
    for batch in both():
        learner = model()
        terms = Imitation().loss(learner, batch)
        assert terms["lamps_shown"].item() > 0.0
        assert terms["depth_error"].item() > 0.0
        sum(terms.values(), torch.zeros(())).backward()
        gradients = {name: weight.grad for name, weight in learner.named_parameters() if weight.grad is not None}
        made.append((terms, gradients))
    for one, other in zip(*made, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            torch.testing.assert_close(value, other[name], atol=1e-5, rtol=1e-3)


def test_what_drops_out_drops_out_for_a_frame_and_the_batch_stays_whole() -> None:
    shared, _ = both()
    torch.manual_seed(0)
    imitation = Imitation(instruction_dropout=0.5, sensor_dropout=0.5, ego_dropout=0.5, augmentation={"zoom": 0.2})
    seen = imitation.seen(model().train(), shared)
    assert len(seen.sensors.cameras["front"].present_B) == 2
    assert seen.sensors.ego_keep_B is not None
    assert len(seen.sensors.ego_keep_B) == len(seen.sensors.sentences) == 3


def test_frames_without_pictures_and_sweep_share_nothing() -> None:
    batch = collate_observations([each.observation for each in samples()[:2]])
    said = share_frames(dataclasses.replace(batch, cameras={}, lidar=None), [0, 0, 1], SENTENCES, None)
    assert said.frame_B is None
    assert said.frames == len(said.ego_BE) == 3


def test_sharing_must_add_up() -> None:
    batch = collate_observations([each.observation for each in samples()[:2]])
    with pytest.raises(ContractError, match="one number of rows"):
        dataclasses.replace(share_frames(batch, [0, 0, 1], SENTENCES, None), lidar=_half(batch).lidar)


def _less(sensors: SensorBatch, without: str) -> SensorBatch:
    if without == "cameras":
        return dataclasses.replace(sensors, cameras={})
    return dataclasses.replace(sensors, lidar=None) if without == "lidar" else sensors


def _half(sensors: SensorBatch) -> SensorBatch:
    assert sensors.lidar is not None
    lidar = dataclasses.replace(
        sensors.lidar, points_BP4=sensors.lidar.points_BP4[:1], keep_BP=sensors.lidar.keep_BP[:1]
    )
    return dataclasses.replace(sensors, cameras={}, lidar=lidar, frame_B=torch.zeros(2, dtype=torch.long))
