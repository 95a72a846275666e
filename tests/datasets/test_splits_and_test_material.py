"""Splits keep together what belongs together; what is for testing is refused."""

from dataclasses import dataclass

import pytest

from drivevla.datasets.held_out import is_held_out, refuse_test_material
from drivevla.datasets.splitting import split_scenes
from drivevla.errors import ConfigError, DataError
from drivevla.types import Sample, Scene


@dataclass
class Towns:
    """Nine scenes of ten samples in three towns."""

    dataset: str = "towns"

    @property
    def scenes(self) -> tuple[Scene, ...]:
        return tuple(
            Scene(name=f"s{n}", tokens=tuple(f"{n}/{k}" for k in range(10)), map_name=f"Gen_grid_{n % 3}")
            for n in range(9)
        )

    def sample(self, token: str) -> Sample:
        raise DataError(token)


@pytest.mark.parametrize("by", ["town", "scene"])
def test_a_split_takes_every_scene_once_and_no_group_twice(by: str) -> None:
    reader = Towns()
    split = split_scenes(reader, by=by, shares={"train": 0.67, "val": 0.33}, seed=3)  # type: ignore[arg-type]
    assert sorted(split["train"] + split["val"]) == sorted(scene.name for scene in reader.scenes)
    assert len(split["train"]) == 6
    if by == "town":
        towns = [{int(name[1:]) % 3 for name in names} for names in split.values()]
        assert not towns[0] & towns[1]


def test_a_split_is_the_same_for_the_same_seed_and_never_empty() -> None:
    shares = {"train": 0.98, "val": 0.01, "test": 0.01}
    one, same, other = (split_scenes(Towns(), by="scene", shares=shares, seed=seed) for seed in (0, 0, 1))
    assert one == same != other
    assert all(one.values())


def test_splits_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="1 together"):
        split_scenes(Towns(), by="scene", shares={"train": 0.9}, seed=0)
    with pytest.raises(ConfigError, match="3 groups by town"):
        split_scenes(Towns(), by="town", shares=dict.fromkeys("abcd", 0.25), seed=0)
    with pytest.raises(DataError, match="does not say its log"):
        split_scenes(Towns(), by="log", shares={"train": 1.0}, seed=0)


@pytest.mark.parametrize("name", ["Gen_grid_9", "Gen_left_signs_119", "Town03", "Carla/Maps/Town10HD_Opt", "Town15"])
def test_towns_for_testing_are_known(name: str) -> None:
    assert is_held_out(name)
    with pytest.raises(ConfigError, match="for testing only"):
        refuse_test_material([name, "Gen_grid_1"])


@pytest.mark.parametrize("name", ["Gen_grid_1", "Gen_grid_90", "Gen_mixed_19_2", "boston-seaport", "Townsville"])
def test_other_places_are_not(name: str) -> None:
    assert not is_held_out(name)
    refuse_test_material([name, None])


def test_the_test_split_is_refused_whatever_the_place() -> None:
    scene = Scene(name="s", tokens=("a",), split="test", map_name="boston-seaport")
    with pytest.raises(ConfigError, match="split 'test'"):
        refuse_test_material(scenes=[scene])
