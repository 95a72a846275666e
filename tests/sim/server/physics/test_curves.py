"""Piecewise linear curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.sim.server.physics.curves import KNOTS, curve_row, evaluate

POINTS = st.lists(
    st.tuples(st.integers(-100, 100).map(float), st.floats(-10.0, 10.0)),
    min_size=1,
    max_size=KNOTS,
    unique_by=lambda p: p[0],
)


@given(POINTS, st.floats(-150.0, 150.0))
def test_evaluates_as_numpy_interpolates(points: list[tuple[float, float]], x: float) -> None:
    ordered = sorted(points)
    expected = np.interp(x, [point[0] for point in ordered], [point[1] for point in ordered])
    assert evaluate(curve_row(points), x) == pytest.approx(expected, abs=1e-9)


def test_a_curve_of_one_point_is_level_and_one_of_none_is_one() -> None:
    assert [evaluate(curve_row(points), 5.0) for points in ([(0.0, 1.0), (10.0, 2.0)], [(0.0, 5.0)], [])] == [
        1.5,
        5.0,
        1.0,
    ]


def test_a_long_curve_keeps_its_ends() -> None:
    points = [(float(x), float(x * x)) for x in range(40)]
    values = [evaluate(curve_row(points), x) for x in (-1.0, 39.0, 20.0)]
    np.testing.assert_allclose(values, [0.0, 1521.0, 400.0], atol=3.0)
