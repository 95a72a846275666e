"""What the navigator says is true: the routes are walked, and the sentences compared with what CARLA's map shows."""

import itertools
import math
from functools import cache

import carla
import numpy as np
import pytest

from drivevla.errors import ContractError
from drivevla.language import (
    Direction,
    Instruction,
    InstructionKind,
    Language,
    Place,
    Refuse,
    Side,
    parse_instruction,
)
from drivevla.sim.maps import Landmark, find_map, landmarks
from drivevla.sim.navigator import Cue, Guidance, Misleading, Navigator, Protocol, Scheduled, notices_along
from drivevla.sim.routes import DensePlan, Scenario, generate_routes, plan_route
from drivevla.sim.routes import Place as RoutePlace
from drivevla.types import Command, LightState

TOWNS = ("Gen_grid_1", "Gen_tee_1", "Gen_roundabout_1", "Gen_multilane_1", "Gen_mixed_1")
SEEDS = range(6)


@cache
def town(name: str) -> tuple[carla.Map, tuple[Landmark, ...]]:
    source = find_map(name)
    return carla.Map(source.name, source.opendrive), landmarks(source.opendrive)


@cache
def plans(name: str) -> tuple[DensePlan, ...]:
    carla_map, _ = town(name)
    routes = generate_routes(carla_map, count=8, seed=1, length_m=(150.0, 450.0))
    return tuple(plan_route(carla_map, route) for route in routes)


def navigator(name: str, plan: DensePlan, seed: int = 0, **options: object) -> Navigator:
    carla_map, marks = town(name)
    return Navigator(plan, carla_map, marks, seed=seed, **options)  # type: ignore[arg-type]


def pose(plan: DensePlan, point: int) -> tuple[float, float, float]:
    x, y, _ = plan.location_m[point].tolist()
    return x, -y, -math.radians(plan.yaw_deg[point])


def drive(guide: Navigator, plan: DensePlan, light: LightState | None = None) -> list[Guidance]:
    guide.reset()
    return [guide.update(pose(plan, n), time_s=0.1 * n, light=light) for n in range(len(plan.option))]


def junctions_met(carla_map: carla.Map, plan: DensePlan, from_m: float) -> list[tuple[float, int, float, int]]:
    """Where each is entered, its arms, the turn in degrees, its exits to the left less those to the right times 10."""
    met = []
    inside = plan.junction >= 0
    for begin in np.flatnonzero(inside[1:] & ~inside[:-1]) + 1:
        if plan.distance_m[begin] <= from_m or inside[begin:].all():
            continue
        end = begin + int(np.argmin(inside[begin:]))
        x, y, z = plan.location_m[begin + 1].tolist()
        junction = carla_map.get_waypoint(carla.Location(x, y, z)).get_junction()
        pairs = junction.get_waypoints(carla.LaneType.Driving)
        arms = {each.road_id for entry, exit in pairs for each in (*entry.previous(2.0), *exit.next(2.0))}
        turn = math.remainder(plan.yaw_deg[end] - plan.yaw_deg[begin - 1], 360.0)
        met.append((float(plan.distance_m[begin]), len(arms), turn, junction.id))
    return met


def side_of(turn_deg: float) -> Direction:
    if abs(turn_deg) < 35.0:
        return Direction.STRAIGHT
    return Direction.RIGHT if turn_deg > 0 else Direction.LEFT


@cache
def said(name: str) -> list[tuple[DensePlan, Cue]]:
    return [(plan, cue) for plan in plans(name) for seed in SEEDS for cue in navigator(name, plan, seed).schedule]


def test_ordinals_count_every_junction_that_is_met() -> None:
    ordinals = set()
    for name in ("Gen_grid_1", "Gen_stop_1", "Gen_tee_1", "Gen_multilane_1"):
        for plan, cue in said(name):
            told = cue.instruction
            if told.kind is not InstructionKind.TURN or told.place not in {Place.JUNCTION, Place.T_JUNCTION}:
                continue
            least, most = (3, 99) if told.place is Place.JUNCTION else (3, 3)
            met = [each for each in junctions_met(town(name)[0], plan, cue.issue_m) if least <= each[1] <= most]
            assert told.ordinal is not None
            _, _, turn, junction = met[told.ordinal - 1]
            assert side_of(turn) is told.direction
            assert junction == cue.junction
            ordinals.add(told.ordinal)
    assert {1, 2} <= ordinals


