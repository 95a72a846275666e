"""The one ego filter: straight and circular drives with the leaderboard's noise, the trail, and what it refuses."""

import numpy as np
import pytest

from drivevla.errors import ContractError
from drivevla.sim.session import EgoFilter

DT = 0.05


def drive(
    yaw_rate_radps: float, *, seed: int = 0, seconds: float = 20.0, speed_mps: float = 8.0
) -> tuple[EgoFilter, np.ndarray]:  # type: ignore[type-arg]
    """A drive at constant speed and turn with noisy fixes; the filter, and the true pose at the end."""
    rng, ego_filter, pose = np.random.default_rng(seed), EgoFilter(), np.zeros(3)
    for tick in range(round(seconds / DT)):
        ego_filter.update(
            time_s=tick * DT,
            fix_m=pose[:2] + rng.normal(scale=0.5, size=2),
            yaw_rad=pose[2],
            yaw_rate_radps=yaw_rate_radps + rng.normal(scale=0.001),
            speed_mps=speed_mps,
            acceleration_mps2=0.0,
        )
        last = pose.copy()
        pose += DT * np.array([speed_mps * np.cos(pose[2]), speed_mps * np.sin(pose[2]), yaw_rate_radps])
    return ego_filter, last


@pytest.mark.parametrize("yaw_rate_radps", [0.0, 0.2, -0.2])
def test_fixes_are_smoothed_to_a_fraction_of_their_noise(yaw_rate_radps: float) -> None:
    errors = []
    for seed in range(8):
        ego_filter, truth = drive(yaw_rate_radps, seed=seed)
        errors.append(np.hypot(*(ego_filter.world_from_ego[:2] - truth[:2])))
    assert float(np.median(errors)) < 0.2  # a single fix is off by 0.59 m in the median


def test_the_trail_of_a_straight_drive_lies_behind_the_car() -> None:
    ego_filter, _ = drive(0.0)
    past = ego_filter.past(step_s=0.2)
    np.testing.assert_allclose(past.times_s, np.arange(-10, 1) * 0.2, atol=1e-9)
    np.testing.assert_allclose(past.poses[:, 0], 8.0 * past.times_s, atol=0.01)
    np.testing.assert_allclose(past.poses[:, 1], 0.0, atol=0.1)


def test_the_trail_of_a_left_turn_bends_to_the_left_of_the_car() -> None:
    past = drive(0.3)[0].past(step_s=0.5)
    assert past.poses[0, 1] > 1.0
    assert past.poses[0, 2] == pytest.approx(-0.6, abs=0.02)  # 2 s before, the car looked further right


def _on(ego_filter: EgoFilter, begin_s: float, seconds: float, *, speed_mps: float, yaw_rate_radps: float) -> None:
    for tick in range(1, round(seconds / DT) + 1):
        ego_filter.update(
            time_s=begin_s + tick * DT,
            fix_m=[0.0, 0.0],  # the odometry does not ask where the satellites are
            yaw_rad=0.0,
            yaw_rate_radps=yaw_rate_radps,
            speed_mps=speed_mps,
            acceleration_mps2=0.0,
        )


def _is_at(ego_filter: EgoFilter, instruction: str, wanted: list[float]) -> None:
    pose = ego_filter.told_pose(instruction)
    assert pose is not None
    np.testing.assert_allclose(pose, wanted, atol=1e-6)


def test_where_the_car_was_told_stays_where_it_was_until_something_else_is_said() -> None:
    ego_filter = EgoFilter()
    _on(ego_filter, 0.0, 1.0, speed_mps=8.0, yaw_rate_radps=0.0)
    assert ego_filter.told_pose(None) is None
    _is_at(ego_filter, "turn left", [0.0, 0.0, 0.0])
    _on(ego_filter, 1.0, 2.0, speed_mps=5.0, yaw_rate_radps=0.0)
    _is_at(ego_filter, "turn left", [-10.0, 0.0, 0.0])
    _on(ego_filter, 3.0, 2.0, speed_mps=0.0, yaw_rate_radps=np.pi / 4)  # a quarter turn to the left where it stands
    _is_at(ego_filter, "turn left", [0.0, 10.0, -np.pi / 2])
    _is_at(ego_filter, "go on", [0.0, 0.0, 0.0])
    _is_at(ego_filter, "turn left", [0.0, 0.0, 0.0])  # said again is said anew


def test_a_new_episode_starts_without_a_past() -> None:
    ego_filter, _ = drive(0.1)
    ego_filter.reset()
    with pytest.raises(ContractError, match="no reading yet"):
        _ = ego_filter.world_from_ego
    ego_filter.update(time_s=0.0, fix_m=[3.0, 4.0], yaw_rad=0.5, yaw_rate_radps=0, speed_mps=0, acceleration_mps2=0)
    np.testing.assert_allclose(ego_filter.world_from_ego, [3.0, 4.0, 0.5])
    assert len(ego_filter.past(step_s=0.2).times_s) == 1


def test_readings_that_are_not_finite_or_go_back_in_time_are_refused() -> None:
    ego_filter, still = EgoFilter(), {"yaw_rad": 0.0, "yaw_rate_radps": 0.0, "speed_mps": 0.0, "acceleration_mps2": 0.0}
    ego_filter.update(time_s=1.0, fix_m=[0.0, 0.0], **still)
    with pytest.raises(ContractError, match="follow each other in time"):
        ego_filter.update(time_s=1.0, fix_m=[0.0, 0.0], **still)
    with pytest.raises(ContractError, match="finite readings"):
        ego_filter.update(time_s=2.0, fix_m=[float("nan"), 0.0], **still)
