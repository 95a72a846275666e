import logging
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError, DataError
from drivevla.runs.metrics import MetricsLog, read_metrics

NAMES = st.text(min_size=1, max_size=5).filter(lambda name: name != "step")
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["a", "é", "\n"])


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=4))
def test_what_is_logged_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, object]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "metrics.jsonl"
    log = MetricsLog(path)
    for step, values in enumerate(steps):
        log.log(step, values)  # type: ignore[arg-type]
    log.close()

    assert read_metrics(path) == [{"step": step, **values} for step, values in enumerate(steps)]


def test_numbers_that_json_lacks_survive(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m")
    log.log(0, {"a": math.nan, "b": math.inf, "c": -math.inf})

    [entry] = read_metrics(tmp_path / "m")
    assert math.isnan(entry["a"])
    assert (entry["b"], entry["c"]) == (math.inf, -math.inf)
    assert "NaN" in (tmp_path / "m").read_text()
    log.close()


@given(st.integers(0, 80))
def test_wherever_a_kill_cuts_whole_lines_are_kept(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("log") / "metrics.jsonl"
    log = MetricsLog(path)
    for step in range(4):
        log.log(step, {"loss": 0.25})
    log.close()
    content = path.read_bytes()[:cut]
    path.write_bytes(content)

    log = MetricsLog(path)
    log.log(9, {"loss": 0.0})
    log.close()

    whole = content.count(b"\n")
    assert [entry["step"] for entry in read_metrics(path)] == [*range(whole), 9]


def test_reading_a_cut_file_warns_and_leaves_it_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "m").write_text('{"step": 0}\n{"st')

    with caplog.at_level(logging.WARNING):
        assert read_metrics(tmp_path / "m") == [{"step": 0}]

    assert "cut short after 4 bytes" in caplog.text
    assert (tmp_path / "m").read_text() == '{"step": 0}\n{"st'


@pytest.mark.parametrize("damage", ["{\n", "[1]\n", "\n"])
def test_damage_that_no_kill_leaves_is_refused_with_its_line(damage: str, tmp_path: Path) -> None:
    (tmp_path / "m").write_text('{"step": 0}\n' + damage + '{"step": 2}\n')

    with pytest.raises(DataError, match="m, line 2 is damaged"):
        MetricsLog(tmp_path / "m")


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_metrics(tmp_path / "m")


def test_rewinding_forgets_what_comes_after_a_step(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m")
    for step in range(6):
        log.log(step, {})
    log.rewind(2)
    log.log(3, {"again": True})
    log.close()

    assert read_metrics(tmp_path / "m") == [{"step": 0}, {"step": 1}, {"step": 2}, {"step": 3, "again": True}]


@pytest.mark.parametrize(
    ("step", "values", "complaint"),
    [
        (-1, {}, "step must be a whole number from 0"),
        (1.5, {}, "step must be a whole number from 0"),
        (True, {}, "step must be a whole number from 0"),
        (0, {"step": 1}, "'step' names the step itself"),
        (0, {"x": [1]}, "x must be a number, text, flag or None, got list"),
        (0, {"x": "NaN"}, "stands for a number here"),
    ],
)
def test_what_cannot_be_logged_is_refused_and_writes_nothing(
    step: int, values: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    log = MetricsLog(tmp_path / "m")
    with pytest.raises(ContractError, match=complaint):
        log.log(step, values)  # type: ignore[arg-type]
    log.close()

    assert (tmp_path / "m").read_bytes() == b""
