"""Gap acceptance where ways cross or join, and collisions that are coming.

Two looks into the future: along lanes, as far as junctions need, to let others go first where they may; and by the
bicycle model, two seconds, against everybody whoever has the right of way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import wrap_angle
from drivevla.sim.expert.body import FRONT_M, HALF_LENGTH_M, HALF_WIDTH_M, MIDDLE_M, REAR_M
from drivevla.sim.expert.boxes import boxes_touch
from drivevla.sim.expert.following import Leader
from drivevla.sim.expert.forecast import STEP_S, LaneMap
from drivevla.sim.expert.habits import Habits
from drivevla.sim.expert.profile import Profile, Stop
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.way import Places, Way
from drivevla.types import Command, Truth, VehicleLight

__all__ = ["Crossings", "coming_collisions", "yield_to_others"]

_LOOK_M = 45
_MOVES_MPS = 0.5
_AROUND_M = 80.0
_HORIZON_S = 7.0
_ASIDE_M = 0.4
_JOINING_RAD = float(np.radians(40.0))
_PET_S = 1.5
"""Post-encroachment time to keep where others go first: below 1.5 s it counts as a conflict (Allen, Shin, Cooper,
"Analysis of traffic conflicts and collisions", TRR 667, 1978)."""
_PET_FIRST_S = 0.5
_PATIENCE = ((6.0, 0.8), (12.0, 0.5), (20.0, 0.35))
"""After having waited so long, the most that is kept."""
_ROLLING = 0.5
_AFTER_S = 0.3
"""Behind somebody who has just passed."""
_SAMPLE_S = 0.2
_BEHIND_MPS2 = 2.5
_BEFORE_M = 1.5
_HARD_MPS2 = 7.0
_STOPS_BEFORE_M = 5.0
_SLOWS_S, _SLOWS_TO = 0.5, 0.5
"""Whoever brakes, for a bend, goes on braking so long, and comes at no less than this share of its speed."""
_HALTS_MPS2 = 4.0
"""Whoever would have to brake harder than this for its red light drives on."""
_JOIN_GAP_M = 2.5
_WATCHED_S = 4.0
_LEARNS_S = 3.0
"""Who has waited so long has seen where those go who come, and trusts whoever does not indicate otherwise."""
_INDICATORS = frozenset({VehicleLight.LEFT_INDICATOR, VehicleLight.RIGHT_INDICATOR})
_STANDS_MPS, _CREEP_M, _CREEPS_MPS = 0.5, 7.0, 1.5
_RUN_UP_M, _COMFORTABLE_MPS2 = 5.0, 2.5
"""Waiting so far before a crossing, the car is through it sooner, once there is a gap, than from its very edge."""
_EGO_MARGIN_M = np.array([0.5, 0.2])
_WALKER_HALF_M = 0.75
"""Half of PDM-Lite's ``pedestrian_minimum_extent``."""


@dataclass(frozen=True, slots=True)
class Crossings:
    """What gap acceptance asks for: places to wait, and whom to join behind.

    Attributes:
        stops: The places.
        leaders: Whom.
        ways: By row in the scene, the ways of those of whom only one is expected, a point every metre.
    """

    stops: tuple[Stop, ...] = ()
    leaders: tuple[Leader, ...] = ()
    ways: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)


