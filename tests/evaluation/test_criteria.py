"""The criteria on a straight road whose answers can be worked out by hand; world frame: x along the road, y left."""

import itertools
import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.evaluation.driving_score import (
    Collision,
    EventKind,
    LanePoint,
    Point,
    Tick,
)
from drivevla.evaluation.driving_score.criteria import (
    Blocked,
    Collisions,
    Collisions1,
    Criterion,
    EmergencyVehicle,
    GrowingTimeLimit,
    MinimumSpeed,
    OutsideRouteLanes,
    RedLights,
    RouteCompletion,
    RouteCompletion1,
    RouteDeviation,
    ScenarioTimeouts,
    StopSigns,
    StopSigns1,
    TimeLimit1,
    stop_points,
)
from drivevla.testing.straight_road import (
    CAR,
    JUNCTION_FROM_M,
    JUNCTION_TO_M,
    LANE_WIDTH_M,
    LIGHT,
    PAVEMENT,
    SIGN,
    WALL,
    Placement,
    RoadPoint,
    StraightRoad,
    beside_traffic,
    drive,
    observed,
    on_red,
    route,
    tick,
)

# route completion


def test_completion_is_the_share_of_the_route_passed() -> None:
    completion = RouteCompletion(route(200))
    observed(completion, drive(50.5))
    assert completion.percent == 25.0


def test_completion_stops_where_the_ego_leaps_over_more_than_two_points() -> None:
    completion = RouteCompletion(route(200))
    observed(completion, [tick(0, 0.5), tick(1, 150.0), tick(2, 150.0)])
    assert completion.percent == 2.0, "two points are looked at in each tick: 0, then 1 and 2, then 3 and 4"


def test_a_route_ends_one_tick_after_arrival_and_counts_in_full() -> None:
    completion = RouteCompletion(route(200))
    ticks = drive(205.0)
    ended = next(one.index for one in ticks if _observe(completion, one))
    # 99 % is exceeded behind 198 m, at the next point: 199 m, first passed at 199.5 m.
    assert ended == 399 + 1
    assert completion.events[0].message == "Agent has completed 100 of the route"


def test_arrival_is_an_event_of_its_own_in_leaderboard_1() -> None:
    completion = RouteCompletion1(route(200))
    events = observed(completion, drive(205.0))
    assert [event.kind for event in events] == [EventKind.ROUTE_COMPLETION, EventKind.ROUTE_COMPLETED]
    assert events[0].route_completed_percent == pytest.approx(99.5)


@given(st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=60))
def test_completion_never_falls(steps: list[float]) -> None:
    completion = RouteCompletion(route(200))
    before = 0.0
    for index, x in enumerate(itertools.accumulate(steps)):
        completion.observe(tick(index, x))
        assert completion.percent >= before
        before = completion.percent


# lanes


def test_half_the_route_beside_the_road_is_half_outside() -> None:
    criterion = OutsideRouteLanes(route(200), StraightRoad(), margin_m=0.5, lane_change_clears=False)
    y_beside = -(1.5 * LANE_WIDTH_M + 0.6)
    ticks = [tick(i, 0.5 * i, y_beside if 0.5 * i > 40.0 else 0.0) for i in range(161)]
    (event,) = observed(criterion, ticks)
    assert event.distance_m == 40.0  # the points 40 to 79: a point is passed behind it
    assert event.percentage == pytest.approx(40 / 79 * 100)
    assert event.message == "Agent went outside its route lanes for about 40.0 meters (50.63% of the completed route)"


@pytest.mark.parametrize(
    ("margin_m", "beside_m", "outside"), [(0.5, 0.49, 0), (0.5, 0.51, 1), (1.3, 1.29, 0), (1.3, 1.31, 1)]
)
def test_how_far_beside_the_lane_is_outside(margin_m: float, beside_m: float, outside: int) -> None:
    criterion = OutsideRouteLanes(route(200), StraightRoad(), margin_m=margin_m, lane_change_clears=False)
    assert len(observed(criterion, drive(20.0, y=-(1.5 * LANE_WIDTH_M + beside_m)))) == outside


def test_the_opposite_lane_counts_until_the_ego_is_back() -> None:
    criterion = OutsideRouteLanes(route(200), StraightRoad(), margin_m=0.5, lane_change_clears=False)
    ys = [0.0] * 20 + [LANE_WIDTH_M] * 20 + [0.0] * 20
    (event,) = observed(criterion, [tick(i, 0.5 * i, y) for i, y in enumerate(ys)])
    assert event.distance_m == 10.0


