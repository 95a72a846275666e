"""What the car says it does, and why."""

from dataclasses import dataclass

import numpy as np

from drivevla.language import (
    Actor,
    Cause,
    Commentary,
    Language,
    Lateral,
    Longitudinal,
    MetaAction,
    RefusalReason,
    Side,
    realise,
)
from drivevla.sim.expert.following import Leader
from drivevla.sim.expert.profile import Profile, Stop
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.way import Places, Way
from drivevla.types import Command, LightState, Truth

__all__ = ["Narrator", "Situation"]

_ACTORS = {
    "vehicle.car": Actor.CAR,
    "vehicle.van": Actor.VAN,
    "vehicle.truck": Actor.TRUCK,
    "vehicle.bus": Actor.BUS,
    "vehicle.motorcycle": Actor.MOTORCYCLE,
}
_TURNS = {Command.LEFT: Lateral.TURN_LEFT, Command.RIGHT: Lateral.TURN_RIGHT}
_ONCOMING_RAD, _CROSSING_RAD = float(np.radians(110.0)), float(np.radians(45.0))
_BRAKES_HARD_MPS2 = 3.0
_ROADWORKS = ("cone", "barrier", "warning", "construction", "trafficcone", "streetbarrier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a decision rests on, for the sentence about it.

    Attributes:
        truth: Now.
        way: The route.
        others: Everybody.
        places: Where they are along the path.
        profile: The speed that was decided on.
        envelope_mps: What the road itself allows at each metre.
        cruise_mps: The speed that is aimed for on a free road.
        moving_over: The side to which the car changes lanes, positive left, 0 for none.
        nudging: The same within its lane.
        returning: Whether it goes back to its lane behind an obstacle.
        passing: Row of what is being passed, or -1.
        courtesy: Row of whom it makes room for, or -1.
        courtesy_oncoming: Whether that one comes towards us.
        wished: Whether an instruction decides the speed or the lane.
        refused: Why an instruction is refused.
        waited_for: Key of the stop that it stood for until just now.
    """

    truth: Truth
    way: Way
    others: Others
    places: Places
    profile: Profile
    envelope_mps: np.ndarray  # type: ignore[type-arg]
    cruise_mps: float
    moving_over: float = 0.0
    nudging: float = 0.0
    returning: bool = False
    passing: int = -1
    courtesy: int = -1
    courtesy_oncoming: bool = False
    wished: bool = False
    refused: RefusalReason | None = None
    waited_for: str | None = None


class Narrator:
    """Says what the car does; the same thing in the same words for as long as it stays the same.

    Args:
        language: In which language.
        seed: Decides the words.
    """

    def __init__(self, language: Language, seed: int) -> None:
        self._language, self._rng = language, np.random.default_rng(seed)
        self._said: dict[Commentary, str] = {}
        self._last: Commentary | None = None

    def say(self, situation: Situation) -> tuple[Commentary, str]:
        """The commentary on a decision, and a sentence for it."""
        commentary = commentary_on(situation)
        if commentary not in self._said:
            self._said[commentary] = realise(commentary, language=self._language, split="train", rng=self._rng)
        return commentary, self._said[commentary]


def commentary_on(now: Situation) -> Commentary:
    """Action and cause of a decision."""
    action = MetaAction(_longitudinal(now.profile), _lateral(now))
    if now.refused is not None:
        return Commentary(action=action, cause=Cause.REFUSED_INSTRUCTION, reason=now.refused)
    cause, slots = _cause(now, action)
    return Commentary(action=action, cause=cause, **slots)  # type: ignore[arg-type]


def _longitudinal(profile: Profile) -> Longitudinal:
    now_mps = float(profile.speed_mps[0])
    soon_mps = float(np.interp(1.0, profile.times_s, profile.speed_mps))
    within = profile.speed_mps[profile.times_s <= 4.0]
    if now_mps < 0.3:
        return Longitudinal.START if soon_mps > 0.5 else Longitudinal.WAIT
    change = soon_mps - now_mps
    if change < -4.0:
        return Longitudinal.BRAKE_HARD
    if change < -0.4:
        return Longitudinal.STOP if float(within.min()) < 0.2 else Longitudinal.SLOW_DOWN
    return Longitudinal.ACCELERATE if change > 0.5 else Longitudinal.KEEP_SPEED


def _lateral(now: Situation) -> Lateral:
    if now.moving_over:
        return Lateral.CHANGE_LANE_LEFT if now.moving_over > 0 else Lateral.CHANGE_LANE_RIGHT
    if now.nudging:
        return Lateral.NUDGE_LEFT if now.nudging > 0 else Lateral.NUDGE_RIGHT
    inside = np.flatnonzero(now.way.in_junction[:10])
    return _TURNS.get(now.way.commands[int(inside[0])], Lateral.KEEP_LANE) if len(inside) else Lateral.KEEP_LANE


def _cause(now: Situation, action: MetaAction) -> tuple[Cause, dict[str, object]]:
    binding = now.profile.binding
    if now.courtesy >= 0:
        if not now.courtesy_oncoming:
            return Cause.EMERGENCY_VEHICLE, {}
        return Cause.ONCOMING_IN_LANE, {"actor": _actor(now, now.courtesy)}
    if isinstance(binding, Stop):
        return _for_stop(now, binding)
    if isinstance(binding, Leader):
        return _for_leader(now, binding)
    if now.returning:
        return Cause.RETURN_TO_LANE, {}
    if now.passing >= 0:
        return _for_obstacle(now, now.passing)
    if now.wished:
        return Cause.INSTRUCTION, {}
    if now.moving_over:
        return Cause.ROUTE, {}
    return _for_road(now, action)


def _for_road(now: Situation, action: MetaAction) -> tuple[Cause, dict[str, object]]:
    if action.longitudinal is Longitudinal.START:
        lit = any(each.affects_ego and each.state is LightState.GREEN for each in now.truth.lights or ())
        if now.waited_for == "red_light" and lit:
            return Cause.GREEN_LIGHT, {}
        if now.waited_for in ("crossing", "joining", "collision", "stop_sign"):
            return Cause.FREE_GAP, {}
    if action.lateral is not Lateral.KEEP_LANE:
        return Cause.ROUTE, {}
    if action.longitudinal is Longitudinal.SLOW_DOWN:
        slow = np.flatnonzero(now.envelope_mps[:40] < now.cruise_mps - 0.5)
        if len(slow):
            bends = now.way.bends_per_m[:60]
            return Cause.CURVE, {"side": Side.LEFT if bends[np.argmax(np.abs(bends))] > 0 else Side.RIGHT}
        if now.truth.speed_limit_mps:
            return Cause.SPEED_LIMIT, {"speed_kmh": int(np.clip(round(now.truth.speed_limit_mps * 3.6), 5, 130))}
    return Cause.CLEAR_ROAD, {}


def _for_stop(now: Situation, stop: Stop) -> tuple[Cause, dict[str, object]]:
    simple = {
        "red_light": Cause.RED_LIGHT,
        "yellow_light": Cause.YELLOW_LIGHT,
        "stop_sign": Cause.STOP_SIGN,
        "instruction": Cause.INSTRUCTION,
    }
    if stop.key in simple:
        return simple[stop.key], {}
    if stop.key == "lane_end":
        return Cause.MERGING_TRAFFIC, {"side": Side.LEFT if now.moving_over >= 0 else Side.RIGHT}
    row = stop.index
    if stop.key == "obstacle":
        return _for_obstacle(now, row)
    if now.others.is_walker[row]:
        return Cause.PEDESTRIAN, {"side": _side(now, row)}
    if now.others.is_bicycle[row]:
        return Cause.CYCLIST_CROSSING, {"side": _side(now, row)}
    turned = abs(float(now.places.turned_rad[row]))
    if stop.key == "joining":
        return Cause.MERGING_TRAFFIC, {"side": _side(now, row)}
    if turned > _ONCOMING_RAD:
        inside = bool(now.way.in_junction[:40].any())
        return (Cause.ONCOMING_TRAFFIC, {}) if inside else (Cause.ONCOMING_IN_LANE, {"actor": _actor(now, row)})
    if turned > _CROSSING_RAD:
        lit = any(each.affects_ego and each.state is LightState.GREEN for each in now.truth.lights or ())
        if lit and stop.key == "collision":
            return Cause.RED_LIGHT_RUNNER, {"actor": _actor(now, row), "side": _side(now, row)}
        return Cause.CROSSING_TRAFFIC, {"side": _side(now, row)}
    return Cause.CUT_IN, {"actor": _actor(now, row), "side": _side(now, row)}


def _for_leader(now: Situation, leader: Leader) -> tuple[Cause, dict[str, object]]:
    row, others = leader.index, now.others
    if others.is_walker[row]:
        return Cause.PEDESTRIAN, {}
    if others.will_stay[row]:
        return _for_obstacle(now, row)
    if others.is_bicycle[row] and not others.stands[row]:
        return Cause.CYCLIST_AHEAD, {}
    if abs(float(now.places.turned_rad[row])) > _ONCOMING_RAD:
        return Cause.ONCOMING_IN_LANE, {"actor": _actor(now, row)}
    if others.stands[row]:
        return Cause.STOPPED_TRAFFIC, {}
    if others.acceleration_mps2[row] < -_BRAKES_HARD_MPS2:
        return Cause.BRAKING_VEHICLE, {"actor": _actor(now, row)}
    return Cause.LEADING_VEHICLE, {"actor": _actor(now, row)}


def _for_obstacle(now: Situation, row: int) -> tuple[Cause, dict[str, object]]:
    others = now.others
    if others.door_open[row]:
        return Cause.OPEN_DOOR, {"side": _side(now, row)}
    if not others.is_vehicle[row]:
        return Cause.CONSTRUCTION, {}
    near = np.hypot(*(others.xy_m - others.xy_m[row]).T) < 25.0
    if (near & others.emergency & others.stands).any():
        return Cause.ACCIDENT, {}
    return Cause.PARKED_OBSTACLE, {"actor": _actor(now, row)}


def _actor(now: Situation, row: int) -> Actor:
    return _ACTORS.get(now.others.truths[row].category, Actor.VEHICLE)


def _side(now: Situation, row: int) -> Side:
    return Side.LEFT if float(now.places.left_m[row]) > 0.0 else Side.RIGHT
