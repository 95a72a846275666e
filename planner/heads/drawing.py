"""Plans drawn from a distribution.

B batch, K draws, T future steps.
"""

from __future__ import annotations

from torch import Tensor

from drivevla.types import PlanTensors

__all__ = ["drawn_plans"]


def drawn_plans(chosen_BT3: Tensor, drawn_BKT3: Tensor) -> PlanTensors:
    """Draws as equally likely modes beside the plan that is executed."""
    batch, draws = drawn_BKT3.shape[:2]
    scores_BK = drawn_BKT3.new_full((batch, draws), 1.0 / draws)
    return PlanTensors(waypoints_BT3=chosen_BT3, modes_BKT3=drawn_BKT3, scores_BK=scores_BK)
