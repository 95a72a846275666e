from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from drivevla.sim.routes import (
    Interval,
    Parameter,
    Place,
    Route,
    Scenario,
    Weather,
    WeatherPoint,
    WeatherSchedule,
    load_routes,
    routes_to_xml,
    write_routes,
)
from drivevla.sim.routes.route_xml import read_routes

numbers = st.floats(-1e4, 1e4)
words = st.text("abcdefgh_", min_size=1, max_size=8)
locations = st.tuples(numbers, numbers, numbers)
places = st.builds(Place, locations, st.one_of(st.none(), numbers))
parameters: st.SearchStrategy[Parameter] = st.one_of(numbers, words, st.builds(Interval, numbers, numbers), places)
scenarios = st.builds(
    Scenario,
    name=words,
    type=words,
    trigger=st.builds(Place, locations, numbers),
    parameters=st.dictionaries(words, parameters, max_size=3).map(MappingProxyType),
)
weathers = st.builds(
    lambda places, clouds: WeatherSchedule(
        tuple(
            WeatherPoint(route_percentage=place, weather=Weather(cloudiness=cloud))
            for place, cloud in zip(sorted(places), clouds, strict=True)
        )
    ),
    st.tuples(st.floats(0, 100), st.floats(0, 100)),
    st.tuples(st.floats(0, 100), st.floats(0, 100)),
)
routes = st.builds(
    Route,
    id=st.integers(0, 99).map(str),
    town=words,
    key_points_m=st.lists(locations, min_size=2, max_size=4).map(tuple),
    weather=weathers,
    scenarios=st.lists(scenarios, max_size=2).map(tuple),
    format=st.just("leaderboard_2"),
)


@given(st.lists(routes, min_size=1, max_size=3, unique_by=lambda route: route.id))
def test_what_is_written_is_read_back_equal(written: list[Route]) -> None:
    assert read_routes(routes_to_xml(written).encode(), origin="test") == tuple(written)


def test_the_layout_is_the_official_one(tmp_path: Path) -> None:
    route = Route(
        id="3",
        town="Town01",
        key_points_m=((1.0, 2.5, 0.0), (3.0, 4.0, 0.0)),
        weather=WeatherSchedule.constant(Weather(sun_altitude_angle=70.0, cloudiness=10.0)),
        scenarios=(Scenario(name="a", type="b", trigger=Place((0.0, 0.0, 0.0), 5.0), parameters={"flow": 2.0}),),
        format="leaderboard_2",
    )
    write_routes([route], tmp_path / "a.xml")
    root = ET.parse(tmp_path / "a.xml").getroot()
    element = root.find("route")
    assert root.tag == "routes"
    assert element is not None
    assert [child.tag for child in element] == ["weathers", "waypoints", "scenarios"]
    assert next(element.iterfind("waypoints/position")).attrib == {"x": "1", "y": "2.5", "z": "0"}
    # whole numbers have no point: some official parameters are read with int
    flow = element.find("scenarios/scenario/flow")
    assert flow is not None
    assert flow.attrib == {"value": "2"}
    assert load_routes(tmp_path / "a.xml") == (route,)
