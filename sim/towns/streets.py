"""From a street of the plan to a road: lane sections, paint, turn lanes, parking lanes and heights."""

from collections.abc import Callable

from drivevla.sim.towns.curves import Curve
from drivevla.sim.towns.network import Cubic, Lane, Mark, Road, Section
from drivevla.sim.towns.plan import Profile

__all__ = ["build_street", "grade", "heights_along"]

TURN_LANE_M = 34.0
_TAPER_M = 12.0
_PARKING_GAP_M = 16.0
"""Parking lanes keep this distance to junctions: crosswalk, stop line and sight."""
_PARKING_RAMP_M = 6.0
_SOLID_M = 18.0
"""Lanes are not changed this close to a junction."""
_KNOT_M = 24.0
_LEVEL_M = 9.0
"""The road lies level this close to a junction, where cars wait."""


def build_street(
    road_id: int,
    name: str,
    profile: Profile,
    curve: Curve,
    heights: tuple[Cubic, ...],
    *,
    approaches: tuple[bool, bool],
    left_turns: tuple[bool, bool],
) -> Road:
    """Build the road of a street.

    Args:
        road_id: Its id.
        name: For people.
        profile: Cross-section along the curve.
        curve: Reference line: the middle of two-way streets, the left edge of one-way ones.
        heights: Of the reference line.
        approaches: Whether traffic stops or turns at its start and at its end, so that lanes are not changed there.
        left_turns: Whether traffic can turn left there, so that a turn lane is of use.
    """
    length = curve.length_m
    base = 0.0 if profile.one_way else (profile.forward - profile.backward) * profile.lane_m / 2 - profile.median_m / 2
    offsets = [Cubic(0.0, base)] if base else []
    if profile.turn_lanes and length > 3 * TURN_LANE_M:
        sections = _with_turn_lanes(profile, length, approaches, left_turns)
        if left_turns[1]:
            begin = length - TURN_LANE_M
            offsets += [
                Cubic.between(begin, _TAPER_M, (base, 0.0), (base + profile.median_m, 0.0)),
                Cubic(begin + _TAPER_M, base + profile.median_m),
            ]
    elif profile.parking_m and length > 2 * _PARKING_GAP_M + 3 * _PARKING_RAMP_M:
        sections = _with_parking(profile, length, approaches)
    else:
        sections = (_section(profile, 0.0, length, approach=approaches),)
    return Road(
        id=road_id,
        name=name,
        curve=curve,
        heights=heights,
        offsets=tuple(offsets),
        sections=sections,
        speed_kph=profile.speed_kph,
        type=profile.type,
    )


def heights_along(
    curve: Curve, ends_m: tuple[float, float], terrain: Callable[[float, float], float]
) -> tuple[Cubic, ...]:
    """A smooth height profile that follows the terrain and lies level at both ends.

    Args:
        curve: The reference line.
        ends_m: Heights at its start and end.
        terrain: Height over (x, y).
    """
    length = curve.length_m
    corrections = [end - terrain(*place.xy_m) for end, place in zip(ends_m, (curve.start, curve.end), strict=True)]
    level = min(_LEVEL_M, length / 4)
    count = max(round((length - 2 * level) / _KNOT_M), 1)
    knots = [level + (length - 2 * level) * i / count for i in range(count + 1)]
    values = []
    for s_m in knots:
        share = (s_m - level) / (length - 2 * level)
        smooth = share * share * (3 - 2 * share)
        values.append(terrain(*curve.at(s_m).xy_m) + corrections[0] * (1 - smooth) + corrections[1] * smooth)
    values[0], values[-1] = ends_m
    if max(abs(value - ends_m[0]) for value in values) < 1e-9:
        return (Cubic(0.0, ends_m[0]),)
    slopes = [0.0]
    slopes += [
        (after - before) / (2 * (knots[1] - knots[0])) for before, after in zip(values, values[2:], strict=False)
    ]
    slopes.append(0.0)
    pairs = list(zip(values, slopes, strict=True))
    middle = [
        Cubic.between(s_m, after - s_m, here, there)
        for s_m, after, here, there in zip(knots, knots[1:], pairs, pairs[1:], strict=False)
    ]
    return (Cubic(0.0, ends_m[0]), *middle, Cubic(length - level, ends_m[1]))


def _with_turn_lanes(
    profile: Profile, length: float, approaches: tuple[bool, bool], left_turns: tuple[bool, bool]
) -> tuple[Section, ...]:
    cuts = [0.0]
    if left_turns[0]:
        cuts.append(TURN_LANE_M)
    if left_turns[1]:
        cuts.append(length - TURN_LANE_M)
    sections = []
    for index, (begin, end) in enumerate(zip(cuts, [*cuts[1:], length], strict=True)):
        first, last = index == 0, index == len(cuts) - 1
        pocket = "backward" if first and left_turns[0] else "forward" if last and left_turns[1] else None
        approach = (first and approaches[0], last and approaches[1])
        sections.append(_section(profile, begin, end - begin, approach=approach, pocket=pocket))
    return tuple(sections)


