"""The policy that does not move."""

import numpy as np

from drivevla.policies.horizon import DT_S, STEPS
from drivevla.types import Observation, Plan

__all__ = ["StandStill"]


class StandStill:
    """Stays where it is, whatever it sees: the floor of every score."""

    def reset(self, seed: int) -> None:
        """Nothing is remembered, and nothing is random."""

    def act(self, observation: Observation) -> Plan:
        """A plan that repeats the present pose."""
        return Plan(waypoints=np.zeros((STEPS, 3)), dt_s=DT_S, target_speed_mps=0.0, text="standing still")
