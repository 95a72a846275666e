"""The contracts check what crosses a boundary: shapes, units, finiteness, frames; and nobody can change them after."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from drivevla import geometry
from drivevla.errors import ContractError, UserError
from drivevla.types import (
    CameraFrame,
    CameraSpec,
    EgoState,
    Future,
    LidarSpec,
    LidarSweep,
    LightState,
    LightTruth,
    ObjectTruth,
    Observation,
    PastPoses,
    Plan,
    PlanModes,
    SensorRig,
    Truth,
)

EGO_FROM_CAMERA = geometry.rigid(geometry.camera_axes_from_body_axes().T, [1.4, 0.0, 1.6])
MIRRORED = np.diag([1.0, -1.0, 1.0, 1.0])


def camera_frame(**changes: Any) -> CameraFrame:
    fields = {
        "image": np.zeros((4, 6, 3), dtype=np.uint8),
        "intrinsics_px": geometry.intrinsics_from_fov(width_px=6, height_px=4, fov_deg=65.0),
        "ego_from_camera": EGO_FROM_CAMERA,
        "timestamp_s": 0.0,
    }
    return CameraFrame(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": np.zeros((4, 6), dtype=np.uint8)}, r"shape \(height, width, 3\), got \(4, 6\)"),
        ({"image": np.zeros((4, 6, 3))}, "uint8 array.*got float64"),
        ({"image": "picture.jpg"}, "uint8 array.*got str"),
        ({"intrinsics_px": np.full((3, 3), np.nan)}, "9 of 9 values NaN"),
        ({"intrinsics_px": -np.eye(3)}, "positive focal lengths"),
        ({"intrinsics_px": np.eye(4)}, r"shape \(3, 3\), got \(4, 4\)"),
        ({"ego_from_camera": MIRRORED}, "left-handed frame was not converted"),
        ({"ego_from_camera": 2 * np.eye(4)}, "rigid transform"),
        ({"timestamp_s": float("inf")}, "timestamp_s must be finite"),
        ({"timestamp_s": "now"}, "must be a number, got 'now'"),
    ],
)
def test_a_wrong_picture_is_refused_with_what_came(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        camera_frame(**changes)


@pytest.mark.parametrize(
    ("points", "intensity", "message"),
    [
        (np.zeros((5, 4), dtype=np.float32), None, r"\(N, 3\), got \(5, 4\)"),
        (np.full((5, 3), np.nan, dtype=np.float32), None, "finite"),
        (np.zeros((5, 3), dtype=np.float32), np.full(5, 200.0, dtype=np.float32), "full scale"),
        (np.zeros((5, 3), dtype=np.float32), np.zeros(4, dtype=np.float32), r"shape \(5,\), got \(4,\)"),
    ],
)
def test_a_wrong_sweep_is_refused(points: Any, intensity: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        LidarSweep(points_m=points, intensity=intensity, timestamp_s=0.0)


def test_speeds_in_the_wrong_unit_are_noticed() -> None:
    with pytest.raises(ContractError, match="speed_mps must be at most 150"):
        EgoState(speed_mps=180.0)
    with pytest.raises(ContractError, match="steering_rad"):
        EgoState(speed_mps=0.0, steering_rad=30.0)


def test_past_poses_end_now_or_before() -> None:
    PastPoses(times_s=np.array([-0.5, 0.0]), poses=np.zeros((2, 3)))
    for times in ([0.0, 0.5], [0.0, -0.5]):
        with pytest.raises(ContractError, match="increase strictly"):
            PastPoses(times_s=np.array(times), poses=np.zeros((2, 3)))


def test_an_observation_takes_any_number_of_cameras_and_no_lidar() -> None:
    bare = Observation(timestamp_s=0.0, ego=EgoState(speed_mps=3.0))
    assert not bare.cameras
    assert bare.lidar is None
    many = Observation(timestamp_s=0.0, ego=EgoState(speed_mps=3.0), cameras={str(i): camera_frame() for i in range(9)})
    assert len(many.cameras) == 9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cameras": {"front": "picture"}}, "cameras maps names to CameraFrame"),
        ({"cameras": {"front": camera_frame(timestamp_s=9.0)}}, "no sensor sees ahead"),
        ({"ego": None}, "ego must be EgoState, got NoneType"),
        ({"command": "left"}, "command must be Command, got str"),
        ({"instruction": 3}, "instruction must be str"),
        ({"target_points_m": np.zeros(2)}, r"\(K, 2\), got \(2,\)"),
    ],
)
def test_a_wrong_observation_is_refused(changes: dict[str, Any], message: str) -> None:
    fields = {"timestamp_s": 1.0, "ego": EgoState(speed_mps=0.0)}
    with pytest.raises(ContractError, match=message):
        Observation(**{**fields, **changes})


def test_contracts_are_frozen_down_to_their_arrays_and_mappings() -> None:
    image = np.zeros((4, 6, 3), dtype=np.uint8)
    frame = camera_frame(image=image)
    observation = Observation(timestamp_s=0.0, ego=EgoState(speed_mps=0.0), cameras={"front": frame})
    with pytest.raises(dataclasses.FrozenInstanceError):
        observation.instruction = "go"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0, 0] = 1
    with pytest.raises(TypeError):
        observation.cameras["rear"] = frame  # type: ignore[index]
    image[0, 0, 0] = 1  # the caller's own array stays the caller's


def test_a_plan_is_read_at_other_rates_by_interpolation() -> None:
    times = np.arange(1, 17) * 0.25
    plan = Plan(waypoints=np.stack([6.0 * times, np.zeros(16), np.zeros(16)], axis=-1))
    assert plan.horizon_s == 4.0
    np.testing.assert_allclose(plan.times_s, times)
    np.testing.assert_allclose(plan.at(np.arange(1, 7) * 0.5)[:, 0], 6.0 * np.arange(1, 7) * 0.5)  # nuScenes
    np.testing.assert_allclose(plan.at(np.arange(60) * 0.05)[:, 0], 6.0 * np.arange(60) * 0.05)  # CoVLA's 20 Hz
    with pytest.raises(ContractError, match="outside the trajectory"):
        plan.at([4.5])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"waypoints": np.zeros((0, 3))}, "at least one waypoint"),
        ({"waypoints": np.zeros((16, 2))}, r"\(T, 3\), got \(16, 2\)"),
        ({"waypoints": np.full((16, 3), np.nan)}, "48 of 48 values NaN"),
        ({"dt_s": 0.0}, "dt_s must be above 0"),
        ({"target_speed_mps": -1.0}, "at least 0"),
        ({"path_m": [[0, 0], [5, 0]]}, "gap of 5 m"),
        ({"text": 3}, "text must be a string"),
        ({"diagnostics": {"world": object()}}, "diagnostics map names to text"),
        ({"modes": PlanModes(waypoints=np.zeros((2, 8, 3)), scores=np.array([0.5, 0.5]))}, "16 waypoints, got 8"),
    ],
)
def test_a_wrong_plan_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        Plan(**{"waypoints": np.zeros((16, 3)), **changes})


def test_mode_scores_are_a_distribution() -> None:
    with pytest.raises(ContractError, match=r"sum of 1\.2"):
        PlanModes(waypoints=np.zeros((2, 8, 3)), scores=np.array([0.6, 0.6]))


def test_truth_holds_none_for_what_is_not_known() -> None:
    truth = Truth(timestamp_s=0.0, world_from_ego=np.eye(4))
    absent = ("future", "objects", "lights", "lanes", "route_m", "speed_limit_mps", "map_name")
    assert all(getattr(truth, name) is None for name in absent)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Truth(timestamp_s=0.0, world_from_ego=MIRRORED), "left-handed"),
        (lambda: Truth(timestamp_s=0.0, world_from_ego=np.eye(4), objects=("car",)), "objects must be ObjectTruth"),  # type: ignore[arg-type]
        (
            lambda: ObjectTruth(
                track_id="1", category="car", ego_from_object=np.eye(4), size_m=np.array([4.0, 0.0, 1.0])
            ),
            "positive length, width, height",
        ),
        (
            lambda: Future(times_s=np.array([0.0, 0.5]), poses=np.zeros((2, 3)), valid=np.ones(2, dtype=bool)),
            "be positive",
        ),
        (
            lambda: LightTruth(light_id="1", state="red", position_m=np.zeros(3), affects_ego=True),  # type: ignore[arg-type]
            "must be a LightState, got 'red'",
        ),
    ],
)
def test_wrong_truth_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        make()
    assert LightState("red") is LightState.RED


def test_a_rig_is_checked() -> None:
    camera = CameraSpec(width_px=320, height_px=160, fov_deg=65.0, ego_from_camera=EGO_FROM_CAMERA)
    assert SensorRig(name="one", cameras={"front": camera}).cameras["front"].intrinsics_px[0, 2] == 160.0
    with pytest.raises(ContractError, match="whole multiple"):
        SensorRig(name="odd", capture_hz=6.0, control_hz=20.0)
    with pytest.raises(ContractError, match="not be above"):
        LidarSpec(channels=32, azimuths=720, range_m=80, upper_fov_deg=-30, lower_fov_deg=10, ego_from_lidar=np.eye(4))
    with pytest.raises(ContractError, match="at least 1 channel"):
        LidarSpec(channels=0, azimuths=720, range_m=80, upper_fov_deg=10, lower_fov_deg=-30, ego_from_lidar=np.eye(4))


def test_broken_contracts_are_user_errors() -> None:
    assert issubclass(ContractError, UserError)
    assert issubclass(ContractError, ValueError)