def yield_to_others(
    path: Way,
    others: Others,
    places: Places,
    drive: Callable[[Sequence[Leader]], Profile],
    lanes: LaneMap,
    habits: Habits,
    truth: Truth,
    *,
    waited_s: float,
) -> Crossings:
    """Let those go first who may, at junctions ahead.

    Args:
        path: The ego's.
        others: Everybody.
        places: Where they are along the path.
        drive: The ego's speed if nobody crossed, behind these leaders.
        lanes: The lanes near.
        habits: Where those go who come along them; brought up to date.
        truth: Now.
        waited_s: How long the ego has waited; after a while smaller gaps do.
    """
    if not path.in_junction[:_LOOK_M].any():
        return Crossings()
    moving = others.is_vehicle & (others.speed_mps > _MOVES_MPS)
    rows = np.flatnonzero(moving & (np.hypot(*others.xy_m.T) < _AROUND_M))
    nearest = lanes.nearest(others.xy_m[rows], others.yaw_rad[rows], habits.ways.values())
    names = [others.truths[row].track_id for row in rows.tolist()]
    habits.watch(names, [None if place is None else place[0] for place in nearest], lanes.lanes)
    same_way = np.abs(places.left_m) < places.half_across_m + HALF_WIDTH_M
    same_way &= np.abs(places.turned_rad) < _JOINING_RAD
    nearest = [place for place, aside in zip(nearest, ~same_way[rows], strict=True) if aside]
    rows = rows[~same_way[rows]]
    if not len(rows):
        return Crossings()
    known = habits.ways if waited_s > _LEARNS_S else {}
    ways = [{} if (others.truths[row].lights or frozenset()) & _INDICATORS else known for row in rows.tolist()]
    reach = np.minimum(others.speed_mps[rows] * _HORIZON_S + 10.0, _AROUND_M)
    futures = lanes.futures(others.xy_m[rows], nearest, reach, ways)
    met = [
        (row, line, crossing)
        for row, lines in zip(rows.tolist(), futures, strict=True)
        for line in lines
        if (crossing := _crossing(path, line, HALF_WIDTH_M + float(others.half_m[row, 1]) + _ASIDE_M)) is not None
    ]
    most_pet_s = min((pet_s for after_s, pet_s in _PATIENCE if waited_s > after_s), default=_PET_S)
    answers = _answers(path, others, met, drive(()), truth, most_pet_s)
    leaders = [answer for answer in answers if isinstance(answer, Leader)]
    if leaders:
        # Behind those who are joined the car is slower, which the ones after them must be asked about.
        joined = {leader.index for leader in leaders}
        rest = [each for each in met if each[0] not in joined]
        answers = _answers(path, others, rest, drive(leaders), truth, most_pet_s)
        leaders += [answer for answer in answers if isinstance(answer, Leader)]
    zones = [crossing.ego_m for _, _, crossing in met]
    stops = [_before_zones(answer, zones) for answer in answers if isinstance(answer, Stop)]
    return Crossings(
        tuple(stops),
        tuple(leaders),
        {row: lines[0] for row, lines in zip(rows.tolist(), futures, strict=True) if known and len(lines) == 1},
    )


def _answers(
    path: Way,
    others: Others,
    met: Sequence[tuple[int, NDArray[np.float64], "_Crossing"]],
    profile: Profile,
    truth: Truth,
    most_pet_s: float,
) -> list[Stop | Leader]:
    """What each of those whom the ego could meet asks of it."""
    lit_from_m = _lit_from(truth)
    signed = any(sign.affects_ego and sign.stop_distance_m is not None for sign in truth.signs or ())
    stands = float(profile.speed_mps[0]) < _STANDS_MPS  # from a stand nobody takes a narrow gap
    answers = []
    for row, line, crossing in met:
        turns_left = path.commands[min(crossing.ego_m[0], len(path) - 1)] is Command.LEFT
        halts_m = float(others.speed_mps[row]) ** 2 / (2.0 * _HALTS_MPS2)
        lit = lit_from_m is not None and crossing.ego_m[0] >= lit_from_m and not turns_left
        if lit and crossing.other_m[0] - float(others.half_m[row, 0]) > halts_m:
            continue  # they have red, and can still stop for it
        pet_s = min(_PET_S if signed or turns_left or stands else _PET_FIRST_S, most_pet_s)
        keeps = _ROLLING if most_pet_s < _PET_S and not stands else 1.0  # a gap that was taken is kept
        answer = _decide(crossing, line, row, path, others, profile, pet_s * keeps, _JOIN_GAP_M * keeps)
        if answer is not None:
            answers.append(answer)
    return answers


def _before_zones(stop: Stop, zones: list[tuple[int, int]]) -> Stop:
    """A wait for one lane that would stand in another, which somebody comes along, moved back before that one."""
    distance_m = stop.distance_m
    for first, last in sorted(zones, reverse=True):
        entry_m = first - FRONT_M
        if -0.5 < entry_m < distance_m < last + REAR_M:
            distance_m = max(entry_m - _BEFORE_M, 0.0)
    return replace(stop, distance_m=distance_m)


