"""What long runs meet: killed and hanging simulators, killed runners, other servers, several workers."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from drivevla.evaluation.closed_loop.runner import ClosedLoopConfig, evaluate_closed_loop
from drivevla.evaluation.driving_score import read_result_file
from drivevla.sim.maps import find_map
from drivevla.sim.routes import Route, generate_routes, write_routes
from drivevla.sim.server import start_server

carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")
pytest.importorskip("pyarrow", exc_type=ImportError, reason="pyarrow cannot be imported")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def route() -> Route:
    source = find_map("Gen_tee_1")
    town = carla.Map(source.name, source.opendrive)
    return generate_routes(town, count=1, seed=3, length_m=(40.0, 60.0), manoeuvres=["follow"])[0]


def _config(tmp_path: Path, routes: list[Route], **settings: object) -> ClosedLoopConfig:
    write_routes(routes, tmp_path / "routes.xml")
    return replace(
        ClosedLoopConfig(routes=str(tmp_path / "routes.xml"), policy="lane_follower", rig="blind_5hz"),
        **settings,  # type: ignore[arg-type]
    )


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


def test_a_simulator_that_hangs_is_ended_and_its_route_begun_again(tmp_path: Path, route: Route) -> None:
    config = _config(tmp_path, [route])
    runner = _start(tmp_path, config)
    deadline = time.monotonic() + 120.0
    while len(_descendants(runner.pid)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(8.0)
    hanging = _descendants(runner.pid)[-1]
    os.kill(hanging, signal.SIGSTOP)
    assert runner.wait(400.0) == 0
    assert not _runs(hanging)
    drive = json.loads((tmp_path / "run/artefacts/0000_rep0/drive.json").read_text())
    assert (drive["attempts"], drive["stop"]) == (2, "arrived")


def test_workers_give_what_one_process_gives(tmp_path: Path, route: Route) -> None:
    pytest.importorskip("ray", reason="the extra 'scale' is not installed")
    config = _config(tmp_path, [route, replace(route, id="1"), replace(route, id="2")])
    alone = evaluate_closed_loop(config, tmp_path / "one")
    together = evaluate_closed_loop(config, tmp_path / "two", workers=2)
    assert together == alone
    for number in range(3):
        names = {path.name for path in (tmp_path / f"one/artefacts/000{number}_rep0").iterdir()}
        assert names == {path.name for path in (tmp_path / f"two/artefacts/000{number}_rep0").iterdir()}
        for name in ("ticks.parquet", "job.json", "instructions.json", "events.json", "setting.json"):
            one, two = (tmp_path / run / f"artefacts/000{number}_rep0" / name for run in ("one", "two"))
            assert one.read_bytes() == two.read_bytes()


def test_a_server_that_somebody_else_started_is_driven_on(tmp_path: Path, route: Route) -> None:
    config = _config(tmp_path, [route, replace(route, id="1")])
    with start_server("Gen_tee_1") as server:
        summary = evaluate_closed_loop(config, tmp_path / "run", host=server.host, port=server.port)
        server.check()
    assert summary.scores["score_route"].mean == 100.0
    first, second = (tmp_path / f"run/artefacts/000{number}_rep0" for number in (0, 1))
    assert (first / "map.xodr.gz").read_bytes() == (second / "map.xodr.gz").read_bytes()
