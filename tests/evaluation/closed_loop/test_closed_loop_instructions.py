"""What was said on a drive, and what became of it; what a guidance lets a policy hear."""

import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.errors import UnknownName
from drivevla.evaluation.closed_loop.guidance import GUIDANCES, GuidanceConfig, make_guide
from drivevla.evaluation.closed_loop.instructions import InstructionCounts, InstructionLog, read_instructions
from drivevla.evaluation.closed_loop.record import TickRow
from drivevla.evaluation.closed_loop.telling import sample_of
from drivevla.evaluation.driving_score import ActorPose, Tick
from drivevla.planner.control import VehicleControl
from drivevla.sim.maps import find_map
from drivevla.sim.navigator import EgoShape, Sample
from drivevla.sim.routes import DensePlan, Route, RouteFormat, downsample_route, generate_routes, plan_route

carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")


@cache
def town() -> tuple[Any, str]:
    source = find_map("Gen_grid_1")
    return carla.Map(source.name, source.opendrive), source.opendrive


@cache
def way() -> tuple[Route, DensePlan]:
    route = generate_routes(town()[0], count=1, seed=2, length_m=(250.0, 450.0), manoeuvres=["left_lights"])[0]
    return route, plan_route(town()[0], route)


def drive(
    config: GuidanceConfig, path: Path, *, refuses: bool = False, short_m: float = 0.0, arrived: bool = True
) -> InstructionCounts:
    """The route driven exactly, two ticks a point, but for its last metres."""
    route, plan = way()
    guide = make_guide(config, plan, route, *town(), seed=3)
    log = InstructionLog(town()[0], (), shape=EgoShape())
    driven = int(np.searchsorted(plan.distance_m, plan.length_m - short_m, side="right"))
    for number in range(driven):
        x, y = plan.location_m[number, :2].tolist()
        pose = (x, -y, -math.radians(float(plan.yaw_deg[number])))
        for half in (0.0, 0.05):
            guidance = guide.navigator.update(pose, time_s=0.1 * number + half)
            log.follow(guidance, Sample(time_s=0.1 * number + half, pose=pose, speed_mps=10.0, refused=refuses))
    log.finish(time_s=0.1 * driven, distance_m=plan.length_m - short_m, arrived=arrived)
    log.write(path, guidance=config.in_full())
    return log.counts


def test_whoever_drives_the_route_has_done_all_that_was_said(tmp_path: Path) -> None:
    counts = drive(GuidanceConfig(), tmp_path / "instructions.json")
    said = read_instructions(tmp_path / "instructions.json")
    once = [each for each in said if each["verdict"] != "said anew"]
    assert counts == InstructionCounts(given=len(once), reached=len(once))
    assert len(once) >= 2
    assert len(said) > len(once)  # the turn was said again before its junction
    assert any(each["goal"]["goal"] in {"TakeExit", "TakeTurning"} for each in said)
    assert all(each["issued_m"] <= each["withdrawn_m"] for each in said)
    events = json.loads((tmp_path / "instructions.json").read_text())["events"]
    assert [event["what"] for event in events].count("withdraw") == len(said) - 1  # the last stays to the end


def test_what_the_end_of_the_route_cut_short_is_not_judged(tmp_path: Path) -> None:
    """150 m before the end the turn is still to come: a failure, unless the rules say that this is the end."""
    broken, over = (
        drive(GuidanceConfig(), tmp_path / "i.json", short_m=150.0, arrived=arrived) for arrived in (False, True)
    )
    assert (broken.failed, broken.not_judged) == (1, 0)
    assert (over.failed, over.not_judged) == (0, 1)
    assert broken.given == over.given
    assert read_instructions(tmp_path / "i.json")[-1]["reason"] == "the route was over before this could be done"


def test_what_must_be_refused_fails_whoever_does_not(tmp_path: Path) -> None:
    config = GuidanceConfig(name="langauto")
    obeys, refuses = (drive(config, tmp_path / "i.json", refuses=refuses) for refuses in (False, True))
    misled = [each for each in read_instructions(tmp_path / "i.json") if each["misleading"]]
    assert misled
    assert obeys.failed == len(misled)
    assert refuses.failed == 0


def test_a_guidance_without_sentences_gives_no_instruction(tmp_path: Path) -> None:
    assert drive(GuidanceConfig(name="leaderboard"), tmp_path / "i.json") == InstructionCounts()


def test_a_guidance_says_in_full_what_is_heard() -> None:
    heard = {name: GuidanceConfig(name=name).in_full() for name in GUIDANCES}
    told = {name: (each["sentence"], each["command"], each["target_points"]) for name, each in heard.items()}
    assert told["instructions"] == told["langauto"] == told["langauto-notice"] == (True, False, False)
    assert (told["commands"], told["points"]) == ((False, True, False), (False, False, True))
    assert (told["leaderboard"], told["all"]) == ((False, True, True), (True, True, True))
    assert heard["langauto"]["misleading"] == {"share": 0.2, "hold_ticks": 20}
    assert [name for name in heard if heard[name]["notices"]] == ["langauto-notice"]
    assert heard["points"]["language"] is None
    for wrong in ({"name": "instruction"}, {"language": "fr"}, {"split": "test"}):
        with pytest.raises(UnknownName):
            GuidanceConfig(**wrong)


def test_target_points_are_thinned_as_the_route_came() -> None:
    """Leaderboard 1 keeps a point at least every 51 m, leaderboard 2 every 201 m."""
    route, plan = way()
    layouts: tuple[tuple[RouteFormat, float], ...] = (("leaderboard_1", 50.0), ("leaderboard_2", 200.0))
    for layout, gap_m in layouts:
        came = replace(route, format=layout)
        guide = make_guide(GuidanceConfig(name="points"), plan, came, *town(), seed=0)
        x, y = plan.location_m[0, :2].tolist()
        points = guide.navigator.update((x, -y, 0.0), time_s=0.0).target_points_m
        assert points is not None
        meant = downsample_route(plan, max_gap_m=gap_m).location_m[1:3, :2] - (x, y)
        assert points == pytest.approx(meant * (1.0, -1.0))
    assert len(downsample_route(plan, max_gap_m=50.0).index) > len(downsample_route(plan, max_gap_m=200.0).index)


def test_goals_are_judged_at_the_rear_axle() -> None:
    """The actor's origin is 1.4 m ahead of it; the car points north and rolls backwards at 2 m/s."""
    pose = ActorPose(position_m=(10.0, 20.0, 0.5), yaw_rad=math.pi / 2)
    tick = Tick(index=0, time_s=0.05, ego=pose, velocity_mps=(0.0, -2.0, 0.0), speed_limit_mps=None)
    sample = sample_of(TickRow(tick=tick, control=VehicleControl()), rear_axle_x_m=-1.4, infraction=True)
    assert sample.pose == pytest.approx((10.0, 18.6, math.pi / 2))
    assert sample.speed_mps == pytest.approx(-2.0)
    assert (sample.refused, sample.infraction, sample.speed_limit_mps) == (False, True, None)
