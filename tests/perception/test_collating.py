"""Observations to tensors."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from drivevla.errors import ContractError
from drivevla.perception.collating import EGO_FEATURES, PAST_S, collate_observations
from drivevla.types import CameraFrame, EgoState, LidarSweep, Observation, PastPoses


def bare(**fields: object) -> Observation:
    return Observation(timestamp_s=0.0, **{"ego": EgoState(speed_mps=3.0), **fields})  # type: ignore[arg-type]


def frame(size: tuple[int, int]) -> CameraFrame:
    return CameraFrame(
        image=np.full((*size, 3), 9, np.uint8), intrinsics_px=np.eye(3), ego_from_camera=np.eye(4), timestamp_s=0.0
    )


def test_a_batch_holds_what_the_observations_hold(observations: list[Observation]) -> None:
    batch = collate_observations(observations)
    front = observations[1].cameras["front"]
    assert torch.equal(batch.cameras["front"].images_B3HW[1], torch.from_numpy(front.image.copy()).permute(2, 0, 1))
    np.testing.assert_allclose(batch.cameras["front"].intrinsics_B33[1], front.intrinsics_px, rtol=1e-6)
    assert batch.lidar is not None
    assert observations[1].lidar is not None
    count = len(observations[1].lidar.points_m)
    np.testing.assert_array_equal(batch.lidar.points_BP4[1, :count, :3], observations[1].lidar.points_m)
    assert int(batch.lidar.keep_BP[1].sum()) == count
    assert batch.ego_BE[1, 0].item() == pytest.approx(observations[1].ego.speed_mps)
    assert batch.sentences == ("turn left at the next junction",) * 3


def test_what_a_sample_lacks_is_marked_absent_and_not_made_up() -> None:
    sweep = LidarSweep(points_m=np.ones((4, 3), np.float32), timestamp_s=0.0)
    batch = collate_observations([bare(cameras={"front": frame((4, 6))}), bare(lidar=sweep)])
    assert batch.cameras["front"].present_B.tolist() == [True, False]
    assert batch.lidar is not None
    assert batch.lidar.keep_BP.any(dim=1).tolist() == [False, True]
    assert not batch.past_keep_BS.any()
    assert batch.ego_BE[0].tolist() == [3.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert len(EGO_FEATURES) == 6
    assert batch.sentences == ("", "")


def test_a_known_steering_angle_of_zero_is_not_an_unknown_one() -> None:
    batch = collate_observations([bare(ego=EgoState(speed_mps=3.0, steering_rad=0.0)), bare()])
    assert batch.ego_BE[:, EGO_FEATURES.index("steering_known")].tolist() == [1.0, 0.0]


def test_a_batch_without_lidar_has_none() -> None:
    assert collate_observations([bare(), bare()]).lidar is None


def test_past_poses_are_interpolated_at_the_models_ages_and_not_beyond_what_is_known() -> None:
    times = np.array([-1.2, -0.6, 0.0])
    poses = np.column_stack([5.0 * times, np.zeros(3), np.zeros(3)])
    batch = collate_observations([bare(past=PastPoses(times_s=times, poses=poses))])
    assert batch.past_keep_BS[0].tolist() == [True, True, False, False]
    assert PAST_S[:2] == (0.5, 1.0)
    np.testing.assert_allclose(batch.past_BS3[0, :2, 0], [-2.5, -5.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("along_m", "standing_s"),
    [([-4.0, -2.0, 0.0, 0.0, 0.0], 0.4), ([-4.0, 0.0, -1.0, -0.5, 0.0], 0.0), ([0.0] * 5, 0.8), ([0.0] * 15, 1.0)],
)
def test_how_long_the_car_has_stood_is_read_off_its_past(along_m: list[float], standing_s: float) -> None:
    times = 0.2 * np.arange(1 - len(along_m), 1)
    poses = np.column_stack([along_m, np.zeros(len(along_m)), np.zeros(len(along_m))])
    batch = collate_observations([bare(past=PastPoses(times_s=times, poses=poses))])
    assert batch.ego_BE[0, EGO_FEATURES.index("standing_s")].item() == pytest.approx(standing_s)


def test_where_a_car_was_told_is_here_where_nobody_knows() -> None:
    batch = collate_observations([bare(told_pose=np.array([-3.0, 4.0, 0.5])), bare()])
    assert batch.told_B3 is not None
    assert batch.told_B3.tolist() == [[-3.0, 4.0, 0.5], [0.0, 0.0, 0.0]]


def test_pictures_of_two_sizes_under_one_name_are_refused() -> None:
    with pytest.raises(ContractError, match="camera 'front' has pictures of different sizes"):
        collate_observations([bare(cameras={"front": frame((4, 6))}), bare(cameras={"front": frame((4, 8))})])


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ContractError, match="at least one observation"):
        collate_observations([])


def test_steering_may_change_without_touching_the_rest() -> None:
    one = bare()
    other = replace(one, ego=EgoState(speed_mps=3.0, steering_rad=0.2))
    gap = collate_observations([other]).ego_BE - collate_observations([one]).ego_BE
    assert gap[0].tolist() == pytest.approx([0.0, 0.0, 0.0, 0.2, 1.0, 0.0])
