"""Episodes appear whole or not at all, whoever is killed."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from drivevla.datasets.drivelog import DriveLogReader, DriveLogWriter
from drivevla.datasets.drivelog.fixture import turning_drive
from drivevla.errors import ConfigError, RunError
from drivevla.types import Sample, SensorRig

# A process that records episodes, killed at random ten times; two at once, as the workers of a collection.
KILLING = """
import os, random, signal, sys, time
from pathlib import Path
from drivevla.datasets.drivelog import DriveLogWriter
from drivevla.datasets.drivelog.fixture import small_rig, turning_drive

root, rig = Path(sys.argv[1]), small_rig()

def record(worker, writer):
    for number in range(2):
        name = f"{worker}_{number}"
        if name not in writer.finished:
            with writer.episode(name) as episode:
                for sample in turning_drive(rig, frames=4, seed=number, name=name):
                    episode.add(sample)

def started(worker):
    child = os.fork()
    if child == 0:
        record(worker, DriveLogWriter(root, rig=rig))
        os._exit(0)
    return child

record("first", DriveLogWriter(root, rig=rig))  # everything is imported and warm
random.seed(0)
for attempt in range(10):
    children = [started(f"{attempt}a"), started(f"{attempt}b")]
    time.sleep(random.uniform(0.0, 0.4))
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
last = DriveLogWriter(root, rig=rig)
for attempt in range(10):
    for worker in "ab":
        record(f"{attempt}{worker}", last)
"""


@pytest.mark.timeout(300)
def test_after_ten_kills_nothing_is_corrupt_and_nothing_double(tmp_path: Path) -> None:
    root = tmp_path / "log"
    done = subprocess.run([sys.executable, "-c", KILLING, str(root)], capture_output=True, text=True, check=True)
    assert "thrown away" in done.stderr  # it says what it found
    assert not list(DriveLogReader.find_faults(root))
    scenes = DriveLogReader(root).scenes
    names = [scene.name for scene in scenes]
    assert sorted(names) == sorted(
        [f"first_{n}" for n in range(2)] + [f"{a}{w}_{n}" for a in range(10) for w in "ab" for n in range(2)]
    )
    assert {len(scene.tokens) for scene in scenes} == {5}
    assert not any((root / "staging").iterdir())
    assert json.loads((root / "meta" / "info.json").read_text())["total_frames"] == 5 * 42


def test_an_exception_leaves_nothing(rig: SensorRig, tmp_path: Path) -> None:
    writer = DriveLogWriter(tmp_path, rig=rig)
    with pytest.raises(ZeroDivisionError):
        _record_and_fail(writer, turning_drive(rig, frames=1)[0])
    assert writer.finished == frozenset()
    assert not any((tmp_path / "staging").iterdir())
    with writer.episode("empty"):
        pass
    assert writer.finished == frozenset()
    assert DriveLogReader(tmp_path).scenes == ()


def _record_and_fail(writer: DriveLogWriter, sample: Sample) -> None:
    with writer.episode("broken") as episode:
        episode.add(sample)
        _ = 1 / 0


def test_what_a_gone_process_left_is_thrown_away_and_said(
    rig: SensorRig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = DriveLogWriter(tmp_path, rig=rig)
    with writer.episode("alive") as episode:
        left = tmp_path / "staging" / "gone-123-ab"
        left.mkdir()
        (left / "lidar.bin").write_bytes(b"half a sweep")
        second = DriveLogWriter(tmp_path, rig=rig)
        assert second.discarded == ("gone-123-ab",)  # and not the one that is being recorded
        assert "gone-123-ab" in caplog.text
        episode.add(turning_drive(rig, frames=1)[0])
    assert second.finished == {"alive"}


def test_files_of_an_episode_that_was_never_finished_are_removed(rig: SensorRig, tmp_path: Path) -> None:
    """A kill between moving the files and writing the row that makes them an episode."""
    writer = DriveLogWriter(tmp_path, rig=rig)
    for name in ("one", "two"):
        with writer.episode(name) as episode:
            episode.add(turning_drive(rig, frames=1)[0])
    (tmp_path / "meta/episodes/chunk-000/file-001.parquet").unlink()
    reopened = DriveLogWriter(tmp_path, rig=rig)
    assert reopened.finished == {"one"}
    assert not (tmp_path / "data/chunk-000/file-001.parquet").exists()
    assert json.loads((tmp_path / "meta/info.json").read_text())["total_episodes"] == 1
    assert not list(DriveLogReader.find_faults(tmp_path))


def test_an_episode_is_recorded_once(rig: SensorRig, tmp_path: Path) -> None:
    writer = DriveLogWriter(tmp_path, rig=rig)
    with writer.episode("one") as episode:
        episode.add(turning_drive(rig, frames=1)[0])
    with pytest.raises(RunError, match="'one' already"), writer.episode("one"):
        pass


def test_a_log_has_one_rig_and_one_storage(rig: SensorRig, tmp_path: Path) -> None:
    writer = DriveLogWriter(tmp_path / "log", rig=rig)
    with pytest.raises(RunError, match="another rig, storage"):
        DriveLogWriter(tmp_path / "log", rig=dataclasses.replace(rig, lidar=None))
    with pytest.raises(RunError, match="another storage"):
        DriveLogWriter(tmp_path / "log", rig=rig, storage=dataclasses.replace(writer.storage, jpeg_quality=50))
    with pytest.raises(ConfigError, match="whole number"):
        DriveLogWriter(tmp_path / "slow", rig=dataclasses.replace(rig, capture_hz=2.5))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"miaow")
    with pytest.raises(RunError, match=r"is no drive log and holds cat\.jpg"):
        DriveLogWriter(tmp_path / "photos", rig=rig)
