"""The baselines keep the policy contract, and do what their names say."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla import registry
from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ContractError, DataError
from drivevla.evaluation.driving_score import ActorPose, Tick
from drivevla.planner.control import VehicleControl
from drivevla.policies import ConstantVelocity, LaneFollower, Replay, StandStill
from drivevla.testing import check_policy, observations_in_motion
from drivevla.types import EgoState, Observation, Plan, Policy, PrivilegedPolicy, Truth


def _observation(speed_mps: float, time_s: float = 0.0) -> Observation:
    return Observation(timestamp_s=time_s, ego=EgoState(speed_mps=speed_mps))


def _truth(route_m: object, limit_mps: float | None = None) -> Truth:
    return Truth(timestamp_s=0.0, world_from_ego=np.eye(4), route_m=route_m, speed_limit_mps=limit_mps)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", [StandStill(), ConstantVelocity(), ConstantVelocity(least_speed_mps=5.0)])
def test_baselines_keep_the_contract(policy: Policy) -> None:
    check_policy(policy, observations_in_motion(load_rig("front")))


def test_every_baseline_is_in_the_registry_by_its_name() -> None:
    assert {"constant_velocity", "lane_follower", "replay", "stand_still"} <= set(registry.names("policies"))
    assert registry.load("policies", "lane_follower") is LaneFollower
    assert isinstance(LaneFollower(), PrivilegedPolicy)


def test_standing_still_plans_no_motion() -> None:
    plan = StandStill().act(_observation(13.0))
    assert not plan.waypoints.any()
    assert plan.target_speed_mps == 0.0


def test_constant_velocity_is_at_speed_times_time() -> None:
    plan = ConstantVelocity().act(_observation(8.0))
    assert plan.waypoints[3] == pytest.approx([8.0, 0.0, 0.0])  # after 1 s
    assert plan.waypoints[-1] == pytest.approx([32.0, 0.0, 0.0])  # after 4 s


def test_constant_velocity_stays_at_rest_unless_it_is_given_a_least_speed() -> None:
    assert ConstantVelocity().act(_observation(-0.1)).waypoints[-1, 0] == 0.0
    assert ConstantVelocity(least_speed_mps=3.0).act(_observation(0.0)).waypoints[-1, 0] == pytest.approx(12.0)
    with pytest.raises(ContractError, match="least_speed_mps"):
        ConstantVelocity(least_speed_mps=-1.0)


def test_the_lane_follower_speeds_up_to_the_speed_limit_on_a_straight_road() -> None:
    road = np.stack([np.arange(0.0, 80.0), np.zeros(80)], axis=-1)
    plan = LaneFollower(speed_mps=10.0).act(_observation(5.0), _truth(road, limit_mps=5.0))
    assert plan.waypoints[-1] == pytest.approx([20.0, 0.0, 0.0])  # 4 s at 5 m/s
    faster = LaneFollower(speed_mps=10.0, acceleration_mps2=1.0).act(_observation(5.0), _truth(road))
    # 5 t + t^2 / 2 after 4 s, but for the finite steps: each is counted with the speed at its end.
    assert faster.waypoints[-1, 0] == pytest.approx(28.0, abs=0.11)


@given(radius_m=st.floats(8.0, 60.0), side=st.sampled_from([-1.0, 1.0]))
def test_the_lane_follower_takes_a_bend_at_the_sideways_acceleration_it_may_use(radius_m: float, side: float) -> None:
    angle = np.arange(0.0, 1.4 * np.pi, 1.0 / radius_m)
    bend = radius_m * np.stack([np.sin(angle), side * (1.0 - np.cos(angle))], axis=-1)
    steady_mps = min(8.0, float(np.sqrt(2.0 * radius_m)))
    plan = LaneFollower(speed_mps=8.0, lateral_mps2=2.0).act(_observation(steady_mps), _truth(bend))
    centre = np.array([0.0, side * radius_m])
    assert np.linalg.norm(plan.waypoints[:, :2] - centre, axis=1) == pytest.approx(radius_m, abs=0.4)
    last = plan.waypoints[plan.waypoints[:, 0] > 0]
    assert np.linalg.norm(np.diff(last[:, :2], axis=0), axis=1).max() <= steady_mps * 0.25 * 1.05


def test_the_lane_follower_comes_back_to_its_lane_and_drives_over_the_end() -> None:
    beside = np.stack([np.arange(0.0, 12.0), np.full(12, 1.5)], axis=-1)
    plan = LaneFollower().act(_observation(8.0), _truth(beside))
    assert plan.path_m is not None
    assert plan.path_m[0] == pytest.approx([0.0, 0.0])
    assert plan.waypoints[-1, 0] > 20.0
    assert plan.waypoints[5:, 1] == pytest.approx(1.5, abs=0.05)


def test_the_lane_follower_says_that_it_needs_a_route() -> None:
    with pytest.raises(ContractError, match="route_m"):
        LaneFollower().act(_observation(0.0), _truth(None))


def test_a_replay_gives_every_plan_again_at_its_time_and_then_stands(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError, reason="pyarrow cannot be imported")
    from drivevla.evaluation.closed_loop.record import Recorder, TickRow

    recorder = Recorder({})
    plans = [Plan(waypoints=np.full((16, 3), float(number)), text=f"plan {number}") for number in range(3)]
    for index in range(9):
        tick = Tick(
            index=index,
            time_s=0.05 * (index + 1),
            ego=ActorPose(position_m=(0.0, 0.0, 0.0), yaw_rad=0.0),
            velocity_mps=(0.0, 0.0, 0.0),
            speed_limit_mps=10.0,
        )
        recorder.add(TickRow(tick=tick, control=VehicleControl(), plan=plans[index // 4] if index % 4 == 0 else None))
    path = tmp_path / "ticks.parquet"
    recorder.write(path)
    replay = Replay(path=str(path))
    answers = [replay.act(_observation(0.0, time_s)) for time_s in (0.05, 0.2, 0.25, 0.45)]
    assert [plan.text for plan in answers] == ["plan 0", "plan 0", "plan 1", "plan 2"]
    assert replay.act(_observation(0.0, 0.66)).text == "the record has ended"
    check_policy(replay, observations_in_motion(load_rig("front")))


def test_a_replay_refuses_a_record_without_plans(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError, reason="pyarrow cannot be imported")
    from drivevla.evaluation.closed_loop.record import Recorder

    Recorder({}).write(tmp_path / "ticks.parquet")
    with pytest.raises(DataError, match="no plan to replay"):
        Replay(path=str(tmp_path / "ticks.parquet"))
