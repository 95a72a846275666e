import io
import tarfile
from pathlib import Path

import pytest

from drivevla.errors import DataError, UnknownName
from drivevla.sim.routes import Interval, Place, Weather, load_routes, survey_routes

LEADERBOARD_2 = """<routes>
  <route id="7" town="Town12" length="99">
    <!-- a comment -->
    <weathers>
      <weather route_percentage="0" cloudiness="20" sun_altitude_angle="90"/>
      <weather route_percentage="50" cloudiness="40" sun_altitude_angle="10"/>
    </weathers>
    <waypoints><position x="1" y="2" z="3"/><position x="4.5" y="-5" z="6"/></waypoints>
    <scenarios>
      <scenario name="A_1" type="Accident">
        <trigger_point x="1" y="2" z="3" yaw="90"/>
        <distance value="70"/>
        <direction value="left"/>
        <frequency from="61" to="157"/>
        <start_actor_flow x="1" y="2" z="3"/>
      </scenario>
      <scenario name="H_1" type="HazardAtSideLaneTwoWays">
        <trigger_point x="9" y="9" z="9" yaw="0"/>
        <frequency value="80"/>
        <other_actor model="vehicle.tesla.model3" speed="3"/>
      </scenario>
    </scenarios>
  </route>
  <route id="8" town="Town12">
    <waypoints><position x="0" y="0" z="0"/><position x="10" y="0" z="0"/></waypoints>
    <scenarios/>
  </route>
  <route id="b-9" town="Town12">
    <waypoints><position x="0" y="0" z="0"/><position x="20" y="0" z="0"/></waypoints>
    <scenarios/>
  </route>
</routes>"""

