"""Overlap of upright boxes: hand-worked cases, and agreement with polygon geometry."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon

from drivevla.sim.server.physics.boxes import Boxes, Overlaps, overlaps

Box = tuple[float, float, float, float, float]

BOX = st.tuples(
    st.floats(-4.0, 4.0), st.floats(-4.0, 4.0), st.floats(0.2, 3.0), st.floats(0.2, 3.0), st.floats(-math.pi, math.pi)
)


def boxes(box: Box, velocity: tuple[float, float] = (0.0, 0.0), z_m: float = 1.0) -> Boxes:
    x, y, half_x, half_y, yaw = box
    return Boxes(np.array([[x, y, z_m]]), np.array([[half_x, half_y, 1.0]]), np.array([yaw]), np.array([velocity]))


def meet(one: Boxes, other: Boxes, *, recent_s: float = 0.0) -> Overlaps:
    index = np.zeros(1, dtype=np.intp)
    return overlaps(one, other, index, index, recent_s=recent_s)


def polygon(box: Box) -> Polygon:
    x, y, half_x, half_y, yaw = box
    cos, sin = math.cos(yaw), math.sin(yaw)
    signs = ((1, 1), (1, -1), (-1, -1), (-1, 1))
    return Polygon(
        [(x + cos * a * half_x - sin * b * half_y, y + sin * a * half_x + cos * b * half_y) for a, b in signs]
    )


def test_face_against_face() -> None:
    found = meet(boxes((0.0, 0.0, 2.0, 1.0, 0.0)), boxes((3.8, 0.5, 2.0, 1.0, 0.0)))
    assert found.depth_m[0] == pytest.approx(0.2)
    np.testing.assert_allclose(found.normal[0], [1.0, 0.0])
    # The faces share y from -0.5 to 1; the second box's corners are at -0.5 and 1.5, whose middle is 0.5.
    np.testing.assert_allclose(found.point_m[0], [1.8, 0.5])


def test_corner_into_face() -> None:
    found = meet(boxes((0.0, 0.0, 2.0, 1.0, 0.0)), boxes((3.0, 0.3, 1.0, 1.0, math.pi / 4)))
    assert found.depth_m[0] == pytest.approx(2.0 + math.sqrt(2.0) - 3.0)
    np.testing.assert_allclose(found.normal[0], [1.0, 0.0])
    np.testing.assert_allclose(found.point_m[0], [3.0 - math.sqrt(2.0), 0.3])


def test_apart_by_a_hair_is_apart() -> None:
    assert len(meet(boxes((0.0, 0.0, 2.0, 1.0, 0.0)), boxes((4.001, 0.0, 2.0, 1.0, 0.0)))) == 0


def test_over_each_other_is_apart() -> None:
    assert len(meet(boxes((0.0, 0.0, 2.0, 1.0, 0.0)), boxes((0.5, 0.0, 2.0, 1.0, 0.0), z_m=3.1))) == 0
    assert len(meet(boxes((0.0, 0.0, 2.0, 1.0, 0.0)), boxes((0.5, 0.0, 2.0, 1.0, 0.0), z_m=2.8))) == 1


def test_at_speed_the_side_that_met_last_is_the_one_touched() -> None:
    # A bumper at 30 m/s is 1.4 m past a pole of 0.2 m, 0.8 m off the middle: least overlap would be sideways.
    car, pole = boxes((0.0, 0.0, 2.4, 0.9, 0.0), velocity=(30.0, 0.0)), boxes((1.1, 0.8, 0.1, 0.1, 0.0))
    np.testing.assert_allclose(meet(car, pole).normal[0], [0.0, 1.0])
    np.testing.assert_allclose(meet(car, pole, recent_s=0.075).normal[0], [1.0, 0.0])


@settings(max_examples=200, deadline=None)
@given(BOX, BOX)
def test_overlaps_when_the_polygons_do(first: Box, second: Box) -> None:
    found = meet(boxes(first), boxes(second))
    shared = polygon(first).intersection(polygon(second)).area
    if shared > 1e-6:
        assert len(found) == 1
    elif polygon(first).distance(polygon(second)) > 1e-9:
        assert len(found) == 0


@settings(max_examples=200, deadline=None)
@given(BOX, BOX)
def test_moving_by_the_depth_along_the_normal_parts_them(first: Box, second: Box) -> None:
    found = meet(boxes(first), boxes(second))
    if len(found):
        assert np.hypot(*found.normal[0]) == pytest.approx(1.0)
        way = found.normal[0] * (found.depth_m[0] + 1e-6)
        moved = (second[0] + way[0], second[1] + way[1], *second[2:])
        assert polygon(first).intersection(polygon(moved)).area < 1e-5
        assert polygon(first).buffer(1e-6).distance(polygon(second)) == 0.0
