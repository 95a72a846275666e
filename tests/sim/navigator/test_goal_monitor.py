"""Goals judged from driven poses: whoever drives the route reaches them, whoever does something else does not."""

import math
from collections import Counter
from functools import cache

import carla
import numpy as np
import pytest

from drivevla.language import ChangeLane as LaneGoal
from drivevla.language import (
    Direction,
    Goal,
    HoldSpeed,
    JunctionRef,
    KeepLane,
    ReachPoint,
    Refuse,
    Side,
    SpeedAtMost,
    SpeedTrend,
    StandStill,
    StopPlace,
    TakeExit,
    TakeTurning,
    Trend,
)
from drivevla.sim.maps import Landmark, find_map, landmarks
from drivevla.sim.navigator import GoalMonitor, Navigator, Sample, Verdict
from drivevla.sim.routes import DensePlan, generate_routes, plan_route

TOWNS = ("Gen_grid_1", "Gen_stop_1", "Gen_roundabout_1", "Gen_multilane_1", "Gen_mixed_1")


@cache
def town(name: str) -> tuple[carla.Map, tuple[Landmark, ...]]:
    source = find_map(name)
    return carla.Map(source.name, source.opendrive), landmarks(source.opendrive)


@cache
def plans(name: str) -> tuple[DensePlan, ...]:
    routes = generate_routes(town(name)[0], count=8, seed=1, length_m=(150.0, 450.0))
    return tuple(plan_route(town(name)[0], route) for route in routes)


def driven(plan: DensePlan, begin_m: float, end_m: float) -> list[Sample]:
    """The plan driven exactly, at 10 m/s."""
    on = np.flatnonzero((plan.distance_m >= begin_m) & (plan.distance_m <= end_m)).tolist()
    return [
        Sample(
            time_s=float(plan.distance_m[n]) / 10.0,
            pose=(
                float(plan.location_m[n, 0]),
                -float(plan.location_m[n, 1]),
                -math.radians(float(plan.yaw_deg[n])),
            ),
            speed_mps=10.0,
        )
        for n in on
    ]


def judge(monitor: GoalMonitor, samples: list[Sample]) -> Verdict:
    for sample in samples:
        monitor.update(sample)
    return monitor.finish()


@pytest.mark.parametrize("name", TOWNS)
def test_whoever_drives_the_route_reaches_every_goal(name: str) -> None:
    carla_map, marks = town(name)
    missed: list[object] = []
    judged: Counter[str] = Counter()
    for plan in plans(name):
        for seed in range(4):
            schedule = Navigator(plan, carla_map, marks, seed=seed).schedule
            for cue, following in zip(schedule, (*schedule[1:], None), strict=True):
                if following is not None and following.reason == "repeat":
                    continue  # it is judged by what is said next about the same thing
                monitor = GoalMonitor(cue.goal, carla_map, marks, junctions=cue.junctions)
                judged[type(cue.goal).__name__] += 1
                if judge(monitor, driven(plan, cue.issue_m, cue.withdraw_m + 1.0)) is not Verdict.REACHED:
                    missed.append((cue, monitor.verdict))
    assert not missed
    assert judged.total() >= 80


@cache
def first_turn() -> tuple[DensePlan, float, float, int, Direction]:
    """A route that turns at its first junction: where that begins and ends, its id, the way that is taken."""
    for plan in plans("Gen_grid_1"):
        inside = np.flatnonzero(plan.junction >= 0)
        begin, end = int(inside[0]), int(inside[0]) + int(np.argmin(plan.junction[inside[0] :] >= 0))
        turn = math.remainder(plan.yaw_deg[end] - plan.yaw_deg[begin - 1], 360.0)
        if abs(turn) > 35.0 and begin > 40:
            way = Direction.RIGHT if turn > 0 else Direction.LEFT
            return plan, float(plan.distance_m[begin]), float(plan.distance_m[end]), int(plan.junction[begin]), way
    raise AssertionError("no route turns at its first junction")


def test_another_exit_fails() -> None:
    plan, begin_m, end_m, junction, way = first_turn()
    samples = driven(plan, begin_m - 30.0, end_m + 5.0)
    for exit in Direction:
        for junctions in ((), (junction,)):
            monitor = GoalMonitor(
                TakeExit(junction=JunctionRef(), exit=exit), town("Gen_grid_1")[0], junctions=junctions
            )
            assert judge(monitor, samples) is (Verdict.REACHED if exit is way else Verdict.FAILED)


def test_a_turn_at_the_first_junction_is_not_one_at_the_second() -> None:
    plan, begin_m, end_m, _, way = first_turn()
    samples = driven(plan, begin_m - 30.0, end_m + 5.0)
    carla_map = town("Gen_grid_1")[0]
    second = TakeExit(junction=JunctionRef(ordinal=2), exit=way)
    assert judge(GoalMonitor(second, carla_map), samples) is Verdict.FAILED
    assert judge(GoalMonitor(TakeTurning(side=Side(way.value), ordinal=2), carla_map), samples) is Verdict.FAILED
    assert judge(GoalMonitor(TakeTurning(side=Side(way.value), ordinal=1), carla_map), samples) is Verdict.REACHED


