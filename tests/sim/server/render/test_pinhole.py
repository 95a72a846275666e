import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivevla.errors import SimulatorError
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.pinhole import encode_depth, pixel_directions, project, view_rays
from drivevla.sim.server.render.requests import CameraShot, CameraSpec

NANO = CameraSpec(320, 160, 65.0)


def test_focal_length_is_half_the_width_over_the_tangent_of_half_the_field_of_view() -> None:
    assert CameraSpec(200, 100, 90.0).focal_px == pytest.approx(100.0)
    assert NANO.focal_px == pytest.approx(160.0 / math.tan(math.radians(32.5)))


def test_a_point_on_the_axis_falls_on_the_middle_and_right_is_right_and_up_is_up() -> None:
    spec, camera = CameraSpec(200, 100, 90.0), Pose((0.0, 0.0, 0.0))
    pixel, depth = project(spec, camera, np.array([[10.0, 0.0, 0.0], [10.0, 2.0, 1.0], [20.0, 2.0, 1.0]]))
    # f = 100 px: 2 m aside at 10 m are 20 px, 1 m up 10 px.
    np.testing.assert_allclose(pixel, [[100.0, 50.0], [120.0, 40.0], [110.0, 45.0]])
    np.testing.assert_allclose(depth, [10.0, 10.0, 20.0])


def test_a_turned_camera_sees_what_lies_to_its_right_in_the_middle() -> None:
    # Yaw 90 degrees looks along +y, CARLA's right.
    pixel, depth = project(
        CameraSpec(200, 100, 90.0), Pose((1.0, 2.0, 3.0), (0.0, 90.0, 0.0)), np.array([1.0, 7.0, 3.0])
    )
    np.testing.assert_allclose(pixel, [100.0, 50.0], atol=1e-9)
    assert depth == pytest.approx(5.0)


@settings(deadline=None)
@given(
    st.tuples(*[st.floats(-200.0, 200.0)] * 3),
    st.tuples(st.floats(-80.0, 80.0), st.floats(-180.0, 180.0), st.floats(-90.0, 90.0)),
    st.integers(0, 319),
    st.integers(0, 159),
    st.floats(0.5, 100.0),
)
def test_a_pixels_ray_projects_back_onto_its_centre(
    location: tuple[float, float, float], rotation: tuple[float, float, float], column: int, row: int, depth_m: float
) -> None:
    pose = Pose(location, rotation)
    ray = view_rays(NANO, pose)[row * NANO.width_px + column].astype(np.float64)
    pixel, depth = project(NANO, pose, ray[:3] + depth_m * ray[3:])
    np.testing.assert_allclose(pixel, [column + 0.5, row + 0.5], atol=0.05)
    assert depth == pytest.approx(depth_m, abs=1e-3)


def test_directions_in_the_camera_have_unit_depth() -> None:
    directions = pixel_directions(NANO)
    assert directions.shape == (320 * 160, 3)
    assert (directions[:, 0] == 1.0).all()
    assert directions[0, 1] < 0.0 < directions[0, 2]  # the first pixel is the top-left one


def test_depth_is_packed_into_24_bits_red_first() -> None:
    # 1000 m * 65793 / (2^24 - 1): 65793 = 0x010101.
    pixels = encode_depth(
        np.array([1000.0 * 0x010203 / (2**24 - 1), 0.0, 1000.0, np.inf], np.float64).astype(np.float32)
    )
    assert pixels[0].tolist() == [0x01, 0x02, 0x03, 255]
    assert pixels[1].tolist() == [0, 0, 0, 255]
    assert pixels[2].tolist() == [255, 255, 255, 255]
    assert pixels[3].tolist() == [255, 255, 255, 255]


def test_attributes_become_optics() -> None:
    spec = CameraSpec.from_attributes({"image_size_x": "320", "image_size_y": "160", "fov": "65.0"})
    assert spec == NANO


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"image_size_x": "320", "fov": "65"}, "image_size_y"),
        ({"image_size_x": "wide", "image_size_y": "1", "fov": "65"}, "'wide'"),
        ({"image_size_x": "nan", "image_size_y": "1", "fov": "65"}, "finite"),
        ({"image_size_x": "0", "image_size_y": "1", "fov": "65"}, "1 to 4096"),
        ({"image_size_x": "8", "image_size_y": "8", "fov": "180"}, "180"),
    ],
)
def test_bad_optics_are_refused(attributes: dict[str, str], said: str) -> None:
    with pytest.raises(SimulatorError, match=said):
        CameraSpec.from_attributes(attributes)


def test_a_kind_of_camera_that_is_not_rendered_is_refused_by_name() -> None:
    with pytest.raises(SimulatorError, match="dvs"):
        CameraShot(kind="dvs", spec=NANO, pose=Pose((0.0, 0.0, 0.0)))  # type: ignore[arg-type]