def test_beginning_on_the_opposite_lane_is_not_noticed() -> None:
    criterion = OutsideRouteLanes(route(200), StraightRoad(), margin_m=0.5, lane_change_clears=False)
    assert observed(criterion, drive(90.0, y=LANE_WIDTH_M)) == ()


def test_behind_a_junction_the_ego_is_held_to_its_lane() -> None:
    criterion = OutsideRouteLanes(route(200), StraightRoad(), margin_m=0.5, lane_change_clears=False)
    (event,) = observed(criterion, drive(150.0, y=LANE_WIDTH_M))
    assert event.distance_m == 150.0 - JUNCTION_TO_M, "the points 120 to 149: nothing counts before or in the junction"


def test_a_change_between_lanes_of_one_direction_ends_a_wrong_lane_in_leaderboard_1_only() -> None:
    for lane_change_clears, expected_m in ((True, 10.0), (False, 40.0)):
        criterion = OutsideRouteLanes(route(200), _TwoWrongLanes(), margin_m=3.0, lane_change_clears=lane_change_clears)
        ys = [0.0] * 20 + [LANE_WIDTH_M] * 20 + [2 * LANE_WIDTH_M] * 61
        (event,) = observed(criterion, [tick(i, 0.5 * i, y) for i, y in enumerate(ys)])
        assert event.distance_m == expected_m


def test_a_scenario_may_excuse_the_opposite_lane() -> None:
    criterion = OutsideRouteLanes(route(200), StraightRoad(), margin_m=0.5, lane_change_clears=False)
    ticks = [replace(one, wrong_lane_excused=True) for one in drive(150.0, y=LANE_WIDTH_M)]
    assert observed(criterion, ticks) == ()


# collisions


def hits(*places: tuple[float, Collision], speed: float = 5.0, times: tuple[float, ...] = ()) -> list[Tick]:
    ticks = [replace(tick(i, x, speed=speed), collisions=(hit,)) for i, (x, hit) in enumerate(places)]
    return [replace(one, time_s=time) for one, time in zip(ticks, times, strict=True)] if times else ticks


@pytest.mark.parametrize(
    ("type_id", "kind"),
    [
        ("vehicle.audi.tt", EventKind.COLLISION_VEHICLE),
        ("walker.pedestrian.0001", EventKind.COLLISION_PEDESTRIAN),
        ("static.prop.fence", EventKind.COLLISION_STATIC),
        ("traffic.traffic_light", EventKind.COLLISION_STATIC),
    ],
)
def test_what_was_hit_decides_the_kind(type_id: str, kind: EventKind) -> None:
    for criterion in (Collisions(), Collisions1()):
        (event,) = observed(criterion, hits((1.0, Collision(actor_id=3, type_id=type_id))))
        assert event.kind is kind
        assert event.message.endswith(f"type={type_id} and id=3 at (x=1.0, y=0.0, z=0.0)")


def test_one_contact_counts_once_within_five_metres() -> None:
    assert len(observed(Collisions(), hits((0.0, WALL), (5.0, WALL), (5.1, WALL)))) == 2


def test_leaderboard_1_counts_again_from_three_metres_on() -> None:
    assert len(observed(Collisions1(), hits((0.0, WALL), (2.9, WALL), (3.1, WALL)))) == 2


def test_the_same_actor_counts_again_after_five_seconds() -> None:
    places = ((0.0, CAR), (20.0, CAR), (40.0, CAR))
    for criterion in (Collisions(), Collisions1()):
        # Forgotten at the end of the tick at 5.1 s: that tick's own contact still continues the first.
        assert [e.tick for e in observed(criterion, hits(*places, times=(1.0, 6.1, 6.2)))] == [0, 2]


def test_a_standing_ego_is_hit_without_fault_except_in_leaderboard_1() -> None:
    assert observed(Collisions(), hits((0.0, CAR), speed=0.09)) == ()
    assert len(observed(Collisions1(), hits((0.0, CAR), speed=0.0))) == 1


def test_a_pavement_is_no_collision_but_hides_the_next_one() -> None:
    assert observed(Collisions(), hits((0.0, PAVEMENT), (1.0, CAR))) == ()
    assert len(observed(Collisions1(), hits((0.0, PAVEMENT), (1.0, CAR)))) == 1


# red lights


def red_lights(**figures: float) -> RedLights:
    return RedLights(
        [LIGHT],
        StraightRoad(),
        ego_half_length_m=2.0,
        line_half_width=figures.get("line_half_width", 0.6),
        tail_height_counts_twice=False,
    )


