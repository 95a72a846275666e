from pathlib import Path

import pytest

from drivevla.config.presets import preset_names
from drivevla.config.resolve import load_config
from drivevla.errors import ConfigError, DataError, UnknownName
from drivevla.sim.maps import is_test_map
from drivevla.sim.routes import Place, Route, Scenario, Weather, WeatherSchedule, find_routes, load_suite, write_routes
from drivevla.sim.routes.suite_config import SampleConfig, SuiteConfig
from drivevla.sim.routes.suites import sample_routes


def route(identity: str, town: str, kind: str | None) -> Route:
    scenario = [] if kind is None else [Scenario(name="a", type=kind, trigger=Place((0.0, 0.0, 0.0), 0.0))]
    return Route(
        id=identity,
        town=town,
        key_points_m=((0.0, 0.0, 0.0), (9.0, 0.0, 0.0)),
        weather=WeatherSchedule.constant(Weather()),
        scenarios=tuple(scenario),
        format="leaderboard_2",
    )


MANY = [
    route(f"{town}_{kind}_{number}", town, kind)
    for town in ("Town01", "Town02", "Town09")
    for kind in ("Accident", "ParkedObstacle", None)
    for number in range(5)
]


def test_a_sample_is_spread_over_towns_and_scenarios() -> None:
    chosen = sample_routes(MANY, SampleConfig(count=6, seed=1, towns=("Town02", "Town01")))
    assert [each.town for each in chosen] == ["Town02", "Town01"] * 3
    for town in ("Town01", "Town02"):
        kinds = {each.scenarios[0].type if each.scenarios else "" for each in chosen if each.town == town}
        assert kinds == {"Accident", "ParkedObstacle", ""}
    assert chosen == sample_routes(MANY, SampleConfig(count=6, seed=1, towns=("Town02", "Town01")))
    assert chosen != sample_routes(MANY, SampleConfig(count=6, seed=2, towns=("Town02", "Town01")))


def test_a_sample_of_too_few_routes_is_refused() -> None:
    with pytest.raises(DataError, match="15 routes lie on Town01; 16 were asked for"):
        sample_routes(MANY, SampleConfig(count=16, seed=1, towns=("Town01",)))


def test_a_suite_finds_its_file_in_the_folders_of_routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    write_routes(MANY, tmp_path / "mine" / "many.xml")
    monkeypatch.setenv("DRIVEVLA_ROUTES", str(tmp_path))
    preset = tmp_path / "two.yaml"
    preset.write_text("name: two\nsummary: Two.\nfile: mine/many.xml\nids: [Town01_None_0, Town09_Accident_4]\n")
    assert [each.id for each in load_suite(str(preset))] == ["Town01_None_0", "Town09_Accident_4"]


def test_a_suite_without_its_file_says_where_it_looked(tmp_path: Path) -> None:
    preset = tmp_path / "lost.yaml"
    preset.write_text("name: lost\nsummary: Lost.\nfile: no/such/file.xml\n")
    with pytest.raises(DataError, match=r"needs the route file no/such/file\.xml; searched: .* Set DRIVEVLA_ROUTES"):
        load_suite(str(preset))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "either file or generated"),
        ("file: a.xml\ngenerated: {maps: [Gen_grid_9], count: 2, seed: 1}", "either file or generated"),
        ("generated: {maps: [Gen_grid_9], count: 2, seed: 1}\nids: ['1']", "choose from a file"),
        ("generated: {maps: [Gen_grid_9, Gen_stop_9], count: 1, seed: 1}", "a route for each"),
        ("file: a.xml\nsample: {count: 0, seed: 1, towns: [Town01]}", "count of at least 1"),
    ],
)
def test_a_suite_that_contradicts_itself_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    preset = tmp_path / "bad.yaml"
    preset.write_text(f"name: bad\nsummary: Bad.\n{text}\n")
    with pytest.raises(ConfigError, match=complaint):
        load_suite(str(preset))


def test_every_shipped_suite_is_named_like_its_file() -> None:
    for name in preset_names("suites"):
        assert load_config(SuiteConfig, name).name == name


def test_the_generated_suite_needs_no_file_and_lies_on_test_maps() -> None:
    routes = find_routes("generated_20")
    assert len(routes) == 20
    assert len({each.town for each in routes}) == 5
    assert all(is_test_map(each.town) for each in routes)
    assert [each.id for each in routes] == [str(number) for number in range(20)]


def test_routes_are_found_by_path_and_unknown_suites_named(tmp_path: Path) -> None:
    write_routes(MANY, tmp_path / "many.xml")
    assert len(find_routes(str(tmp_path / "many.xml"), ids="Town01_None_0-Town01_None_3")) == 4
    with pytest.raises(UnknownName, match="did you mean 'longest6'"):
        find_routes("longest")
