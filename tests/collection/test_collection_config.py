"""What a collection may be made of."""

import pytest

from drivevla.collection.config import CollectionConfig
from drivevla.config.resolve import load_config
from drivevla.errors import ConfigError, UnknownName
from drivevla.sim.maps import is_test_map


def config(**changes: object) -> CollectionConfig:
    return CollectionConfig(**{"name": "x", "summary": "y", "kinds": ("grid", "tee"), "town_seeds": (1, 12), **changes})  # type: ignore[arg-type]


def test_kinds_take_turns_so_that_a_beginning_holds_all_of_them() -> None:
    assert config().towns == ("Gen_grid_1", "Gen_tee_1", "Gen_grid_12", "Gen_tee_12")


@pytest.mark.parametrize("seed", [9, 19, 1009])
def test_towns_that_are_kept_for_testing_are_refused_by_name(seed: int) -> None:
    with pytest.raises(ConfigError, match=f"Gen_grid_{seed}.*kept for testing"):
        config(town_seeds=(1, seed))


def test_validation_towns_are_towns_of_the_collection() -> None:
    assert config(val_towns=("Gen_tee_1",)).split_of("Gen_tee_1") == "val"
    assert config(val_towns=("Gen_tee_1",)).split_of("Gen_grid_1") == "train"
    with pytest.raises(ConfigError, match="Gen_tee_2"):
        config(val_towns=("Gen_tee_2",))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": ("gird",)},
        {"guidances": ("instruction",)},
        {"scenario_types": ("ParkedObstakle",)},
    ],
)
def test_names_that_nobody_knows_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UnknownName, match="did you mean"):
        config(**wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keep_every", 0),
        ("heavy_share", -0.1),
        ("chinese_share", 1.5),
        ("max_length_m", 50.0),
        ("max_vehicles", 500),
        ("disturb_every_s", -1.0),
        ("student_share", 1.0),
        ("town_seeds", ()),
    ],
)
def test_numbers_out_of_range_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        config(**{name: value})


@pytest.mark.parametrize("preset", ["nano", "tiny"])
def test_presets_hold_no_town_that_is_kept_for_testing(preset: str) -> None:
    assert not any(map(is_test_map, load_config(CollectionConfig, preset).towns))
