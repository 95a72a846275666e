"""Transforms, rotations, angles, cameras: round trips, composition, handedness and hand-worked numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla import geometry
from drivevla.errors import ContractError

angles = st.floats(-10.0, 10.0)
metres = st.floats(-1e3, 1e3)
poses_se2 = st.tuples(metres, metres, angles).map(np.array)


@st.composite
def rigids(draw: st.DrawFn) -> NDArray[np.float64]:
    rotation = geometry.matrix_from_euler(yaw_rad=draw(angles), pitch_rad=draw(angles), roll_rad=draw(angles))
    return geometry.rigid(rotation, [draw(metres), draw(metres), draw(metres)])


@given(angles)
def test_wrapped_angles_point_the_same_way_and_stay_in_range(angle: float) -> None:
    wrapped = float(geometry.wrap_angle(angle))
    assert -np.pi <= wrapped < np.pi
    np.testing.assert_allclose([np.cos(wrapped), np.sin(wrapped)], [np.cos(angle), np.sin(angle)], atol=1e-9)


def test_wrapping_a_tiny_negative_angle_never_gives_plus_pi() -> None:
    assert geometry.wrap_angle(np.nextafter(-np.pi, -4.0)) < np.pi
    assert geometry.wrap_angle(np.pi) == -np.pi


@given(rigids(), rigids())
def test_inverse_undoes_a_transform_and_composition_is_associative_with_points(
    a_from_b: NDArray[np.float64], b_from_c: NDArray[np.float64]
) -> None:
    np.testing.assert_allclose(geometry.invert_rigid(a_from_b) @ a_from_b, np.eye(4), atol=1e-6)
    points = np.array([[1.0, 2.0, 3.0], [-4.0, 0.5, 9.0]])
    at_once = geometry.transform_points(a_from_b @ b_from_c, points)
    in_steps = geometry.transform_points(a_from_b, geometry.transform_points(b_from_c, points))
    np.testing.assert_allclose(at_once, in_steps, atol=1e-6)


@given(rigids())
def test_made_transforms_are_rigid_and_a_mirror_is_not(target_from_source: NDArray[np.float64]) -> None:
    assert geometry.is_rigid(target_from_source)
    assert not geometry.is_rigid(target_from_source @ np.diag([1.0, -1.0, 1.0, 1.0]))
    assert not geometry.is_rigid(np.full((4, 4), np.nan))


@given(poses_se2, poses_se2, poses_se2)
def test_plane_poses_form_a_group(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> None:
    def close(p: NDArray[np.float64], q: NDArray[np.float64]) -> None:
        np.testing.assert_allclose(p[:2], q[:2], atol=1e-6)
        assert abs(float(geometry.wrap_angle(p[2] - q[2]))) < 1e-6

    close(geometry.compose_se2(geometry.compose_se2(a, b), c), geometry.compose_se2(a, geometry.compose_se2(b, c)))
    close(geometry.compose_se2(a, geometry.invert_se2(a)), np.zeros(3))


@given(poses_se2, st.tuples(metres, metres).map(np.array))
def test_plane_and_space_agree(pose: NDArray[np.float64], point: NDArray[np.float64]) -> None:
    in_space = geometry.rigid(geometry.matrix_from_yaw(pose[2]), [pose[0], pose[1], 0.0])
    expected = geometry.transform_points(in_space, [[point[0], point[1], 0.0]])[0, :2]
    np.testing.assert_allclose(geometry.transform_points_se2(pose, point), expected, atol=1e-6)


def test_any_batch_prefix_gives_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(2, 5, 3))
    batched = geometry.compose_se2(poses, poses[::-1])
    for i, j in np.ndindex(2, 5):
        np.testing.assert_allclose(batched[i, j], geometry.compose_se2(poses[i, j], poses[::-1][i, j]))
    transforms = geometry.rigid(geometry.matrix_from_euler(yaw_rad=poses[..., 0], roll_rad=poses[..., 1]), poses)
    points = rng.normal(size=(2, 5, 7, 3))
    together = geometry.transform_points(transforms, points)
    np.testing.assert_allclose(together[1, 2], geometry.transform_points(transforms[1, 2], points[1, 2]))


def test_a_quarter_turn_to_the_left_takes_forward_to_left() -> None:
    np.testing.assert_allclose(geometry.matrix_from_yaw(np.pi / 2) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(geometry.rotate_points([1.0, 0.0], np.pi / 2), [0, 1], atol=1e-12)
    np.testing.assert_allclose(geometry.yaw_from_matrix(geometry.matrix_from_yaw(2.0)), 2.0)


def test_euler_signs_positive_pitch_lowers_the_nose_and_positive_roll_the_right_side() -> None:
    assert (geometry.matrix_from_euler(yaw_rad=0.3, pitch_rad=0.2) @ [1, 0, 0])[2] < 0
    assert (geometry.matrix_from_euler(yaw_rad=0.3, roll_rad=0.2) @ [0, -1, 0])[2] < 0


@given(rigids())
def test_quaternions_round_trip_with_w_first_and_not_negative(transform: NDArray[np.float64]) -> None:
    quaternion = geometry.quaternion_from_matrix(transform[:3, :3])
    assert quaternion[0] >= 0
    np.testing.assert_allclose(geometry.matrix_from_quaternion(quaternion), transform[:3, :3], atol=1e-9)


def test_quaternion_of_a_left_quarter_turn() -> None:
    half = np.sqrt(0.5)
    np.testing.assert_allclose(geometry.quaternion_from_matrix(geometry.matrix_from_yaw(np.pi / 2)), [half, 0, 0, half])


@pytest.mark.parametrize(
    ("quaternion", "message"), [([1, 0, 0], "4 numbers"), ([2, 0, 0, 0], "length 2"), ([np.nan, 0, 0, 0], "length")]
)
def test_what_is_no_rotation_is_refused(quaternion: list[float], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        geometry.matrix_from_quaternion(quaternion)


def test_a_reflection_is_refused_with_the_likely_cause() -> None:
    with pytest.raises(ContractError, match="left-handed"):
        geometry.quaternion_from_matrix(np.diag([1.0, -1.0, 1.0]))


def test_a_known_point_falls_on_the_right_pixel() -> None:
    intrinsics = geometry.intrinsics_from_fov(width_px=320, height_px=160, fov_deg=90.0)
    assert intrinsics[0, 0] == pytest.approx(160.0)  # tan 45 degrees is 1
    camera_from_ego = geometry.rigid(geometry.camera_axes_from_body_axes(), np.zeros(3))
    ahead_left_up = [[10.0, 5.0, 2.5], [10.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]
    pixels, depth = geometry.project_points(camera_from_ego, intrinsics, ahead_left_up)
    np.testing.assert_allclose(pixels[:2], [[80.0, 40.0], [160.0, 80.0]])
    np.testing.assert_allclose(depth, [10.0, 10.0, -1.0])
    assert np.isnan(pixels[2]).all()


@given(st.floats(1.0, 179.0), st.integers(1, 4000))
def test_field_of_view_round_trips(fov_deg: float, width_px: int) -> None:
    intrinsics = geometry.intrinsics_from_fov(width_px=width_px, height_px=10, fov_deg=fov_deg)
    assert geometry.fov_deg_from_intrinsics(intrinsics, width_px=width_px) == pytest.approx(fov_deg)


@pytest.mark.parametrize("fov_deg", [0.0, 180.0, -5.0, np.nan])
def test_impossible_fields_of_view_are_refused(fov_deg: float) -> None:
    with pytest.raises(ContractError, match="between 0 and 180"):
        geometry.intrinsics_from_fov(width_px=10, height_px=10, fov_deg=fov_deg)


def test_the_same_poses_give_the_same_headings_wherever_they_lie_in_memory() -> None:
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(2706, 4, 4))
    held: list[NDArray[np.float64]] = []
    first = geometry.yaw_from_matrix(poses)
    for _ in range(600):
        held = [*held[-20:], np.zeros(rng.integers(100, 60_000))]  # so that answers come to lie here and there
        assert np.array_equal(geometry.yaw_from_matrix(poses.copy()), first)
    assert geometry.yaw_from_matrix(np.eye(3)) == 0.0