@pytest.mark.parametrize("name", ["Gen_grid_1", "Gen_stop_1", "Gen_multilane_1"])
def test_the_second_turning_is_the_second_road_on_that_side(name: str) -> None:
    checked = 0
    for plan, cue in said(name):
        told = cue.instruction
        if told.kind is not InstructionKind.TAKE_TURNING:
            continue
        met = junctions_met(town(name)[0], plan, cue.issue_m)
        target = next(number for number, each in enumerate(met) if each[3] == cue.junction)
        assert all(side_of(turn) is Direction.STRAIGHT for _, _, turn, _ in met[:target])
        assert side_of(met[target][2]).value == told.side
        # The roads that go off on this side before the target, by CARLA's own list of ways through each junction.
        passed = sum(goes_off(town(name)[0], plan, entered, Side(told.side)) for entered, *_ in met[: target + 1])
        assert passed == told.ordinal
        checked += 1
    assert checked >= 5


def goes_off(carla_map: carla.Map, plan: DensePlan, entered_m: float, side: Side) -> bool:
    before = int(np.searchsorted(plan.distance_m, entered_m)) - 1
    road, _, lane = plan.lane[before].tolist()
    x, y, z = plan.location_m[before + 2].tolist()
    pairs = carla_map.get_waypoint(carla.Location(x, y, z)).get_junction().get_waypoints(carla.LaneType.Driving)
    for entry, exit in pairs:
        coming = entry.previous(2.0)
        if any(each.road_id == road and each.lane_id * lane > 0 for each in coming):
            turn = math.remainder(exit.transform.rotation.yaw - entry.transform.rotation.yaw, 360.0)
            if side_of(turn).value == side:
                return True
    return False


@pytest.mark.parametrize("name", TOWNS)
def test_distances_are_true_within_a_tenth(name: str) -> None:
    checked = 0
    for plan, cue in said(name):
        told = cue.instruction
        if told.kind is InstructionKind.TURN_IN_DISTANCE:
            entered = {junction: at for at, _, _, junction in reversed(junctions_met(town(name)[0], plan, cue.issue_m))}
            assert cue.junction is not None
            assert told.distance_m == pytest.approx(entered[cue.junction] - cue.issue_m, rel=0.1)
            checked += 1
        if told.kind is InstructionKind.CHANGE_LANE_IN_DISTANCE:
            change = (plan.option == 5) | (plan.option == 6)
            begin = float(plan.distance_m[np.flatnonzero(change & (plan.distance_m > cue.issue_m))[0] - 1])
            assert told.distance_m == pytest.approx(begin - cue.issue_m, rel=0.1)
            checked += 1
    assert checked >= 5


def test_a_landmark_that_is_named_stands_at_the_junction() -> None:
    checked = 0
    for plan, cue in said("Gen_grid_1"):
        told = cue.instruction
        if told.kind is not InstructionKind.TURN_AT_LANDMARK:
            continue
        inside = plan.location_m[plan.junction == cue.junction, :2]
        of_name = [
            mark
            for mark in town("Gen_grid_1")[1]
            if mark.kind == told.landmark and (told.colour is None or mark.color == told.colour)
        ]
        nearest = min(np.linalg.norm(inside - np.array(mark.location_m[:2]), axis=1).min() for mark in of_name)
        assert nearest < 45.0
        checked += 1
    assert checked >= 2


@pytest.mark.parametrize("name", TOWNS)
def test_cues_follow_one_another_without_a_gap(name: str) -> None:
    for plan in plans(name):
        schedule = navigator(name, plan).schedule
        assert schedule[0].issue_m == 0.0
        assert schedule[-1].withdraw_m == pytest.approx(plan.length_m)
        for before, after in itertools.pairwise(schedule):
            assert before.withdraw_m == after.issue_m > before.issue_m


