"""Resampling of paths and trajectories."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla import geometry
from drivevla.errors import ContractError


def test_resampling_an_l_shape_by_hand() -> None:
    path = [[0.0, 0.0], [3.0, 0.0], [3.0, 0.0], [3.0, 4.0]]
    np.testing.assert_allclose(geometry.cumulative_length_m(path), [0, 3, 3, 7])
    np.testing.assert_allclose(geometry.resample_path(path, spacing_m=2.0), [[0, 0], [2, 0], [3, 1], [3, 3]])
    extended = geometry.resample_path(path, spacing_m=4.0, count=3)
    np.testing.assert_allclose(extended, [[0, 0], [3, 1], [3, 5]])


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=12), st.floats(0.1, 5.0))
def test_resampled_points_lie_on_the_path_at_even_arc_length(
    points: list[tuple[float, float]], spacing_m: float
) -> None:
    path = np.array(points)
    length = geometry.cumulative_length_m(path)[-1]
    resampled = geometry.resample_path(path, spacing_m=spacing_m)
    assert len(resampled) == int(length / spacing_m + 1e-9) + 1
    # A chord is never longer than the arc between its ends.
    assert np.all(np.linalg.norm(np.diff(resampled, axis=0), axis=1) <= spacing_m + 1e-6)
    np.testing.assert_allclose(resampled[0], path[0])


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        (np.zeros((0, 2)), {"spacing_m": 1.0}, "at least one point"),
        (np.zeros((3, 2)), {"spacing_m": 1.0, "count": 4}, "no direction"),
        (np.eye(2), {"spacing_m": 0.0}, "positive"),
        (np.eye(2), {"spacing_m": np.nan}, "positive"),
    ],
)
def test_paths_that_cannot_be_resampled_are_refused(
    path: NDArray[np.float64], options: dict[str, float], message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        geometry.resample_path(path, **options)  # type: ignore[arg-type]


def test_curvature_of_a_left_circle_is_one_over_its_radius() -> None:
    angle = np.linspace(0.0, 1.0, 200)
    circle = 20.0 * np.stack([np.sin(angle), 1.0 - np.cos(angle)], axis=-1)
    np.testing.assert_allclose(geometry.curvature_per_m(circle)[5:-5], 1 / 20.0, rtol=1e-3)
    np.testing.assert_allclose(geometry.curvature_per_m(circle * [1, -1])[5:-5], -1 / 20.0, rtol=1e-3)
    np.testing.assert_array_equal(geometry.curvature_per_m(np.zeros((4, 2))), 0.0)


def test_poses_between_two_times_by_hand_across_the_angle_wrap() -> None:
    poses = [[0.0, 0.0, np.radians(170)], [4.0, 2.0, np.radians(-170)]]
    halfway = geometry.interpolate_poses([0.0, 2.0], poses, [1.0])[0]
    np.testing.assert_allclose(halfway[:2], [2.0, 1.0])
    assert abs(halfway[2]) == pytest.approx(np.pi)  # through 180 degrees, not through 0


@given(st.integers(1, 8), st.integers(0, 2**31))
def test_interpolation_at_the_given_times_changes_nothing(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.05, 1.0, count))
    poses = np.concatenate([rng.normal(size=(3, count, 2)), rng.uniform(-3.1, 3.1, (3, count, 1))], axis=-1)
    np.testing.assert_allclose(geometry.interpolate_poses(times, poses, times), poses, atol=1e-9)


@pytest.mark.parametrize("at_s", [-0.1, 2.1, np.nan])
def test_nothing_is_extrapolated(at_s: float) -> None:
    with pytest.raises(ContractError, match="nothing is extrapolated"):
        geometry.interpolate_poses([0.0, 2.0], np.zeros((2, 3)), [at_s])


def test_times_that_do_not_increase_are_refused() -> None:
    with pytest.raises(ContractError, match="increase strictly"):
        geometry.interpolate_poses([0.0, 0.0], np.zeros((2, 3)), [0.0])


def test_heading_of_a_standing_then_turning_point_keeps_the_last_known_direction() -> None:
    xy = [[0.0, 0.0], [0.001, -0.01], [1.0, 0.0], [1.0, 0.01], [1.0, 1.0]]
    np.testing.assert_allclose(geometry.yaw_along(xy), [0.0, 0.0, 0.0, 0.0, np.pi / 2], atol=1e-9)
