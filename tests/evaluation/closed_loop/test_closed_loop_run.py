"""Whole evaluations on the embedded simulator: scored, recorded, repeatable, and alive after what goes wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from drivevla.errors import RunError
from drivevla.evaluation.closed_loop.record import read_record
from drivevla.evaluation.closed_loop.runner import ClosedLoopConfig, Progress, evaluate_closed_loop
from drivevla.evaluation.driving_score import read_result_file
from drivevla.sim.maps import find_map
from drivevla.sim.routes import Route, Scenario, generate_routes, write_routes
from drivevla.sim.routes.route import Place

carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")
pytest.importorskip("pyarrow", exc_type=ImportError, reason="pyarrow cannot be imported")


@pytest.fixture(scope="module")
def route() -> Route:
    source = find_map("Gen_tee_1")
    town = carla.Map(source.name, source.opendrive)
    return generate_routes(town, count=1, seed=3, length_m=(40.0, 60.0), manoeuvres=["follow"])[0]


def _config(tmp_path: Path, routes: list[Route], **settings: object) -> ClosedLoopConfig:
    write_routes(routes, tmp_path / "routes.xml")
    return replace(
        ClosedLoopConfig(routes=str(tmp_path / "routes.xml"), policy="lane_follower", rig="blind"),
        **settings,  # type: ignore[arg-type]
    )


def test_the_lane_follower_drives_a_route_and_what_fails_beside_it_is_counted(tmp_path: Path, route: Route) -> None:
    off_map = replace(route, id="off", key_points_m=((9000.0, 0.0, 0.0), (9100.0, 0.0, 0.0)))
    no_town = replace(route, id="nowhere", town="Town99")
    missing = Scenario(name="P_1", type="ParkedObstacle", trigger=Place(route.key_points_m[0], 0.0))
    config = _config(tmp_path, [off_map, no_town, replace(route, scenarios=(missing,))])
    seen: list[Progress] = []
    summary = evaluate_closed_loop(config, tmp_path / "run", progress=seen.append)

    result = read_result_file(tmp_path / "run/artefacts/result.json", rules="leaderboard-2.1")
    assert [record.status for record in result.records[:2]] == ["Failed - Simulation crashed"] * 2
    assert result.records[2].status in ("Perfect", "Completed")
    assert result.records[2].score_route == 100.0
    assert summary.scores["score_route"].mean == pytest.approx(100.0 / 3, abs=1e-5)
    assert summary.privileged
    assert summary.backends == ("embedded 0.9.16",)
    assert not summary.complete
    assert summary.scenarios_left_out == {"ParkedObstacle": 1}
    errors = [json.loads((tmp_path / f"run/artefacts/000{n}_rep0/drive.json").read_text())["error"] for n in (0, 1)]
    assert "off" in errors[0]
    assert "Town99" in errors[1]
    assert max(progress.percent for progress in seen) > 50.0

    record = read_record(tmp_path / "run/artefacts/0002_rep0/ticks.parquet")
    assert [row.tick.index for row in record.rows] == list(range(len(record.rows)))
    assert sum(row.plan is not None for row in record.rows) == pytest.approx(len(record.rows) / 4, abs=1)
    with pytest.raises(RunError, match="finished"):
        evaluate_closed_loop(config, tmp_path / "run")
    assert evaluate_closed_loop(config, tmp_path / "run", existing="resume") == summary  # nothing is driven again


BROKEN = """
from drivevla.policies import ConstantVelocity

class Broken(ConstantVelocity):
    def __init__(self, answer):
        super().__init__(least_speed_mps=3.0)
        self.answer = answer

    def act(self, observation):
        if observation.timestamp_s < 1.0:
            return super().act(observation)
        if self.answer == "nan":
            from drivevla.types import Plan
            return Plan(waypoints=[[float("nan"), 0.0, 0.0]])
        return {"waypoints": []}
