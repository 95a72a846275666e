"""The criteria on a straight road whose answers can be worked out by hand; world frame: x along the road, y left."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.evaluation.driving_score import (
    ActorPose,
    Collision,
    EventKind,
    LanePoint,
    Point,
    RouteJudge,
    RouteSetting,
    RouteStop,
    ScoredRoute,
    StopSign,
    Tick,
    TrafficEvent,
    TrafficLight,
    judge_drive,
    rule_book,
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

LANE_WIDTH_M = 3.5
LANE_MIDDLES_M = {-1: 0.0, -2: -LANE_WIDTH_M, 1: LANE_WIDTH_M}
JUNCTION_FROM_M, JUNCTION_TO_M = 100.0, 120.0
RULES = ["leaderboard-1.0", "leaderboard-2.0", "leaderboard-2.1", "bench2drive"]


@dataclass(frozen=True)
class Placement:
    """Where the straight road lies in the world: moved, then turned about the origin."""

    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0

    def out(self, x: float, y: float, z: float = 0.0) -> Point:
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return c * x - s * y + self.x_m, s * x + c * y + self.y_m, z

    def back(self, point: Point) -> Point:
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        x, y = point[0] - self.x_m, point[1] - self.y_m
        return c * x + s * y, -s * x + c * y, point[2]

    def pose(self, x: float, y: float, yaw_rad: float = 0.0) -> ActorPose:
        return ActorPose(position_m=self.out(x, y), yaw_rad=yaw_rad + self.yaw_rad)


@dataclass(frozen=True)
class RoadPoint:
    """A lane point: lanes -1 (y = 0) and -2 (y = -3.5) run along x, lane 1 (y = 3.5) against it."""

    place: Placement
    x_m: float
    lane_id: int

    @property
    def road_id(self) -> int:
        return 1 if self.x_m < JUNCTION_FROM_M else 2 if self.x_m < JUNCTION_TO_M else 3

    @property
    def is_junction(self) -> bool:
        return self.road_id == 2

    @property
    def width_m(self) -> float:
        return LANE_WIDTH_M

    @property
    def position_m(self) -> Point:
        return self.place.out(self.x_m, LANE_MIDDLES_M[self.lane_id])

    @property
    def yaw_rad(self) -> float:
        return self.place.yaw_rad + (math.pi if self.lane_id > 0 else 0.0)

    @property
    def forward(self) -> Point:
        return math.cos(self.yaw_rad), math.sin(self.yaw_rad), 0.0

    def ahead(self, distance_m: float) -> LanePoint | None:
        return replace(self, x_m=self.x_m + (distance_m if self.lane_id < 0 else -distance_m))


@dataclass(frozen=True)
class StraightRoad:
    place: Placement = Placement()

    def nearest_driving(self, position_m: Point) -> LanePoint:
        x, y, _ = self.place.back(position_m)
        return RoadPoint(self.place, x, min(LANE_MIDDLES_M, key=lambda lane: abs(y - LANE_MIDDLES_M[lane])))

    def nearest_parking(self, position_m: Point) -> LanePoint | None:
        return None


def route(length_m: int = 200, place: Placement = Placement()) -> ScoredRoute:
    forward = (math.cos(place.yaw_rad), math.sin(place.yaw_rad), 0.0)
    return ScoredRoute([place.out(x, 0.0) for x in range(length_m + 1)], [forward] * (length_m + 1))


def tick(
    index: int, x: float, y: float = 0.0, *, speed: float = 10.0, yaw: float = 0.0, place: Placement = Placement()
) -> Tick:
    ego = place.pose(x, y, yaw)
    velocity = (speed * ego.forward[0], speed * ego.forward[1], 0.0)
    return Tick(index=index, time_s=1.0 + 0.05 * index, ego=ego, velocity_mps=velocity, speed_limit_mps=10.0)


def drive(to_m: float, *, step_m: float = 0.5, y: float = 0.0, place: Placement = Placement()) -> list[Tick]:
    steps = range(round(to_m / step_m) + 1)
    return [tick(i, i * step_m, y, speed=step_m / 0.05, place=place) for i in steps]


def observed(criterion: Criterion, ticks: Iterable[Tick]) -> tuple[TrafficEvent, ...]:
    for one in ticks:
        criterion.observe(one)
        if criterion.ends_route:
            break
    criterion.finish()
    return criterion.events


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


CAR = Collision(actor_id=7, type_id="vehicle.audi.tt")
WALL = Collision(actor_id=0, type_id="static.building")
PAVEMENT = Collision(actor_id=0, type_id="static.sidewalk")


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


LIGHT = TrafficLight(
    light_id=5,
    position_m=(JUNCTION_FROM_M, -9.0, 0.0),
    yaw_rad=math.pi / 2,
    trigger_center_m=(JUNCTION_FROM_M - 3.0, -1.75, 0.0),
    trigger_half_width_m=LANE_WIDTH_M,
)


def red_lights(**figures: float) -> RedLights:
    return RedLights(
        [LIGHT],
        StraightRoad(),
        ego_half_length_m=2.0,
        line_half_width=figures.get("line_half_width", 0.6),
        tail_height_counts_twice=False,
    )


def on_red(ticks: Iterable[Tick]) -> list[Tick]:
    return [replace(one, red_lights=frozenset({LIGHT.light_id})) for one in ticks]


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


SIGN = StopSign(
    sign_id=9, position_m=(60.0, -4.0, 0.0), trigger_center_m=(60.0, 0.0, 0.0), trigger_half_size_m=(2.0, 1.5)
)


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


def beside_traffic(ticks: Iterable[Tick], *speeds: float) -> list[Tick]:
    return [replace(one, background_speeds_mps=speeds) for one in ticks]


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


def test_an_emergency_vehicle_left_behind_is_an_infraction() -> None:
    def followed(*behind_m: float) -> list[Tick]:
        return [
            replace(tick(i, 50.0), emergency_vehicle=Placement().pose(50.0 - b, 3.5)) for i, b in enumerate(behind_m)
        ]

    assert len(observed(EmergencyVehicle(), followed(20.0, 10.0))) == 1
    assert observed(EmergencyVehicle(), followed(20.0, -5.0)) == ()
    assert len(observed(EmergencyVehicle(), [*followed(20.0), tick(1, 51.0), tick(2, 52.0)])) == 1


# the judge


def setting(place: Placement = Placement(), *, signals: bool = True) -> RouteSetting:
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
