"""The criteria: each watches a drive, tick by tick, for one thing that a score depends on."""

from drivevla.evaluation.driving_score.criteria.blocked import Blocked
from drivevla.evaluation.driving_score.criteria.collisions import Collisions, Collisions1, kind_of_collision
from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.criteria.emergency_vehicle import EmergencyVehicle
from drivevla.evaluation.driving_score.criteria.minimum_speed import MinimumSpeed
from drivevla.evaluation.driving_score.criteria.red_light import RedLights, stop_points
from drivevla.evaluation.driving_score.criteria.route_completion import RouteCompletion, RouteCompletion1
from drivevla.evaluation.driving_score.criteria.route_deviation import RouteDeviation
from drivevla.evaluation.driving_score.criteria.route_lanes import OutsideRouteLanes
from drivevla.evaluation.driving_score.criteria.stop_sign import StopSigns, StopSigns1
from drivevla.evaluation.driving_score.criteria.timeouts import (
    GrowingTimeLimit,
    RouteTimeLimit,
    ScenarioTimeouts,
    TimeLimit1,
)

__all__ = [
    "Blocked",
    "Collisions",
    "Collisions1",
    "Criterion",
    "EmergencyVehicle",
    "GrowingTimeLimit",
    "MinimumSpeed",
    "OutsideRouteLanes",
    "RedLights",
    "RouteCompletion",
    "RouteCompletion1",
    "RouteDeviation",
    "RouteTimeLimit",
    "ScenarioTimeouts",
    "StopSigns",
    "StopSigns1",
    "TimeLimit1",
    "kind_of_collision",
    "stop_points",
]
