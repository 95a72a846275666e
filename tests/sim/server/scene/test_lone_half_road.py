"""A road whose lanes all lie on one side: where its middle line is painted."""

import numpy as np
import pytest

from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.mesh import Label

HEADER = """<header revMajor="1" revMinor="4" name="" version="1" north="0" south="0" east="0" west="0"><geoReference>
<![CDATA[+proj=tmerc +lat_0=0 +lon_0=0]]></geoReference></header>"""


def _half(road_id: int, x_m: float, heading_rad: float) -> str:
    """100 m with one lane of 3.5 m on the left, so that for heading 0 it lies at y from -3.5 to 0 in CARLA's frame."""
    return f"""<road name="half" length="100" id="{road_id}" junction="-1"><link/>
<planView><geometry s="0" x="{x_m}" y="0" hdg="{heading_rad}" length="100"><line/></geometry></planView>
<elevationProfile/><lateralProfile/><lanes><laneSection s="0"><left><lane id="1" type="driving" level="false"><link/>
<width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></left><center><lane id="0" type="none" level="false">
<roadMark sOffset="0" type="solid solid" weight="standard" color="yellow" width="0.12"/></lane></center></laneSection>
</lanes></road>"""


@pytest.mark.parametrize(
    ("roads", "low_m", "high_m"),
    [
        ([_half(1, 0.0, 0.0)], -0.39, -0.05),
        ([_half(1, 0.0, 0.0), _half(2, 100.0, np.pi)], -0.17, 0.17),
    ],
    ids=["alone", "beside the other half"],
)
def test_a_double_line_is_painted_on_the_road(roads: list[str], low_m: float, high_m: float) -> None:
    text = f'<?xml version="1.0"?><OpenDRIVE>{HEADER}{"".join(roads)}</OpenDRIVE>'
    mesh = build_scene(MapSource(name="half", opendrive=text, origin="test"), seed=0).mesh
    paint_y_m = mesh.vertices_m[mesh.triangles[mesh.label == Label.ROAD_LINES]][..., 1]
    # Two lines of 0.12 m, their middles 0.22 m apart, around the edge or 0.22 m inside of it.
    assert paint_y_m.min() == pytest.approx(low_m, abs=0.005)
    assert paint_y_m.max() == pytest.approx(high_m, abs=0.005)
