"""Where in the pictures lights are looked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from drivevla.config.sensor_rig import load_rig
from drivevla.models.auxiliary.lamps import lamp_patches
from drivevla.models.auxiliary.targets import AuxiliaryBatch, auxiliary_target, collate_auxiliary
from drivevla.perception.collating import collate_observations
from drivevla.testing import sample_observation
from drivevla.training.augmenting import AugmentationConfig, augmented
from drivevla.types import CameraBatch, LightState, LightTruth, SensorBatch, Truth

ROWS, COLUMNS = 10, 20


@pytest.fixture
def sensors() -> SensorBatch:
    return collate_observations([sample_observation(load_rig("nano"), rng=np.random.default_rng(0))])


@pytest.fixture
def front(sensors: SensorBatch) -> CameraBatch:
    return sensors.cameras["front"]


def light(state: LightState, *heads_m: tuple[float, float, float], own: bool) -> LightTruth:
    return LightTruth(
        light_id=f"{state} {heads_m}",
        state=state,
        position_m=np.zeros(3),
        affects_ego=own,
        stop_distance_m=12.0 if own else None,
        heads_m=np.array(heads_m),
    )


def target(*lights: LightTruth) -> AuxiliaryBatch:
    made = collate_auxiliary([auxiliary_target(Truth(timestamp_s=0.0, world_from_ego=np.eye(4), lights=lights))])
    assert made is not None
    return made


def places(marked_BT: torch.Tensor) -> list[tuple[int, int]]:
    return [divmod(int(index), COLUMNS) for index in marked_BT[0].nonzero()[:, 0]]


def test_a_head_is_looked_for_where_the_camera_sees_it(front: CameraBatch) -> None:
    # The camera stands at x 1.5, z 1.65 and is 65 degrees wide: 251.1 pixels are as far as it is deep. A head 20 m
    # before it, 4 m to the right and 3 m up falls 50.2 pixels right of and 37.7 above the middle, (210.2, 42.3).
    own, every = lamp_patches(front, target(light(LightState.RED, (21.5, -4.0, 4.65), own=True)), ROWS, COLUMNS)
    assert places(own) == places(every) == [(2, 13)]


def test_heads_of_others_and_what_is_dark_or_behind_shows_nothing(front: CameraBatch) -> None:
    others = light(LightState.GREEN, (21.5, 4.0, 4.65), own=False)
    dark = light(LightState.OFF, (21.5, -4.0, 4.65), (-20.0, 0.0, 4.0), own=True)
    own, every = lamp_patches(front, target(others, dark), ROWS, COLUMNS)
    assert places(own) == []
    assert places(every) == [(2, 6), (2, 13)]


def test_a_window_of_the_picture_moves_the_patch(sensors: SensorBatch) -> None:
    torch.manual_seed(0)
    zoomed = augmented(sensors, AugmentationConfig(zoom=0.9)).cameras["front"]
    wanted = target(light(LightState.RED, (21.5, -1.0, 2.65), own=True))
    pixel = zoomed.intrinsics_B33[0] @ torch.tensor([1.0, -1.0, 20.0])
    own, _ = lamp_patches(zoomed, wanted, ROWS, COLUMNS)
    assert places(own) == [(int(pixel[1] / pixel[2] // 16), int(pixel[0] / pixel[2] // 16))]
    assert places(own) != places(lamp_patches(sensors.cameras["front"], wanted, ROWS, COLUMNS)[0])


def test_heads_that_nobody_told_of_are_unknown_and_not_absent() -> None:
    untold = replace(light(LightState.RED, (1.0, 0.0, 0.0), own=True), heads_m=None)
    assert not target(untold).lamps_known_B.any()
    assert target().lamps_known_B.all()
