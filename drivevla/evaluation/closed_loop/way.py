"""The planned route as the judge needs it."""

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.driving_score import ScoredRoute
from drivevla.geometry.carla import points_from_carla, yaw_from_carla
from drivevla.sim.routes import DensePlan

__all__ = ["scored_route"]


def scored_route(plan: DensePlan) -> ScoredRoute:
    """The plan for the judge: our world frame, directions level."""
    yaw = yaw_from_carla(plan.yaw_deg)
    forward = np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], axis=-1)
    return ScoredRoute(_points(points_from_carla(plan.location_m)), _points(forward))


def _points(array: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    return [(x, y, z) for x, y, z in array.tolist()]