@dataclass(frozen=True, slots=True)
class _Crossing:
    """Where two lines are too near to each other: from where to where, along each."""

    ego_m: tuple[int, int]
    other_m: tuple[int, int]
    other_beside_m: int
    joins: bool


def _crossing(path: Way, line: NDArray[np.float64], width_m: float) -> _Crossing | None:
    ours = path.xy_m[:_LOOK_M]
    near = np.hypot(ours[:, None, 0] - line[:, 0], ours[:, None, 1] - line[:, 1]) < width_m
    along = np.flatnonzero(near.any(axis=1))
    if not len(along):
        return None
    first = int(along[0])
    gaps = np.flatnonzero(np.diff(along) > 2)
    last = int(along[gaps[0]] if len(gaps) else along[-1])
    window = path.in_junction[max(first - 3, 0) : last + 4]
    if first <= 1 or not window.any():
        return None  # they come from behind on our own way, or beside it on the open road
    theirs = np.flatnonzero(near[first : last + 1].any(axis=0))
    start, end = int(theirs[0]), int(theirs[-1])
    tail = min(end, len(line) - 2)
    heading = np.arctan2(*(line[tail + 1] - line[tail])[::-1])
    turned = abs(float(wrap_angle(heading - path.yaw_rad[last])))
    beside = int(np.argmin(np.hypot(*(line - ours[last]).T)))
    return _Crossing((first, last), (start, end), beside, turned < _JOINING_RAD and last - first > 6)


def _decide(
    crossing: _Crossing,
    line: NDArray[np.float64],
    row: int,
    path: Way,
    others: Others,
    profile: Profile,
    pet_s: float,
    join_gap_m: float,
) -> Stop | Leader | None:
    entry_m = crossing.ego_m[0] - FRONT_M
    inside = entry_m < -0.5
    if inside and (float(profile.speed_mps[0]) > _CREEPS_MPS or _sweeps_ego(line, row, path, others)):
        return None  # we are in its way: the way out is forward
    enters_s = profile.when(entry_m)
    if not np.isfinite(enters_s):
        return None
    pace, half = float(others.speed_mps[row]), float(others.half_m[row, 0])
    comes_s = max(crossing.other_m[0] - half, 0.0) / pace
    braking = float(others.acceleration_mps2[row])
    if braking < -0.5 and pace * pace / (-2.0 * braking) < crossing.other_m[0] - half - _STOPS_BEFORE_M:
        return None  # it is stopping before; whoever only slows down for a bend would come nearer
    if not crossing.joins:
        meets = _bodies_meet(line, row, path, others, profile, pet_s)
        return _wait(entry_m, profile, "crossing", row) if meets else None
    behind_m = crossing.other_beside_m - crossing.ego_m[1]  # how much farther it has to go than the ego
    if comes_s <= enters_s and comes_s < _HORIZON_S:  # it is there first: fall in behind
        gap_m = -behind_m - half - FRONT_M
        if _CREEPS_MPS < float(profile.speed_mps[0]) < pace:
            join_gap_m = 0.0  # it draws away, and stopping for it now could leave the ego standing in another lane
        if _fits_behind(profile, enters_s, gap_m - join_gap_m, pace):
            return None
        if gap_m > join_gap_m:
            stopping = braking if braking < -_COMFORTABLE_MPS2 else 0.0  # who slows down for a bend goes on behind it
            return Leader(gap_m=gap_m, speed_mps=pace, acceleration_mps2=stopping, index=row)
        return _wait(entry_m, profile, "joining", row)
    comes_mps = max(pace + min(braking, 0.0) * _SLOWS_S, _SLOWS_TO * pace)
    if _fits_before(profile, enters_s, behind_m - half - REAR_M, comes_mps, pet_s):
        return None
    return _wait(entry_m, profile, "joining", row)


