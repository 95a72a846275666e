"""What can truly be said at a place of the route: every instruction that leads along it from there.

A sentence counts from where it is said. It is only offered if it singles out what the route does: ordinals count every
junction that is met up to there, distances are rounded by less than a tenth, a landmark is the only one of its name.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drivevla.language import (
    Direction,
    Instruction,
    InstructionKind,
    Place,
    Side,
    can_follow,
    round_distance_m,
)
from drivevla.sim.navigator.beside import Sight
from drivevla.sim.navigator.decisions import Crossing, LaneMove, Roadbook
from drivevla.sim.navigator.passages import Sort

__all__ = ["Choice", "choices_at", "cruising", "events_after", "spoken_distance_m"]

Event = Crossing | LaneMove

_HIGHEST_ORDINAL = 3
_HIGHEST_EXIT = 4
_AT_JUNCTION_M = 45.0
"""A landmark this near to a junction's middle stands at it."""
_CLEAR_M = 5.0
"""A landmark is passed clearly before a junction, and lies clearly ahead."""
_NAME_AGAIN_M = 100.0
"""Where another thing of the same name comes within so much behind the junction, neither is spoken of."""
_SOON_M = 25.0
"""A lane change that begins within so much is asked for without a distance."""
_SECOND_STEP_M = 80.0
"""Two steps are told at once where the second begins within so much of the end of the first."""
_LONG_ENOUGH_M = 20
"""Nobody is told to follow a road for less."""
_END_RADIUS_M = 18.0
_POINT_WITHIN_M = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One true instruction.

    Attributes:
        instruction: What to say.
        event: What it is about; the last of two; None where it is about the road or the destination.
        first_event: The first of two steps, else the same.
    """

    instruction: Instruction
    event: Event | None
    first_event: Event | None


def events_after(book: Roadbook, position_m: float) -> list[Event]:
    """Junctions and lane changes that begin beyond a place, in order."""
    events: list[Event] = [*book.crossings, *book.moves]
    return sorted((event for event in events if event.begin_m > position_m), key=lambda event: event.begin_m)


def spoken_distance_m(distance_m: float) -> int | None:
    """A distance as people say it, or None where that is off by a tenth or more, or too short to say."""
    if distance_m < 5.0:
        return None
    rounded = round_distance_m(distance_m)
    return rounded if abs(rounded - distance_m) < 0.1 * distance_m and rounded >= 5 else None


def choices_at(book: Roadbook, sights: Sequence[Sight], position_m: float, *, reach_m: float) -> list[Choice]:
    """Everything that can be said about what comes next.

    Args:
        book: What the route meets.
        sights: Landmarks along it.
        position_m: Where it is said, along the plan.
        reach_m: How far ahead the thing may lie that is spoken of.

    Returns:
        Nothing, where neither a junction nor a lane change that has words begins within reach.
    """
    target = _target(book, position_m, reach_m)
    if target is None:
        return []
    single = [
        Choice(instruction=each, event=target, first_event=target) for each in _single(book, sights, position_m, target)
    ]
    return single + list(_two_steps(book, sights, single, target))


def cruising(book: Roadbook, sights: Sequence[Sight], position_m: float, until_m: float) -> list[Choice]:
    """What can be said where nothing has to be decided before ``until_m``: the road, and the end of the route.

    Where nothing but the end comes, it may be a landmark or a point.
    """
    said = [Instruction(kind=InstructionKind.FOLLOW_ROAD)]
    distance_m = spoken_distance_m(until_m - position_m)
    if distance_m is not None and distance_m >= _LONG_ENOUGH_M:
        said.append(Instruction(kind=InstructionKind.FOLLOW_ROAD, distance_m=distance_m))
    if until_m >= book.plan.length_m and not events_after(book, position_m):
        said += _destinations(book, sights, position_m)
    return [Choice(instruction=each, event=None, first_event=None) for each in said]


def _target(book: Roadbook, position_m: float, reach_m: float) -> Event | None:
    """The first thing ahead that is not straight on, with only straight junctions before it; else the first thing."""
    events = [event for event in events_after(book, position_m) if event.begin_m - position_m <= reach_m]
    if not events or not _is_straight(events[0]):
        return events[0] if events else None
    for event in events[1:_HIGHEST_ORDINAL]:
        if not isinstance(event, Crossing) or event.passage.sort is not Sort.PLAIN:
            break
        if not _is_straight(event):
            return event
    return events[0]


def _is_straight(event: Event) -> bool:
    return (
        isinstance(event, Crossing)
        and event.passage.sort is Sort.PLAIN
        and event.passage.taken.direction is Direction.STRAIGHT
    )


def _single(book: Roadbook, sights: Sequence[Sight], position_m: float, target: Event) -> list[Instruction]:
    if isinstance(target, LaneMove):
        return list(_lane_change(target, position_m))
    if target.passage.sort is Sort.ROUNDABOUT:
        ordinal = target.passage.roundabout_exit
        assert ordinal is not None  # it is a roundabout
        kind = InstructionKind.ROUNDABOUT_EXIT
        return [Instruction(kind=kind, ordinal=ordinal)] if ordinal <= _HIGHEST_EXIT else []
    if target.passage.sort is Sort.RAMP:
        return [Instruction(kind=InstructionKind.FOLLOW_ROAD)]
    passed = [crossing for crossing in book.crossings if position_m < crossing.begin_m < target.begin_m]
    said = [*_ordinals(passed, target), *_distances(book, position_m, target)]
    if target.passage.is_only_one_in_its_direction:
        said += [
            *_turnings(passed, target),
            *_at_landmarks(book, sights, position_m, target),
            *_after_landmarks(passed, sights, position_m, target),
        ]
    if target.passage.taken.direction is Direction.STRAIGHT:
        said.append(Instruction(kind=InstructionKind.FOLLOW_ROAD))
    return said


def _lane_change(move: LaneMove, position_m: float) -> Iterator[Instruction]:
    ahead_m = move.begin_m - position_m
    if ahead_m <= _SOON_M:
        yield Instruction(kind=InstructionKind.CHANGE_LANE, side=move.side)
    within_m = 10 * math.ceil((move.end_m - position_m) / 10.0)
    yield Instruction(kind=InstructionKind.CHANGE_LANE, side=move.side, within_m=within_m)
    distance_m = spoken_distance_m(ahead_m)
    if distance_m is not None and ahead_m >= 15.0:
        yield Instruction(kind=InstructionKind.CHANGE_LANE_IN_DISTANCE, side=move.side, distance_m=distance_m)


def _ordinals(passed: Sequence[Crossing], target: Crossing) -> Iterator[Instruction]:
    for place in sorted(target.passage.places):
        ordinal = 1 + sum(place in crossing.passage.places for crossing in passed)
        yield Instruction(
            kind=InstructionKind.TURN, direction=target.passage.taken.direction, ordinal=ordinal, place=place
        )


def _distances(book: Roadbook, position_m: float, target: Crossing) -> Iterator[Instruction]:
    distance_m = spoken_distance_m(target.begin_m - position_m)
    if distance_m is None or distance_m < 10:
        return
    for place in sorted(target.passage.places):
        off = {
            crossing.begin_m: abs(crossing.begin_m - position_m - distance_m)
            for crossing in book.crossings
            if crossing.begin_m > position_m and (place is Place.JUNCTION or place in crossing.passage.places)
        }
        # Another junction would have to be twice as far off to be out of the question.
        if all(each > 2.0 * off[target.begin_m] + _CLEAR_M for begin, each in off.items() if begin != target.begin_m):
            yield Instruction(
                kind=InstructionKind.TURN_IN_DISTANCE,
                direction=target.passage.taken.direction,
                distance_m=distance_m,
                place=place,
            )


def _turnings(passed: Sequence[Crossing], target: Crossing) -> Iterator[Instruction]:
    direction = target.passage.taken.direction
    if direction is Direction.STRAIGHT:
        return
    ordinal = 1 + sum(exit.direction is direction for crossing in passed for exit in crossing.passage.exits)
    if ordinal <= _HIGHEST_ORDINAL:
        yield Instruction(kind=InstructionKind.TAKE_TURNING, side=Side(direction.value), ordinal=ordinal)


def _at_landmarks(
    book: Roadbook, sights: Sequence[Sight], position_m: float, target: Crossing
) -> Iterator[Instruction]:
    for sight in _only_of_their_name(sights, position_m, target):
        distance_m = math.dist(sight.location_m, target.location_m)
        others = (
            math.dist(sight.location_m, crossing.location_m) for crossing in book.crossings if crossing is not target
        )
        ahead = sight.passed_m > position_m + _CLEAR_M
        if ahead and distance_m <= _AT_JUNCTION_M and all(2.0 * distance_m < other for other in others):
            yield Instruction(
                kind=InstructionKind.TURN_AT_LANDMARK,
                direction=target.passage.taken.direction,
                landmark=sight.name[0],
                colour=sight.name[1],
            )


def _after_landmarks(
    passed: Sequence[Crossing], sights: Sequence[Sight], position_m: float, target: Crossing
) -> Iterator[Instruction]:
    for sight in _only_of_their_name(sights, position_m, target):
        if not position_m + _CLEAR_M < sight.passed_m < target.begin_m - _CLEAR_M:
            continue
        if any(each.begin_m - _CLEAR_M < sight.passed_m < each.end_m + _CLEAR_M for each in passed):
            continue
        yield Instruction(
            kind=InstructionKind.TURN_AFTER_LANDMARK,
            direction=target.passage.taken.direction,
            ordinal=1 + sum(crossing.begin_m > sight.passed_m for crossing in passed),
            landmark=sight.name[0],
            colour=sight.name[1],
        )


def _only_of_their_name(sights: Sequence[Sight], position_m: float, target: Crossing) -> list[Sight]:
    near = [s for s in sights if position_m - _CLEAR_M < s.passed_m < target.end_m + _NAME_AGAIN_M]
    return [sight for sight in near if sum(each.name == sight.name for each in near) == 1]


def _destinations(book: Roadbook, sights: Sequence[Sight], position_m: float) -> Iterator[Instruction]:
    plan = book.plan
    end_x, end_y = plan.location_m[-1, :2].tolist()
    ahead = [sight for sight in sights if sight.passed_m > position_m]
    for sight in ahead:
        alone = sum(each.name == sight.name for each in ahead) == 1
        if alone and math.dist(sight.location_m, (end_x, end_y)) <= _END_RADIUS_M:
            yield Instruction(kind=InstructionKind.DRIVE_TO, landmark=sight.name[0], colour=sight.name[1])
    if plan.length_m - position_m > _POINT_WITHIN_M:
        return
    here = book.point_at(position_m)
    x, y = plan.location_m[here, :2].tolist()
    yaw = math.radians(plan.yaw_deg[here])
    forward = (end_x - x) * math.cos(yaw) + (end_y - y) * math.sin(yaw)
    right = (end_y - y) * math.cos(yaw) - (end_x - x) * math.sin(yaw)
    ahead_m, aside_m = round(forward), round(abs(right))
    if ahead_m < 10:
        return
    aside = aside_m >= 2
    yield Instruction(
        kind=InstructionKind.DRIVE_TO_POINT,
        distance_m=ahead_m,
        side=(Side.RIGHT if right > 0 else Side.LEFT) if aside else None,
        lateral_m=aside_m if aside else None,
    )


def _two_steps(book: Roadbook, sights: Sequence[Sight], single: Sequence[Choice], target: Event) -> Iterator[Choice]:
    following = events_after(book, target.end_m)
    if not following or following[0].begin_m - target.end_m > _SECOND_STEP_M:
        return
    second_event = following[0]
    seconds = _single(book, sights, target.end_m, second_event)
    for choice in single:
        first = choice.instruction
        if first.kind is InstructionKind.FOLLOW_ROAD:
            continue  # it has no end at which the second step could begin
        for second in seconds:
            if second.kind is not InstructionKind.FOLLOW_ROAD and can_follow(first.kind, second.kind):
                yield Choice(
                    instruction=Instruction(kind=InstructionKind.TWO_STEPS, first=first, second=second),
                    event=second_event,
                    first_event=target,
                )
