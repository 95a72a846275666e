"""Bench2Drive's result scripts: driving score, success rate, efficiency, comfort, abilities.

Source: Thinklab-SJTU/Bench2Drive 0.0.4 (7ec25d1) and 0.0.3 (2645714), ``tools/``.
"""

from drivevla.evaluation.driving_score.bench2drive.ability import (
    ABILITIES,
    AbilityScores,
    RouteOutline,
    RouteTrace,
    score_abilities,
)
from drivevla.evaluation.driving_score.bench2drive.comfort import comfort_share
from drivevla.evaluation.driving_score.bench2drive.efficiency import Efficiency, score_efficiency
from drivevla.evaluation.driving_score.bench2drive.summary import (
    PLANNED_ROUTES,
    Bench2DriveSummary,
    summarise,
    write_merged_file,
)

__all__ = [
    "ABILITIES",
    "PLANNED_ROUTES",
    "AbilityScores",
    "Bench2DriveSummary",
    "Efficiency",
    "RouteOutline",
    "RouteTrace",
    "comfort_share",
    "score_abilities",
    "score_efficiency",
    "summarise",
    "write_merged_file",
]
