"""The expert on a straight road: whom it stays behind, where it stops, when it passes."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla import registry
from drivevla.errors import ContractError
from drivevla.geometry import matrix_from_yaw, rigid
from drivevla.language import Direction, Instruction, InstructionKind, Place, Side, SpeedAtMost, goal_of
from drivevla.sim.expert import Expert
from drivevla.sim.expert.body import FRONT_M, HALF_LENGTH_M, HALF_WIDTH_M, MIDDLE_M
from drivevla.sim.expert.boxes import boxes_touch
from drivevla.types import (
    Command,
    LightState,
    LightTruth,
    ObjectTruth,
    Observation,
    Plan,
    SignKind,
    SignTruth,
    Truth,
    VehicleLight,
)

Road: TypeAlias = Callable[..., Truth]
Body: TypeAlias = Callable[..., ObjectTruth]
Seen: TypeAlias = Callable[[float], Observation]
HAZARD = frozenset({VehicleLight.LEFT_INDICATOR, VehicleLight.RIGHT_INDICATOR})


def act(truth: Truth, observation: Observation) -> Plan:
    expert = Expert()
    expert.reset(0)
    return expert.act(observation, truth)


def act_after_looking(truth: Callable[[float], Truth], observation: Observation) -> Plan:
    """The plan of an expert that has been near what it sees for long enough to take the oncoming lane."""
    expert = Expert()
    expert.reset(0)
    expert.act(observation, truth(0.0))
    return expert.act(observation, truth(6.0))


def path_of(plan: Plan) -> NDArray[np.float64]:
    assert plan.path_m is not None
    return plan.path_m


def ego_boxes(plan: Plan) -> NDArray[np.float64]:
    x, y, yaw = plan.waypoints.T
    return np.stack([x + MIDDLE_M * np.cos(yaw), y + MIDDLE_M * np.sin(yaw), yaw], axis=-1)


def test_the_registry_knows_the_expert() -> None:
    assert registry.load("policies", "expert") is Expert
    assert Expert.needs_truth is True


def test_a_truth_without_a_route_is_refused_with_what_to_do(seen: Seen) -> None:
    truth = Truth(timestamp_s=0.0, world_from_ego=np.eye(4), objects=(), lanes=(), lights=())
    with pytest.raises(ContractError, match="TruthMaker"):
        act(truth, seen(0.0))


def test_on_a_free_road_it_speeds_up_to_its_share_of_the_limit(road: Road, seen: Seen) -> None:
    plan = act(road(), seen(5.0))
    speeds = np.diff(plan.waypoints[:, 0]) / plan.dt_s
    assert np.all(np.diff(speeds) > -1e-6)
    assert speeds[-1] == pytest.approx(8.5, abs=0.6)  # 0.85 of 10 m/s
    assert plan.diagnostics["cause"] == "clear_road"
    assert plan.diagnostics["longitudinal"] == "accelerate"
    np.testing.assert_allclose(plan.waypoints[:, 1:], 0.0, atol=1e-9)


@given(gap_m=st.floats(12.0, 60.0), speed_mps=st.floats(0.0, 7.0), across_m=st.floats(-1.0, 1.0))
@settings(max_examples=25, deadline=None)
def test_no_plan_leads_through_a_box_that_stands(
    road: Road, body: Body, seen: Seen, gap_m: float, speed_mps: float, across_m: float
) -> None:
    obstacle = body(FRONT_M + gap_m, across_m, category="static.prop.container", size_m=(1.0, 2.0, 1.5))
    plan = act(road(obstacle), seen(speed_mps))
    box = np.array([FRONT_M + gap_m, across_m, 0.0])
    touches = boxes_touch(ego_boxes(plan), np.array([HALF_LENGTH_M, HALF_WIDTH_M]), box, obstacle.size_m[:2] / 2)
    assert not touches.any()


@given(line_m=st.floats(12.0, 60.0), speed_mps=st.floats(0.0, 8.0))
@settings(max_examples=25, deadline=None)
def test_it_stops_with_its_front_before_the_line_of_a_red_light(
    road: Road, light: Callable[..., LightTruth], seen: Seen, line_m: float, speed_mps: float
) -> None:
    if speed_mps**2 / (2 * 7.0) > line_m - FRONT_M - 1.0:
        return  # no car could
    plan = act(road(lights=[light(LightState.RED, line_m)]), seen(speed_mps))
    assert plan.waypoints[:, 0].max() + FRONT_M < line_m - 0.5


@pytest.mark.parametrize(
    ("state", "stops"), [(LightState.RED, True), (LightState.GREEN, False), (LightState.OFF, False)]
)
def test_only_red_stops_it_near_the_line(
    road: Road, light: Callable[..., LightTruth], seen: Seen, state: LightState, stops: bool
) -> None:
    plan = act(road(lights=[light(state, 15.0)]), seen(5.0))
    assert bool(plan.waypoints[-1, 0] + FRONT_M < 15.0) == stops
    assert (plan.diagnostics["cause"] == "red_light") is stops


def test_for_yellow_it_stops_where_it_comfortably_can(road: Road, light: Callable[..., LightTruth], seen: Seen) -> None:
    far = act(road(lights=[light(LightState.YELLOW, FRONT_M + 20.0)]), seen(8.0))  # 64 / 40 = 1.6 m/s2
    near = act(road(lights=[light(LightState.YELLOW, FRONT_M + 6.0)]), seen(8.0))  # 64 / 12 = 5.3 m/s2
    assert far.waypoints[-1, 0] < 20.0
    assert near.waypoints[-1, 0] > 20.0


def test_at_a_stop_sign_it_stands_and_then_goes(road: Road, seen: Seen) -> None:
    def sign(stop_m: float) -> SignTruth:
        return SignTruth(
            sign_id="s",
            kind=SignKind.STOP,
            position_m=np.array([20.0, -4.0, 2.0]),
            affects_ego=True,
            stop_distance_m=stop_m,
        )

    expert = Expert()
    expert.reset(0)
    coming = expert.act(seen(6.0), road(signs=[sign(25.0)], time_s=0.0))
    assert coming.waypoints[-1, 0] + FRONT_M < 25.0
    assert coming.diagnostics["cause"] == "stop_sign"
    standing = expert.act(seen(0.0), road(signs=[sign(FRONT_M + 0.5)], time_s=1.0))
    assert np.abs(standing.waypoints[:, 0]).max() < 0.3
    going = expert.act(seen(0.0), road(signs=[sign(FRONT_M + 0.5)], time_s=1.6))
    assert going.waypoints[-1, 0] > 10.0


@pytest.mark.parametrize("speed_mps", [3.0, 8.0])
def test_it_brakes_for_a_walker_who_will_cross(road: Road, body: Body, seen: Seen, speed_mps: float) -> None:
    walker = body(
        FRONT_M + 1.2 * speed_mps + 4.0,
        -4.0,
        yaw_rad=np.pi / 2,
        speed_mps=2.0,
        category="walker",
        size_m=(0.4, 0.4, 1.8),
    )
    plan = act(road(walker), seen(speed_mps))
    assert plan.diagnostics["cause"] == "pedestrian"
    assert plan.waypoints[-1, 0] + FRONT_M < walker.ego_from_object[0, 3] - 0.5


@pytest.mark.parametrize(
    ("ahead_m", "waits"),
    [
        (14.0, True),  # in the ego's lane from 1.1 s to 2.9 s; at 8 m/s the ego is there after 1.7 s
        (9.0, True),  # the ego's tail has left 0.2 s before the walker comes: too little
        (6.0, False),  # gone 0.6 s before, and too near to stop for
    ],
)
def test_it_keeps_time_from_walkers_not_only_room(
    road: Road, body: Body, seen: Seen, ahead_m: float, waits: bool
) -> None:
    walker = body(
        ahead_m,
        -1.06 - 0.4 - 0.3 - 2.2,
        yaw_rad=np.pi / 2,
        speed_mps=2.0,
        category="walker",
        size_m=(0.4, 0.4, 1.8),
    )
    plan = act(road(walker), seen(8.0))
    assert (plan.diagnostics["binding"] == "collision") == waits


def test_it_overtakes_a_slow_cyclist_on_the_lane_beside(road: Road, body: Body, seen: Seen) -> None:
    cyclist = body(FRONT_M + 12.0, -0.8, speed_mps=2.5, category="vehicle.bicycle", size_m=(1.6, 0.6, 1.6))
    plan = act(road(cyclist, left="same"), seen(6.0))
    beside = path_of(plan)[np.abs(path_of(plan)[:, 0] - cyclist.ego_from_object[0, 3]) < 2.0]
    assert beside[:, 1].min() > -0.8 + 0.3 + HALF_WIDTH_M + 0.4


def test_a_car_that_has_just_stopped_is_waited_for_and_one_that_stays_is_passed(
    road: Road, body: Body, seen: Seen
) -> None:
    expert = Expert()
    expert.reset(0)
    stopped = body(FRONT_M + 9.0, 0.0)
    plans = [expert.act(seen(0.0), road(stopped, left="same", time_s=float(time_s))) for time_s in range(18)]
    assert all(np.abs(path_of(plan)[:, 1]).max() < 0.1 for plan in plans[:15])
    assert np.abs(path_of(plans[-1])[:, 1]).max() > 2.0


def test_an_open_door_is_given_room_within_the_lane(road: Road, body: Body, seen: Seen) -> None:
    beside = {"y_m": -2.35, "parked": True}  # its edge is 0.39 m from where the ego's would pass
    shut, opened = (act(road(body(22.0, door_open=door, **beside)), seen(5.0)) for door in (None, True))
    assert np.abs(path_of(shut)[:, 1]).max() < 0.05
    at_car = path_of(opened)[np.abs(path_of(opened)[:, 0] - 22.0) < 1.0]
    assert at_car[:, 1].min() == pytest.approx(-1.45 + 0.9 + HALF_WIDTH_M, abs=0.05)  # 0.9 m from the car's side


def test_how_long_somebody_has_stood_counts_from_when_the_ego_waits_behind(road: Road, body: Body, seen: Seen) -> None:
    expert = Expert()
    expert.reset(0)
    for time_s in range(30):
        expert.act(seen(6.0), road(body(50.0, 0.0), left="same", time_s=float(time_s)))
    near = body(FRONT_M + 9.0, 0.0)
    plans = [expert.act(seen(0.0), road(near, left="same", time_s=30.0 + time_s)) for time_s in range(18)]
    assert all(np.abs(path_of(plan)[:, 1]).max() < 0.1 for plan in plans[:15])
    assert np.abs(path_of(plans[-1])[:, 1]).max() > 2.0


def test_from_a_stand_over_the_line_it_does_not_start_at_red(
    road: Road, light: Callable[..., LightTruth], seen: Seen
) -> None:
    red = road(lights=[light(LightState.RED, FRONT_M - 3.0)])  # 3 m over it; the tail is 1.9 m before it
    assert act(red, seen(0.0)).waypoints[-1, 0] == pytest.approx(0.0, abs=0.1)
    assert act(red, seen(5.0)).waypoints[-1, 0] > 10.0


def test_it_goes_around_a_parked_car_when_nobody_comes(road: Road, body: Body, seen: Seen) -> None:
    parked = body(FRONT_M + 12.0, 0.0, lights=HAZARD)
    plan = act_after_looking(lambda time_s: road(parked, time_s=time_s), seen(4.0))
    assert np.abs(path_of(act(road(parked), seen(4.0)))[:, 1]).max() < 0.1  # it has only just come near
    beside = path_of(plan)[np.abs(path_of(plan)[:, 0] - parked.ego_from_object[0, 3]) < 2.0]
    assert beside[:, 1].min() > 0.9 + HALF_WIDTH_M + 0.4
    assert plan.diagnostics["cause"] == "parked_obstacle"
    assert plan.diagnostics["lateral"] == "change_lane_left"


@pytest.mark.parametrize(("oncoming_m", "waits"), [(45.0, True), (140.0, False)])
def test_it_takes_the_oncoming_lane_only_when_it_is_free_for_long_enough(
    road: Road, body: Body, seen: Seen, oncoming_m: float, waits: bool
) -> None:
    parked = body(FRONT_M + 12.0, 0.0, lights=HAZARD, name="1")
    oncoming = body(oncoming_m, 3.5, yaw_rad=np.pi, speed_mps=8.0, name="2")
    plan = act_after_looking(lambda time_s: road(parked, oncoming, time_s=time_s), seen(3.0))
    assert bool(np.abs(path_of(plan)[:, 1]).max() < 0.1) == waits
    if waits:
        assert plan.waypoints[-1, 0] + FRONT_M < FRONT_M + 12.0 - 2.0 - 4.0


def test_it_does_not_move_over_in_front_of_somebody_faster(road: Road, body: Body, seen: Seen) -> None:
    parked = body(FRONT_M + 12.0, 0.0, lights=HAZARD, name="1")
    behind = body(-12.0, 3.5, speed_mps=15.0, name="2")
    far_behind = body(-90.0, 3.5, speed_mps=15.0, name="2")
    assert np.abs(path_of(act(road(parked, behind, left="same"), seen(3.0)))[:, 1]).max() < 0.1
    assert np.abs(path_of(act(road(parked, far_behind, left="same"), seen(3.0)))[:, 1]).max() > 3.0


def test_it_keeps_right_for_an_oncoming_car_on_its_side(road: Road, body: Body, seen: Seen) -> None:
    plan = act(road(body(40.0, 2.3, yaw_rad=np.pi, speed_mps=8.0)), seen(6.0))
    assert path_of(plan)[:, 1].min() < -0.1
    assert plan.diagnostics["cause"] == "oncoming_in_lane"


@pytest.mark.parametrize(
    ("away_m", "speed_mps", "yields"),
    [
        (28.0, 10.0, True),  # there in 2.5 s, when the ego is
        (58.0, 10.0, False),  # there in 5.5 s, the ego gone before 4.5 s
        (14.0, 0.0, False),  # stands and waits
        (-20.0, 10.0, False),  # has passed
    ],
)
def test_at_a_junction_without_lights_it_lets_those_pass_whom_it_would_meet(
    road: Road, body: Body, seen: Seen, away_m: float, speed_mps: float, yields: bool
) -> None:
    other = body(28.0, away_m, yaw_rad=-np.pi / 2, speed_mps=speed_mps)
    plan = act(road(other, crossing_m=28.0), seen(8.0))
    assert bool(plan.waypoints[-1, 0] + FRONT_M < 28.0) == yields
    assert (plan.diagnostics["cause"] == "crossing_traffic") == yields


def test_with_green_it_does_not_wait_for_those_who_have_red(
    road: Road, body: Body, seen: Seen, light: Callable[..., LightTruth]
) -> None:
    other = body(28.0, 28.0, yaw_rad=-np.pi / 2, speed_mps=10.0)
    plan = act(road(other, crossing_m=28.0, lights=[light(LightState.GREEN, 18.0)]), seen(8.0))
    assert plan.waypoints[-1, 0] > 25.0


def test_what_lies_above_the_road_does_not_matter(road: Road, body: Body, seen: Seen) -> None:
    bridge = body(25.0, size_m=(4.0, 2.0, 14.0))
    assert act(road(bridge), seen(5.0)).diagnostics["binding"] == "road"


def test_the_same_scene_gives_the_same_plan(road: Road, body: Body, seen: Seen) -> None:
    truth = road(body(30.0, speed_mps=3.0, name="1"), body(60.0, 3.5, yaw_rad=np.pi, speed_mps=8.0, name="2"))
    one, two = act(truth, seen(6.0)), act(truth, seen(6.0))
    np.testing.assert_array_equal(one.waypoints, two.waypoints)
    assert one.text == two.text


@given(x=st.floats(-500, 500), y=st.floats(-500, 500), yaw=st.floats(-3.1, 3.1))
@settings(max_examples=10, deadline=None)
def test_where_in_the_world_the_scene_lies_changes_nothing(
    road: Road, body: Body, seen: Seen, x: float, y: float, yaw: float
) -> None:
    here = act(road(body(25.0, speed_mps=2.0)), seen(6.0))
    there = act(road(body(25.0, speed_mps=2.0), world_from_ego=rigid(matrix_from_yaw(yaw), [x, y, 0.0])), seen(6.0))
    np.testing.assert_array_equal(here.waypoints, there.waypoints)


def asked(truth: Truth, instruction: Instruction) -> Truth:
    return replace(truth, instruction=instruction, goal=goal_of(instruction))


def test_it_obeys_a_speed_and_refuses_one_above_the_limit(road: Road, seen: Seen) -> None:
    slow = act(asked(road(), Instruction(kind=InstructionKind.HOLD_SPEED, speed_kmh=20)), seen(5.0))
    assert slow.diagnostics["cruise_mps"] == pytest.approx(20 / 3.6)
    fast = act(asked(road(), Instruction(kind=InstructionKind.HOLD_SPEED, speed_kmh=80)), seen(5.0))
    assert fast.refused
    assert fast.diagnostics["reason"] == "unsafe"
    assert fast.diagnostics["cruise_mps"] == pytest.approx(8.5)


def test_asked_to_stop_it_stands_within_four_seconds(road: Road, seen: Seen) -> None:
    plan = act(asked(road(), Instruction(kind=InstructionKind.STOP_NOW)), seen(5.0))
    assert plan.waypoints[-1, 0] - plan.waypoints[-2, 0] < 0.2
    assert plan.diagnostics["cause"] == "instruction"


def test_it_refuses_what_is_not_about_driving(road: Road, seen: Seen) -> None:
    plan = act(asked(road(), Instruction(kind=InstructionKind.UNRELATED_REQUEST)), seen(5.0))
    assert plan.refused
    assert plan.waypoints[-1, 0] > 20.0


def test_asked_to_change_lanes_it_does_where_there_is_one(road: Road, seen: Seen) -> None:
    left = Instruction(kind=InstructionKind.CHANGE_LANE, side=Side.LEFT)
    assert path_of(act(asked(road(left="same"), left), seen(6.0)))[:, 1].max() > 3.0
    refused = act(asked(road(left="oncoming"), left), seen(6.0))
    assert refused.refused
    assert np.abs(path_of(refused)[:, 1]).max() < 0.1


@pytest.mark.parametrize(("by_route", "refused"), [(True, False), (False, True)])
def test_a_lane_change_of_the_route_is_not_asked_for_again_once_it_is_made(
    road: Road, seen: Seen, by_route: bool, refused: bool
) -> None:
    change = Instruction(kind=InstructionKind.CHANGE_LANE, side=Side.LEFT)
    turn = Instruction(kind=InstructionKind.TURN, direction=Direction.LEFT, ordinal=1, place=Place.JUNCTION)
    both = Instruction(kind=InstructionKind.TWO_STEPS, first=change, second=turn)
    expert = Expert()
    expert.reset(0)
    commands = (Command.CHANGE_LANE_LEFT if by_route else Command.LANE_FOLLOW,) * 121
    before = road(left="same" if by_route else None, commands=commands)
    assert expert.act(seen(6.0), asked(before, both)).refused is refused
    after = road(left=None, time_s=5.0)  # in the leftmost lane, on the way to the turn
    assert expert.act(seen(6.0), asked(after, both)).refused is refused


def test_told_to_drive_at_no_speed_it_stands_behind_what_it_could_go_around(road: Road, body: Body, seen: Seen) -> None:
    parked = body(FRONT_M + 12.0, 0.0, lights=HAZARD)
    still = SpeedAtMost(speed_mps=0.0)
    plan = act_after_looking(lambda time_s: replace(road(parked, left="same", time_s=time_s), goal=still), seen(0.0))
    assert plan.waypoints[-1, 0] == pytest.approx(0.0, abs=0.1)
