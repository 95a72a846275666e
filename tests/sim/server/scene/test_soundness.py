"""Maps that would crash or occupy the server for ever are refused, and the real ones are not."""

import pytest

from drivevla.errors import DataError, UnknownName
from drivevla.sim.maps.find import find_map
from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.opendrive import parse_opendrive
from drivevla.sim.server.scene.soundness import check_network, try_in_client

WIDTH = '<width sOffset="0" a="3.5" b="0" c="0" d="0"/>'
JUNCTION = """<junction id="5" name="j"><connection id="0" incomingRoad="1" connectingRoad="45" contactPoint="start">
<laneLink from="-1" to="-1"/></connection></junction></OpenDRIVE>"""


def _changed(source: MapSource, before: str, after: str) -> str:
    assert before in source.opendrive
    return source.opendrive.replace(before, after)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('x="0"', 'x="1e300"', "coordinates of at most"),
        ('length="100"', 'length="1e9"', "1e\\+09 m long"),
        ('<width sOffset="0" a="3.5"', '<width sOffset="0" a="-3.5"', "no road has a driving lane"),
        (WIDTH, "", "no road has a driving lane"),
        ("</OpenDRIVE>", JUNCTION, r"junction 5 connects roads that are not there: \[45\]"),
    ],
)
def test_roads_that_cannot_be_built_are_refused(
    street_source: MapSource, before: str, after: str, complaint: str
) -> None:
    with pytest.raises(DataError, match=complaint):
        check_network(parse_opendrive(_changed(street_source, before, after)))


def test_a_map_that_crashes_the_clients_library_is_refused(street_source: MapSource) -> None:
    dangling = '<signalReference id="77" s="5" t="0" orientation="+"/></signals>'
    text = _changed(street_source, "</signals>", dangling)
    with pytest.raises(DataError, match="crashes on street"):
        build_scene(MapSource(name="street", opendrive=text, origin="test"), seed=0)


def test_a_map_that_the_clients_library_refuses_is_refused_with_its_words(street_source: MapSource) -> None:
    text = _changed(street_source, "</OpenDRIVE>", JUNCTION)
    with pytest.raises(DataError, match=r"refuses street: .*Error"):
        try_in_client(MapSource(name="street", opendrive=text, origin="test"))


def test_signals_may_name_lanes_that_are_not_there(street_source: MapSource) -> None:
    text = _changed(street_source, 'fromLane="-1" toLane="-1"', 'fromLane="-99999999" toLane="99999999"')
    scene = build_scene(MapSource(name="street", opendrive=text, origin="test"), seed=0)
    assert {signal.signal_id for signal in scene.signals} == {"7", "8", "9"}


@pytest.mark.real_data
@pytest.mark.parametrize("town", ["Town01", "Town02", "Town03", "Town04", "Town05", "Town06", "Town07", "Town10HD"])
def test_real_towns_are_sound(town: str) -> None:
    try:
        source = find_map(town)
    except UnknownName:
        pytest.skip(f"{town} is not at hand")
    check_network(parse_opendrive(source.opendrive))
