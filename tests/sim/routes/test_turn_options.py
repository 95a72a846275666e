"""CARLA's turn decision on junctions drawn by hand: degrees, 0 along x, positive to the right."""

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree

from drivevla.sim.routes import RoadOption
from drivevla.sim.routes.lanes import Lane, LaneGraph
from drivevla.sim.routes.turns import junction_options


def lane(number: int, *, entry: float, leave: float, chord: float, junction: int, to: tuple[int, ...]) -> Lane:
    direction = math.cos(math.radians(chord)), math.sin(math.radians(chord))
    return Lane(
        key=(number, 0, -1),
        first=number,
        end=number + 1,
        junction=junction,
        successors=to,
        left=None,
        right=None,
        entry_yaw_deg=entry,
        exit_yaw_deg=leave,
        chord_m=(10 * direction[0], 10 * direction[1]),
    )


def fork(*turns_deg: float) -> LaneGraph:
    """Lane 0 along x, then a junction with a lane for each turn, then a lane after each."""
    count = len(turns_deg)
    lanes = [lane(0, entry=0, leave=0, chord=0, junction=-1, to=tuple(range(1, count + 1)))]
    for number, turn in enumerate(turns_deg):
        lanes.append(lane(1 + number, entry=0, leave=turn, chord=turn / 2, junction=7, to=(1 + count + number,)))
    for number, turn in enumerate(turns_deg):
        lanes.append(lane(1 + count + number, entry=turn, leave=turn, chord=turn, junction=-1, to=()))
    points = np.zeros((len(lanes), 3))
    return LaneGraph(
        lanes=tuple(lanes),
        key_of=np.array([each.key for each in lanes]),
        junction_of=np.array([each.junction for each in lanes]),
        lane_of=np.arange(len(lanes), dtype=np.int32),
        location_m=points,
        yaw_deg=np.zeros(len(lanes)),
        s_m=np.zeros(len(lanes)),
        may_change_left=np.zeros(len(lanes), dtype=bool),
        may_change_right=np.zeros(len(lanes), dtype=bool),
        tree=cKDTree(points[:, :2]),
    )


@pytest.mark.parametrize(
    ("turns_deg", "expected"),
    [
        ((-90, 0, 90), ("LEFT", "STRAIGHT", "RIGHT")),
        ((34, -34), ("STRAIGHT", "STRAIGHT")),
        ((36, -36), ("RIGHT", "LEFT")),
        ((90,), ("RIGHT",)),
        ((-50,), ("LEFT",)),
        # two right turns: sin 40 = 0.64 is less than sin 45 (chord of the other), so the milder one is left of it
        ((40, 90), ("LEFT", "RIGHT")),
        # against a way straight on (chord 0), both are what they look like
        ((40, 0), ("RIGHT", "STRAIGHT")),
    ],
)
def test_turns_are_told_by_angle_and_by_the_other_ways(turns_deg: tuple[float, ...], expected: tuple[str, ...]) -> None:
    graph = fork(*turns_deg)
    count = len(turns_deg)
    for number, name in enumerate(expected):
        options = junction_options(graph, [0, 1 + number, 1 + count + number])
        assert [each.name for each in options] == ["LANEFOLLOW", name, "LANEFOLLOW"]


def test_a_way_that_starts_in_a_junction_follows_the_lane_there() -> None:
    assert junction_options(fork(90), [1, 2]) == [RoadOption.LANEFOLLOW, RoadOption.LANEFOLLOW]


def test_a_way_that_ends_in_a_junction_is_judged_by_the_end_of_its_lane() -> None:
    assert junction_options(fork(-90, 90), [0, 2])[1] is RoadOption.RIGHT


def test_the_numbers_are_carlas() -> None:
    assert {each.name: each.value for each in RoadOption} == {
        "VOID": -1,
        "LEFT": 1,
        "RIGHT": 2,
        "STRAIGHT": 3,
        "LANEFOLLOW": 4,
        "CHANGELANELEFT": 5,
        "CHANGELANERIGHT": 6,
    }
    assert RoadOption.CHANGELANELEFT.command.value == "change_lane_left"
