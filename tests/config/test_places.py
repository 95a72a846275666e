from pathlib import Path

import pytest

from drivevla.config.places import cache_folder, carla_installation, home, map_folders


def test_home_defaults_to_the_users_cache() -> None:
    assert home({}) == Path.home() / ".cache" / "drivevla"
    assert home({"DRIVEVLA_HOME": ""}) == Path.home() / ".cache" / "drivevla"


def test_home_is_where_the_environment_says(tmp_path: Path) -> None:
    assert home({"DRIVEVLA_HOME": str(tmp_path)}) == tmp_path
    assert cache_folder({"DRIVEVLA_HOME": str(tmp_path)}) == tmp_path / "cache"
    assert home({"DRIVEVLA_HOME": "~/elsewhere"}) == Path.home() / "elsewhere"


def test_a_relative_home_is_taken_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert home({"DRIVEVLA_HOME": "here"}) == tmp_path / "here"


def test_maps_are_searched_in_the_documented_order(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    installed = tmp_path / "carla" / "CarlaUE4" / "Content" / "Carla" / "Maps" / "OpenDrive"
    for folder in (first, second, installed):
        folder.mkdir(parents=True)
    environ = {"DRIVEVLA_MAPS": f"{first}:{tmp_path / 'absent'}:{second}", "CARLA_ROOT": str(tmp_path / "carla")}

    assert map_folders(environ)[:3] == (first, second, installed)
    assert carla_installation({}) is None
