"""Where a car stands: before a stop line, at the roadside, by a thing; read on the map."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivevla.language import Relation, StandStill, StopPlace
from drivevla.sim.maps import Landmark
from drivevla.sim.navigator.beside import SEEN_WITHIN_M, thing_of
from drivevla.sim.routes.lanes import LaneGraph

if TYPE_CHECKING:
    import carla

__all__ = ["EgoShape", "is_in_place", "line_ahead_m"]

_LINE_WITHIN_M = 60.0
_LINE_SLACK_M = 1.0
"""Lanes are sampled about a metre apart: a bumper that seems so far over the line may stand before it."""
_BEHIND_ASIDE_M = 8.0
"""What one stops behind stands on the lane or at its edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgoShape:
    """How far the car reaches from the ego frame's origin, the rear axle; the defaults are the Lincoln MKZ 2020's.

    Attributes:
        front_m: Ahead, to the front bumper.
        rear_m: Behind, to the rear bumper.
    """

    front_m: float = 3.85
    rear_m: float = 1.05


def line_ahead_m(graph: LaneGraph, point: int) -> float | None:
    """From a point of a lane to where it enters a junction, along the lane; None where that is far or never.

    Stop lines are where lanes enter junctions, as in the leaderboard's red-light criterion.
    """
    lane = int(graph.lane_of[point])
    distance_m = 0.0
    while graph.lanes[lane].junction < 0:
        steps = np.diff(graph.location_m[point : graph.lanes[lane].end], axis=0)
        distance_m += float(np.linalg.norm(steps, axis=1).sum())
        ahead = graph.lanes[lane].successors
        if distance_m > _LINE_WITHIN_M or not ahead:
            return None
        lane = ahead[0]
        point = graph.lanes[lane].first
    return distance_m


def is_in_place(
    goal: StandStill,
    pose: tuple[float, float, float],
    *,
    shape: EgoShape,
    carla_map: "carla.Map",
    line_m: float | None,
    landmarks: Sequence[Landmark],
) -> bool:
    """Whether a car that stands at a pose stands where the goal wants it.

    Args:
        goal: The place.
        pose: x, y, yaw of the ego frame in CARLA's world made right-handed.
        shape: Of the car.
        carla_map: Where.
        line_m: From the ego frame's origin to the stop line ahead, where there is one.
        landmarks: Of the map.
    """
    match goal.place:
        case StopPlace.IN_LANE:
            return True
        case StopPlace.AT_LINE:
            return line_m is not None and -_LINE_SLACK_M <= line_m - shape.front_m <= goal.tolerance_m
        case StopPlace.AT_ROADSIDE:
            return _at_roadside(carla_map, pose)
        case StopPlace.BY_OBJECT:
            assert goal.thing is not None  # the goal is made from an instruction that has it
            name = (goal.thing.landmark, goal.thing.colour)
            return any(_by(mark, goal, pose, shape) for mark in landmarks if thing_of(mark) == name)


def _at_roadside(carla_map: "carla.Map", pose: tuple[float, float, float]) -> bool:
    """In the outermost driving lane outside junctions, or on what lies beside it."""
    import carla

    x_m, y_m, _ = pose
    kinds = carla.LaneType.Driving | carla.LaneType.Shoulder | carla.LaneType.Parking | carla.LaneType.Stop
    here = carla_map.get_waypoint(carla.Location(x=x_m, y=-y_m), project_to_road=True, lane_type=kinds)
    if here is None or here.is_junction:
        return False
    if here.lane_type != carla.LaneType.Driving:
        return True
    outside = here.get_right_lane()  # of the driving direction: maps here drive on the right
    return outside is None or outside.lane_type != carla.LaneType.Driving


def _by(mark: Landmark, goal: StandStill, pose: tuple[float, float, float], shape: EgoShape) -> bool:
    x_m, y_m, yaw_rad = pose
    mark_x, mark_y = mark.location_m[0] - x_m, -mark.location_m[1] - y_m
    ahead_m = mark_x * math.cos(yaw_rad) + mark_y * math.sin(yaw_rad)
    aside_m = abs(mark_y * math.cos(yaw_rad) - mark_x * math.sin(yaw_rad))
    if goal.relation is Relation.BEHIND:
        turn_rad = -math.radians(mark.yaw_deg) - yaw_rad
        reach_m = 0.5 * (abs(mark.size_m[0] * math.cos(turn_rad)) + abs(mark.size_m[1] * math.sin(turn_rad)))
        gap_m = ahead_m - reach_m - shape.front_m
        return 0.0 <= gap_m <= goal.tolerance_m and aside_m <= _BEHIND_ASIDE_M
    middle_m = 0.5 * (shape.front_m - shape.rear_m)
    return abs(ahead_m - middle_m) <= goal.tolerance_m and aside_m <= SEEN_WITHIN_M
