"""A hand-written street, small enough to work out every number.

It is straight, along OpenDRIVE's x from (0, 0), 100 m long. In CARLA's frame it runs along x and its left is -y.
Left (t > 0): lane 1 driving 3.5 m, lane 2 sidewalk 2 m. Right: lane -1 driving 3.5 m, lane -2 shoulder 0.5 m, lane -3
sidewalk 2 m.
"""

from collections.abc import Callable
from functools import cache

import pytest

from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.scene import Scene

SIGNALS = """
<signal id="7" name="light" s="90" t="-7.0" zOffset="0" hOffset="0" orientation="+" dynamic="yes" country="OpenDRIVE"
  type="1000001" subtype="-1" value="-1"><validity fromLane="-1" toLane="-1"/></signal>
<signal id="8" name="stop" s="10" t="5.0" zOffset="0" hOffset="3.141592653589793" orientation="-" dynamic="no"
  country="OpenDRIVE" type="206" subtype="-1" value="-1"><validity fromLane="1" toLane="1"/></signal>
<signal id="9" name="limit" s="40" t="-5.0" zOffset="0" hOffset="0" orientation="+" dynamic="no" country="OpenDRIVE"
  type="274" subtype="-1" value="50" unit="km/h"><validity fromLane="-1" toLane="-1"/></signal>
"""

CROSSWALK = """
<object id="20" name="crosswalk" type="crosswalk" s="60" t="0" zOffset="0" hdg="0" orientation="none" length="3"
  width="7"><outline>
  <cornerLocal u="-1.5" v="-3.5" z="0"/><cornerLocal u="1.5" v="-3.5" z="0"/><cornerLocal u="1.5" v="3.5" z="0"/>
  <cornerLocal u="-1.5" v="3.5" z="0"/><cornerLocal u="-1.5" v="-3.5" z="0"/></outline></object>
"""


def _lane(lane_id: int, kind: str, width: float, mark: str = "") -> str:
    return (
        f'<lane id="{lane_id}" type="{kind}" level="false"><link/>'
        f'<width sOffset="0" a="{width}" b="0" c="0" d="0"/>{mark}</lane>'
    )


def _mark(kind: str, color: str, width: float) -> str:
    return f'<roadMark sOffset="0" type="{kind}" weight="standard" color="{color}" width="{width}" laneChange="none"/>'


def _street_source(slope: float) -> MapSource:
    left = _lane(2, "sidewalk", 2.0) + _lane(1, "driving", 3.5)
    right = (
        _lane(-1, "driving", 3.5, _mark("solid", "white", 0.15))
        + _lane(-2, "shoulder", 0.5)
        + _lane(-3, "sidewalk", 2.0)
    )
    center = f'<lane id="0" type="none" level="false">{_mark("broken", "yellow", 0.12)}</lane>'
    text = f"""<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="4" name="" version="1" north="0" south="0"
 east="0" west="0"><geoReference><![CDATA[+proj=tmerc +lat_0=0 +lon_0=0]]></geoReference></header>
<road name="street" length="100" id="1" junction="-1"><link/>
<planView><geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry></planView>
<elevationProfile><elevation s="0" a="0" b="{slope}" c="0" d="0"/></elevationProfile><lateralProfile/>
<lanes><laneOffset s="0" a="0" b="0" c="0" d="0"/><laneSection s="0"><left>{left}</left><center>{center}</center>
<right>{right}</right></laneSection></lanes><objects>{CROSSWALK}</objects><signals>{SIGNALS}</signals></road></OpenDRIVE>"""
    return MapSource(name="street", opendrive=text, origin="test")


@pytest.fixture(scope="session")
def street_source() -> MapSource:
    """The flat street's text."""
    return _street_source(0.0)


@pytest.fixture(scope="session")
def street() -> Callable[..., Scene]:
    """Builds the street, its rise per metre given; each only once."""

    @cache
    def build(slope: float = 0.0) -> Scene:
        return build_scene(_street_source(slope), seed=3)

    return build
