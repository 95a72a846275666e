"""Lines and arcs: ends, joints and offsets."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drivevla.sim.towns.curves import Arc, Curve, Place, fillet, join

places = st.builds(
    Place,
    st.floats(-200, 200, allow_subnormal=False),
    st.floats(-200, 200, allow_subnormal=False),
    st.floats(-math.pi, math.pi, allow_subnormal=False),
)


def apart(a: Place, b: Place) -> tuple[float, float]:
    """Distance and difference of headings."""
    return math.dist(a.xy_m, b.xy_m), abs(math.remainder(a.heading_rad - b.heading_rad, math.tau))


def assert_smooth(curve: Curve) -> None:
    for arc, after in zip(curve.arcs, curve.arcs[1:], strict=False):
        gap_m, kink_rad = apart(arc.at(arc.length_m), after.start)
        assert gap_m < 1e-6
        assert kink_rad < 1e-6


def test_a_right_angle_is_joined_by_a_quarter_circle_and_a_line() -> None:
    curve = join(Place(0, 0, 0), Place(10, 15, math.pi / 2))
    assert [arc.curvature_per_m for arc in curve.arcs] == pytest.approx([0.1, 0.0])
    assert curve.length_m == pytest.approx(5 * math.pi + 5)
    assert curve.at(5 * math.pi).xy_m == pytest.approx((10, 10))


def test_a_join_turns_no_wider_than_it_is_told_to() -> None:
    curve = join(Place(0, 0, 0), Place(10, 15, math.pi / 2), widest_m=4.0)
    assert [arc.curvature_per_m for arc in curve.arcs] == pytest.approx([0.0, 0.25, 0.0])
    assert curve.length_m == pytest.approx(6 + 2 * math.pi + 11)
    assert curve.end.xy_m == pytest.approx((10, 15))


@pytest.mark.parametrize("widest_m", [0.0, -1.0, math.nan])
def test_no_curve_has_no_radius(widest_m: float) -> None:
    with pytest.raises(ValueError, match="largest radius of an arc must be positive, got"):
        join(Place(0, 0, 0), Place(10, 15, math.pi / 2), widest_m=widest_m)


def test_parallel_lanes_are_joined_by_an_s_of_two_equal_arcs() -> None:
    curve = join(Place(0, 0, 0), Place(40, 4, 0))
    first, second = curve.arcs
    assert first.curvature_per_m == pytest.approx(-second.curvature_per_m)
    # a lateral shift d over l is an S of radius (l^2 + d^2) / (4 d)
    assert 1 / first.curvature_per_m == pytest.approx((40**2 + 4**2) / 16)


@given(places, places)
def test_a_join_ends_where_it_should(start: Place, end: Place) -> None:
    length = math.dist(start.xy_m, end.xy_m)
    ways = [
        (end.x_m - start.x_m) * math.cos(heading) + (end.y_m - start.y_m) * math.sin(heading)
        for heading in (start.heading_rad, end.heading_rad)
    ]
    assume(length > 1 and sum(ways) > 0.1 * length)
    curve = join(start, end)
    assert_smooth(curve)
    assert apart(curve.start, start)[0] < 1e-9
    gap_m, kink_rad = apart(curve.end, end)
    assert gap_m < 1e-4
    assert kink_rad < 1e-5


def test_a_corner_is_rounded_with_the_radius_asked_for() -> None:
    curve = fillet(((0, 0), (100, 0), (100, 80)), radius_m=30)
    assert [round(1 / arc.curvature_per_m, 6) for arc in curve.arcs if arc.curvature_per_m] == [30.0]
    assert curve.length_m == pytest.approx(70 + 15 * math.pi + 50)
    assert_smooth(curve)


def test_no_curve_leads_sideways() -> None:
    with pytest.raises(ValueError, match="no easy curve leads from"):
        join(Place(0, 0, 0), Place(0, 5, 0))


def test_offset_and_reversal_keep_to_the_curve() -> None:
    curve = Curve((Arc(Place(0, 0, 0), 20, 0), Arc(Place(20, 0, 0), 10 * math.pi, 0.05)))
    left = curve.offset(5)
    assert left.length_m == pytest.approx(20 + 15 * math.pi / 2)
    assert left.end.xy_m == pytest.approx(curve.at(curve.length_m, 5).xy_m)
    assert apart(curve.reversed().end, curve.start.turned()) == pytest.approx((0, 0), abs=1e-9)
    with pytest.raises(ValueError, match=r"radius 20\.00 m has no parallel at 20\.00 m"):
        curve.offset(20)


@given(st.floats(0, 40), st.floats(1, 10))
def test_a_part_lies_on_the_whole(begin: float, length: float) -> None:
    curve = fillet(((0, 0), (30, 0), (30, 40)), radius_m=10)
    part = curve.part(begin, begin + length)
    assert part.length_m == pytest.approx(length)
    assert apart(part.start, curve.at(begin)) == pytest.approx((0, 0), abs=1e-6)
