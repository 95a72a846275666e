import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.evaluation.open_loop.positions import point_distances_m, positions_at
from drivevla.geometry import interpolate_poses

TIMES_S = np.arange(1, 13) * 0.25


@given(
    wanted=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    seed=st.integers(0, 1000),
)
def test_reading_at_own_times_gives_what_interpolation_gives(wanted: list[int], seed: int) -> None:
    poses = np.random.default_rng(seed).normal(0, 10, (3, 2, 12, 3))
    at_s = np.array(wanted) * 0.25
    with_present = np.concatenate([np.zeros((3, 2, 1, 3)), poses], axis=-2)
    expected = interpolate_poses(np.concatenate([[0.0], TIMES_S]), with_present, at_s)[..., :2]
    np.testing.assert_allclose(positions_at(TIMES_S, poses, at_s), expected, atol=1e-12)


def test_between_own_times_lies_the_straight_line_from_the_present_on() -> None:
    poses = np.array([[[2.0, 0.0, 0.0], [4.0, 2.0, 0.0]]])
    assert positions_at(np.array([0.5, 1.0]), poses, [0.0, 0.25, 0.75]).tolist() == [[[0, 0], [1, 0], [3, 1]]]
    with pytest.raises(ContractError, match="nothing is extrapolated"):
        positions_at(np.array([0.5, 1.0]), poses, [0.5, 1.5])


def test_distances_are_those_of_the_plane_and_leave_their_points_alone() -> None:
    some, others = np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([0.0, 0.0])
    assert point_distances_m(some, others).tolist() == [5.0, 0.0]
    assert some.tolist() == [[3.0, 4.0], [0.0, 0.0]]