def _with_parking(profile: Profile, length: float, approaches: tuple[bool, bool]) -> tuple[Section, ...]:
    middle = length - 2 * _PARKING_GAP_M
    return (
        _section(profile, 0.0, _PARKING_GAP_M, approach=(approaches[0], False)),
        _section(profile, _PARKING_GAP_M, middle, approach=(False, False), parking=True),
        _section(profile, length - _PARKING_GAP_M, _PARKING_GAP_M, approach=(False, approaches[1])),
    )


def _section(
    profile: Profile,
    begin: float,
    length: float,
    *,
    approach: tuple[bool, bool],
    pocket: str | None = None,
    parking: bool = False,
) -> Section:
    median: tuple[Cubic, ...] = (Cubic(0.0, profile.median_m),)
    grown = median
    if pocket is not None:
        taper_at = 0.0 if pocket == "forward" else length - _TAPER_M
        grown, median = _exchange(profile.median_m, taper_at, opens=pocket == "forward")
    # traffic along the line approaches a junction at the section's end, the other direction at its start
    right = _side(profile, profile.forward, length, approach_at_end=True, approach=approach[1], parking=parking)
    left = _side(profile, profile.backward, length, approach_at_end=False, approach=approach[0], parking=parking)
    turn_marks = _lane_marks(length, approach_at_end=pocket == "forward", approach=True)
    if pocket == "forward":
        right.insert(0, Lane("turn", "driving", grown, turn_marks))
    if pocket == "backward":
        left.insert(0, Lane("turn", "driving", grown, turn_marks))
    if profile.median_m:
        left.insert(0, Lane("median", "median", median, (Mark("solid", "yellow"),)))
    return Section(begin, tuple(left), tuple(right), (_center_mark(profile),))


def _exchange(width: float, taper_at: float, *, opens: bool) -> tuple[tuple[Cubic, ...], tuple[Cubic, ...]]:
    before, after = (0.0, width) if opens else (width, 0.0)
    turn, median = [], []
    if taper_at > 0:
        turn.append(Cubic(0.0, before))
        median.append(Cubic(0.0, width - before))
    turn += [Cubic.between(taper_at, _TAPER_M, (before, 0.0), (after, 0.0))]
    median += [Cubic.between(taper_at, _TAPER_M, (width - before, 0.0), (width - after, 0.0))]
    if opens:
        turn.append(Cubic(taper_at + _TAPER_M, after))
        median.append(Cubic(taper_at + _TAPER_M, width - after))
    return tuple(turn), tuple(median)


def _side(
    profile: Profile, lanes: int, length: float, *, approach_at_end: bool, approach: bool, parking: bool
) -> list[Lane]:
    if lanes == 0:
        return []
    width = (Cubic(0.0, profile.lane_m),)
    between = _lane_marks(length, approach_at_end=approach_at_end, approach=approach)
    edge = Mark("solid") if parking or not profile.sidewalk_m else Mark("curb")
    side = [Lane(f"drive {i}", "driving", width, between if i < lanes - 1 else (edge,)) for i in range(lanes)]
    if parking:
        side.append(Lane("parking", "parking", _parking_widths(profile.parking_m, length), (Mark("curb"),)))
    if profile.sidewalk_m:
        side.append(Lane("edge", "sidewalk", (Cubic(0.0, profile.sidewalk_m),)))
    elif profile.shoulder_m:
        side.append(Lane("edge", "shoulder", (Cubic(0.0, profile.shoulder_m),)))
    return side


def _parking_widths(width: float, length: float) -> tuple[Cubic, ...]:
    return (
        Cubic.between(0.0, _PARKING_RAMP_M, (0.0, 0.0), (width, 0.0)),
        Cubic(_PARKING_RAMP_M, width),
        Cubic.between(length - _PARKING_RAMP_M, _PARKING_RAMP_M, (width, 0.0), (0.0, 0.0)),
    )


def _lane_marks(length: float, *, approach_at_end: bool, approach: bool) -> tuple[Mark, ...]:
    if not approach:
        return (Mark("broken", crossable=True),)
    solid = min(_SOLID_M, length / 3)
    if approach_at_end:
        return (Mark("broken", crossable=True), Mark("solid", s_m=length - solid))
    return (Mark("solid"), Mark("broken", crossable=True, s_m=solid))


def _center_mark(profile: Profile) -> Mark:
    shape = "solid" if profile.one_way or profile.median_m else profile.center
    return Mark(shape, "yellow")


def grade(heights: tuple[Cubic, ...], length_m: float) -> float:
    """The steepest slope of a height profile, as a fraction."""
    ends = [*[cubic.s_m for cubic in heights[1:]], length_m]
    steepest = 0.0
    for cubic, end in zip(heights, ends, strict=True):
        for i in range(11):
            ds = (end - cubic.s_m) * i / 10
            steepest = max(steepest, abs(cubic.b + ds * (2 * cubic.c + 3 * cubic.d * ds)))
    return steepest
