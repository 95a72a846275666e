"""From names to maps."""

import gzip
from pathlib import Path

import pytest

from drivevla.errors import UnknownName
from drivevla.sim.maps import available_maps, find_map, is_test_map
from drivevla.sim.towns.kinds import TOWN_KINDS

TEXT = (
    '<OpenDRIVE><road id="1"><planView><geometry/></planView>'
    "<lanes><laneSection><center><lane/></center></laneSection></lanes></road></OpenDRIVE>"
)


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the map Town98, the first place where maps are looked for."""
    (tmp_path / "Town98.xodr.gz").write_bytes(gzip.compress(TEXT.encode()))
    monkeypatch.setenv("DRIVEVLA_MAPS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["Town98", "Carla/Maps/Town98", "/Game/Carla/Maps/Town98", "Town98_Opt"])
def test_a_town_is_found_by_every_name_that_carla_gives_it(maps: Path, name: str) -> None:
    found = find_map(name)
    assert (found.name, found.origin) == ("Town98", str(maps / "Town98.xodr.gz"))


def test_a_layered_map_of_its_own_goes_before_the_plain_one(maps: Path) -> None:
    (maps / "Town98_Opt.xodr").write_text(TEXT)
    assert find_map("Town98_Opt").name == "Town98_Opt"


def test_a_path_is_read_from_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "mine.xodr"
    path.write_text(TEXT)
    assert find_map(path).name == find_map(str(path)).name == "mine"


def test_a_carla_installation_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from drivevla.config.places import _CARLA_MAPS

    folder = tmp_path / _CARLA_MAPS
    folder.mkdir(parents=True)
    (folder / "Town97.xodr").write_text(TEXT)
    monkeypatch.setenv("CARLA_ROOT", str(tmp_path))
    assert find_map("Town97").origin.endswith("Town97.xodr")


@pytest.mark.usefixtures("maps")
def test_an_unknown_name_gets_the_nearest_match() -> None:
    with pytest.raises(UnknownName, match="no map 'Twon98'; did you mean 'Town98'"):
        find_map("Twon98")
    with pytest.raises(UnknownName, match="no kind of town 'grit'; did you mean 'grid'"):
        find_map("Gen_grit_3")


@pytest.mark.usefixtures("maps")
def test_every_available_map_but_the_generated_ones_is_a_file() -> None:
    names = available_maps()
    assert "Town98" in names
    assert {name for name in names if name.startswith("Gen_")} == {f"Gen_{kind}_1" for kind in TOWN_KINDS}


def test_a_generated_town_says_where_it_came_from() -> None:
    found = find_map("Carla/Maps/Gen_stop_4")
    assert (found.name, found.origin) == ("Gen_stop_4", "generator")
    assert 'name="Gen_stop_4"' in found.opendrive


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Gen_grid_9", True),
        ("Gen_mixed_1239", True),
        ("Carla/Maps/Gen_tee_19", True),
        ("Gen_grid_90", False),
        ("Gen_grid_8", False),
        ("Town01", True),
        ("Town10HD_Opt", True),
        ("Carla/Maps/Town05", True),
        ("somewhere/Town03.xodr.gz", True),
        ("my_village", False),
    ],
)
def test_towns_of_carla_and_seeds_ending_in_nine_are_kept_for_testing(name: str, kept: bool) -> None:
    assert is_test_map(name) is kept
