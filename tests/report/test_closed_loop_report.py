"""The report of closed-loop runs, made of folders that are written as the runner writes them, without a simulator."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.cli.verbs import run_verb
from drivevla.errors import DataError
from drivevla.evaluation.closed_loop.events import write_events
from drivevla.evaluation.closed_loop.job import DriveSummary
from drivevla.evaluation.closed_loop.record import Recorder, TickRow
from drivevla.evaluation.closed_loop.summary import summarise
from drivevla.evaluation.driving_score import (
    ActorPose,
    EventKind,
    ResultFile,
    RouteRecord,
    RouteRun,
    Tick,
    TrafficEvent,
    rule_book,
    score_route,
    write_result_file,
)
from drivevla.planner.control import VehicleControl
from drivevla.policies.horizon import DT_S
from drivevla.report.closed_loop.comparison import comparison_page
from drivevla.report.closed_loop.infractions import costs, totals
from drivevla.report.closed_loop.run import read_run
from drivevla.report.closed_loop.views import run_page
from drivevla.runs import start_run
from drivevla.sim.routes import Route, write_routes
from drivevla.sim.routes.weather import Weather, WeatherSchedule
from drivevla.types import Plan

pytest.importorskip("pyarrow", exc_type=ImportError, reason="pyarrow cannot be imported")
pytest.importorskip("jinja2", reason="the extra 'report' is not installed")

TICK_S = 0.05
SPEED_MPS = 8.0


@dataclass(frozen=True)
class Config:
    """What a run's config.yaml holds of interest."""

    routes: str = "two"
    policy: str = "lane_follower"
    options: tuple[str, ...] = ()
    map: str | None = None
    rig: str = "front"
    vehicles: int = 0
    repetitions: int = 1
    seed: int = 0


@dataclass(frozen=True)
class DriveSpec:
    """A drive straight on at 8 m/s for some ticks, which arrives unless it has an error."""

    percent: float = 100.0
    ticks: int = 200
    events: tuple[TrafficEvent, ...] = ()
    error: str | None = None
    privileged: bool = False
    instructions: Sequence[dict[str, Any]] = field(default_factory=tuple)


def event(kind: EventKind, *, tick: int, message: str = "", percentage: float | None = None) -> TrafficEvent:
    """An event of a drive."""
    return TrafficEvent(kind=kind, message=message, tick=tick, percentage=percentage, position_m=(0.4 * tick, 0.0, 0.0))


