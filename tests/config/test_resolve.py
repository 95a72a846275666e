from dataclasses import FrozenInstanceError, dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.config.presets import preset_names
from drivevla.config.resolve import build_config, differing_keys, load_config, plain_config, to_yaml
from drivevla.config.rig import RigConfig
from drivevla.errors import ConfigError, UnknownName


@dataclass(frozen=True, kw_only=True)
class Wheel:
    radius_m: float
    spokes: int = 5

    def __post_init__(self) -> None:
        if self.radius_m <= 0:
            raise ConfigError(f"radius_m must be positive, got {self.radius_m}")


@dataclass(frozen=True, kw_only=True)
class Car:
    name: str = "car"
    colour: Literal["red", "blue"] = "red"
    wheels: dict[str, Wheel] = field(default_factory=dict)
    spare: Wheel | None = None
    gears: tuple[int, ...] = ()
    origin_m: tuple[float, float] = (0.0, 0.0)
    electric: bool = False


def test_values_arrive_with_their_declared_types() -> None:
    car = build_config(Car, {"wheels": {"fl": {"radius_m": 1}}, "gears": [1, 2], "origin_m": [1, 2]}, source="test")

    assert car == Car(wheels={"fl": Wheel(radius_m=1.0)}, gears=(1, 2), origin_m=(1.0, 2.0))
    assert isinstance(car.wheels["fl"].radius_m, float)
    with pytest.raises(FrozenInstanceError):
        car.name = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"nmae": "x"}, "no key in test 'nmae'; did you mean 'name'? (known: "),
        ({"wheels": {"fl": {"radius": 1}}}, "no key in test: wheels.fl 'radius'; did you mean 'radius_m'?"),
        ({"spare": {"spoke": 1}}, "no key in test: spare 'spoke'; did you mean 'spokes'?"),
    ],
)
def test_unknown_keys_are_refused_with_the_nearest_match(data: dict[str, object], message: str) -> None:
    with pytest.raises(UnknownName) as caught:
        build_config(Car, data, source="test")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"electric": 2.5}, "test: electric is 2.5 (float); accepted: true or false"),
        ({"colour": "green"}, "test: colour is 'green' (str); accepted: one of 'red', 'blue'"),
        ({"gears": "12"}, "test: gears is '12' (str); accepted: a list, each a whole number"),
        ({"gears": [1.5]}, "test: gears is [1.5] (list); accepted: a list, each a whole number"),
        ({"origin_m": [1]}, "test: origin_m is [1] (list); accepted: a list of 2 values, each a number"),
        ({"origin_m": [1, "far"]}, "test: origin_m is [1, 'far'] (list); accepted: a list of 2 values"),
        ({"spare": 4}, "test: spare is 4 (int); accepted: a mapping with the keys radius_m, spokes or null"),
        ({"wheels": [1]}, "test: wheels is [1] (list); accepted: a mapping from names to a mapping with the keys"),
        ({"wheels": {"fl": 3}}, "test: wheels.fl is 3 (int); accepted: a mapping with the keys radius_m, spokes"),
        ({"wheels": {"fl": {"radius_m": "big"}}}, "test: wheels.fl.radius_m is 'big' (str); accepted: a number"),
        ({"name": None}, "test: name is None (NoneType); accepted: text"),
        ({"name": {"first": "x"}}, "test: name is {'first': 'x'} (dict); accepted: text"),
        ({"wheels": {"fl": {"spokes": 3}}}, "test: wheels.fl.radius_m is required and was not given"),
        ({"wheels": {"fl": {"radius_m": -1}}}, "test: wheels.fl: radius_m must be positive, got -1.0"),
        ({"spare": {"radius_m": 0}}, "test: spare: radius_m must be positive, got 0.0"),
        ({"name": "${oc.env:HOME}"}, "interpolation is not supported"),
    ],
)
def test_wrong_values_say_what_came_and_what_is_accepted(data: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_config(Car, data, source="test")
    assert message in str(caught.value)


def test_a_refused_value_is_found_among_good_ones() -> None:
    with pytest.raises(ConfigError, match="origin_m"):
        build_config(Car, {"name": "x", "gears": [1], "origin_m": "here", "electric": True}, source="test")


def test_overrides_change_the_preset_and_later_ones_win() -> None:
    rig = load_config(RigConfig, "nano", ["cameras.front.fov_deg=70", "cameras.front.fov_deg=75", "lidar=null"])

    assert rig.cameras["front"].fov_deg == 75.0
    assert rig.lidar is None
    assert rig.cameras["left"] == load_config(RigConfig, "nano").cameras["left"]


def test_a_camera_can_be_added_by_an_override() -> None:
    added = "cameras.rear={width_px: 64, height_px: 32, fov_deg: 110, position_m: [-0.5, 0, 1.2], yaw_deg: 180}"

    assert load_config(RigConfig, "nano", [added]).cameras["rear"].yaw_deg == 180.0


@pytest.mark.parametrize("override", ["capture_hz", "=5", ".x=5", "a..b=1", "capture_hz =5", ""])
def test_a_malformed_override_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="an override is key=value"):
        load_config(RigConfig, "nano", [override])


def test_an_override_into_a_number_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"capture_hz is 5.0, which has no key 'x'"):
        load_config(RigConfig, "nano", ["capture_hz.x=1"])


def test_an_override_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(ConfigError, match="the value of capture_hz, line 1 is not acceptable YAML"):
        load_config(RigConfig, "nano", ["capture_hz=["])


@pytest.mark.parametrize("name", preset_names("rigs"))
def test_a_resolved_preset_is_saved_and_reloaded_equal(name: str, tmp_path: Path) -> None:
    rig = load_config(RigConfig, name)
    (tmp_path / "config.yaml").write_text(to_yaml(rig))

    assert load_config(RigConfig, str(tmp_path / "config.yaml")) == rig


CARS = st.builds(
    Car,
    name=st.text(st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn"]), max_size=12).filter(
        lambda t: "${" not in t
    ),
    colour=st.sampled_from(["red", "blue"]),
    wheels=st.dictionaries(
        st.from_regex(r"[a-z]{1,4}", fullmatch=True),
        st.builds(Wheel, radius_m=st.floats(1e-9, 1e9), spokes=st.integers()),
    ),
    spare=st.none() | st.builds(Wheel, radius_m=st.floats(1e-9, 1e9)),
    gears=st.lists(st.integers(-(2**70), 2**70), max_size=3).map(tuple),
    origin_m=st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
    electric=st.booleans(),
)


@given(CARS)
def test_any_configuration_survives_yaml(car: Car) -> None:
    from drivevla.config.yaml_text import parse_yaml

    assert build_config(Car, parse_yaml(to_yaml(car), source="test"), source="test") == car


def test_differences_are_listed_by_key() -> None:
    before = plain_config(Car(wheels={"fl": Wheel(radius_m=1.0)}))
    after = plain_config(Car(electric=True, wheels={"fl": Wheel(radius_m=2.0)}))

    assert differing_keys(before, before) == []
    assert differing_keys(before, after) == ["wheels.fl.radius_m: 1.0 -> 2.0", "electric: False -> True"]
    assert differing_keys({"a": 1}, {"b": 1}) == ["a: 1 -> '(absent)'", "b: '(absent)' -> 1"]
