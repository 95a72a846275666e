"""The same frame from beside the line: nothing in the world moves, and the way leads back."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError, UnknownName
from drivevla.models.auxiliary.painting import SEMANTIC_GRID
from drivevla.models.auxiliary.targets import AuxiliaryTarget
from drivevla.perception.cameras.projection import project_points
from drivevla.sim.expert import policy
from drivevla.testing import sample_observation
from drivevla.training import shifting
from drivevla.training.batches import TrainingBatch, TrainingSample, collate_samples
from drivevla.training.imitation import Imitation
from drivevla.training.shifting import Placement, ShiftConfig, drawn_placement, shifted
from drivevla.types import Future

asides = st.floats(-1.5, 1.5)
turns = st.floats(-0.2, 0.2)


def batch_at(speed_mps: float, *, frames: list[int] | None = None) -> TrainingBatch:
    """Two samples that drive straight on, a car and a lamp ahead, cells to the left of x = 0 are lane."""
    rng = np.random.default_rng(0)
    rig = load_rig("nano")
    small = dataclasses.replace(
        rig, cameras={"front": dataclasses.replace(rig.cameras["front"], width_px=64, height_px=32)}
    )
    times_s = np.arange(1, 17) * 0.25
    poses = np.column_stack([speed_mps * times_s, np.zeros(16), np.zeros(16)])
    future = Future(times_s=times_s, poses=poses, valid=np.ones(16, np.bool_))
    grid = np.zeros((3, *SEMANTIC_GRID.shape), dtype=np.bool_)
    grid[0] = SEMANTIC_GRID.centres()[..., 1].numpy() > 0.0
    asked = AuxiliaryTarget(
        light=1,
        grid_CXY=grid,
        grid_known_C=np.ones(3, np.bool_),
        boxes_M8=np.array([[10.0, 0.0, 4.0, 2.0, 1.0, 0.0, 3.0, np.nan]]),
        box_class_M=np.array([0]),
        lamps_L3=np.array([[20.0, 2.0, 3.0]]),
        lamp_whose_L=np.array([1]),
    )
    seen = sample_observation(small, rng=rng)
    seen = dataclasses.replace(seen, ego=dataclasses.replace(seen.ego, speed_mps=speed_mps))
    sample = TrainingSample(observation=seen, future=future, auxiliary=asked)
    return collate_samples([sample, sample], steps=16, dt_s=0.25, frames=frames)


def placed(left_m: float, turned_rad: float, count: int = 2) -> Placement:
    return Placement(torch.full((count,), left_m), torch.full((count,), turned_rad))


@settings(max_examples=25, deadline=None)
@given(left_m=asides, turned_rad=turns)
def test_what_a_camera_sees_of_the_sweep_stays_what_it_was(left_m: float, turned_rad: float) -> None:
    batch = batch_at(8.0)
    other = shifted(batch, placed(left_m, turned_rad))
    assert batch.sensors.lidar is not None
    assert other.sensors.lidar is not None
    before = project_points(batch.sensors.cameras["front"], batch.sensors.lidar.points_BP4[..., :3])
    after = project_points(other.sensors.cameras["front"], other.sensors.lidar.points_BP4[..., :3])
    torch.testing.assert_close(before[1], after[1], atol=1e-3, rtol=1e-4)
    near = before[2] & (before[1] > 1.0)
    torch.testing.assert_close(before[0][near], after[0][near], atol=1e-3, rtol=1e-3)


@settings(max_examples=25, deadline=None)
@given(left_m=asides, turned_rad=turns, speed_mps=st.floats(3.0, 12.0))
def test_the_way_begins_at_the_other_car_and_ends_on_the_real_ones_line(
    left_m: float, turned_rad: float, speed_mps: float
) -> None:
    target = shifted(batch_at(speed_mps), placed(left_m, turned_rad)).target
    assert target.path_BP2 is not None
    assert target.path_valid_BP is not None
    assert target.path_BP2[0, 0].abs().max() < 1e-5
    # The real line in the other car's frame runs through (0, -left), turned by the opposite angle.
    ends = torch.cat([target.waypoints_BT3[0, -1:, :2], target.path_BP2[0, target.path_valid_BP[0]][-1:]])
    x, y = ends.T
    beside = x * np.sin(turned_rad) + (y * np.cos(turned_rad)) + left_m
    assert beside.abs().max() < 1e-4 * (1 + abs(left_m)) + 1e-4
    assert target.waypoints_BT3[0, -1, 2].item() == pytest.approx(-turned_rad, abs=1e-5)


def test_half_of_the_way_back_is_made_in_half_of_the_distance() -> None:
    target = shifted(batch_at(4.0), placed(1.0, 0.0)).target  # slower than 5.6 m/s it takes 5 m
    assert target.path_BP2 is not None
    assert target.path_BP2[0, :7, 1].tolist() == pytest.approx([0.0, -0.104, -0.352, -0.648, -0.896, -1.0, -1.0])
    assert target.waypoints_BT3[0, 1, 1].item() == pytest.approx(-0.352, abs=1e-5)  # 2 m along
    # The slope of 3 s^2 - 2 s^3 at s = 0.4 is 1.44, over 5 m.
    assert target.waypoints_BT3[0, 1, 2].item() == pytest.approx(-np.arctan(1.44 / 5.0), abs=1e-5)


def test_the_way_back_is_as_long_as_the_experts() -> None:
    assert (shifting._JOIN_S, shifting._JOIN_LEAST_M) == (policy._JOIN_S, policy._JOIN_LEAST_M)


def test_a_car_that_stands_stands_where_it_is() -> None:
    target = shifted(batch_at(0.0), placed(1.0, 0.1)).target
    assert target.waypoints_BT3.abs().max() < 1e-6


def test_what_is_asked_beside_the_plan_moves_too() -> None:
    asked = shifted(batch_at(8.0), placed(1.0, np.pi / 2)).auxiliary
    assert asked is not None
    # Seen from 1 m to the left and turned to the left, what was ahead is to the right and 1 m back.
    box = asked.boxes_BM8[0, 0]
    assert box[:6].tolist() == pytest.approx([-1.0, -10.0, 4.0, 2.0, 0.0, -1.0], abs=1e-5)
    assert asked.lamps_BL3[0, 0].tolist() == pytest.approx([1.0, -20.0, 3.0], abs=1e-5)
    lane_XY, centres_XY2 = asked.grid_BCXY[0, 0], SEMANTIC_GRID.centres()
    assert lane_XY[centres_XY2[..., 0] > 0.0].all()  # ahead of it is what was to the left
    assert not lane_XY[centres_XY2[..., 0] < -2.0].any()


def test_no_placement_changes_nothing() -> None:
    batch = batch_at(8.0)
    same = shifted(batch, placed(0.0, 0.0))
    torch.testing.assert_close(same.target.waypoints_BT3, batch.target.waypoints_BT3)
    torch.testing.assert_close(
        same.sensors.cameras["front"].ego_from_camera_B44, batch.sensors.cameras["front"].ego_from_camera_B44
    )
    assert same.auxiliary is not None
    assert batch.auxiliary is not None
    assert torch.equal(same.auxiliary.grid_BCXY, batch.auxiliary.grid_BCXY)


def test_samples_of_one_frame_are_moved_alike() -> None:
    batch = batch_at(8.0, frames=[4, 4])
    other = shifted(batch, placed(1.0, 0.05, count=1))
    assert len(other.sensors.cameras["front"].images_B3HW) == 1
    assert torch.equal(other.target.waypoints_BT3[0], other.target.waypoints_BT3[1])


def test_places_are_drawn_as_often_and_as_far_as_asked() -> None:
    torch.manual_seed(0)
    drawn = drawn_placement(4000, ShiftConfig(share=0.5, aside_m=0.4, turned_deg=3.0))
    moved = drawn.left_B != 0.0
    assert moved.float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert drawn.left_B[moved].std().item() == pytest.approx(0.4, rel=0.05)
    assert torch.rad2deg(drawn.turned_B[moved]).std().item() == pytest.approx(3.0, rel=0.05)
    assert drawn.left_B.abs().max().item() <= 1.0 + 1e-6  # 2.5 deviations


@pytest.mark.parametrize(
    ("shift", "error", "message"),
    [({"share": 2.0}, ConfigError, "share from 0 to 1"), ({"sideways": 1.0}, UnknownName, "aside_m")],
)
def test_a_shift_that_cannot_be_is_refused(shift: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Imitation(shift=shift)
