"""Open-loop metrics: plans held against what was driven, by the definitions of the field, named and versioned.

``read_predictions`` and ``read_truth`` read files; ``load_metric`` finds a protocol by name; ``score_predictions`` puts
them together. The protocols' functions work on arrays of samples and can be called on their own. Definitions, sources
and what other tables hide: ``docs/open-loop.md``.
"""

from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, OpenLoopMetric, Samples, Scores
from drivevla.evaluation.open_loop.prediction_file import read_predictions, write_predictions
from drivevla.evaluation.open_loop.predictions import Predictions, joined_predictions, predictions_from_plans
from drivevla.evaluation.open_loop.scoring import MissingRule, OpenLoopReport, load_metric, score_predictions
from drivevla.evaluation.open_loop.truth import OpenLoopTruth
from drivevla.evaluation.open_loop.truth_file import read_truth, write_truth

__all__ = [
    "Definition",
    "MissingRule",
    "OpenLoopMetric",
    "OpenLoopReport",
    "OpenLoopTruth",
    "Predictions",
    "Samples",
    "Scores",
    "joined_predictions",
    "load_metric",
    "mean_scores",
    "predictions_from_plans",
    "read_predictions",
    "read_truth",
    "score_predictions",
    "write_predictions",
    "write_truth",
]