def test_every_kind_that_a_route_determines_is_said() -> None:
    kinds = {cue.instruction.kind for name in TOWNS for _, cue in said(name)}
    assert kinds >= {
        InstructionKind.TURN,
        InstructionKind.TURN_IN_DISTANCE,
        InstructionKind.TURN_AT_LANDMARK,
        InstructionKind.TURN_AFTER_LANDMARK,
        InstructionKind.TAKE_TURNING,
        InstructionKind.ROUNDABOUT_EXIT,
        InstructionKind.FOLLOW_ROAD,
        InstructionKind.CHANGE_LANE,
        InstructionKind.CHANGE_LANE_IN_DISTANCE,
        InstructionKind.DRIVE_TO,
        InstructionKind.DRIVE_TO_POINT,
        InstructionKind.TWO_STEPS,
    }


@pytest.mark.parametrize("language", list(Language))
def test_the_sentence_says_the_instruction(language: Language) -> None:
    plan = plans("Gen_grid_1")[0]
    for guidance in drive(navigator("Gen_grid_1", plan, language=language, split="held_out"), plan)[::10]:
        assert guidance.text is not None
        assert parse_instruction(guidance.text, language=language) == guidance.instruction


def test_the_seed_decides_and_a_reset_begins_anew() -> None:
    plan = plans("Gen_grid_1")[0]
    guide = navigator("Gen_grid_1", plan, 3, misleading=Misleading(share=0.5))
    texts = [each.text for each in drive(guide, plan)]
    assert texts == [each.text for each in drive(guide, plan)]
    assert texts == [
        each.text for each in drive(navigator("Gen_grid_1", plan, 3, misleading=Misleading(share=0.5)), plan)
    ]
    assert texts != [
        each.text for each in drive(navigator("Gen_grid_1", plan, 4, misleading=Misleading(share=0.5)), plan)
    ]


def test_a_protocol_hides_what_it_does_not_give() -> None:
    plan = plans("Gen_grid_1")[0]
    heard = {
        protocol: navigator("Gen_grid_1", plan, protocol=protocol).update(pose(plan, 0), time_s=0.0)
        for protocol in Protocol
    }
    told = {
        protocol: (each.text is not None, each.command is not None, each.target_points_m is not None)
        for protocol, each in heard.items()
    }
    assert told == {
        Protocol.INSTRUCTIONS: (True, False, False),
        Protocol.COMMANDS: (False, True, False),
        Protocol.POINTS: (False, False, True),
        Protocol.LEADERBOARD: (False, True, True),
        Protocol.ALL: (True, True, True),
    }
    assert not heard[Protocol.LEADERBOARD].events
    assert heard[Protocol.ALL].text == heard[Protocol.INSTRUCTIONS].text
    assert heard[Protocol.ALL].command == heard[Protocol.COMMANDS].command


def test_target_points_are_as_far_apart_as_their_leaderboard_has_them() -> None:
    """Leaderboard 1 gives a point after 50 m where nothing happens, leaderboard 2 after 200 m."""
    plan = plans("Gen_grid_1")[0]
    quiet_m = float(plan.distance_m[int(np.flatnonzero(plan.option != 4)[0])])
    assert 60.0 < quiet_m < 200.0
    for gap_m, first_m in ((50.0, 50.0), (200.0, quiet_m)):
        guide = navigator("Gen_grid_1", plan, protocol=Protocol.POINTS, target_gap_m=gap_m)
        points = guide.update(pose(plan, 0), time_s=0.0).target_points_m
        assert points is not None
        assert np.linalg.norm(points[0]) == pytest.approx(first_m, abs=4.0)


def test_targets_lie_ahead_with_the_command_of_the_next_node() -> None:
    """The first turn of this route is to the left, 172 m ahead on a straight road."""
    plan = plans("Gen_grid_1")[0]
    first = int(np.flatnonzero(plan.option != 4)[0])
    guidance = navigator("Gen_grid_1", plan).update(pose(plan, first - 20), time_s=0.0)
    assert guidance.command in {Command.LEFT, Command.RIGHT, Command.STRAIGHT}
    assert guidance.target_points_m is not None
    assert guidance.target_points_m[0] == pytest.approx([20.0, 0.0], abs=1.0)