def write_run(
    folder: Path,
    drives: Sequence[DriveSpec],
    *,
    rules: str = "leaderboard-2.1",
    fingerprint: str = "f" * 64,
    town: str = "Nowhere",
    config: Config | None = None,
    summed_up: bool = True,
) -> Path:
    """The drives of all routes, one repetition after the other."""
    config = config or Config()
    count = len(drives) // config.repetitions
    with start_run(folder, kind="evaluate closed-loop", config=config, data_fingerprint=fingerprint) as run:
        weather = WeatherSchedule.constant(Weather())
        routes = [
            Route(
                id=str(number),
                town=town,
                key_points_m=((0.0, 0.0, 0.0), (80.0, 0.0, 0.0)),
                weather=weather,
                format="leaderboard_2",
            )
            for number in range(count)
        ]
        write_routes(routes, run.artefacts / "routes.xml")
        made = [
            _write_drive(run.artefacts, each % count, each // count, drive, rules, town)
            for each, drive in enumerate(drives)
        ]
        summary = summarise(rule_book(rules), config.policy, made, routes=count, repetitions=config.repetitions)
        if summed_up:
            summary.write(run.artefacts / "summary.json")
    return folder


def _write_drive(
    artefacts: Path, number: int, repetition: int, drive: DriveSpec, rules: str, town: str
) -> tuple[RouteRecord, DriveSummary]:
    folder = artefacts / f"{number:04d}_rep{repetition}"
    folder.mkdir()
    completion = TrafficEvent(
        kind=EventKind.ROUTE_COMPLETION, message="", tick=0, route_completed_percent=drive.percent
    )
    events = (completion, *drive.events)
    record = score_route(
        rule_book(rules),
        RouteRun(
            route_id=f"RouteScenario_{number}_rep{repetition}",
            index=number,
            route_length_m=80.0,
            duration_game_s=10.0,
            duration_system_s=1.0,
            events=events,
        ),
    )
    write_events(folder / "events.json", events)
    book = rule_book(rules)
    write_result_file(
        folder / "result.json", ResultFile(rules=book, records=(record,), planned_routes=1, backend="embedded 0.9.16")
    )
    summary = DriveSummary(
        route_id=str(number),
        town=town,
        repetition=repetition,
        privileged=drive.privileged,
        backend="embedded 0.9.16",
        stop=None if drive.error else "arrived",
        error=drive.error,
        simulated_s=drive.ticks * TICK_S,
    )
    summary.write(folder / "drive.json")
    if drive.ticks:
        _write_ticks(folder / "ticks.parquet", drive.ticks)
    if drive.instructions:
        content = {"guidance": {}, "instructions": list(drive.instructions), "events": []}
        (folder / "instructions.json").write_text(json.dumps(content))
    return record, summary


def _write_ticks(path: Path, ticks: int) -> None:
    recorder = Recorder({})
    for index in range(ticks):
        plan = None
        if index % 4 == 0:
            said = "first <b>words</b>" if index < ticks // 2 else "later words"
            plan = Plan(waypoints=np.array([[SPEED_MPS * DT_S, 0.0, 0.0]]), dt_s=DT_S, text=said)
        tick = Tick(
            index=index,
            time_s=(index + 1) * TICK_S,
            ego=ActorPose(position_m=(SPEED_MPS * TICK_S * index, 0.0, 0.0), yaw_rad=0.0),
            velocity_mps=(SPEED_MPS, 0.0, 0.0),
            speed_limit_mps=10.0,
        )
        recorder.add(TickRow(tick=tick, control=VehicleControl(throttle=0.4), plan=plan))
    recorder.write(path)


def instruction(sentence: str, *, issued_s: float, withdrawn_s: float, verdict: str) -> dict[str, Any]:
    """One instruction as instructions.json has it."""
    return {
        "sentence": sentence,
        "issued_s": issued_s,
        "withdrawn_s": withdrawn_s,
        "verdict": verdict,
        "misleading": False,
        "reason": None,
    }


VEHICLE = event(EventKind.COLLISION_VEHICLE, tick=99, message="... type=vehicle.audi.tt and id=7 at (x=0, y=0, z=0)")
STOP = event(EventKind.STOP_INFRACTION, tick=60)


class _Loads(HTMLParser):
    """Every address that a browser would fetch by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "srcset", "poster", "data") or (name == "href" and tag == "link"):
                self.found.append(value or "")


def test_the_page_asks_for_nothing_from_elsewhere(tmp_path: Path) -> None:
    html = run_page(read_run(write_run(tmp_path / "run", [DriveSpec(events=(VEHICLE,)), DriveSpec()])))
    loads = _Loads()
    loads.feed(html)
    assert all(address.startswith("data:") for address in loads.found)
    assert not re.search(r"https?:|//[a-z]+[.]|@import|url[(]", html)


def test_the_worst_drive_comes_first_and_says_where_and_why(tmp_path: Path) -> None:
    html = run_page(read_run(write_run(tmp_path / "run", [DriveSpec(), DriveSpec(events=(VEHICLE, STOP))])))
    assert html.index('id="0001_rep0"') < html.index('id="0000_rep0"')
    # Tick 99 is at 100 * 0.05 s; each tick is 0.4 m. 100 / 1.95 = 51.28, and 80 without the collision.
    story = html.partition("Most was lost because ")[2].partition("</p>")[0]
    assert story == (
        "it hit a vehicle (vehicle.audi.tt) at 5.0 s, 40 m from the start (the car keeps 29 km/h): 28.7 points."
    )
    assert "not comparable with published CARLA numbers" in html


def test_points_lost_are_the_score_without_a_kind_less_the_score(tmp_path: Path) -> None:
    completion = TrafficEvent(kind=EventKind.ROUTE_COMPLETION, message="", tick=0, route_completed_percent=50.0)
    found = costs(rule_book("leaderboard-2.1"), [completion, VEHICLE, STOP])
    # 50 / (1 + 0.7 + 0.25) = 25.641026; without the collision 50 / 1.25 = 40, without the sign 50 / 1.7 = 29.411765
    assert found[EventKind.COLLISION_VEHICLE] == pytest.approx(40 - 25.641026, abs=1e-5)
    assert found[EventKind.STOP_INFRACTION] == pytest.approx(29.411765 - 25.641026, abs=1e-5)
    # by factors: 50 * 0.6 * 0.8 = 24, without the collision 40
    assert costs(rule_book("leaderboard-1.0"), [completion, VEHICLE, STOP])[EventKind.COLLISION_VEHICLE] == 16.0
    run = read_run(write_run(tmp_path / "run", [DriveSpec(events=(VEHICLE, VEHICLE)), DriveSpec()]))
    vehicles = next(each for each in totals(run) if each.kind is EventKind.COLLISION_VEHICLE)
    assert vehicles.count == 2
    assert vehicles.per_km == pytest.approx(2 / 0.16)
    assert vehicles.cost_points == pytest.approx((100 - 100 / 2.4) / 2, abs=1e-5)


def test_what_was_said_and_asked_stands_beside_what_was_done_and_is_text(tmp_path: Path) -> None:
    asked = (
        instruction("Turn <i>left</i>.", issued_s=0.0, withdrawn_s=4.0, verdict="reached"),
        instruction("Stop.", issued_s=4.0, withdrawn_s=9.0, verdict="failed"),
    )
    html = run_page(read_run(write_run(tmp_path / "run", [DriveSpec(instructions=asked)])))
    assert "<i>left" not in html
    assert "<b>words" not in html
    assert "Turn &lt;i&gt;left&lt;/i&gt;." in html
    assert "1 of 2 judged" in html
    assert "was told the route" not in html
    table = html.partition("What was asked, said and done")[2].partition("</table>")[0]
    rows = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in table.split("<tr>")[2:]]
    assert rows[0] == "0.0 Turn &lt;i&gt;left&lt;/i&gt;. done first &lt;b&gt;words&lt;/b&gt; keeps 29 km/h"
    assert rows[1] == "4.0 Stop. not done keeps 29 km/h"
    assert rows[2] == "5.1 later words keeps 29 km/h"


def test_a_policy_that_knew_the_route_gets_no_credit_for_listening(tmp_path: Path) -> None:
    asked = (instruction("Turn left.", issued_s=0.0, withdrawn_s=4.0, verdict="reached"),)
    html = run_page(read_run(write_run(tmp_path / "run", [DriveSpec(privileged=True, instructions=asked)])))
    assert "1 of 1 judged. The policy was told the route: this says nothing of its understanding" in html


def test_a_drive_that_never_began_says_why(tmp_path: Path) -> None:
    broken = DriveSpec(percent=0.0, ticks=0, error="there is no map Nowhere")
    html = run_page(read_run(write_run(tmp_path / "run", [broken])))
    assert "Never began: there is no map Nowhere." in html
    assert "The roads are not drawn" in html


def test_what_the_pointer_shows_is_what_was_driven(tmp_path: Path) -> None:
    html = run_page(read_run(write_run(tmp_path / "run", [DriveSpec()])))
    raw = re.search(r'data-hover="([^"]+)"', html)
    assert raw is not None
    values = json.loads(raw[1].replace("&#34;", '"'))
    assert values["t"][-1] == 10.0
    assert set(values["v"]) == {29}
    assert set(values["g"]) == {0.4}
    assert values["x"] == sorted(values["x"])


def test_folders_that_hold_no_finished_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no run"):
        read_run(tmp_path)
    with pytest.raises(DataError, match="--resume"):
        read_run(write_run(tmp_path / "half", [DriveSpec()], summed_up=False))
    with start_run(tmp_path / "other", kind="demo", config=Config()):
        pass
    with pytest.raises(DataError, match="'demo'"):
        read_run(tmp_path / "other")


def test_two_runs_are_compared_route_by_route(tmp_path: Path) -> None:
    better = write_run(
        tmp_path / "better", [DriveSpec(), DriveSpec(events=(STOP,))], config=Config(policy="stand_still")
    )
    worse = write_run(
        tmp_path / "worse", [DriveSpec(events=(STOP,)), DriveSpec(events=(STOP,))], config=Config(rig="nano")
    )
    html = comparison_page(read_run(better), read_run(worse))
    # 100 and 80 against 80 and 80: +10 on the mean, and t(0.975, 1) = 12.7062 makes 10 +- 127.1
    assert "A scores +10.0 points against B, better on 1, worse on 0, equal on 1 of 2 routes" in html
    assert "−117.1 to +137.1, which holds 0" in html
    differ = html.partition("More than the policy differs")[2].partition("</div>")[0]
    assert re.sub(r"<[^>]+>", " ", differ).split()[-3:] == ["rig", "front", "nano"]
    assert html.index('id="route-0"') < html.index('id="route-1"')


def test_a_comparison_tells_the_score_of_every_repetition(tmp_path: Path) -> None:
    twice = Config(repetitions=2)
    a = write_run(tmp_path / "a", [DriveSpec(), DriveSpec(events=(STOP,))], config=twice)
    b = write_run(tmp_path / "b", [DriveSpec(), DriveSpec()], config=twice)
    html = comparison_page(read_run(a), read_run(b))
    assert "A scores −10.0 points against B" in html  # (100 + 80) / 2 against 100
    assert "Repetition 2, the worst of 2: 100.0, 80.0." in html
    assert "Repetition 1, the worst of 2: 100.0, 100.0." in html


def test_runs_of_other_rules_or_routes_are_not_compared(tmp_path: Path) -> None:
    ours = read_run(write_run(tmp_path / "a", [DriveSpec()]))
    with pytest.raises(DataError, match=r"leaderboard-2\.1 and .* by leaderboard-2\.0"):
        comparison_page(ours, read_run(write_run(tmp_path / "b", [DriveSpec()], rules="leaderboard-2.0")))
    with pytest.raises(DataError, match="the routes are not the same"):
        comparison_page(ours, read_run(write_run(tmp_path / "c", [DriveSpec()], fingerprint="0" * 64)))


def test_the_command_writes_the_page_into_the_runs_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "run", [DriveSpec()])
    assert run_verb(["report", str(folder)]) == 0
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "report.html" in capsys.readouterr().out
    assert run_verb(["report", str(folder), "--compare", str(folder), "--out", str(tmp_path / "x/both.html")]) == 0
    assert (tmp_path / "x/both.html").is_file()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")
def test_a_browser_has_nothing_to_complain_about(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(run_page(read_run(write_run(tmp_path / "run", [DriveSpec(events=(VEHICLE,))]))), encoding="utf-8")
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    done = subprocess.run([*browser, path.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr
    assert "<title>lane_follower: closed loop</title>" in done.stdout
