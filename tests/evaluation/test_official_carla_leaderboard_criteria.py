"""Every stored case of scenario_runner's own criteria, ticked offline on a straight road."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.evaluation.driving_score import (
    ActorPose,
    CarlaLaneMap,
    Collision,
    Point,
    RouteSetting,
    RuleBook,
    ScoredRoute,
    Tick,
    TrafficEvent,
    rule_book,
)
from drivevla.evaluation.driving_score.criteria import (
    Blocked,
    Collisions,
    Criterion,
    GrowingTimeLimit,
    MinimumSpeed,
    OutsideRouteLanes,
    RouteCompletion,
    RouteDeviation,
)
from drivevla.evaluation.driving_score.judge import RouteJudge
from drivevla.geometry.carla import points_from_carla, yaw_from_carla

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("DRIVEVLA_ORACLES", ROOT.parent / "shared" / "oracles")) / "carla_leaderboard_criteria"
RULES = {"v2": "leaderboard-2.1", "b2d": "bench2drive"}
# The official code adds up single-precision distances.
RELATIVE = 1e-5

pytestmark = pytest.mark.real_data


def cases() -> list[Any]:
    found = [
        pytest.param(path, FOLDER / f"{path.name.partition('_')[0]}.npz", id=path.stem)
        for path in sorted(FOLDER.glob("case*_expected_*.json"))
    ]
    missing = pytest.mark.skip(reason=f"no official cases under {FOLDER}; set DRIVEVLA_ORACLES")
    return found or [pytest.param(FOLDER, FOLDER, id="none", marks=missing)]


@pytest.mark.parametrize(("expected_file", "case_file"), cases())
def test_official_criteria(expected_file: Path, case_file: Path) -> None:
    expected = json.loads(expected_file.read_text())
    with np.load(case_file, allow_pickle=False) as arrays:
        case = {name: arrays[name] for name in arrays.files}
    version = expected_file.stem.partition("_expected_")[2]
    rules = rule_book(next(name for prefix, name in RULES.items() if version.startswith(prefix)))
    assert_same(judged_one_by_one(case, rules), expected)


@pytest.mark.parametrize(("expected_file", "case_file"), cases())
def test_the_judge_finds_the_official_events(expected_file: Path, case_file: Path) -> None:
    expected = json.loads(expected_file.read_text())
    with np.load(case_file, allow_pickle=False) as arrays:
        case = {name: arrays[name] for name in arrays.files}
    version = expected_file.stem.partition("_expected_")[2]
    rules = rule_book(next(name for prefix, name in RULES.items() if version.startswith(prefix)))
    route, lane_map, ticks = read_case(case)
    judge = RouteJudge(rules, RouteSetting(route=route, lane_map=lane_map, ego_half_length_m=2.4))
    stopped_at = next((tick.index for tick in ticks if judge.observe(tick) is not None), None)
    judgement = judge.finish()
    if not (expected["timeout"] or rules.criteria.tick_limit == stopped_at):  # the stored runs ignored time limits
        assert stopped_at == expected["end_tick"]
        official = [event for events in expected["events"].values() for event in events]
        assert sorted((e.kind.value, e.message) for e in judgement.events) == sorted(
            (e["type"], e["message"]) for e in official
        )


def judged_one_by_one(case: Mapping[str, Any], rules: RuleBook) -> dict[str, Any]:
    """The criteria in the order of the stored runs, until one ends the route; time is watched but ends nothing."""
    route, lane_map, ticks = read_case(case)
    limits = rules.criteria
    completion = RouteCompletion(route)
    outside = OutsideRouteLanes(route, lane_map, margin_m=0.5, lane_change_clears=False)
    speed = MinimumSpeed(
        route, checkpoints=limits.minimum_speed_checkpoints, every_speed_is_an_event=limits.every_speed_is_an_event
    )
    deviation, blocked, collisions = RouteDeviation(route), Blocked(limit_s=limits.blocked_after_s), Collisions()
    criteria: dict[str, Criterion] = {
        "route": completion,
        "outside": outside,
        "minspeed": speed,
        "inroute": deviation,
        "blocked": blocked,
        "collision": collisions,
    }
    time_limit = GrowingTimeLimit(route)
    end_tick, completions, outsides = None, [], []
    for tick in ticks:
        for criterion in criteria.values():
            criterion.observe(tick)
        time_limit.observe(tick)
        completions.append(completion.percent)
        outsides.append(outside.outside)
        if any(criterion.ends_route for criterion in criteria.values()):
            end_tick = tick.index
            break
    for criterion in criteria.values():
        criterion.finish()
    return {
        "end_tick": end_tick,
        "events": {name: [event_of(event) for event in criterion.events] for name, criterion in criteria.items()},
        "route_completed": completion.percent,
        "completion_every_50_ticks": completions[::50],
        "outside_or_wrong_every_20_ticks": outsides[::20],
        "min_speed_checkpoints": list(speed.percentages),
        "timeout": time_limit.timed_out,
        "timeout_value": time_limit.limit_s,
        "outside_distance": outside.outside_m,
        "total_distance": outside.driven_m,
    }


def read_case(case: Mapping[str, Any]) -> tuple[ScoredRoute, CarlaLaneMap, Sequence[Tick]]:
    carla = pytest.importorskip("carla")
    lane_map = CarlaLaneMap(carla.Map("straight", str(case["xodr"])))
    route = [pose(x, y, z, yaw) for x, y, z, yaw in case["route_xyz_yaw"]]
    collisions: dict[int, list[Collision]] = {}
    for tick, actor_id, kind in case["collisions_tick_id_kind"]:
        collisions.setdefault(int(tick), []).append(Collision(actor_id=int(actor_id), type_id=str(case["kinds"][kind])))
    ticks = []
    for index, (x, y, yaw, speed) in enumerate(case["ego_x_y_yawdeg_speed"]):
        ego = pose(x, y, 0.0, yaw)
        ticks.append(
            Tick(
                index=index,
                time_s=index * float(case["dt"]),
                ego=ego,
                velocity_mps=(speed * ego.forward[0], speed * ego.forward[1], 0.0),
                speed_limit_mps=float(case["speed_limit_kmh"]) / 3.6,
                background_speeds_mps=tuple(map(float, case["background_speed"][index])),
                collisions=tuple(collisions.get(index, ())),
            )
        )
    return ScoredRoute([p.position_m for p in route], [p.forward for p in route]), lane_map, ticks


def pose(x: float, y: float, z: float, yaw_deg: float) -> ActorPose:
    return ActorPose(position_m=_point(points_from_carla((x, y, z))), yaw_rad=float(yaw_from_carla(yaw_deg)))


def _point(xyz: Any) -> Point:
    return float(xyz[0]), float(xyz[1]), float(xyz[2])


def event_of(event: TrafficEvent) -> dict[str, Any]:
    return {
        "type": event.kind.value,
        "message": event.message,
        "frame": event.tick,
        "percentage": event.percentage,
        "route_completed": event.route_completed_percent,
    }


def assert_same(ours: Mapping[str, Any], official: Mapping[str, Any]) -> None:
    ours, official = dict(ours), {key: value for key, value in official.items() if key != "version"}
    assert set(ours) == set(official)
    for name in ("end_tick", "timeout", "outside_or_wrong_every_20_ticks"):
        assert ours.pop(name) == official.pop(name), name
    our_events, official_events = ours.pop("events"), official.pop("events")
    assert set(our_events) == set(official_events)
    for name, events in official_events.items():
        assert len(our_events[name]) == len(events), name
        for one, other in zip(our_events[name], events, strict=True):
            assert one == {key: close(value) for key, value in other.items()}, name
    for name, value in official.items():
        assert ours[name] == close(value), name


def close(value: Any) -> Any:
    numbers = isinstance(value, float) or (isinstance(value, list) and all(isinstance(v, int | float) for v in value))
    return pytest.approx(value, rel=RELATIVE, abs=0.0) if numbers else value
