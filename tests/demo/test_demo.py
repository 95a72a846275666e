"""The demonstration really drives and leaves a run that explains itself."""

from pathlib import Path

import pytest

from drivevla.cli import main
from drivevla.runs import inspect_run, read_manifest, read_metrics

pytest.importorskip("carla", reason="the extra 'sim' is not installed")
av = pytest.importorskip("av", reason="the extra 'report' is not installed")


def test_a_short_demonstration_drives_and_films(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert main(["demo", "map=Gen_tee_1", "seconds=6", "vehicles=4", "--out", str(folder)]) == 0
    assert "on: embedded 0.9.16" in capsys.readouterr().out
    assert inspect_run(folder) == "finished"
    manifest = read_manifest(folder / "manifest.json")
    assert manifest.backend == "embedded 0.9.16"
    metrics = read_metrics(folder / "metrics.jsonl")
    assert len(metrics) == 30
    assert metrics[-1]["driven_m"] > 5.0
    with av.open(str(folder / "artefacts" / "drive.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 30


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["weather=ClearNon"], "did you mean 'ClearNoon'?"),
        (["wether=ClearNoon"], "did you mean 'weather'?"),
        (["seconds=0"], "between 1 and 3600"),
        (["map=Twon03"], "no map 'Twon03'"),
        (["--hots", "x"], "did you mean '--host'?"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_what_to_do(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *words, "--out", str(tmp_path / "demo")]) == 2
    assert message in capsys.readouterr().err