def test_a_misleading_instruction_is_impossible_held_and_followed_by_the_truth() -> None:
    seen = longest = 0
    for plan in plans("Gen_multilane_1"):
        guide = navigator("Gen_multilane_1", plan, misleading=Misleading(share=1.0, hold_steps=5))
        steps = drive(guide, plan)
        for number, step in enumerate(steps):
            started = step.misleading and any(event.what == "issue" for event in step.events)
            if not started:
                continue
            seen += 1
            assert step.goal == Refuse()
            held = list(itertools.takewhile(lambda later: not later.events, steps[number + 1 :]))
            assert all(each.misleading for each in held)
            assert len(held) == 5 or number + 1 + len(held) == len(steps) or steps[number + 1 + len(held)].events
            longest = max(longest, len(held))
            if step.instruction is not None and step.instruction.kind is InstructionKind.CHANGE_LANE:
                x, y, z = plan.location_m[number].tolist()
                here = town("Gen_multilane_1")[0].get_waypoint(carla.Location(x, y, z))
                left = step.instruction.side is Side.LEFT
                beside = here.get_left_lane() if left else here.get_right_lane()
                same_way = beside is not None and beside.lane_id * here.lane_id > 0
                assert not (same_way and beside.lane_type == carla.LaneType.Driving)
    assert seen >= 10
    assert longest == 5


def test_misleading_ones_come_in_their_share() -> None:
    cues = hits = 0
    for name in TOWNS:
        for plan in plans(name):
            for seed in range(4):
                guide = navigator(name, plan, misleading=Misleading(share=0.2, seed=seed))
                cues += sum(cue.reason == "route" for cue in guide.schedule)
                hits += len(guide.misleading)
    assert 0.1 * cues < hits < 0.3 * cues


def test_what_a_suite_schedules_is_said_where_it_wants_it() -> None:
    plan = plans("Gen_grid_1")[0]
    slow = Instruction(kind=InstructionKind.HOLD_SPEED, speed_kmh=20)
    steps = drive(
        navigator("Gen_grid_1", plan, scheduled=[Scheduled(issue_m=50.0, withdraw_m=90.0, instruction=slow)]), plan
    )
    for step in steps:
        assert (step.instruction == slow) == (50.0 <= step.distance_m < 90.0)


def test_scheduled_stretches_must_not_overlap() -> None:
    plan = plans("Gen_grid_1")[0]
    stop = Instruction(kind=InstructionKind.STOP_NOW)
    stretches = [Scheduled(issue_m=a, withdraw_m=b, instruction=stop) for a, b in ((10.0, 40.0), (30.0, 50.0))]
    with pytest.raises(ContractError, match="follow one another"):
        navigator("Gen_grid_1", plan, scheduled=stretches)


def test_notices_warn_of_scenarios_and_of_the_light() -> None:
    plan = plans("Gen_grid_1")[0]
    x, y, z = plan.location_m[100].tolist()
    scenario = Scenario(name="a", type="Accident", trigger=RoutePlace(location_m=(x, y, z)))
    guide = navigator("Gen_grid_1", plan, notices=notices_along(plan, [scenario]))
    told = {
        step.notice.hazard.value for step in drive(guide, plan, LightState.RED) if step.notice and step.notice.hazard
    }
    assert told == {"accident", "red_light"}
    assert all(step.notice is None for step in drive(navigator("Gen_grid_1", plan), plan, LightState.RED))


def test_an_instruction_is_said_anew_after_many_steps() -> None:
    plan = plans("Gen_grid_1")[0]
    steps = drive(navigator("Gen_grid_1", plan, redraw_steps=20), plan)
    changes = [number for number, step in enumerate(steps) if step.events]
    assert max(np.diff(changes)) <= 21


def test_a_plan_of_another_map_is_refused() -> None:
    with pytest.raises(ContractError, match="the map that the plan was made on"):
        Navigator(plans("Gen_mixed_1")[0], town("Gen_tee_1")[0], seed=0)


def test_a_pose_that_is_no_number_is_refused() -> None:
    guide = navigator("Gen_grid_1", plans("Gen_grid_1")[0])
    with pytest.raises(ContractError, match="three finite numbers"):
        guide.update((math.nan, 0.0, 0.0), time_s=0.0)
