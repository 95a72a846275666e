from pathlib import Path

import pytest

from drivevla.config import presets
from drivevla.config.presets import compose, find_preset, place, preset_names
from drivevla.config.resolve import load_config
from drivevla.config.rig import RigConfig
from drivevla.errors import ConfigError, UnknownName


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``configs/``."""
    monkeypatch.setattr(presets, "_folder", lambda group: tmp_path / group)
    for group in ("rigs", "recipes"):
        (tmp_path / group).mkdir()
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.yaml").write_text(text)


def test_presets_are_found_in_the_package() -> None:
    assert {"nano", "nuscenes", "bench2drive", "front"} <= set(preset_names("rigs"))


def test_a_preset_changes_the_keys_of_its_base(folder: Path) -> None:
    write(folder, "rigs/a", "x: {p: 1, q: 2}\ny: 3\n")
    write(folder, "rigs/b", "base: a\nx: {q: 5}\n")

    assert compose("rigs", "b") == {"x": {"p": 1, "q": 5}, "y": 3}


def test_later_bases_win(folder: Path) -> None:
    write(folder, "rigs/a", "x: 1\ny: 1\n")
    write(folder, "rigs/b", "y: 2\n")
    write(folder, "rigs/c", "base: [a, b]\n")

    assert compose("rigs", "c") == {"x": 1, "y": 2}


def test_a_used_preset_is_put_under_its_key_and_changed_there(folder: Path) -> None:
    write(folder, "rigs/a", "hz: 5\nlidar: null\n")
    write(folder, "recipes/r", "uses: {data.rig: rigs/a}\ndata: {rig: {hz: 10}}\n")

    assert compose("recipes", "r") == {"data": {"rig": {"hz": 10, "lidar": None}}}


def test_replacing_a_used_preset_leaves_nothing_of_the_old_one(folder: Path) -> None:
    write(folder, "rigs/a", "hz: 5\nlidar: 1\n")
    write(folder, "rigs/b", "hz: 2\n")
    write(folder, "recipes/r", "uses: {rig: rigs/a}\n")
    write(folder, "recipes/s", "base: r\nuses: {rig: rigs/b}\n")

    assert compose("recipes", "s") == {"rig": {"hz": 2}}
    assert compose("recipes", "r", {"rig": "rigs/b"}) == {"rig": {"hz": 2}}


def test_a_preset_shared_by_two_bases_is_no_circle(folder: Path) -> None:
    write(folder, "rigs/root", "x: 1\n")
    write(folder, "rigs/a", "base: root\n")
    write(folder, "rigs/b", "base: root\n")
    write(folder, "rigs/c", "base: [a, b]\n")

    assert compose("rigs", "c") == {"x": 1}


@pytest.mark.parametrize(
    ("first", "second"),
    [("base: b\n", "base: a\n"), ("uses: {k: rigs/b}\n", "base: a\n"), ("base: b\n", "uses: {k: rigs/a}\n")],
)
def test_circles_are_refused_and_shown(folder: Path, first: str, second: str) -> None:
    write(folder, "rigs/a", first)
    write(folder, "rigs/b", second)

    with pytest.raises(ConfigError, match="circle: rigs/a -> rigs/b -> rigs/a"):
        compose("rigs", "a")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("base: {x: 1}\n", "base must be the name of a preset or a list of names"),
        ("uses: [rigs/a]\n", "uses must map keys to GROUP/NAME"),
        ("uses: {rig: a}\n", "a preset of another group is named GROUP/NAME"),
        ("- 1\n", "must be a mapping of names to values"),
        ("1: x\n", "must be a mapping of names to values"),
        ("a: 1\na: 2\n", "the key 'a' is given twice"),
    ],
)
def test_malformed_presets_are_refused_by_name(folder: Path, text: str, complaint: str) -> None:
    write(folder, "rigs/wrong", text)

    with pytest.raises(ConfigError, match="rigs/wrong") as caught:
        compose("rigs", "wrong")
    assert complaint in str(caught.value)


def test_an_empty_preset_is_its_base(folder: Path) -> None:
    write(folder, "rigs/empty", "# nothing\n")

    assert compose("rigs", "empty") == {}


def test_a_base_that_does_not_exist_names_the_nearest(folder: Path) -> None:
    write(folder, "rigs/front", "x: 1\n")
    write(folder, "rigs/b", "base: fornt\n")

    with pytest.raises(UnknownName, match="no preset in rigs 'fornt'; did you mean 'front'"):
        compose("rigs", "b")


def test_a_name_in_two_groups_must_say_which(folder: Path) -> None:
    write(folder, "rigs/nano", "x: 1\n")
    write(folder, "recipes/nano", "x: 1\n")
    write(folder, "rigs/front", "x: 1\n")

    assert find_preset("front") == ("rigs", "front")
    assert find_preset("recipes/nano") == ("recipes", "nano")
    with pytest.raises(ConfigError, match="say which: recipes/nano, rigs/nano"):
        find_preset("nano")


def test_unknown_names_and_groups_name_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'nuscenes'"):
        find_preset("nuscene")
    with pytest.raises(UnknownName, match="no group of presets 'rig'; did you mean 'rigs'"):
        find_preset("rig/nano")


def test_a_file_of_ones_own_can_build_on_a_shipped_preset_and_on_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, "slow", "base: nano\ncapture_hz: 2\n")
    write(tmp_path, "slower", "base: slow.yaml\nlidar: null\n")

    rig = load_config(RigConfig, str(tmp_path / "slower.yaml"))

    assert (rig.capture_hz, rig.lidar, len(rig.cameras)) == (2.0, None, 3)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*mine\.yaml"):
        load_config(RigConfig, str(tmp_path / "mine.yaml"))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match=r"mine.yaml cannot be read"):
        load_config(RigConfig, str(tmp_path / "mine.yaml"))


def test_composing_does_not_tie_results_together(folder: Path) -> None:
    write(folder, "rigs/a", "x: {p: 1}\n")

    first = compose("rigs", "a")
    place(first, "x.p", 2)

    assert compose("rigs", "a") == {"x": {"p": 1}}
