import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import drivevla
from drivevla.config.resolve import build_config
from drivevla.config.yaml_text import parse_yaml
from drivevla.errors import RunError
from drivevla.runs import Run, inspect_run, read_manifest, read_metrics, start_run
from drivevla.runs.provenance import package_versions, source_commit


@dataclass(frozen=True, kw_only=True)
class Training:
    steps: int = 10
    rate: float = 1e-4
    towns: tuple[str, ...] = ("a", "b")


def start(folder: Path, **settings: object) -> Run:
    return start_run(folder, **{"kind": "train", "config": Training(), **settings})  # type: ignore[arg-type]


def test_a_run_leaves_a_folder_that_explains_itself(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"

    with start(
        folder, seeds={"model": 3}, data_fingerprint="abc", backend="embedded", command=["drivevla", "x"]
    ) as run:
        run.metrics.log(0, {"loss": 2.0})
        (run.artefacts / "plot.txt").write_text("*")

    assert sorted(each.name for each in folder.iterdir()) == [
        "artefacts", "config.yaml", "manifest.json", "metrics.jsonl", "run.lock"
    ]  # fmt: skip
    data = parse_yaml((folder / "config.yaml").read_text(), source="test")
    assert build_config(Training, data, source="test") == Training()
    manifest = read_manifest(folder / "manifest.json")
    assert (manifest.kind, manifest.seeds, manifest.data_fingerprint) == ("train", {"model": 3}, "abc")
    assert (manifest.backend, manifest.state) == ("embedded", "finished")
    session = manifest.sessions[0]
    assert (session.version, session.command, session.pid) == (drivevla.__version__, ["drivevla", "x"], os.getpid())
    assert session.packages["numpy"]
    assert session.ended is not None
    assert session.started <= session.ended
    assert read_metrics(folder / "metrics.jsonl") == [{"step": 0, "loss": 2.0}]
    assert inspect_run(folder) == "finished"


def test_nothing_is_there_before_a_run_and_inspecting_leaves_nothing(tmp_path: Path) -> None:
    assert inspect_run(tmp_path / "run") == "absent"
    assert inspect_run(tmp_path) == "absent"
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_raises_is_recorded_as_failed_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), start(tmp_path):
        raise ZeroDivisionError("by zero")

    assert inspect_run(tmp_path) == "failed"
    assert read_manifest(tmp_path / "manifest.json").sessions[-1].reason == "ZeroDivisionError: by zero"


def test_ctrl_c_is_recorded_as_an_interruption(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), start(tmp_path):
        raise KeyboardInterrupt

    assert inspect_run(tmp_path) == "interrupted"


def test_a_finished_run_is_refused_unless_asked_for(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        run.metrics.log(1, {"loss": 1.0})

    with pytest.raises(RunError, match="holds a run that is finished: overwrite it or choose another folder"):
        start(tmp_path)
    with start(tmp_path, existing="resume") as run:
        assert run.resumed
        run.metrics.log(2, {"loss": 0.5})
    assert [entry["step"] for entry in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2]
    assert len(read_manifest(tmp_path / "manifest.json").sessions) == 2


def test_overwriting_leaves_nothing_of_the_old_run(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        run.metrics.log(1, {"loss": 1.0})
        (run.artefacts / "old").write_text("")
        (run.folder / "report.html").write_text("")

    with start(tmp_path, config=Training(steps=5), existing="overwrite") as run:
        assert not run.resumed

    assert not (tmp_path / "report.html").exists()
    assert list((tmp_path / "artefacts").iterdir()) == []
    assert read_metrics(tmp_path / "metrics.jsonl") == []
    assert len(read_manifest(tmp_path / "manifest.json").sessions) == 1


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"config": replace(Training(), rate=2e-4)}, "config.rate: 0.0001 -> 0.0002"),
        ({"config": replace(Training(), towns=("a",))}, "config.towns: ['a', 'b'] -> ['a']"),
        ({"seeds": {"model": 2}}, "seeds.model: 1 -> 2"),
        ({"data_fingerprint": "def"}, "data_fingerprint: 'abc' -> 'def'"),
        ({"backend": "carla 0.9.16"}, "backend: 'embedded' -> 'carla 0.9.16'"),
        ({"kind": "evaluate"}, "kind: 'train' -> 'evaluate'"),
    ],
)
def test_another_run_is_not_resumed_and_the_difference_is_named(
    changed: dict[str, object], difference: str, tmp_path: Path
) -> None:
    settings: dict[str, object] = {"seeds": {"model": 1}, "data_fingerprint": "abc", "backend": "embedded"}
    with pytest.raises(KeyboardInterrupt), start(tmp_path, **settings):
        raise KeyboardInterrupt

    with pytest.raises(RunError) as caught:
        start(tmp_path, existing="resume", **{**settings, **changed})
    assert difference in str(caught.value)
    with start(tmp_path, existing="resume", **settings):
        pass


