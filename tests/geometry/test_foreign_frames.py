"""Every foreign convention: round trips, handedness, official code and hand-worked numbers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla import geometry
from drivevla.errors import ContractError
from drivevla.geometry import carla as carla_frame
from drivevla.geometry import covla, nuplan, nuscenes

ROOT = Path(__file__).resolve().parents[2]
COMMA = ROOT.parent / "shared" / "real" / "comma2k19"

degrees = st.floats(-179.0, 179.0)
metres = st.floats(-500.0, 500.0)
vectors = st.tuples(metres, metres, metres).map(np.array)
carla_rotations = st.tuples(st.floats(-89.0, 89.0), degrees, degrees).map(np.array)


@given(vectors, carla_rotations)
def test_carla_poses_round_trip_and_are_right_handed(
    location: NDArray[np.float64], rotation: NDArray[np.float64]
) -> None:
    ours = carla_frame.transform_from_carla(location, rotation)
    assert geometry.is_rigid(ours)
    back_location, back_rotation = carla_frame.pose_to_carla(ours)
    np.testing.assert_allclose(back_location, location, atol=1e-9)
    np.testing.assert_allclose(back_rotation, rotation, atol=1e-6)


@given(vectors, carla_rotations, vectors)
def test_carla_transforms_agree_with_the_official_matrix(
    location: NDArray[np.float64], rotation: NDArray[np.float64], point: NDArray[np.float64]
) -> None:
    carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")
    official = carla.Transform(carla.Location(*location), carla.Rotation(*rotation))
    world = np.array(official.get_matrix()) @ np.append(point, 1.0)
    ours = geometry.transform_points(
        carla_frame.transform_from_carla(location, rotation), carla_frame.points_from_carla(point)[None]
    )[0]
    np.testing.assert_allclose(carla_frame.points_to_carla(ours), world[:3], atol=2e-3)  # single precision there


@given(vectors, carla_rotations, vectors, carla_rotations)
def test_composing_in_carla_and_in_ours_is_the_same(
    l1: NDArray[np.float64], r1: NDArray[np.float64], l2: NDArray[np.float64], r2: NDArray[np.float64]
) -> None:
    mirror = np.diag([1.0, -1.0, 1.0, 1.0])
    first, second = carla_frame.transform_from_carla(l1, r1), carla_frame.transform_from_carla(l2, r2)
    left_handed = (mirror @ first @ mirror) @ (mirror @ second @ mirror)
    np.testing.assert_allclose(first @ second, mirror @ left_handed @ mirror, atol=1e-6)


@pytest.mark.parametrize("pitch_deg", [90.0, -90.0])
def test_looking_straight_up_or_down_still_round_trips_as_a_rotation(pitch_deg: float) -> None:
    ours = carla_frame.transform_from_carla([0, 0, 0], [pitch_deg, 30.0, 0.0])
    again = carla_frame.transform_from_carla(*carla_frame.pose_to_carla(ours))
    np.testing.assert_allclose(again, ours, atol=1e-7)


def test_carla_by_hand() -> None:
    # 10 m ahead and 2 m to the right of a car that looks along +x is y = -2 for us.
    np.testing.assert_array_equal(carla_frame.points_from_carla([10.0, 2.0, 1.0]), [10.0, -2.0, 1.0])
    # CARLA's yaw 90 turns right: our -90 degrees.
    assert carla_frame.yaw_from_carla(90.0) == pytest.approx(-np.pi / 2)
    assert carla_frame.yaw_to_carla(np.pi / 2) == pytest.approx(-90.0)
    # Turning right at 10 degrees a second is negative for us.
    np.testing.assert_allclose(carla_frame.angular_velocity_from_carla([0, 0, 10.0]), [0, 0, -np.radians(10)])
    # Positive CARLA pitch lifts the nose.
    assert (carla_frame.transform_from_carla([0, 0, 0], [10.0, 0, 0]) @ [1, 0, 0, 1])[2] > 0
    # Positive CARLA roll lowers the right side.
    assert (carla_frame.transform_from_carla([0, 0, 0], [0, 0, 10.0]) @ [0, -1, 0, 1])[2] < 0
    # The compass reads 0 when looking north (CARLA yaw -90, our +90 degrees) and a quarter turn when looking east.
    assert carla_frame.yaw_from_compass(0.0) == pytest.approx(np.pi / 2)
    assert carla_frame.yaw_from_compass(np.pi / 2) == pytest.approx(0.0)


@given(vectors)
def test_angular_velocity_round_trips_and_is_axial(omega: NDArray[np.float64]) -> None:
    again = carla_frame.angular_velocity_to_carla(carla_frame.angular_velocity_from_carla(omega))
    np.testing.assert_allclose(again, omega, atol=1e-9)


@given(vectors, st.tuples(metres, metres, metres).map(np.array))
def test_velocity_of_a_turning_point_is_the_same_in_both_worlds(
    omega_dps: NDArray[np.float64], lever: NDArray[np.float64]
) -> None:
    there = np.cross(np.radians(omega_dps), lever)  # Unreal: yaw rate positive takes forward to the right
    ours = np.cross(carla_frame.angular_velocity_from_carla(omega_dps), carla_frame.points_from_carla(lever))
    np.testing.assert_allclose(ours, carla_frame.points_from_carla(there), atol=1e-6)


def test_the_rear_axle_is_the_origin_of_the_ego_frame() -> None:
    ego_from_actor = carla_frame.ego_from_actor(-1.4)
    np.testing.assert_allclose(geometry.transform_points(ego_from_actor, [[-1.4, 0.0, 0.0]])[0], 0.0)
    np.testing.assert_allclose(geometry.transform_points(ego_from_actor, [[0.0, 0.0, 0.0]])[0], [1.4, 0.0, 0.0])


def test_a_carla_camera_turned_right_sees_a_point_on_the_right_in_its_middle() -> None:
    ego_from_camera_body = carla_frame.transform_from_carla([1.0, 0.5, 1.5], [0.0, 60.0, 0.0])
    optical_from_ego = carla_frame.optical_from_sensor() @ geometry.invert_rigid(ego_from_camera_body)
    ahead_of_camera = geometry.transform_points(ego_from_camera_body, [[8.0, 0.0, 0.0]])
    intrinsics = geometry.intrinsics_from_fov(width_px=256, height_px=128, fov_deg=90.0)
    pixels, depth = geometry.project_points(optical_from_ego, intrinsics, ahead_of_camera)
    np.testing.assert_allclose(pixels, [[128.0, 64.0]], atol=1e-9)
    assert depth[0] == pytest.approx(8.0)
    assert ahead_of_camera[0, 1] < 0  # to our right


@given(vectors, carla_rotations)
def test_nuscenes_records_round_trip(translation: NDArray[np.float64], rotation: NDArray[np.float64]) -> None:
    transform = carla_frame.transform_from_carla(translation, rotation)
    again = nuscenes.transform_from_record(*nuscenes.record_from_transform(transform))
    np.testing.assert_allclose(again, transform, atol=1e-9)


def test_nuscenes_sizes_and_times_by_hand() -> None:
    np.testing.assert_array_equal(nuscenes.size_from_nuscenes([1.8, 4.5, 1.5]), [4.5, 1.8, 1.5])
    np.testing.assert_array_equal(nuscenes.size_to_nuscenes([4.5, 1.8, 1.5]), [1.8, 4.5, 1.5])
    assert nuscenes.seconds_from_microseconds(1533151603547591, origin_us=1533151603547590) == 1e-6


def test_nuscenes_plan_of_the_lidar_origin_by_hand() -> None:
    # LiDAR 1 m ahead of the rear axle, x right and y forward (turned by -90 degrees against the ego frame).
    ego_from_lidar = geometry.rigid(geometry.matrix_from_yaw(-np.pi / 2), [1.0, 0.0, 1.8])
    straight, quarter_left = [5.0, 0.0, 0.0], [3.0, 3.0, np.pi / 2]
    plan = nuscenes.lidar_plan_from_poses([straight, quarter_left], ego_from_lidar)
    # Straight: 5 m forward. Turned: the origin is at ego (3, 3) + 1 m along +y = (3, 4); seen from the present (1, 0)
    # that is 2 m ahead and 4 m to the left.
    np.testing.assert_allclose(plan, [[0.0, 5.0], [-4.0, 2.0]], atol=1e-12)


@given(st.integers(0, 2**31), st.floats(0.0, 3.0), st.floats(-1.0, 1.0))
def test_covla_device_and_ego_trajectories_round_trip(seed: int, device_x_m: float, device_y_m: float) -> None:
    rng = np.random.default_rng(seed)
    steps = np.stack([rng.uniform(0.3, 1.0, 60), rng.uniform(-0.1, 0.1, 60), np.zeros(60)], axis=-1)
    trajectory = np.cumsum(steps, axis=0) - steps[0]
    poses = covla.poses_from_device_trajectory(trajectory, device_x_m=device_x_m, device_y_m=device_y_m)
    np.testing.assert_allclose(poses[0], 0.0, atol=1e-9)
    again = covla.device_trajectory_from_poses(poses, device_x_m=device_x_m, device_y_m=device_y_m)
    np.testing.assert_allclose(again, trajectory[:, :2], atol=1e-9)


def test_covla_axes_by_hand() -> None:
    # First row of a published record: the camera's right is minus the device's y, so y is left.
    extrinsic = np.array([[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    device_from_camera = covla.device_from_camera(extrinsic)
    np.testing.assert_allclose(geometry.transform_points(device_from_camera, [[1.0, 0.0, 0.0]])[0], [0.0, -1.0, 0.0])
    assert covla.steering_rad_from_degrees(180.0) == pytest.approx(np.pi)
    with pytest.raises(ContractError, match="3 x 4"):
        covla.device_from_camera(np.eye(3))
    with pytest.raises(ContractError, match="x, y, z"):
        covla.poses_from_device_trajectory(np.zeros((60, 2)), device_x_m=1.0)


@pytest.mark.real_data
def test_comma2k19_moves_forward_in_covla_axes() -> None:
    if not COMMA.exists():
        pytest.skip("../shared/real/comma2k19 is not here")
    pose_files = {p.name: p for p in COMMA.rglob("*") if p.parent.name == "global_pose"}
    positions, orientations = (np.load(pose_files[f"frame_{name}"]) for name in ("positions", "orientations"))
    ahead = covla.device_points_from_ecef(
        positions[60:61], origin_ecef_m=positions[0], orientation_wxyz=orientations[0]
    )[0]
    travelled = np.linalg.norm(np.diff(positions[:61], axis=0), axis=1).sum()
    assert ahead[0] == pytest.approx(travelled, rel=0.02)  # three seconds almost straight ahead
    assert abs(ahead[1]) < 2.0


@given(st.integers(0, 2**31))
def test_nuplan_centre_and_rear_axle_round_trip(seed: int) -> None:
    poses = np.random.default_rng(seed).uniform(-3.0, 3.0, (4, 3))
    again = nuplan.rear_axle_from_center(nuplan.center_from_rear_axle(poses))
    np.testing.assert_allclose(again, poses, atol=1e-9)


def test_nuplan_by_hand() -> None:
    np.testing.assert_allclose(nuplan.center_from_rear_axle([0.0, 0.0, np.pi / 2]), [0.0, 1.461, np.pi / 2], atol=1e-12)
    np.testing.assert_allclose(
        nuplan.global_from_local([10.0, 0.0, np.pi / 2], [[1.0, 0.0, 0.0]]), [[10, 1, np.pi / 2]]
    )


def test_a_plan_at_quarter_seconds_becomes_a_navsim_trajectory() -> None:
    times = np.arange(1, 17) * 0.25
    poses = np.stack([8.0 * times, np.zeros(16), np.zeros(16)], axis=-1)
    trajectory = nuplan.navsim_trajectory_from_poses(times, poses)
    np.testing.assert_allclose(trajectory[:, 0], 8.0 * nuplan.NAVSIM_TIMES_S)
    with pytest.raises(ContractError, match="ends after 2 s"):
        nuplan.navsim_trajectory_from_poses(times[:8], poses[:8])