def test_stop_points_are_the_last_before_the_junction_on_every_lane() -> None:
    points = stop_points(LIGHT, StraightRoad())
    assert sorted(point.lane_id for point in points) == [-2, -1]
    assert all(JUNCTION_FROM_M - 0.5 <= point.position_m[0] < JUNCTION_FROM_M for point in points)


def test_crossing_the_stop_line_on_red_is_one_infraction_when_the_tail_is_there() -> None:
    (event,) = observed(red_lights(), on_red(drive(110.0)))
    # The line lies at 99.5 m; the tail reaches from 1.6 m to 3 m behind the ego, so it gets there at 101.1 m.
    assert event.tick == 203  # 101.5 m
    assert event.message == "Agent ran a red light 5 at (x=100.0, y=9.0, z=0.0)"


def test_green_backwards_and_the_other_lane_are_fine() -> None:
    assert observed(red_lights(), drive(110.0)) == ()
    assert observed(red_lights(), on_red(tick(i, 110.0 - 0.5 * i, yaw=math.pi) for i in range(60))) == ()
    assert observed(red_lights(), on_red(drive(110.0, y=LANE_WIDTH_M))) == ()


def test_the_stop_line_was_narrower_in_leaderboard_1() -> None:
    ticks = on_red(drive(110.0, y=0.45 * LANE_WIDTH_M))
    assert len(observed(red_lights(line_half_width=0.6), ticks)) == 1
    assert observed(red_lights(line_half_width=0.4), ticks) == ()


# stop signs


def test_driving_through_a_stop_sign_is_one_infraction() -> None:
    (event,) = observed(StopSigns([SIGN], StraightRoad()), drive(80.0))
    # The grown box reaches from 57.6 to 62.4 m: a lane point is inside until the ego is past its end.
    assert event.tick == 125  # 62.5 m
    assert event.message == "Agent ran a stop with id=9 at (x=60.0, y=4.0, z=0.0)"


def test_stopping_at_the_sign_is_obeying_it() -> None:
    ticks = [*drive(58.0), *(tick(117 + i, 58.0, speed=0.05) for i in range(3))]
    ticks += [tick(120 + i, 58.0 + 0.5 * i) for i in range(30)]
    assert observed(StopSigns([SIGN], StraightRoad()), ticks) == ()


def test_standing_in_the_very_tick_that_finds_the_sign_is_not_enough() -> None:
    ticks = [tick(0, 58.0, speed=0.0), *(tick(1 + i, 58.5 + 0.5 * i) for i in range(20))]
    assert len(observed(StopSigns([SIGN], StraightRoad()), ticks)) == 1


def test_leaderboard_1_blames_only_who_was_in_the_box_laid_around_the_sign_itself() -> None:
    assert observed(StopSigns1([SIGN], StraightRoad()), drive(80.0)) == ()
    near = replace(SIGN, position_m=(60.0, -1.0, 0.0))
    assert len(observed(StopSigns1([near], StraightRoad()), drive(80.0))) == 1


# speed, standing, deviation, time


def test_half_the_traffics_speed_is_fifty_percent_in_every_part() -> None:
    criterion = MinimumSpeed(route(200), checkpoints=4, every_speed_is_an_event=False)
    events = observed(criterion, beside_traffic(drive(200.5), 15.0, 25.0))
    assert criterion.percentages == (50.0, 50.0, 50.0, 50.0)
    assert events[0].message == "Average speed is 50.0% of the surrounding traffic's one"


def test_without_traffic_the_speed_is_fine() -> None:
    quiet = MinimumSpeed(route(200), checkpoints=4, every_speed_is_an_event=False)
    assert observed(quiet, drive(200.5)) == ()
    assert quiet.percentages == (100, 100, 100, 100)
    noted = MinimumSpeed(route(200), checkpoints=4, every_speed_is_an_event=True)
    assert observed(noted, drive(200.5))[0].message == "Average speed is 100% of the surrounding traffic's one"


def test_a_drive_that_breaks_off_early_leaves_its_last_part_out() -> None:
    criterion = MinimumSpeed(route(200), checkpoints=4, every_speed_is_an_event=True)
    observed(criterion, beside_traffic(drive(180.0), 10.0))
    assert len(criterion.percentages) == 3