LEADERBOARD_1 = """<?xml version='1.0' encoding='utf-8'?>
<routes><route id="3" town="Town01">
    <waypoint pitch="0.0" roll="0.0" x="392.36" y="229.40" yaw="90.0" z="0.0" />
    <waypoint pitch="360.0" roll="0.0" x="92.15" y="239.51" yaw="270.0" z="0.5" />\\n
    <weather id="SoftRainNight" cloudiness="60.0" wetness="20"/></route>
  <route id="4" map="Town02">
    <waypoint x="0" y="0" z="0"/><waypoint x="1" y="0" z="0"/>
  </route>
</routes>"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "routes.xml"
    path.write_text(LEADERBOARD_2)
    return path


def test_a_leaderboard_2_route_is_read_whole(file: Path) -> None:
    route = load_routes(file)[0]
    assert (route.id, route.town, route.format) == ("7", "Town12", "leaderboard_2")
    assert route.key_points_m == ((1.0, 2.0, 3.0), (4.5, -5.0, 6.0))
    accident, hazard = route.scenarios
    assert accident.trigger == Place((1.0, 2.0, 3.0), 90.0)
    assert accident.parameters == {
        "distance": 70.0,
        "direction": "left",
        "frequency": Interval(61.0, 157.0),
        "start_actor_flow": Place((1.0, 2.0, 3.0)),
    }
    assert hazard.parameters["frequency"] == 80.0
    assert hazard.parameters["other_actor"] == {"model": "vehicle.tesla.model3", "speed": "3"}


def test_weather_is_linear_between_its_percentages_and_constant_outside(file: Path) -> None:
    weather = load_routes(file)[0].weather
    assert weather.at(25.0).cloudiness == pytest.approx(30.0)
    assert weather.at(25.0).sun_altitude_angle == pytest.approx(50.0)
    assert weather.at(0.0).cloudiness == 20.0
    assert weather.at(80.0).sun_altitude_angle == 10.0


def test_without_weather_each_layout_has_its_own_default(file: Path, tmp_path: Path) -> None:
    assert load_routes(file)[1].weather.at(0.0) == Weather(sun_altitude_angle=70.0, cloudiness=50.0)
    first = tmp_path / "first.xml"
    first.write_text(LEADERBOARD_1)
    assert load_routes(first)[1].weather.at(0.0) == Weather(sun_altitude_angle=70.0, cloudiness=30.0)


def test_a_leaderboard_1_route_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "any_name.xml"
    path.write_text(LEADERBOARD_1)
    first, second = load_routes(path)
    assert (first.id, first.town, first.format, first.scenarios) == ("3", "Town01", "leaderboard_1", ())
    assert first.key_points_m == ((392.36, 229.4, 0.0), (92.15, 239.51, 0.5))
    # a stated weather starts from CARLA's zeros, not from the default
    assert first.weather.at(50.0) == Weather(cloudiness=60.0, wetness=20.0)
    assert second.town == "Town02"


@pytest.mark.parametrize(
    ("ids", "expected"),
    [("7", ["7"]), ("7-8", ["7", "8"]), ("b-9,7", ["7", "b-9"]), ("7 - 8, b-9", ["7", "8", "b-9"]), (["8"], ["8"])],
)
def test_routes_are_chosen_in_the_official_syntax(file: Path, ids: str | list[str], expected: list[str]) -> None:
    assert [route.id for route in load_routes(file, ids=ids)] == expected


def test_an_unknown_id_names_the_nearest(file: Path) -> None:
    with pytest.raises(UnknownName, match=r"no route 'b'"):
        load_routes(file, ids="b-8")


@pytest.mark.parametrize("ids", ["8-7", "", ","])
def test_a_subset_that_makes_no_sense_is_refused(file: Path, ids: str) -> None:
    with pytest.raises(DataError, match=r"backwards|no route was asked for"):
        load_routes(file, ids=ids)


POINTS = '<waypoints><position x="0" y="0" z="0"/><position x="9" y="0" z="0"/></waypoints>'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<routes>\n<route id='1'>\n</routes>", "mismatched tag at line 3"),
        ("", "no element found at line 1"),
        ("<!DOCTYPE routes []><routes/>", "document type"),
        ("<OpenSCENARIO/>", "OpenSCENARIO file; run it with scenario_runner"),
        ("<scenarios/>", "single scenarios"),
        ("<html/>", "root element is <html>"),
        ("<routes/>", "holds no <route>"),
        ("<routes>\n<route id='1' town='Town01'/></routes>", "line 2: route '1' has 0 points"),
        (f"<routes><route id='1'>{POINTS}</route></routes>", "attribute 'town'"),
        (f"<routes><route town='A'>{POINTS}</route></routes>", "attribute 'id'"),
        (
            f"<routes>\n<route id='1' town='A'>{POINTS}</route>\n<route id='1' town='A'>{POINTS}</route></routes>",
            "taken",
        ),
        ("<routes><route id='1' town='A'><waypoint x='nan' y='0' z='0'/></route></routes>", "finite number, got 'nan'"),
        ("<routes><route id='1' town='A'><waypoint x='0' y='east' z='0'/></route></routes>", "y of <waypoint>"),
        (f"<routes><route id='1' town='A'><waypoint x='0' y='0' z='0'/>{POINTS}</route></routes>", "not both"),
        (
            f"<routes><route id='1' town='A'><weathers><weather route_percentage='120'/></weathers>{POINTS}"
            "</route></routes>",
            "0 to 100",
        ),
        (
            f"<routes><route id='1' town='A'>{POINTS}<scenarios><scenario name='a' type='b'/></scenarios>"
            "</route></routes>",
            "no <trigger_point>",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "bad.xml"
    path.write_text(text)
    with pytest.raises(DataError, match=complaint) as caught:
        load_routes(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no route file.*absent\.xml"):
        load_routes(tmp_path / "absent.xml")


def single(identity: str, *, points: str = POINTS) -> bytes:
    return f"<routes><route id='{identity}' town='Town01'>{points}<scenarios/></route></routes>".encode()


MEMBERS = {
    "data/routes/lead/Accident/route_1.xml": single("route_1"),
    "data/routes/lead/Other/route_1.xml": single("route_1"),
    "data/routes/old/many.xml": LEADERBOARD_2.encode(),
    "data/routes/old/broken.xml": single("5", points=""),
}
IDS = ["lead/Accident/route_1", "lead/Other/route_1", "old/many/7", "old/many/8", "old/many/b-9"]


def pack(path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in MEMBERS.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def unpack(path: Path) -> Path:
    for name, data in MEMBERS.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_ids_in_a_folder_or_archive_are_paths(tmp_path: Path, packed: bool) -> None:
    path = pack(tmp_path / "a.tar.gz") if packed else unpack(tmp_path / "folder")
    survey = survey_routes(path)
    assert [route.id for route in survey.routes] == IDS
    assert len(survey.unusable) == 1
    assert "broken.xml, line 1: route '5' has 0 points" in str(survey.unusable[0])
    with pytest.raises(DataError, match=r"broken\.xml"):
        load_routes(path)
    assert [route.id for route in load_routes(path, ids="lead/Other/route_1")] == ["lead/Other/route_1"]


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar.gz")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="no readable archive"):
        survey_routes(path)


def test_a_misspelt_weather_tag_still_counts(tmp_path: Path) -> None:
    weathers = (
        "<weathers><weathis_juncer route_percentage='0' cloudiness='0'/><weather route_percentage='100'/></weathers>"
    )
    path = tmp_path / "a.xml"
    path.write_bytes(single("1", points=weathers + POINTS))
    assert load_routes(path)[0].weather.at(50.0).cloudiness == pytest.approx(25.0)