"""


@pytest.mark.parametrize(
    ("option", "status", "error"),
    [
        ("answer=nan", "Failed - Agent crashed", "must be finite"),
        ("answer=mapping", "Failed - Agent crashed", "must answer with a Plan, got dict"),
        ("unknown=1", "Failed - Agent couldn't be set up", "could not be made"),
    ],
)
def test_a_broken_policy_fails_its_route_by_the_rules(
    tmp_path: Path, route: Route, monkeypatch: pytest.MonkeyPatch, option: str, status: str, error: str
) -> None:
    plugin = tmp_path / "plugin"
    (plugin / "broken-1.0.dist-info").mkdir(parents=True)
    (plugin / "broken_policy.py").write_text(BROKEN)
    (plugin / "broken-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (plugin / "broken-1.0.dist-info/entry_points.txt").write_text(
        "[drivevla.policies]\nbroken = broken_policy:Broken\n"
    )
    monkeypatch.syspath_prepend(str(plugin))
    monkeypatch.setenv("PYTHONPATH", str(plugin), prepend=os.pathsep)

    config = _config(tmp_path, [route], policy="broken", options=(option,))
    summary = evaluate_closed_loop(config, tmp_path / "run")
    assert summary.failures == {status: 1}
    assert error in json.loads((tmp_path / "run/artefacts/0000_rep0/drive.json").read_text())["error"]
    rows = read_record(tmp_path / "run/artefacts/0000_rep0/ticks.parquet").rows
    assert (len(rows) > 15) == (status == "Failed - Agent crashed")  # what was driven before is kept


@pytest.mark.slow
def test_the_same_run_twice_gives_the_same_records(tmp_path: Path, route: Route) -> None:
    config = _config(tmp_path, [route], vehicles=5)
    for name in ("a", "b"):
        evaluate_closed_loop(config, tmp_path / name)
    first, second = (tmp_path / name / "artefacts/0000_rep0/ticks.parquet" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def _start(tmp_path: Path, config: ClosedLoopConfig) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "drivevla", "evaluate", "closed-loop", "--routes", config.routes]
    command += ["--policy", config.policy, "--rig", config.rig, "--out", str(tmp_path / "run"), "--resume"]
    return subprocess.Popen(command)


def _wait_for(folder: Path, timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not folder.exists():
        assert time.monotonic() < deadline, f"{folder} did not appear"
        time.sleep(0.1)


def _descendants(pid: int) -> list[int]:
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [further for each in children for further in _descendants(each)]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_a_killed_simulator_and_a_killed_runner_cost_one_route_each(tmp_path: Path, route: Route) -> None:
    config = _config(tmp_path, [route, replace(route, id="1"), replace(route, id="2")])
    artefacts = tmp_path / "run/artefacts"
    runner = _start(tmp_path, config)
    _wait_for(artefacts / "0000_rep0.part")
    deadline = time.monotonic() + 60.0
    while len(_descendants(runner.pid)) < 2:  # the route's process and its server
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(8.0)  # some way into the drive
    os.kill(_descendants(runner.pid)[-1], signal.SIGKILL)
    _wait_for(artefacts / "0001_rep0.part")
    left = _descendants(runner.pid)
    runner.kill()
    runner.wait()
    stamp = (artefacts / "0000_rep0/drive.json").stat().st_mtime_ns
    deadline = time.monotonic() + 30.0
    while any(map(_runs, left)):  # nothing outlives the runner
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert _start(tmp_path, config).wait(300.0) == 0
    assert (artefacts / "0000_rep0/drive.json").stat().st_mtime_ns == stamp  # it was not driven again
    drives = [json.loads((artefacts / f"000{n}_rep0/drive.json").read_text()) for n in range(3)]
    assert [drive["attempts"] for drive in drives] == [2, 1, 1]
    records = read_result_file(artefacts / "result.json", rules="leaderboard-2.1").records
    assert [record.completed for record in records] == [True] * 3
