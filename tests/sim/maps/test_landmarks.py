"""Landmarks out of OpenDRIVE text, in CARLA's frame."""

import math

import pytest

from drivevla.errors import DataError
from drivevla.sim.maps import landmarks

ROAD = """<OpenDRIVE><road id="5" length="100"><planView>
<geometry s="0" x="10" y="20" hdg="1.5707963267948966" length="100"><line/></geometry></planView>
<elevationProfile><elevation s="0" a="3" b="0" c="0" d="0"/></elevationProfile><objects>
<object id="1" type="crosswalk" name="" s="1" t="0" zOffset="0" hdg="0" length="3" width="7"/>
<object id="2" type="building" name="red building" s="40" t="-12" zOffset="0.5" hdg="1.5707963267948966"
 length="10" width="16" height="9"><userData code="landmark" value="building"/><userData code="color" value="red"/>
</object></objects></road></OpenDRIVE>"""


def test_a_landmark_right_of_a_road_that_runs_north() -> None:
    (found,) = landmarks(ROAD)
    # north at 40 m: (10, 60); 12 m to the right: (22, 60); CARLA negates y. The front looks west: yaw 180.
    assert found.location_m == pytest.approx((22.0, -60.0, 3.5))
    assert math.cos(math.radians(found.yaw_deg)) == pytest.approx(-1.0)
    assert (found.id, found.kind, found.color, found.name) == ("2", "building", "red", "red building")
    assert found.size_m == (10.0, 16.0, 9.0)
    assert (found.road_id, found.s_m, found.t_m) == ("5", 40.0, -12.0)


def test_maps_without_landmarks_have_none() -> None:
    assert landmarks(ROAD.replace('code="landmark"', 'code="other"')) == ()


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('height="9"', "", "object 2 of road 5: height of <object> must be a number, got None"),
        ('t="-12"', 't="far"', "t of <object> must be a number, got 'far'"),
        ('s="40"', 's="inf"', "s of <object> must be finite"),
        ("</planView>", "", "broken XML"),
    ],
)
def test_a_broken_landmark_is_refused(before: str, after: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        landmarks(ROAD.replace(before, after))