def test_the_wrong_distance_is_another_junction() -> None:
    plan, begin_m, end_m, _, way = first_turn()
    samples = driven(plan, begin_m - 30.0, end_m + 5.0)
    for distance_m, verdict in ((30, Verdict.REACHED), (60, Verdict.FAILED), (15, Verdict.FAILED)):
        goal = TakeExit(junction=JunctionRef(distance_m=distance_m), exit=way)
        assert judge(GoalMonitor(goal, town("Gen_grid_1")[0]), samples) is verdict


def test_a_turn_is_pending_until_the_junction_is_left() -> None:
    plan, begin_m, end_m, _, way = first_turn()
    monitor = GoalMonitor(TakeExit(junction=JunctionRef(), exit=way), town("Gen_grid_1")[0])
    for sample in driven(plan, begin_m - 30.0, end_m - 2.0):
        assert monitor.update(sample) is Verdict.PENDING
    assert monitor.finish() is Verdict.FAILED


def lane_changer() -> tuple[DensePlan, float, Side]:
    for plan in plans("Gen_multilane_1"):
        change = np.flatnonzero((plan.option == 5) | (plan.option == 6))
        if len(change):
            side = Side.LEFT if plan.option[change[0]] == 5 else Side.RIGHT
            return plan, float(plan.distance_m[change[0]]), side
    raise AssertionError("no route changes lanes")


def test_a_lane_change_must_go_to_its_side_and_come_in_time() -> None:
    plan, begin_m, side = lane_changer()
    other = Side.LEFT if side is Side.RIGHT else Side.RIGHT
    carla_map = town("Gen_multilane_1")[0]
    samples = driven(plan, begin_m - 20.0, begin_m + 20.0)
    verdicts: list[tuple[Goal, Verdict]] = [
        (LaneGoal(side=side), Verdict.REACHED),
        (LaneGoal(side=other), Verdict.FAILED),
        (LaneGoal(side=side, latest_m=15.0), Verdict.FAILED),
        (LaneGoal(side=side, earliest_m=39.0), Verdict.FAILED),
        (KeepLane(), Verdict.FAILED),
        (KeepLane(side=side), Verdict.FAILED),
        (KeepLane(side=other), Verdict.REACHED),
    ]
    for goal, verdict in verdicts:
        assert judge(GoalMonitor(goal, carla_map), samples) is verdict, goal


def at_speeds(*speeds_mps: float, refused: bool = False, hindered: bool = False) -> list[Sample]:
    """One sample a second, standing at one place: speeds are read from the record."""
    x, y, _ = plans("Gen_grid_1")[0].location_m[0].tolist()
    return [
        Sample(time_s=float(n), pose=(x, -y, 0.0), speed_mps=speed, refused=refused, hindered=hindered)
        for n, speed in enumerate(speeds_mps)
    ]


def test_speeds_are_judged_once_there_was_time_for_them() -> None:
    def verdict(goal: Goal, samples: list[Sample]) -> Verdict:
        return judge(GoalMonitor(goal, town("Gen_grid_1")[0]), samples)

    hold = HoldSpeed(speed_mps=10.0)
    assert verdict(hold, at_speeds(4.0, 6.0, 7.9, 8.0, 12.0, 10.0)) is Verdict.REACHED
    assert verdict(hold, at_speeds(4.0, 6.0, 7.9, 8.0, 12.1, 10.0)) is Verdict.FAILED
    assert verdict(hold, at_speeds(4.0, 6.0, 7.9, 0.0, 0.0, 1.0, hindered=True)) is Verdict.REACHED
    assert verdict(hold, at_speeds(10.0, 10.0)) is Verdict.FAILED  # it was never settled
    assert verdict(SpeedAtMost(speed_mps=10.0), at_speeds(12.0, 11.0, 10.0, 10.5)) is Verdict.REACHED
    assert verdict(SpeedAtMost(speed_mps=10.0), at_speeds(9.0, 9.0, 9.0, 10.6)) is Verdict.FAILED
    # 5 % of 10 m/s is 0.5 m/s per second
    assert verdict(SpeedTrend(trend=Trend.SLOWER), at_speeds(10.0, 9.4, 8.8)) is Verdict.REACHED
    assert verdict(SpeedTrend(trend=Trend.SLOWER), at_speeds(10.0, 9.6, 9.2)) is Verdict.FAILED
    assert verdict(SpeedTrend(trend=Trend.FASTER), at_speeds(10.0, 10.6, 11.2)) is Verdict.REACHED
    stop = StandStill(place=StopPlace.IN_LANE)
    assert verdict(stop, at_speeds(5.0, 2.0, 0.05)) is Verdict.REACHED
    assert verdict(stop, at_speeds(5.0, 2.0, 0.5)) is Verdict.FAILED
    assert verdict(Refuse(), at_speeds(5.0, refused=True)) is Verdict.REACHED
    assert verdict(Refuse(), at_speeds(5.0)) is Verdict.FAILED


def test_a_point_is_reached_within_its_radius() -> None:
    """The route is straight at first: 30 m ahead is reached, 30 m ahead and 10 m to the side is not."""
    plan, *_ = first_turn()
    samples = driven(plan, 0.0, 32.0)
    carla_map = town("Gen_grid_1")[0]
    assert judge(GoalMonitor(ReachPoint(x_m=30.0, y_m=0.0), carla_map), samples) is Verdict.REACHED
    assert judge(GoalMonitor(ReachPoint(x_m=30.0, y_m=10.0), carla_map), samples) is Verdict.FAILED
