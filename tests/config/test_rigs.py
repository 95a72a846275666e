import math

import numpy as np
import pytest

from drivevla.config.presets import preset_names
from drivevla.config.resolve import load_config
from drivevla.config.rig import CameraConfig, LidarConfig, RigConfig
from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError, DriveVLAError


def test_the_nano_rig_is_what_the_project_agreed_on() -> None:
    rig = load_config(RigConfig, "nano")

    sizes = {name: (each.width_px, each.height_px, each.fov_deg, each.yaw_deg) for name, each in rig.cameras.items()}
    assert sizes == {"front": (320, 160, 65.0, 0.0), "left": (256, 128, 90.0, 60.0), "right": (256, 128, 90.0, -60.0)}
    assert rig.lidar is not None
    assert (rig.lidar.channels, rig.lidar.azimuths, rig.lidar.range_m) == (32, 720, 80.0)
    assert (rig.gnss, rig.imu, rig.speedometer) == (True, True, True)
    assert (rig.capture_hz, rig.control_hz) == (5.0, 20.0)


@pytest.mark.parametrize("name", preset_names("rigs"))
def test_every_rig_is_named_after_its_file_and_becomes_the_contract(name: str) -> None:
    rig = load_rig(name)

    assert rig.name == name
    assert set(rig.cameras) == set(load_config(RigConfig, name).cameras)


@pytest.mark.parametrize("name", preset_names("rigs"))
def test_cameras_are_mounted_on_a_car_and_left_is_left(name: str) -> None:
    for camera_name, camera in load_config(RigConfig, name).cameras.items():
        x, y, z = camera.position_m
        assert -1.5 < x < 4.0
        assert abs(y) < 1.0
        assert 1.0 < z < 2.5
        if "left" in camera_name.lower():
            assert y > 0
            assert 0 < camera.yaw_deg < 180
        if "right" in camera_name.lower():
            assert y < 0
            assert -180 < camera.yaw_deg < 0


def test_the_side_cameras_of_nano_leave_no_gap_to_the_front_camera() -> None:
    cameras = load_config(RigConfig, "nano").cameras
    edges = {name: (each.yaw_deg - each.fov_deg / 2, each.yaw_deg + each.fov_deg / 2) for name, each in cameras.items()}

    assert edges["left"] == (15.0, 105.0)
    assert edges["front"] == (-32.5, 32.5)
    assert edges["right"] == (-105.0, -15.0)


def test_the_picture_of_the_front_camera_ends_above_the_bonnet() -> None:
    front = load_config(RigConfig, "nano").cameras["front"]
    focal_px = front.width_px / 2 / math.tan(math.radians(front.fov_deg / 2))
    below_horizon_deg = math.degrees(math.atan(front.height_px / 2 / focal_px))

    assert below_horizon_deg == pytest.approx(17.7, abs=0.05)
    assert front.position_m[0] + front.position_m[2] / math.tan(math.radians(below_horizon_deg)) == pytest.approx(
        3.8 + 2.9, abs=0.05
    )


def test_a_camera_turned_left_sees_what_is_left_and_a_pitched_one_looks_down() -> None:
    rig = load_rig("nano", ["cameras.left.yaw_deg=90", "cameras.front.pitch_deg=30"])

    # the optical axis is the third column; the picture's downward direction the second
    np.testing.assert_allclose(rig.cameras["left"].ego_from_camera[:3, 2], [0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(rig.cameras["left"].ego_from_camera[:3, 1], [0.0, 0.0, -1.0], atol=1e-12)
    np.testing.assert_allclose(rig.cameras["front"].ego_from_camera[:3, 2], [math.sqrt(3) / 2, 0.0, -0.5], atol=1e-12)
    np.testing.assert_allclose(rig.cameras["front"].ego_from_camera[:3, 3], [1.5, 0.0, 1.65], atol=1e-12)


def test_bench2drive_is_the_recorders_layout_seen_from_the_rear_axle() -> None:
    rig = load_config(RigConfig, "bench2drive")
    recorder = {  # x, y, z, yaw in CARLA's left-handed frame from the middle of the car
        "CAM_FRONT": (0.80, 0.0, 1.60, 0.0),
        "CAM_FRONT_LEFT": (0.27, -0.55, 1.60, -55.0),
        "CAM_FRONT_RIGHT": (0.27, 0.55, 1.60, 55.0),
        "CAM_BACK": (-2.0, 0.0, 1.60, 180.0),
        "CAM_BACK_LEFT": (-0.32, -0.55, 1.60, -110.0),
        "CAM_BACK_RIGHT": (-0.32, 0.55, 1.60, 110.0),
    }

    assert set(rig.cameras) == set(recorder)
    for name, (x, y, z, yaw) in recorder.items():
        assert rig.cameras[name].position_m == pytest.approx((x + 1.42, -y, z))
        assert math.cos(math.radians(rig.cameras[name].yaw_deg + yaw)) == pytest.approx(1.0)


CAMERA = {"width_px": 4, "height_px": 2, "fov_deg": 90.0, "position_m": (0.0, 0.0, 1.0)}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"width_px": 0}, "width_px must be at least 1, got 0"),
        ({"fov_deg": 180.0}, "fov_deg must lie between 0 and 180"),
        ({"fov_deg": math.nan}, "fov_deg must lie between 0 and 180"),
        ({"yaw_deg": 1000.0}, "yaw_deg must lie between -360 and 360"),
        ({"position_m": (1500.0, 0.0, 1600.0)}, "position_m must be x, y, z in metres"),
        ({"position_m": (math.nan, 0.0, 1.0)}, "position_m must be x, y, z in metres"),
    ],
)
def test_an_impossible_camera_is_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        CameraConfig(**{**CAMERA, **change})  # type: ignore[arg-type]


def test_an_upside_down_lidar_is_refused() -> None:
    with pytest.raises(ConfigError, match="from lower_fov_deg to upper_fov_deg"):
        LidarConfig(
            channels=32, azimuths=720, range_m=80.0, upper_fov_deg=-30.0, lower_fov_deg=10.0, position_m=(0.0, 0.0, 2.0)
        )


def test_a_capture_between_two_ticks_is_refused() -> None:
    with pytest.raises(ConfigError, match="whole multiple of capture_hz"):
        load_config(RigConfig, "nano", ["capture_hz=3"])


def test_a_rig_may_have_no_eyes_for_policies_that_need_none() -> None:
    rig = load_rig("blind_5hz")
    assert (dict(rig.cameras), rig.lidar) == ({}, None)
    assert (rig.gnss, rig.imu, rig.speedometer) == (True, True, True)


@pytest.mark.parametrize(
    "override",
    ["cameras.front.width_px=-1", "lidar.range_m=.nan", "capture_hz=0", "control_hz=.inf", "lidar.upper_fov_deg=.nan"],
)
def test_bad_numbers_never_become_a_rig(override: str) -> None:
    with pytest.raises(DriveVLAError):
        load_rig("nano", [override])
