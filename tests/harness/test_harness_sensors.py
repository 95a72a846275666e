"""The sensors that evaluators are asked for, and what is made of theirs."""

import numpy as np
import pytest

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError, UnknownName
from drivevla.harness.config import AgentConfig, read_agent_config
from drivevla.harness.sensor_list import REAR_AXLE_X_M, SensorLimits, sensor_list
from drivevla.harness.sweep import SweepJoiner
from drivevla.sim.server.catalogue import catalogue
from drivevla.sim.session.ego_filter import EgoFilter


def test_a_rig_s_sensors_are_mounted_from_the_middle_of_the_car() -> None:
    asked = {s["id"]: s for s in sensor_list(load_rig("nano"), with_map=True, limits=SensorLimits())}
    assert set(asked) == {"camera_front", "camera_left", "camera_right", "lidar", "gnss", "imu", "speed", "map"}
    left = asked["camera_left"]
    # 1.3 m ahead of the rear axle, 0.5 m to the left (CARLA's y is to the right), turned 60 degrees to the left.
    assert (left["x"], left["y"], left["z"]) == pytest.approx((1.3 + REAR_AXLE_X_M, -0.5, 1.65))
    assert (left["pitch"], left["yaw"], left["roll"]) == pytest.approx((0.0, -60.0, 0.0))
    assert (left["width"], left["height"], left["fov"]) == (256, 128, 90.0)
    assert asked["gnss"]["x"] == asked["imu"]["x"] == pytest.approx(REAR_AXLE_X_M)


def test_the_map_is_not_asked_for_on_the_sensors_track() -> None:
    asked = sensor_list(load_rig("front"), with_map=False, limits=SensorLimits())
    assert "sensor.opendrive_map" not in {sensor["type"] for sensor in asked}


def test_the_rear_axle_is_where_the_simulator_has_it() -> None:
    spec = catalogue().vehicles["vehicle.lincoln.mkz_2020"]
    assert spec.physics.wheels[-1].position_m[0] == pytest.approx(REAR_AXLE_X_M, abs=1e-6)


def test_a_rig_beyond_the_evaluator_s_limits_is_refused_with_the_reason() -> None:
    four_cameras = {**SensorLimits().counts, "sensor.camera.rgb": 4}
    with pytest.raises(ConfigError, match=r"has 6 of sensor\.camera\.rgb; this evaluator and track accept 4"):
        sensor_list(load_rig("nuscenes"), with_map=False, limits=SensorLimits(counts=four_cameras))
    with pytest.raises(ConfigError, match=r"'lidar' of rig 'nano' is mounted 1\.96 m"):
        sensor_list(load_rig("nano"), with_map=False, limits=SensorLimits(radius_m=1.9))
    with pytest.raises(ConfigError, match="run at 20 Hz; rig 'front' has control_hz 10"):
        sensor_list(load_rig("front", ["control_hz=10"]), with_map=False, limits=SensorLimits())
    with pytest.raises(ConfigError, match="lacks a GNSS"):
        sensor_list(load_rig("front", ["gnss=false"]), with_map=False, limits=SensorLimits())


def test_two_half_turns_of_a_moving_car_make_one_sweep() -> None:
    """A pole that stands still is where it is, whichever half saw it."""
    rig, ego_filter = load_rig("nano"), EgoFilter()
    assert rig.lidar is not None
    joiner = SweepJoiner(rig.lidar, ego_filter, tick_s=0.05)
    mount_m = rig.lidar.ego_from_lidar[:3, 3]
    sweeps = []
    for tick in range(3):  # 10 m/s: half a metre a tick
        ego_filter.update(
            time_s=tick * 0.05,
            fix_m=[0.5 * tick, 0.0],
            yaw_rad=0.0,
            yaw_rate_radps=0.0,
            speed_mps=10.0,
            acceleration_mps2=0.0,
        )
        pole_m = np.array([20.0 - 0.5 * tick, 3.0, 1.0]) - mount_m
        returns = np.array([[pole_m[0], -pole_m[1], pole_m[2], 0.5]], dtype=np.float32)  # CARLA's y is to the right
        sweeps.append(joiner.take(tick + 7, returns, tick * 0.05))
    assert sweeps[0] is None
    assert sweeps[2] is not None
    assert sweeps[2].points_m == pytest.approx(np.array([[19.0, 3.0, 1.0]] * 2), abs=1e-4)
    assert joiner.take(20, np.zeros((0, 4), np.float32), 0.65) is None  # ticks were missed


def test_configurations_say_what_they_lack() -> None:
    assert read_agent_config("lane_follower+RouteScenario_1_rep0").policy == "lane_follower"  # Bench2Drive's addition
    with pytest.raises(ConfigError, match="--agent-config"):
        read_agent_config("")
    with pytest.raises(UnknownName, match="MAP"):
        AgentConfig(policy="stand_still", track="MAPS")
    with pytest.raises(UnknownName, match="stand_still"):
        AgentConfig(policy="stand_stil")
