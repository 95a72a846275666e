"""Whole drives on the straight road by hand, under every rule book."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.evaluation.driving_score import (
    EventKind,
    RouteJudge,
    RouteSetting,
    RouteStop,
    ScoredRoute,
    Tick,
    judge_drive,
    rule_book,
)
from drivevla.testing.straight_road import (
    LIGHT,
    SIGN,
    WALL,
    Placement,
    StraightRoad,
    beside_traffic,
    drive,
    on_red,
    route,
    tick,
)

RULES = ["leaderboard-1.0", "leaderboard-2.0", "leaderboard-2.1", "bench2drive"]


HERE = Placement()


def setting(place: Placement = HERE, *, signals: bool = True) -> RouteSetting:
    light = replace(
        LIGHT,
        position_m=place.out(*LIGHT.position_m),
        yaw_rad=LIGHT.yaw_rad + place.yaw_rad,
        trigger_center_m=place.out(*LIGHT.trigger_center_m),
    )
    sign = replace(SIGN, position_m=place.out(60.0, -1.0), trigger_center_m=place.out(60.0, 0.0))
    return RouteSetting(
        route=route(200, place),
        lane_map=StraightRoad(place),
        ego_half_length_m=2.0,
        lights=(light,) if signals else (),
        stop_signs=(sign,) if signals else (),
    )


def bad_drive(place: Placement, sway_m: float) -> list[Tick]:
    """Into a wall, over the stop sign, through the red light, then swaying; beside faster traffic."""
    ticks = []
    for i in range(400):
        x = 0.25 + 0.5 * i  # never on a route point's own plane, where rounding would decide
        y = sway_m * math.sin(0.02 * (i - 240)) if i > 240 else 0.0
        ticks.append(tick(i, x, y, speed=10.0, place=place))
    ticks = beside_traffic(ticks, 11.0)
    ticks[150] = replace(ticks[150], collisions=(WALL,))
    return on_red(ticks)


@pytest.mark.parametrize("name", RULES)
def test_a_clean_drive_has_no_infraction(name: str) -> None:
    judgement = judge_drive(rule_book(name), setting(signals=False), beside_traffic(drive(205.0), 10.0))
    assert judgement.stop is RouteStop.ARRIVED
    kinds = {event.kind for event in judgement.events}
    noted = {EventKind.MIN_SPEED_INFRACTION} if name == "bench2drive" else set()
    assert kinds - {EventKind.ROUTE_COMPLETION, EventKind.ROUTE_COMPLETED} == noted


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=8, deadline=None)
@given(
    x_m=st.floats(-5000, 5000),
    y_m=st.floats(-5000, 5000),
    quarter_turns=st.integers(0, 3),
    sway_m=st.sampled_from([0.0, 2.0, 6.0, 12.0]),
)
def test_moving_and_turning_everything_changes_nothing(
    name: str, x_m: float, y_m: float, quarter_turns: int, sway_m: float
) -> None:
    # Stop signs are left out where the world turns: their boxes lie along the world's axes (see StopSign).
    place = Placement(x_m, y_m, quarter_turns * math.pi / 2)
    signals = quarter_turns == 0

    def judged(where: Placement) -> list[tuple[EventKind, float, float]]:
        events = judge_drive(rule_book(name), setting(where, signals=signals), bad_drive(where, sway_m)).events
        return [(e.kind, round(e.percentage or 0, 1), round(e.route_completed_percent or 0, 1)) for e in events]

    assert judged(place) == judged(Placement())


@pytest.mark.parametrize("name", RULES)
def test_a_bad_drive_shows_every_infraction(name: str) -> None:
    kinds = {e.kind for e in judge_drive(rule_book(name), setting(), bad_drive(Placement(), 12.0)).events}
    assert kinds >= {
        EventKind.COLLISION_STATIC,
        EventKind.TRAFFIC_LIGHT_INFRACTION,
        EventKind.STOP_INFRACTION,
        EventKind.OUTSIDE_ROUTE_LANES_INFRACTION,
    }
    assert (EventKind.MIN_SPEED_INFRACTION in kinds) == (name != "leaderboard-1.0")


def test_a_judge_fed_while_driving_and_a_record_give_the_same() -> None:
    ticks = bad_drive(Placement(), 6.0)
    live = RouteJudge(rule_book("leaderboard-2.1"), setting())
    for one in ticks:
        if live.observe(one) is not None:
            break
    assert live.finish() == judge_drive(rule_book("leaderboard-2.1"), setting(), ticks)


def test_bench2drive_gives_up_after_4000_ticks() -> None:
    waiting = [tick(i, 0.5, speed=0.2) for i in range(4002)]
    assert judge_drive(rule_book("bench2drive"), setting(), waiting).stop is RouteStop.TICK_LIMIT
    judge = RouteJudge(rule_book("bench2drive"), setting())
    assert all(judge.observe(one) is None for one in waiting[:4000])
    assert judge.observe(waiting[4000]) is RouteStop.TICK_LIMIT


def test_a_drive_that_breaks_off_has_no_reason() -> None:
    assert judge_drive(rule_book("leaderboard-2.0"), setting(), drive(20.0)).stop is None


def test_bad_ticks_and_routes_are_refused() -> None:
    with pytest.raises(ContractError, match="finite"):
        tick(0, math.nan)
    with pytest.raises(ContractError, match="speed_limit_mps must be positive"):
        replace(tick(0, 0.0), speed_limit_mps=0.0)
    with pytest.raises(ContractError, match="at least two points"):
        ScoredRoute([(0.0, 0.0, 0.0)], [(1.0, 0.0, 0.0)])
    with pytest.raises(ContractError, match="lead somewhere"):
        ScoredRoute([(1.0, 0.0, 0.0)] * 2, [(1.0, 0.0, 0.0)] * 2)
    judge = RouteJudge(rule_book("leaderboard-2.0"), setting())
    judge.observe(tick(0, 0.0))
    with pytest.raises(ContractError, match="time must increase"):
        judge.observe(tick(0, 0.0))
    judge.finish()
    with pytest.raises(ContractError, match="once"):
        judge.finish()
