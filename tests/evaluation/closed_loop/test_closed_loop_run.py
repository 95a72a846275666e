"""Whole evaluations on the embedded simulator: scored, recorded, repeatable, and alive after what goes wrong."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from drivevla.errors import DataError, RunError
from drivevla.evaluation.closed_loop.instructions import InstructionCounts, read_instructions
from drivevla.evaluation.closed_loop.record import read_record
from drivevla.evaluation.closed_loop.rescore import rescore_run
from drivevla.evaluation.closed_loop.runner import ClosedLoopConfig, Progress, evaluate_closed_loop
from drivevla.evaluation.closed_loop.summary import ClosedLoopSummary
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
        ClosedLoopConfig(routes=str(tmp_path / "routes.xml"), policy="lane_follower", rig="blind_5hz"),
        **settings,  # type: ignore[arg-type]
    )


def test_the_lane_follower_drives_a_route_and_what_fails_beside_it_is_counted(tmp_path: Path, route: Route) -> None:
    off_map = replace(route, id="off", key_points_m=((9000.0, 0.0, 0.0), (9100.0, 0.0, 0.0)))
    no_town = replace(route, id="nowhere", town="Town99")
    missing = Scenario(name="P_1", type="MeteorShower", trigger=Place(route.key_points_m[0], 0.0))
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
    assert summary.scenarios_left_out == {"MeteorShower": 1}
    assert result.sensors == ("carla_gnss", "carla_imu", "carla_speedometer")
    errors = [json.loads((tmp_path / f"run/artefacts/000{n}_rep0/drive.json").read_text())["error"] for n in (0, 1)]
    assert "off" in errors[0]
    assert "Town99" in errors[1]
    assert max(progress.percent for progress in seen) > 50.0

    said = read_instructions(tmp_path / "run/artefacts/0002_rep0/instructions.json")
    assert summary.instructions == InstructionCounts(given=len(said), reached=len(said))
    assert said[-1]["kind"] in {"follow_road", "drive_to", "drive_to_point"}
    record = read_record(tmp_path / "run/artefacts/0002_rep0/ticks.parquet")
    heard = [row.heard for row in record.rows if row.heard is not None]
    assert heard[0].text == said[0]["sentence"]
    assert {(each.command, each.target_points_m) for each in heard} == {(None, None)}
    assert heard[-1].distance_m > 30.0 > 1.0 > heard[-1].offset_m
    assert [row.tick.index for row in record.rows] == list(range(len(record.rows)))
    assert sum(row.plan is not None for row in record.rows) == pytest.approx(len(record.rows) / 4, abs=1)
    with pytest.raises(RunError, match="finished"):
        evaluate_closed_loop(config, tmp_path / "run")
    assert evaluate_closed_loop(config, tmp_path / "run", existing="resume") == summary  # nothing is driven again
    _rescored_as_scored(tmp_path / "run", summary)


def _rescored_as_scored(run: Path, summary: ClosedLoopSummary) -> None:
    """The record under its own rules is the same result; under others another one, which says so."""
    assert rescore_run(run, "leaderboard-2.1") == summary
    before, after = (
        read_result_file(run / "artefacts" / place / "result.json", rules="leaderboard-2.1").records
        for place in ("", "rescored/leaderboard-2.1")
    )
    assert after == before
    other = rescore_run(run, "leaderboard-1.0")
    assert other.rules == "leaderboard-1.0"
    driven, judged_again = (each.scores["score_route"].mean for each in (summary, other))
    assert judged_again == pytest.approx(driven, abs=1e-5)  # the rule books round differently
    with pytest.raises(DataError, match="no closed-loop run"):
        rescore_run(run / "artefacts", "leaderboard-2.0")


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
        pytest.param(
            "answer=mapping", "Failed - Agent crashed", "must answer with a Plan, got dict", marks=pytest.mark.slow
        ),
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
    assert not summary.privileged
    assert summary.failures == {status: 1}
    assert error in json.loads((tmp_path / "run/artefacts/0000_rep0/drive.json").read_text())["error"]
    rows = read_record(tmp_path / "run/artefacts/0000_rep0/ticks.parquet").rows
    assert (len(rows) > 15) == (status == "Failed - Agent crashed")  # what was driven before is kept