def _fits_behind(profile: Profile, enters_s: float, gap_m: float, pace_mps: float) -> bool:
    """Whether somebody who is first on the lane that the ego joins is far enough ahead from then on.

    Args:
        profile: The ego's.
        enters_s: When it is on that lane.
        gap_m: From its front to the other's rear, now, along the lane, less what is to be left; negative as long as
            the other is farther away.
        pace_mps: How fast the other is.
    """
    watched = (profile.times_s >= enters_s) & (profile.times_s <= enters_s + _WATCHED_S)
    gap = gap_m + pace_mps * profile.times_s[watched] - profile.along_m[watched]
    closing = np.maximum(profile.speed_mps[watched] - pace_mps, 0.0)
    return bool(np.all(gap > closing**2 / (2.0 * _COMFORTABLE_MPS2)))


def _fits_before(profile: Profile, enters_s: float, gap_m: float, pace_mps: float, pet_s: float) -> bool:
    """Whether somebody who comes along the lane that the ego joins keeps time behind it and need not brake hard.

    Args:
        profile: The ego's.
        enters_s: When it is on that lane.
        gap_m: From the other's front to the ego's rear, now, along the lane.
        pace_mps: How fast the other is.
        pet_s: The time to keep.
    """
    watched = (profile.times_s >= enters_s) & (profile.times_s <= enters_s + _WATCHED_S)
    gap = gap_m + profile.along_m[watched] - pace_mps * profile.times_s[watched]
    closing = np.maximum(pace_mps - profile.speed_mps[watched], 0.0)
    return bool(np.all(gap > pet_s * pace_mps + closing**2 / (2.0 * _BEHIND_MPS2)))


def _sweeps_ego(line: NDArray[np.float64], row: int, path: Way, others: Others) -> bool:
    """Whether somebody who follows a line would touch the ego where it is."""
    heading = np.unwrap(np.arctan2(*np.gradient(line, axis=0).T[::-1]))
    boxes = np.column_stack([line, heading])
    ego = _boxes_along(path.xy_m, path.yaw_rad, np.zeros(1), MIDDLE_M)
    ego_half = np.array([HALF_LENGTH_M, HALF_WIDTH_M]) + _EGO_MARGIN_M
    return bool(boxes_touch(ego, ego_half, boxes, others.half_m[row]).any())


def _bodies_meet(
    line: NDArray[np.float64], row: int, path: Way, others: Others, profile: Profile, pet_s: float
) -> bool:
    """Whether the ego is ever where the other is, was just before, or will be within the time to keep."""
    times = np.arange(0.0, _HORIZON_S, _SAMPLE_S)
    ego = _boxes_along(path.xy_m, path.yaw_rad, np.interp(times, profile.times_s, profile.along_m), MIDDLE_M)
    pace = float(others.speed_mps[row])
    heading = np.unwrap(np.arctan2(*np.gradient(line, axis=0).T[::-1]))
    ahead_s = (pet_s - _AFTER_S) / 2.0  # a box that is longer ahead than behind has its middle farther ahead
    other = _boxes_along(line, heading, pace * np.clip(times, 0.0, (len(line) - 1) / pace), pace * ahead_s)
    length_m = float(others.half_m[row, 0]) + pace * (pet_s + _AFTER_S) / 2.0
    ego_half = np.array([HALF_LENGTH_M, HALF_WIDTH_M]) + _EGO_MARGIN_M
    touch = boxes_touch(ego, ego_half, other, np.array([length_m, float(others.half_m[row, 1])]))
    return bool(touch[pace * times <= len(line) - 1].any())


def _boxes_along(
    xy_m: NDArray[np.float64], yaw_rad: NDArray[np.float64], along_m: NDArray[np.float64], ahead_m: float
) -> NDArray[np.float64]:
    """(T, 3) middles of boxes that are so far along a line with a point every metre, and so far ahead of there."""
    place = np.arange(len(xy_m), dtype=np.float64)
    x, y, yaw = (np.interp(along_m, place, column) for column in (*xy_m.T, yaw_rad))
    return np.stack([x + ahead_m * np.cos(yaw), y + ahead_m * np.sin(yaw), yaw], axis=-1)


