"""A small collection, killed and resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drivevla.datasets.drivelog import DriveLogReader

SUITE = """
name: small
summary: Two short routes.
kinds: [grid]
town_seeds: [1]
routes_per_town: 2
min_length_m: 40.0
max_length_m: 70.0
max_vehicles: 2
max_walkers: 0
weathers: [ClearNoon]
keep_every: 2
alternatives: 2
"""
PATIENCE_S = 400.0


def begin(suite: Path, log: Path, *more: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "drivevla", "collect", "--suite", str(suite), "--out", str(log), *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_killed_collection_goes_on_and_holds_every_route_once(tmp_path: Path) -> None:
    suite, log = tmp_path / "small.yaml", tmp_path / "log"
    suite.write_text(SUITE, encoding="utf-8")
    reports = log / "meta/collection/artefacts/Gen_grid_1/routes"
    running = begin(suite, log)
    try:
        waited_until_s = time.monotonic() + PATIENCE_S
        while not (reports.is_dir() and list(reports.glob("*.json"))) and running.poll() is None:
            assert time.monotonic() < waited_until_s
            time.sleep(0.5)
    finally:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    assert begin(suite, log, "--resume").wait(PATIENCE_S) == 0

    reader = DriveLogReader(log)
    assert [scene.name for scene in reader.scenes] == ["Gen_grid_1_00", "Gen_grid_1_01"]
    assert not list((log / "staging").glob("*"))
    coverage = json.loads((log / "meta/collection/artefacts/coverage.json").read_text(encoding="utf-8"))
    assert coverage["frames"] == sum(len(scene.tokens) for scene in reader.scenes) > 20
    sample = reader.sample(reader.scenes[0].tokens[10])
    assert set(sample.observation.cameras) == {"front", "left", "right"}
    assert sample.observation.instruction
    assert sample.truth.future is not None
    assert sample.truth.future.valid.all()
    assert sample.alternatives is not None
    assert any(DriveLogReader(log).sample(token).alternatives for token in reader.scenes[0].tokens[:20])