def test_thirty_metres_from_the_route_ends_it() -> None:
    assert observed(RouteDeviation(route(200)), [tick(0, 0.0), tick(1, 0.5, -29.9)]) == ()
    (event,) = observed(RouteDeviation(route(200)), [tick(0, 0.0), tick(1, 0.5, -30.0)])
    assert event.message == "Agent deviated from the route at (x=0.5, y=30.0, z=0.0)"


def test_astray_for_thirty_percent_of_the_route_ends_it() -> None:
    ticks = [tick(i, 0.5 * i, 0.0 if 0.5 * i < 20 else 15.0) for i in range(300)]
    (event,) = observed(RouteDeviation(route(200)), ticks)
    # 60 m astray are allowed; nearest points change half-way, at x + 0.5.
    assert ticks[event.tick].ego.position_m[0] == pytest.approx(80.5, abs=1.0)
    assert (
        observed(RouteDeviation(route(200)), [replace(t, ego=Placement().pose(t.index * 0.5, 14.9)) for t in ticks])
        == ()
    )


def standing(seconds: float) -> list[Tick]:
    return [tick(i, 10.0, speed=0.0) for i in range(round(seconds / 0.05) + 1)]


def test_standing_for_too_long_ends_the_route() -> None:
    assert observed(Blocked(limit_s=60.0), standing(60.0)) == ()
    (event,) = observed(Blocked(limit_s=60.0), standing(61.0))
    assert event.message == "Agent got blocked at (x=10.0, y=0.0, z=0.0)"


def test_moving_or_a_blocking_scenario_starts_the_clock_anew() -> None:
    moving = standing(100.0)
    moving[900] = tick(900, 10.0, speed=0.2)
    assert observed(Blocked(limit_s=60.0), moving[:2100]) == ()
    behind_crash = [replace(t, blocking_scenarios=frozenset({"Accident_1"})) for t in standing(90.0)]
    assert observed(Blocked(limit_s=60.0), [*behind_crash, *standing(140.0)[1801:]]) == ()


def test_a_clock_at_zero_starts_blocking_one_tick_late() -> None:
    from_zero = [replace(t, time_s=float(t.index)) for t in standing(5.0)]
    (event,) = observed(Blocked(limit_s=60.0), from_zero)
    assert event.tick == 62, "61 s after the second tick, where a clock that starts later counts from the first"


def test_a_scenario_times_out_once() -> None:
    ticks = [replace(t, blocking_scenarios=frozenset({"Accident_1"})) for t in standing(250.0)]
    (event,) = observed(ScenarioTimeouts(), ticks)
    assert event.tick == 4801
    assert observed(ScenarioTimeouts(), ticks[:4800]) == ()


def test_the_time_limit_grows_with_the_way_driven() -> None:
    limit = GrowingTimeLimit(route(200))
    for one in drive(50.5):
        limit.observe(one)
    assert limit.limit_s == pytest.approx(300.0 + 50.0)  # 50 m at a tenth of 10 m/s
    assert TimeLimit1(route(200)).limit_s == 165.0


def test_the_time_limit_does_not_grow_where_no_speed_limit_is_known() -> None:
    limit = GrowingTimeLimit(route())
    for one in drive(60.0):
        limit.observe(replace(one, speed_limit_mps=None))
    assert limit.limit_s == 300.0


def test_an_emergency_vehicle_left_behind_is_an_infraction() -> None:
    def followed(*behind_m: float) -> list[Tick]:
        return [
            replace(tick(i, 50.0), emergency_vehicle=Placement().pose(50.0 - b, 3.5)) for i, b in enumerate(behind_m)
        ]

    assert len(observed(EmergencyVehicle(), followed(20.0, 10.0))) == 1
    assert observed(EmergencyVehicle(), followed(20.0, -5.0)) == ()
    assert len(observed(EmergencyVehicle(), [*followed(20.0), tick(1, 51.0), tick(2, 52.0)])) == 1


def _observe(criterion: Criterion, one: Tick) -> bool:
    criterion.observe(one)
    return criterion.ends_route


@dataclass(frozen=True)
class _TwoWrongLanes(StraightRoad):
    """Like the straight road, with a second opposite lane further left, which counts as lane 2."""

    def nearest_driving(self, position_m: Point) -> LanePoint:
        point = super().nearest_driving(position_m)
        assert isinstance(point, RoadPoint)
        return _SecondLane(self.place, point.x_m, 1) if position_m[1] > 1.5 * LANE_WIDTH_M else point


@dataclass(frozen=True)
class _SecondLane(RoadPoint):
    @property
    def road_id(self) -> int:
        return 4