def _wait(entry_m: float, profile: Profile, key: str, row: int) -> Stop | None:
    """A stop before a crossing, None where it is too late for one."""
    v = float(profile.speed_mps[0])
    if v * v > 2.0 * _HARD_MPS2 * max(entry_m + _ASIDE_M, 0.1):
        return None
    comfortable_m = max(entry_m - _RUN_UP_M, v * v / (2.0 * _COMFORTABLE_MPS2))
    left_m = max(min(comfortable_m, entry_m - _BEFORE_M), 0.0)
    creeps = v < _STANDS_MPS and left_m < _CREEP_M  # every gap that closes again would bring the nose farther out
    return Stop(distance_m=0.0 if creeps else left_m, key=key, index=row)


def _lit_from(truth: Truth) -> float | None:
    """From where on the ego is in a junction with lights that let it go."""
    lines = [
        each.stop_distance_m for each in truth.lights or () if each.affects_ego and each.stop_distance_m is not None
    ]
    return min(lines) if lines else None


def coming_collisions(
    path: Way, others: Others, places: Places, forecast: NDArray[np.float64], profile: Profile
) -> list[Stop]:
    """Stops before whoever the ego would run into within the forecast.

    Whoever drives ahead of the ego on its path is left to the following model, whoever comes from behind to itself.

    Args:
        path: The ego's.
        others: Everybody.
        places: Where they are along the path.
        forecast: (N, T, 3) where they will be.
        profile: The ego's speed if nobody crossed.
    """
    if not len(others):
        return []
    ego = _ego_boxes(path, profile, forecast.shape[1])
    half = others.half_m + 0.0
    half[others.is_walker] = np.maximum(half[others.is_walker], _WALKER_HALF_M)
    aligned = np.abs(places.turned_rad) < np.radians(30.0)
    on_path = np.abs(places.left_m) < places.half_across_m + HALF_WIDTH_M
    ahead_of_us = aligned & on_path & (places.along_m > 0.0) & others.is_vehicle
    behind_us = (places.along_m < REAR_M) & aligned
    rows = np.flatnonzero(~ahead_of_us & ~behind_us & ~others.stands & (np.hypot(*others.xy_m.T) < 50.0))
    if not len(rows):
        return []
    ego_half = np.array([HALF_LENGTH_M, HALF_WIDTH_M]) + _EGO_MARGIN_M
    touch = boxes_touch(ego[None], ego_half, forecast[rows], half[rows][:, None])
    stops = []
    for number in np.flatnonzero(touch.any(axis=1)).tolist():
        row, first = int(rows[number]), int(np.argmax(touch[number]))
        pose, mine = forecast[row, first], ego[first]
        in_front = (pose[:2] - mine[:2]) @ np.array([np.cos(mine[2]), np.sin(mine[2])])
        if in_front < 0.0:
            continue  # it runs into our side or tail: standing still would not help
        if others.is_vehicle[row] and _hits_us_standing(path, profile, forecast[row], half[row]):
            continue  # stopping in its way is worse than getting out of it
        when = path.places(forecast[row, :, :2], forecast[row, :, 2], half[row])
        across = np.abs(when.left_m) < when.half_across_m + HALF_WIDTH_M + _EGO_MARGIN_M[1]
        across[first] = True
        before_m = float((when.along_m - when.half_along_m)[across].min()) - FRONT_M
        stops.append(Stop(distance_m=max(before_m - _BEFORE_M, 0.0), key="collision", index=row))
    return stops


def _hits_us_standing(path: Way, profile: Profile, forecast: NDArray[np.float64], half_m: NDArray[np.float64]) -> bool:
    """Whether somebody drives over the place where the ego would come to rest by braking hard now."""
    rest_m = float(profile.speed_mps[0]) ** 2 / (2.0 * _HARD_MPS2)
    box = _boxes_along(path.xy_m, path.yaw_rad, np.array([rest_m]), MIDDLE_M)
    return bool(boxes_touch(box, np.array([HALF_LENGTH_M, HALF_WIDTH_M]), forecast, half_m).any())


def _ego_boxes(path: Way, profile: Profile, steps: int) -> NDArray[np.float64]:
    """(T, 3) the ego's box's middle."""
    along = np.interp(np.arange(1, steps + 1) * STEP_S, profile.times_s, profile.along_m)
    return _boxes_along(path.xy_m, path.yaw_rad, along, MIDDLE_M)
