"""The route of a privileged policy, which changes with what is said: the way on is spliced onto the way so far."""

import numpy as np

from drivevla.sim.navigator.navigator import PlanProgress
from drivevla.sim.routes import DensePlan

__all__ = ["GrowingRoute"]

_BEHIND_M = 20.0
"""So much of the way so far stays in the route: a policy looks for itself on it."""
_ASIDE_M = 1.5
"""A car that is farther than this beside its route has left its lane, and goes on from where it is."""


class GrowingRoute:
    """A route without a fixed end.

    Distances along it go on counting when the way changes, since an expert remembers places by them.

    Args:
        plan: The first way, from where the car stands.

    Attributes:
        plan: What is in force.
    """

    def __init__(self, plan: DensePlan) -> None:
        self.plan = plan
        self._progress = PlanProgress(plan)
        self._here_m, self._aside_m = float(plan.distance_m[0]), 0.0

    def follow(self, x_m: float, y_m: float) -> None:
        """Take where the car is now, CARLA's frame."""
        self._here_m, self._aside_m = self._progress.update(x_m, y_m)

    @property
    def left_m(self) -> float:
        """How much of it is ahead of the car."""
        return float(self.plan.distance_m[-1]) - self._here_m

    def fork(self) -> int | None:
        """The first point ahead, outside junctions, where another way may begin; None where the car is beside it."""
        if self._aside_m > _ASIDE_M:
            return None
        here = int(np.searchsorted(self.plan.distance_m, self._here_m))
        outside = np.flatnonzero(self.plan.junction[here:] < 0)
        return here + int(outside[0]) if len(outside) else None

    def turn_to(self, onward: DensePlan, *, fork: int | None) -> None:
        """Go on along another way.

        Args:
            onward: The way; it begins at the fork.
            fork: The point of the present plan where it begins; None for where the car is.
        """
        before = self.plan
        here = int(np.searchsorted(before.distance_m, self._here_m))
        last = here if fork is None else fork
        first = int(np.searchsorted(before.distance_m, self._here_m - _BEHIND_M))
        old = slice(first, last)
        gap_m = float(np.linalg.norm(onward.location_m[0] - before.location_m[max(last - 1, first)]))
        begin_m = float(before.distance_m[max(last - 1, first)]) + (gap_m if last > first else 0.0)
        self.plan = DensePlan(
            location_m=np.concatenate([before.location_m[old], onward.location_m]),
            yaw_deg=np.concatenate([before.yaw_deg[old], onward.yaw_deg]),
            option=np.concatenate([before.option[old], onward.option]),
            lane=np.concatenate([before.lane[old], onward.lane]),
            junction=np.concatenate([before.junction[old], onward.junction]),
            distance_m=np.concatenate([before.distance_m[old], begin_m + onward.distance_m - onward.distance_m[0]]),
            key=np.array([0, last - first + len(onward.location_m) - 1]),
        )
        self._progress = PlanProgress(self.plan)
