"""Closed-loop driving scores by the rules of the CARLA leaderboards 1.0, 2.0 and 2.1 and of Bench2Drive.

A drive is a sequence of ``Tick`` values. ``RouteJudge`` (while driving) or ``judge_drive`` (from a record) turns them
into events under one of the ``RULE_BOOKS``; ``score_route`` and ``score_benchmark`` turn events into scores;
``write_result_file`` writes them in the leaderboard's layout. Nothing here needs a simulator, and ``carla`` is needed
by ``CarlaLaneMap`` alone. Definitions, sources and the differences between versions: ``docs/driving-score.md``.
"""

from drivevla.evaluation.driving_score.benchmark_score import BenchmarkScore, score_benchmark
from drivevla.evaluation.driving_score.carla_lane_map import CarlaLaneMap
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent
from drivevla.evaluation.driving_score.judge import Judgement, RouteJudge, RouteSetting, RouteStop, judge_drive
from drivevla.evaluation.driving_score.lane_map import LaneMap, LanePoint
from drivevla.evaluation.driving_score.result_file import (
    ResultFile,
    read_result_file,
    result_layout,
    write_result_file,
)
from drivevla.evaluation.driving_score.route_score import Failure, RouteRecord, RouteRun, ScenarioLabel, score_route
from drivevla.evaluation.driving_score.rules import RULE_BOOKS, RuleBook, rule_book
from drivevla.evaluation.driving_score.scored_route import ScoredRoute
from drivevla.evaluation.driving_score.signals import StopSign, TrafficLight
from drivevla.evaluation.driving_score.tick import ActorPose, Collision, Point, Tick

__all__ = [
    "RULE_BOOKS",
    "ActorPose",
    "BenchmarkScore",
    "CarlaLaneMap",
    "Collision",
    "EventKind",
    "Failure",
    "Judgement",
    "LaneMap",
    "LanePoint",
    "Point",
    "ResultFile",
    "RouteJudge",
    "RouteRecord",
    "RouteRun",
    "RouteSetting",
    "RouteStop",
    "RuleBook",
    "ScenarioLabel",
    "ScoredRoute",
    "StopSign",
    "Tick",
    "TrafficEvent",
    "TrafficLight",
    "judge_drive",
    "read_result_file",
    "result_layout",
    "rule_book",
    "score_benchmark",
    "score_route",
    "write_result_file",
]
