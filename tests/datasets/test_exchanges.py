"""Questions are answered by the truth alone: hand-made scenes with answers worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from drivevla.datasets.exchanges import exchanges_of, questions_of
from drivevla.geometry import matrix_from_yaw, rigid
from drivevla.language import Duty, Exchange, ExchangeKind, Outcome, SeenLight, Side, Thing, read_exchange
from drivevla.types import LaneTruth, LightState, LightTruth, ObjectTruth, SignKind, SignTruth, Truth

K = ExchangeKind
OWN = LaneTruth(
    lane_id="own",
    centerline_m=np.column_stack([np.arange(-20.0, 80.0), np.zeros(100)]),
    width_m=3.5,
    left_id="left",
    right_id="",
    left_same_direction=True,
    may_change_left=True,
    may_change_right=False,
)
EMPTY = Truth(
    timestamp_s=0.0, world_from_ego=np.eye(4), objects=(), lights=(), signs=(), lanes=(OWN,), speed_limit_mps=50 / 3.6
)


def thing(
    x_m: float, y_m: float, *, category: str = "vehicle.car", vx_mps: float = 0.0, lane_id: str | None = None
) -> ObjectTruth:
    size = (0.6, 0.6, 1.8) if category == "walker" else (4.0, 2.0, 1.5)
    pose = rigid(matrix_from_yaw(0.0), np.array([x_m, y_m, size[2] / 2]))
    return ObjectTruth(
        track_id=f"{x_m} {y_m}",
        category=category,
        ego_from_object=pose,
        size_m=np.array(size),
        velocity_mps=np.array([vx_mps, 0.0]),
        lane_id=lane_id,
    )


def light(state: LightState, stop_distance_m: float) -> LightTruth:
    return LightTruth(
        light_id="1", state=state, position_m=np.zeros(3), affects_ego=True, stop_distance_m=stop_distance_m
    )


def test_an_empty_road_has_answers_too() -> None:
    said = exchanges_of(EMPTY, 10.0)
    assert Exchange(kind=K.LIGHT, light=SeenLight.NONE) in said
    assert Exchange(kind=K.RIGHT_OF_WAY, duty=Duty.NONE) in said
    assert Exchange(kind=K.SPEED_LIMIT, speed_kmh=50) in said
    assert Exchange(kind=K.LEAD, holds=False) in said
    assert Exchange(kind=K.IF_WE_KEEP_GOING, outcome=Outcome.NOTHING) in said
    assert Exchange(kind=K.IF_WE_CHANGE_LANE, side=Side.LEFT, outcome=Outcome.NOTHING) in said
    assert Exchange(kind=K.IF_WE_CHANGE_LANE, side=Side.RIGHT, outcome=Outcome.LEAVE_ROAD) in said
    assert Exchange(kind=K.LANE_CHANGE, side=Side.RIGHT, holds=False) in said


def test_what_the_truth_lacks_is_not_asked() -> None:
    bare = Truth(timestamp_s=0.0, world_from_ego=np.eye(4))
    assert exchanges_of(bare, 10.0) == ()


def test_a_standing_car_ahead_is_hit_and_measured() -> None:
    # its rear is at 25 - 2 = 23 m and our bumper at 3.8 m
    said = exchanges_of(replace(EMPTY, objects=(thing(25.0, 0.0, lane_id="own"),)), 10.0)
    assert Exchange(kind=K.LEAD, holds=True, distance_m=19) in said
    assert Exchange(kind=K.COUNT, thing=Thing.VEHICLE, count=1) in said
    assert Exchange(kind=K.IF_WE_KEEP_GOING, outcome=Outcome.HIT_VEHICLE) in said


@pytest.mark.parametrize(("speed_mps", "outcome"), [(10.0, Outcome.NOTHING), (14.0, Outcome.HIT_VEHICLE)])
def test_a_car_that_keeps_its_distance_is_not_hit(speed_mps: float, outcome: Outcome) -> None:
    # the gap of 11.2 m closes by 4 m/s * 4 s = 16 m, or not at all
    said = exchanges_of(replace(EMPTY, objects=(thing(17.0, 0.0, vx_mps=10.0, lane_id="own"),)), speed_mps)
    assert Exchange(kind=K.IF_WE_KEEP_GOING, outcome=outcome) in said


def test_the_first_event_counts() -> None:
    walker = thing(30.0, 0.0, category="walker")
    red = replace(EMPTY, objects=(walker,), lights=(light(LightState.RED, 8.0),))
    assert Exchange(kind=K.IF_WE_KEEP_GOING, outcome=Outcome.RUN_RED_LIGHT) in exchanges_of(red, 10.0)
    green = replace(red, lights=(light(LightState.GREEN, 8.0),))
    assert Exchange(kind=K.IF_WE_KEEP_GOING, outcome=Outcome.HIT_PEDESTRIAN) in exchanges_of(green, 10.0)


def test_the_route_bends_the_way() -> None:
    turn = np.linspace(0.0, np.pi / 2, 30)
    route = np.column_stack([10.0 * np.sin(turn), 10.0 * (1 - np.cos(turn))])
    scene = replace(EMPTY, objects=(thing(25.0, 0.0),))
    assert Exchange(kind=K.IF_WE_KEEP_GOING, outcome=Outcome.HIT_VEHICLE) in exchanges_of(scene, 6.0)
    assert Exchange(kind=K.IF_WE_KEEP_GOING, outcome=Outcome.NOTHING) in exchanges_of(
        replace(scene, route_m=route), 6.0
    )


def test_a_car_beside_us_forbids_the_lane_change() -> None:
    said = exchanges_of(replace(EMPTY, objects=(thing(2.0, 3.5, vx_mps=10.0),)), 10.0)
    assert Exchange(kind=K.IF_WE_CHANGE_LANE, side=Side.LEFT, outcome=Outcome.HIT_VEHICLE) in said
    assert Exchange(kind=K.BESIDE, thing=Thing.VEHICLE, side=Side.LEFT, holds=True) in said
    assert Exchange(kind=K.BESIDE, thing=Thing.VEHICLE, side=Side.RIGHT, holds=False) in said


def test_a_stop_sign_makes_us_wait() -> None:
    sign = SignTruth(sign_id="1", kind=SignKind.STOP, position_m=np.zeros(3), affects_ego=True, stop_distance_m=9.0)
    said = exchanges_of(replace(EMPTY, signs=(sign,)), 10.0)
    assert Exchange(kind=K.RIGHT_OF_WAY, duty=Duty.STOP_SIGN) in said
    assert Exchange(kind=K.IF_WE_KEEP_GOING, outcome=Outcome.RUN_STOP_SIGN) in said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_text_says_its_slots(language: str) -> None:
    scene = replace(EMPTY, objects=(thing(25.0, 0.0, lane_id="own"), thing(3.0, -4.0, category="vehicle.bicycle")))
    questions = questions_of(scene, 10.0, language=language, split="train", rng=np.random.default_rng(0))
    assert len(questions) > 10
    for question in questions:
        assert read_exchange(question.question, question.answer, language=language) == question.exchange
