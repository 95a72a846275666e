import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.config.yaml_text import dump_yaml, parse_yaml
from drivevla.errors import ConfigError

# YAML itself forbids control characters and lone surrogates; the writer is not asked for them.
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
DATA = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@given(DATA)
def test_what_is_written_is_read_back_equal(data: object) -> None:
    assert parse_yaml(dump_yaml(data), source="test") == data


@pytest.mark.parametrize(
    "text", ["no", "off", "yes", "12:30", "1e3", "010", "0x1f", "1_000", "2026-01-01", "<<", "=", "~"]
)
def test_strings_that_look_like_something_else_survive(text: str) -> None:
    assert parse_yaml(dump_yaml({"key": text}), source="test") == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("no", "no"), ("12:30", "12:30"), ("010", 10), ("1e-3", 0.001), ("-.5", -0.5), ("true", True), ("0x10", 16)],
)
def test_scalars_mean_what_they_say(text: str, value: object) -> None:
    assert parse_yaml(text, source="test") == value


def test_not_a_number_can_be_written() -> None:
    assert math.isnan(parse_yaml(dump_yaml(math.nan), source="test"))


def test_a_key_given_twice_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"rig.yaml, line 3 .*the key 'b' is given twice"):
        parse_yaml("a: 1\nc:\n  b: 1\n  b: 2\n", source="rig.yaml")


def test_python_objects_are_refused() -> None:
    with pytest.raises(ConfigError, match="could not determine a constructor"):
        parse_yaml("!!python/object/apply:os.getcwd []", source="test")


def test_broken_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match="line 2"):
        parse_yaml("a: 1\nb: ]\nc: 2\n", source="test")
