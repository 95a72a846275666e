"""Plans from beside the line: who knows where it is makes the way back, who does not goes straight on."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from drivevla.bench.way_back import way_back
from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError
from drivevla.testing import sample_observation
from drivevla.training.batches import TrainingSample
from drivevla.types import Future, PlanTensors, SensorBatch


class _Line:
    """Drives to y = 0 of the frame that its camera was mounted in, over 5 m, for a share of the way."""

    def __init__(self, share: float) -> None:
        self.config: Any = type("Config", (), {"steps": 16, "dt_s": 0.25})
        self.share, self.head = share, self

    def eval(self) -> None:
        """Nothing differs."""

    def __call__(self, given: SensorBatch) -> Any:
        mounted = given.cameras["front"].ego_from_camera_B44
        # The camera stands in the middle of the real car and looks ahead: where it does shows where that car is.
        left_B, yaw_B = mounted[:, 1, 3], torch.atan2(mounted[:, 1, 2], mounted[:, 0, 2])
        camera_ahead_m = mounted[:, 0, 3]
        metres = torch.arange(21.0)
        line_BP = left_B[:, None] + (metres - camera_ahead_m[:, None]) * torch.tan(yaw_B)[:, None]
        away_P = (metres / 5.0).clamp_max(1.0)
        path_BP2 = torch.stack([metres.expand_as(line_BP), self.share * away_P * line_BP], dim=-1)
        return type("Seen", (), {"context": path_BP2})

    def forward(self, path_BP2: Tensor) -> Tensor:
        return path_BP2

    def decode(self, path_BP2: Tensor) -> PlanTensors:
        return PlanTensors(waypoints_BT3=torch.zeros(len(path_BP2), 16, 3), path_BP2=path_BP2)


def straight_drives(speed_mps: float) -> list[TrainingSample]:
    rig = load_rig("nano")
    small = dataclasses.replace(
        rig, cameras={"front": dataclasses.replace(rig.cameras["front"], width_px=64, height_px=32)}
    )
    times_s = np.arange(1, 17) * 0.25
    poses = np.column_stack([speed_mps * times_s, np.zeros(16), np.zeros(16)])
    future = Future(times_s=times_s, poses=poses, valid=np.ones(16, np.bool_))
    seen = sample_observation(small, rng=np.random.default_rng(0))
    seen = dataclasses.replace(seen, ego=dataclasses.replace(seen.ego, speed_mps=speed_mps))  # slow: back within 5 m
    return [TrainingSample(observation=seen, future=future)] * 3


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_share_of_the_way_back_is_what_the_policy_makes_of_it(share: float) -> None:
    found = way_back(_Line(share), straight_drives(5.0), every=1)  # type: ignore[arg-type]
    assert found.samples == 3
    assert found.aside == pytest.approx((share, share), abs=0.02)
    assert found.turned == pytest.approx((share, share), abs=0.1)
    assert found.error_m == pytest.approx((0.0, 0.0), abs=1e-5)


def test_drives_that_are_too_short_are_not_judged() -> None:
    with pytest.raises(ConfigError, match="no sample has a path of 10 m"):
        way_back(_Line(1.0), straight_drives(1.0), every=1)  # type: ignore[arg-type]
