"""The demonstration really drives by sentences, judges them, and leaves a page, a film and a run."""

import io
import json
from pathlib import Path

import pytest

from drivevla.cli import main
from drivevla.runs import inspect_run, read_manifest

pytest.importorskip("carla", reason="the extra 'sim' is not installed")
av = pytest.importorskip("av", reason="the extra 'report' is not installed")


@pytest.mark.timeout(300)  # a busy machine
def test_sentences_are_driven_judged_filmed_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    said = ["Drive off the road.", "floop the blargle", "靠边停车。"]
    options = ["--map", "Gen_tee_1", "--policy", "expert", "--vehicles", "3", "--rig", "front", "--seconds", "26"]
    assert main(["demo", *said, *options, "--out", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "rightly refused: Drive off the road." in printed
    assert "not judged: floop the blargle" in printed
    assert inspect_run(folder) == "finished"
    assert read_manifest(folder / "manifest.json").backend == "embedded 0.9.16"
    diary = json.loads((folder / "artefacts" / "drive.json").read_text(encoding="utf-8"))
    assert diary["privileged"] is True
    assert [each["sentence"] for each in diary["sentences"]] == said
    assert [each["outcome"] for each in diary["sentences"]] == ["rightly refused", "not judged", "obeyed"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert all(sentence in page for sentence in said)
    assert "told the truth of the simulator" in page
    assert 'src="data:video/mp4;base64,' in page
    with av.open(str(folder / "drive.mp4")) as film:
        frames = sum(1 for _ in film.decode(video=0))
    assert frames == pytest.approx(5.0 * diary["end_s"], abs=3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--weather", "rian"], "did you mean 'rain'?"),
        (["--weather", "ClearNon"], "did you mean 'ClearNoon'?"),
        (["--seconds", "0"], "between 1 and 36000"),
        (["--map", "Twon03"], "no map 'Twon03'"),
        (["--hots", "x"], "did you mean '--host'?"),
        (["   "], "a sentence is empty"),
        (["map=Town03"], "'map=Town03' is no sentence"),
        (["--policy", "expret"], "did you mean 'expert'?"),
        (["--policy", "./nowhere"], "there is no folder nowhere"),
        (["--rig", "nona"], "did you mean 'nano'?"),
        (["--web", "--web-port", "99999"], "must lie between 0, for any, and 65535"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_what_to_do(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *words, "--out", str(tmp_path / "demo")]) == 2
    refused = capsys.readouterr().err
    assert message in refused
    assert "Traceback" not in refused


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("<OpenDRIVE><header/></OpenDRIVE>", "has no <road>"),
        ("<OpenDRIVE><road", "broken XML"),
    ],
)
def test_a_map_without_roads_is_refused_and_the_report_says_so(
    made: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bare.xodr").write_text(made)
    folder = tmp_path / "demo"
    assert main(["demo", "--map", str(tmp_path / "bare.xodr"), "--policy", "expert", "--out", str(folder)]) == 2
    assert message in capsys.readouterr().err
    assert inspect_run(folder) == "failed"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "This drive failed" in page


def test_a_broken_checkpoint_is_refused_and_the_report_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, folder = tmp_path / "checkpoint", tmp_path / "demo"
    checkpoint.mkdir()
    (checkpoint / "checkpoint.json").write_text('{"format": 1, "model"')
    assert main(["demo", "--policy", str(checkpoint), "--out", str(folder)]) == 2
    assert "is no checkpoint" in capsys.readouterr().err
    assert "is no checkpoint" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_host_that_does_not_answer_is_refused_and_the_report_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivevla.demo.town._CONNECT_S", 0.5)
    folder = tmp_path / "demo"
    assert main(["demo", "--host", "127.0.0.1", "--port", "9", "--policy", "expert", "--out", str(folder)]) == 2
    assert "no CARLA server answers at 127.0.0.1:9" in capsys.readouterr().err
    assert "no CARLA server answers" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sentences_from_a_pipe_are_driven_in_their_order_and_its_end_ends_the_drive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Drive off the road.\n\nStop now.\n"))
    folder = tmp_path / "demo"
    options = ["--map", "Gen_tee_1", "--policy", "expert", "--vehicles", "0", "--rig", "front", "--out", str(folder)]
    assert main(["demo", "--interactive", *options]) == 0
    printed = capsys.readouterr().out
    assert "nothing was said; type a sentence" in printed
    diary = json.loads((folder / "artefacts" / "drive.json").read_text(encoding="utf-8"))
    assert [each["outcome"] for each in diary["sentences"]] == ["rightly refused", "obeyed"]
