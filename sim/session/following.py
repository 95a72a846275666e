"""The newest plan, followed at every tick between two answers of the policy."""

import numpy as np

from drivevla.geometry import invert_se2
from drivevla.planner.control import PlanTracker, VehicleControl
from drivevla.sim.session.ego_filter import EgoFilter
from drivevla.types import Plan

__all__ = ["HOLD", "PlanFollower"]

HOLD = VehicleControl(brake=1.0)
"""Until the first plan has come."""


class PlanFollower:
    """Holds the newest plan and turns it into pedals and wheel.

    Args:
        ego_filter: Where the car has been since the plan was made.
        tick_s: Length of a tick.
    """

    def __init__(self, ego_filter: EgoFilter, *, tick_s: float) -> None:
        self._filter, self._tick_s = ego_filter, tick_s
        self._tracker = PlanTracker()
        self.reset()

    def reset(self) -> None:
        """Forget plan and past, at the start of an episode."""
        self._tracker.reset()
        self._plan: Plan | None = None
        self._planned_at_s = 0.0

    def take(self, plan: Plan, *, time_s: float) -> None:
        """Follow this plan from now on."""
        self._plan, self._planned_at_s = plan, time_s

    def control(self, *, time_s: float) -> VehicleControl:
        """The control for the coming tick, at a time that the filter has readings of."""
        if self._plan is None:
            return HOLD
        elapsed_s = time_s - self._planned_at_s
        plan_from_ego = np.zeros(3)
        if elapsed_s > 0.0:
            # The trail ends at now; the pose before is where the ego was when it planned.
            plan_from_ego = invert_se2(self._filter.past(step_s=elapsed_s).poses[-2])
        return self._tracker.step(
            self._plan,
            plan_from_ego=plan_from_ego,
            elapsed_s=elapsed_s,
            speed_mps=self._filter.state.speed_mps,
            dt_s=self._tick_s,
        )
