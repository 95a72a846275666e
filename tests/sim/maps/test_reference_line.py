"""Reference lines against numbers worked out by hand, and against CARLA's own parser."""

import math
from xml.etree import ElementTree as ET

import pytest

from drivevla.config.places import map_folders
from drivevla.errors import DataError
from drivevla.sim.maps import find_map
from drivevla.sim.maps.reference_line import ReferenceLine


def line(shape: str, *, heading: float = 0.0, length: float = 10.0, heights: str = "") -> ReferenceLine:
    return ReferenceLine.from_road(
        ET.fromstring(
            f'<road id="3" length="{length}"><planView><geometry s="0" x="1" y="2" hdg="{heading}" length="{length}">'
            f"{shape}</geometry></planView><elevationProfile>{heights}</elevationProfile></road>"
        )
    )


def test_a_line_north_with_a_point_to_its_left() -> None:
    assert line("<line/>", heading=math.pi / 2).at(4.0, 3.0) == pytest.approx((-2.0, 6.0, 0.0, math.pi / 2))


def test_a_quarter_circle_to_the_left() -> None:
    quarter = line('<arc curvature="0.1"/>', length=5 * math.pi)
    assert quarter.at(5 * math.pi) == pytest.approx((11.0, 12.0, 0.0, math.pi / 2))


def test_a_clothoid_ends_where_fresnel_says() -> None:
    # curvature s / 100 over 10 m: heading s^2 / 200; x and y from the first terms of the Fresnel series
    x = 10 - 10**5 / (10 * 200**2) + 10**9 / (216 * 200**4)
    y = 10**3 / (3 * 200) - 10**7 / (42 * 200**3) + 10**11 / (1320 * 200**5)
    end = line('<spiral curvStart="0" curvEnd="0.1"/>').at(10.0)
    assert end == pytest.approx((1 + x, 2 + y, 0.0, 0.5), abs=2e-5)


def test_a_straight_parametric_cubic_counts_its_length_and_not_its_parameter() -> None:
    # u = 6 p + 4 p^2, straight: half of the 10 m is not at half of the parameter
    cubic = 'aU="0" bU="{b}" cU="{c}" dU="0" aV="0" bV="0" cV="0" dV="0"'
    for shape in (f'pRange="normalized" {cubic.format(b=6, c=4)}', f'pRange="arcLength" {cubic.format(b=0.6, c=0.04)}'):
        assert line(f"<paramPoly3 {shape}/>").at(5.0) == pytest.approx((6.0, 2.0, 0.0, 0.0), abs=1e-3)


@pytest.mark.parametrize(
    "shape",
    [
        '<poly3 a="0" b="0" c="0.03" d="0"/>',
        '<paramPoly3 pRange="normalized" aU="0" bU="5" cU="15" dU="0" aV="0" bV="0" cV="8" dV="0"/>',
        '<spiral curvStart="0.01" curvEnd="0.1"/>',
    ],
)
def test_curves_agree_with_carla(shape: str) -> None:
    carla = pytest.importorskip("carla")
    narrow_m, length_m = 0.002, 21.0
    road = (
        f'<road name="" length="{length_m}" id="3" junction="-1"><link/><planView><geometry s="0" x="0" y="0" hdg="0" '
        f'length="{length_m}">{shape}</geometry></planView><elevationProfile/><lateralProfile/><lanes>'
        '<laneSection s="0">'
        '<center><lane id="0" type="none" level="false"/></center><right><lane id="-1" type="driving" level="false">'
        f'<link/><width sOffset="0" a="{narrow_m}" b="0" c="0" d="0"/></lane></right></laneSection></lanes></road>'
    )
    geo = "<geoReference>+proj=tmerc +lat_0=0 +lon_0=0</geoReference>"
    header = (
        f'<header revMajor="1" revMinor="4" name="" version="1" north="0" south="0" east="0" west="0">{geo}</header>'
    )
    carla_map = carla.Map("one_road", f'<?xml version="1.0"?><OpenDRIVE>{header}{road}</OpenDRIVE>')
    reference = ReferenceLine.from_road(ET.fromstring(road))
    for s_m in (2.0, 8.5, 15.0, 20.0):
        where = carla_map.get_waypoint_xodr(3, -1, s_m).transform.location
        x, y, *_ = reference.at(s_m)
        assert math.hypot(where.x - x, where.y + y) < 0.005


def test_heights_follow_their_cubics() -> None:
    heights = '<elevation s="0" a="1" b="0.1" c="0" d="0"/><elevation s="5" a="1.5" b="0" c="0.04" d="0"/>'
    road = line("<line/>", heights=heights)
    assert [road.height_m(s) for s in (0.0, 4.0, 5.0, 10.0)] == pytest.approx([1.0, 1.4, 1.5, 2.5])


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        ("", "road 3: a geometry must be line, arc, spiral, poly3 or paramPoly3, got nothing"),
        ('<arc curvature="wide"/>', "road 3: curvature of <arc> must be a number, got 'wide'"),
        ('<arc curvature="nan"/>', "road 3: curvature of <arc> must be finite"),
        ("<helix/>", "got helix"),
    ],
)
def test_broken_geometry_is_refused(shape: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        line(shape)


@pytest.mark.real_data
def test_points_agree_with_carla_on_a_real_town() -> None:
    carla = pytest.importorskip("carla")
    if not any((folder / "Town03.xodr.gz").is_file() for folder in map_folders()):
        pytest.skip("Town03 is not here")
    town = find_map("Town03")
    carla_map = carla.Map(town.name, town.opendrive)
    compared = 0
    for road in ET.fromstring(town.opendrive).iterfind("road"):
        offsets = [float(offset.get(key, "0")) for offset in road.iterfind("lanes/laneOffset") for key in "abcd"]
        reference = ReferenceLine.from_road(road)
        waypoint = carla_map.get_waypoint_xodr(int(reference.road_id), -1, reference.length_m / 2)
        if any(offsets) or waypoint is None:
            continue
        x, y, *_ = reference.at(reference.length_m / 2, -waypoint.lane_width / 2)
        where = waypoint.transform.location
        assert math.hypot(where.x - x, where.y + y) < 0.01, reference.road_id
        compared += 1
    assert compared > 50