def test_a_folder_that_is_no_run_is_neither_written_to_nor_cleared(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")

    with pytest.raises(RunError, match=r"holds 'thesis\.tex' and is no run's folder"):
        start(tmp_path, existing="overwrite")
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(RunError, match="is a file; a run needs a folder"):
        start(tmp_path / "thesis.tex")


def test_a_folder_left_while_being_set_up_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("steps: 3\n")
    (tmp_path / ".manifest.json.x.part").write_text("{")
    assert inspect_run(tmp_path) == "half-made"

    with start(tmp_path) as run:
        assert not run.resumed

    assert "steps: 10" in (tmp_path / "config.yaml").read_text()
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob(".*.part"))


def test_two_runs_of_one_process_do_not_share_a_folder(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        with pytest.raises(RunError, match="another run of this very process"):
            start(tmp_path, existing="overwrite")
        assert inspect_run(tmp_path) == "running"
        run.metrics.log(0, {"loss": 1.0})

    assert inspect_run(tmp_path) == "finished"


@pytest.mark.parametrize(
    "damage", ["", "{", '{"format": 99}', "[]", '{"format": 1}', '{"format": 1, "sessions": [{}]}']
)
def test_a_damaged_manifest_is_refused_by_name(damage: str, tmp_path: Path) -> None:
    with start(tmp_path):
        pass
    (tmp_path / "manifest.json").write_text(damage)

    with pytest.raises(RunError, match=r"manifest\.json"):
        start(tmp_path, existing="resume")


def test_a_missing_configuration_cannot_be_resumed(tmp_path: Path) -> None:
    with start(tmp_path):
        pass
    (tmp_path / "config.yaml").unlink()

    with pytest.raises(RunError, match="its configuration cannot be read"):
        start(tmp_path, existing="resume")


CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_runs import Training
from drivevla.runs import start_run

with start_run(Path({folder!r}), kind="train", config=Training()) as run:
    for step in range(1_000_000):
        run.metrics.log(step, {{"loss": 1.0 / (step + 1)}})
        if step == 20:
            print("under way", flush=True)
        time.sleep(0.001)
"""


def spawn(folder: Path) -> "subprocess.Popen[str]":
    program = CHILD.format(tests=str(Path(__file__).parent), folder=str(folder))
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "under way\n"
    child.stdout.close()
    return child


def test_a_run_killed_in_the_middle_is_recognised_and_resumed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    child = spawn(tmp_path)
    try:
        assert inspect_run(tmp_path) == "running"
        with pytest.raises(RunError, match=f"is being written by process {child.pid} on "):
            start(tmp_path, existing="resume")
        assert inspect_run(tmp_path) == "running", "a refused attempt must not disturb the one that runs"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()

    assert inspect_run(tmp_path) == "killed"
    with pytest.raises(RunError, match="holds a run that was killed before it ended: resume it, overwrite it"):
        start(tmp_path)
    # What a kill in the middle of a write leaves:
    whole = len(read_metrics(tmp_path / "metrics.jsonl"))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 999999, "lo')
    with caplog.at_level(logging.WARNING), start(tmp_path, existing="resume") as run:
        assert run.resumed
        run.metrics.log(whole, {"loss": 0.0})
    assert "cut short after 20 bytes" in caplog.text
    entries = read_metrics(tmp_path / "metrics.jsonl")
    assert [entry["step"] for entry in entries] == list(range(whole + 1))
    assert [session.state for session in read_manifest(tmp_path / "manifest.json").sessions] == ["running", "finished"]


def test_the_commit_of_a_tracked_package_is_known_and_of_a_foreign_one_is_not(tmp_path: Path) -> None:
    package = tmp_path / "repo" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(tmp_path / "repo")]

    def call(*arguments: str) -> None:
        subprocess.run([*git, *arguments], check=True, capture_output=True)

    call("init")
    assert source_commit(package) is None
    call("add", ".")
    call("commit", "-m", "first")
    clean = source_commit(package)
    (package / "__init__.py").write_text("changed = True")
    changed = source_commit(package)

    assert clean is not None
    assert changed is not None
    assert len(clean.sha) == 40
    assert (clean.dirty, changed.dirty) == (False, True)
    assert source_commit(tmp_path / "nowhere") is None


def test_versions_are_those_of_our_own_requirements() -> None:
    versions = package_versions()

    assert {"numpy", "omegaconf", "drivevla"} <= set(versions)
    assert all(versions.values())


def test_the_manifest_is_json_that_other_programs_read(tmp_path: Path) -> None:
    with start(tmp_path, seeds={"model": 0}):
        assert json.loads((tmp_path / "manifest.json").read_text())["sessions"][0]["state"] == "running"
