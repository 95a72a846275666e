"""What a worker elsewhere gives back is what a drive here leaves."""

from dataclasses import replace
from pathlib import Path

import pytest

from drivevla.evaluation.closed_loop.guidance import GuidanceConfig
from drivevla.evaluation.closed_loop.job import DriveSummary, RouteJob
from drivevla.evaluation.closed_loop.workers import _drive_elsewhere, _unheard, _unpack, drive_here
from drivevla.sim.routes import Route, WeatherSchedule, write_routes
from drivevla.sim.routes.weather import LEADERBOARD_2_WEATHER

pytest.importorskip("carla", reason="the extra 'sim' is not installed")
pytest.importorskip("pyarrow", exc_type=ImportError, reason="pyarrow cannot be imported")


def test_files_travel_whole(tmp_path: Path) -> None:
    """A route of a town that nobody knows fails before a simulator is started, and leaves the same files everywhere."""
    route = Route(
        id="nowhere",
        town="Town99",
        key_points_m=((0.0, 0.0, 0.0), (50.0, 0.0, 0.0)),
        weather=WeatherSchedule.constant(LEADERBOARD_2_WEATHER),
        format="leaderboard_2",
    )
    job = RouteJob(
        routes_file="../routes.xml",
        index=0,
        repetition=0,
        planned=1,
        policy="stand_still",
        rules="leaderboard-2.1",
        rig="blind",
        seed=0,
        format=route.format,
        guidance=GuidanceConfig(name="points"),
    )
    write_routes([route], tmp_path / "routes.xml")
    (tmp_path / "0000_rep0.part").mkdir()  # what a runner that was killed leaves
    drive_here(job, tmp_path, hang_s=60.0, beat=_unheard)
    files = _drive_elsewhere(job, (tmp_path / "routes.xml").read_bytes(), 60.0)
    _unpack({**files, "strip/strip.json": b"[]"}, tmp_path, "elsewhere")

    here, there = tmp_path / job.name, tmp_path / "elsewhere"
    assert {path.name for path in here.iterdir()} | {"strip"} == {path.name for path in there.iterdir()}
    for name in ("job.json", "result.json", "events.json", "ticks.parquet", "drive.json"):
        assert (here / name).read_bytes() == (there / name).read_bytes()
    assert "Town99" in str(DriveSummary.read(there / "drive.json").error)
    assert not list(tmp_path.glob("*.part"))
    assert RouteJob.read(there / "job.json") == job
    assert replace(job, repetition=1).name == "0000_rep1"
