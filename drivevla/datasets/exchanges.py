"""Questions about a sample that its truth answers. What the truth lacks is not asked."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.foresight import if_we_change_lane, if_we_keep_going, own_lane, road_user
from drivevla.language import Duty, Exchange, ExchangeKind, Language, SeenLight, Side, Split, Thing, ask
from drivevla.types import LightState, ObjectTruth, QuestionAnswer, SignKind, Truth

__all__ = ["NEAR_M", "exchanges_of", "questions_of"]

NEAR_M = 30.0
"""What is farther is not counted."""
_REGULATES_WITHIN_M = 30.0  # of its stop line, a light or sign has something to say
_BESIDE_AHEAD_M, _BESIDE_AWAY_M = 12.0, 20.0
_LEAD_WITHIN_M = 60.0
_EGO_FRONT_M = 3.8
_SEEN = {LightState.RED: SeenLight.RED, LightState.YELLOW: SeenLight.YELLOW, LightState.GREEN: SeenLight.GREEN}
_TOPICS = {
    ExchangeKind.RIGHT_OF_WAY: "planning",
    ExchangeKind.LANE_CHANGE: "planning",
    ExchangeKind.IF_WE_KEEP_GOING: "prediction",
    ExchangeKind.IF_WE_CHANGE_LANE: "prediction",
}


def questions_of(
    truth: Truth, speed_mps: float, *, language: Language | str, split: Split | str, rng: np.random.Generator
) -> tuple[QuestionAnswer, ...]:
    """Every question that the truth answers, in words, with its slots.

    Args:
        truth: Of the sample.
        speed_mps: Of the car.
        language: Of question and answer.
        split: Which phrasings may be used.
        rng: Decides the phrasings.
    """
    found = []
    for exchange in exchanges_of(truth, speed_mps):
        question, answer = ask(exchange, language=language, split=split, rng=rng)
        topic = _TOPICS.get(exchange.kind, "perception")
        found.append(QuestionAnswer(question=question, answer=answer, topic=topic, exchange=exchange))
    return tuple(found)


def exchanges_of(truth: Truth, speed_mps: float) -> tuple[Exchange, ...]:
    """Every question that the truth answers, as slots."""
    return (*_about_rules(truth), *_about_others(truth), *_about_lanes(truth, speed_mps))


def _about_rules(truth: Truth) -> Iterator[Exchange]:
    light = _light(truth)
    if light is not None:
        yield Exchange(kind=ExchangeKind.LIGHT, light=light)
    if light is not None and truth.signs is not None:
        yield Exchange(kind=ExchangeKind.RIGHT_OF_WAY, duty=_duty(truth, light))
    if truth.speed_limit_mps:
        yield Exchange(kind=ExchangeKind.SPEED_LIMIT, speed_kmh=round(truth.speed_limit_mps * 3.6))


def _light(truth: Truth) -> SeenLight | None:
    """What the nearest light for us shows; None where lights are not known or it cannot be said."""
    if truth.lights is None:
        return None
    for_us = [
        (light.stop_distance_m, light.state)
        for light in truth.lights
        if light.affects_ego
        and light.stop_distance_m is not None
        and -1.0 <= light.stop_distance_m <= _REGULATES_WITHIN_M
    ]
    if not for_us:
        return SeenLight.NONE
    return _SEEN.get(min(for_us, key=lambda found: found[0])[1])


def _duty(truth: Truth, light: SeenLight) -> Duty:
    if light is SeenLight.RED:
        return Duty.RED_LIGHT
    near = {
        sign.kind
        for sign in truth.signs or ()
        if sign.affects_ego and sign.stop_distance_m is not None and -1.0 <= sign.stop_distance_m <= _REGULATES_WITHIN_M
    }
    if SignKind.STOP in near:
        return Duty.STOP_SIGN
    return Duty.YIELD_SIGN if SignKind.YIELD in near else Duty.NONE


def _about_others(truth: Truth) -> Iterator[Exchange]:
    if truth.objects is None:
        return
    places = {
        thing: np.array([other.ego_from_object[:2, 3] for other in truth.objects if _is(other, thing)]).reshape(-1, 2)
        for thing in Thing
    }
    for thing, at_m in places.items():
        near = int((np.hypot(at_m[:, 0], at_m[:, 1]) <= NEAR_M).sum())
        yield Exchange(kind=ExchangeKind.COUNT, thing=thing, count=near)
        for side in Side:
            yield Exchange(kind=ExchangeKind.BESIDE, thing=thing, side=side, holds=_any_beside(at_m, side))
    gap_m = _gap_ahead_m(truth)
    if gap_m is not None:
        known = None if np.isinf(gap_m) else max(1, round(gap_m))
        yield Exchange(kind=ExchangeKind.LEAD, holds=known is not None, distance_m=known)


def _is(other: ObjectTruth, thing: Thing) -> bool:
    return road_user(other.category) == thing.value


def _any_beside(at_m: NDArray[np.float64], side: Side) -> bool:
    aside_m = at_m[:, 1] if side is Side.LEFT else -at_m[:, 1]
    return bool(((np.abs(at_m[:, 0]) <= _BESIDE_AHEAD_M) & (aside_m > 1.0) & (aside_m <= _BESIDE_AWAY_M)).any())


def _gap_ahead_m(truth: Truth) -> float | None:
    """From our bumper to the next vehicle's middle less half its length, in our lane; inf where it is empty."""
    lane = own_lane(truth)
    if lane is None or truth.objects is None:
        return None
    gaps_m = [
        float(other.ego_from_object[0, 3] - other.size_m[0] / 2 - _EGO_FRONT_M)
        for other in truth.objects
        if _is(other, Thing.VEHICLE) and other.lane_id == lane.lane_id and other.ego_from_object[0, 3] > _EGO_FRONT_M
    ]
    near = [gap_m for gap_m in gaps_m if gap_m <= _LEAD_WITHIN_M]
    return min(near, default=np.inf)


def _about_lanes(truth: Truth, speed_mps: float) -> Iterator[Exchange]:
    lane = own_lane(truth)
    for side, may in () if lane is None else ((Side.LEFT, lane.may_change_left), (Side.RIGHT, lane.may_change_right)):
        if may is not None:
            yield Exchange(kind=ExchangeKind.LANE_CHANGE, side=side, holds=may)
        outcome = if_we_change_lane(truth, speed_mps, side)
        if outcome is not None:
            yield Exchange(kind=ExchangeKind.IF_WE_CHANGE_LANE, side=side, outcome=outcome)
    outcome = if_we_keep_going(truth, speed_mps)
    if outcome is not None:
        yield Exchange(kind=ExchangeKind.IF_WE_KEEP_GOING, outcome=outcome)
