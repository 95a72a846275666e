"""The policy that goes on as it is going."""

import numpy as np

from drivevla.policies.horizon import DT_S, TIMES_S
from drivevla.types import Observation, Plan
from drivevla.types.checks import real_number

__all__ = ["ConstantVelocity"]


class ConstantVelocity:
    """Keeps speed and heading, blind to everything: the usual baseline of open-loop evaluation.

    Args:
        least_speed_mps: It never plans slower than this. 0 is the pure baseline, which in a closed loop, where every
            drive begins at rest, stays at rest.

    Raises:
        ContractError: The speed is negative or not finite.
    """

    def __init__(self, *, least_speed_mps: float = 0.0) -> None:
        self._least_mps = real_number("least_speed_mps", least_speed_mps, at_least=0.0)

    def reset(self, seed: int) -> None:
        """Nothing is remembered, and nothing is random."""

    def act(self, observation: Observation) -> Plan:
        """Straight ahead at the speed of now; rolling backwards counts as standing."""
        speed_mps = max(observation.ego.speed_mps, self._least_mps)
        waypoints = np.stack([speed_mps * TIMES_S, np.zeros_like(TIMES_S), np.zeros_like(TIMES_S)], axis=-1)
        return Plan(waypoints=waypoints, dt_s=DT_S, text=f"keeping {speed_mps:.1f} m/s")
