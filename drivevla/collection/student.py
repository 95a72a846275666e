"""The policy that is being taught drives some of the way, and the teacher shows what to do where that leads.

Whoever only ever sees how its teacher drives never learns what to do after a mistake of its own (Ross et al., "A
Reduction of Imitation Learning and Structured Prediction to No-Regret Online Learning", AISTATS 2011: DAgger). Here the
two take turns at the wheel, and the teacher takes it early where the car has left its line, as in Zhang and Cho,
"Query-Efficient Imitation Learning for End-to-End Simulated Driving" (AAAI 2017: SafeDAgger).
"""

from typing import Any

import numpy as np

from drivevla.planner.control import VehicleControl
from drivevla.policies.asking import ask_policy
from drivevla.sim.session.ego_filter import EgoFilter
from drivevla.sim.session.following import PlanFollower
from drivevla.types import Observation

__all__ = ["Student"]

_TURN_S = 12.0
"""Mean time of a turn at the wheel of each, together."""
_ASTRAY_M, _BACK_M = 1.5, 0.5
"""So far beside the route the teacher takes over, and so near to it the student may drive again."""


class Student:
    """Takes turns with the teacher.

    Args:
        policy: Who is taught; it sees what every policy sees, and no truth.
        ego_filter: Where the car is.
        tick_s: Length of a tick.
        share: Of the time in which the student has the wheel, while it stays on its line.
        seed: Of the policy.
        rng: Decides how long a turn lasts.

    Raises:
        PolicyError: The policy raised.
    """

    def __init__(
        self,
        policy: Any,
        ego_filter: EgoFilter,
        *,
        tick_s: float,
        share: float,
        seed: int,
        rng: np.random.Generator,
    ) -> None:
        self._policy, self._share, self._rng = policy, share, rng
        self._follower = PlanFollower(ego_filter, tick_s=tick_s)
        self._drives, self._astray, self._until_s = False, False, 0.0
        policy.reset(seed)

    @property
    def drives(self) -> bool:
        """Whether it has the wheel."""
        return self._drives

    def see(self, observation: Observation, *, offset_m: float) -> None:
        """Take a capture, and give the wheel to whose turn it is.

        Args:
            observation: What was seen.
            offset_m: How far beside the route the car is.

        Raises:
            PolicyError: The policy raised, or answered with something that is no plan.
        """
        time_s = observation.timestamp_s
        self._astray = offset_m > (_BACK_M if self._astray else _ASTRAY_M)
        if self._astray:
            self._drives, self._until_s = False, time_s
        elif time_s >= self._until_s:
            self._drives = not self._drives
            mean_s = _TURN_S * (self._share if self._drives else 1.0 - self._share)
            self._until_s = time_s + float(self._rng.uniform(0.5, 1.5)) * mean_s
            self._follower.reset()
        if self._drives:
            self._follower.take(ask_policy(self._policy, observation, None), time_s=time_s)

    def control(self, *, time_s: float) -> VehicleControl:
        """What it does in the coming tick; only where it drives."""
        return self._follower.control(time_s=time_s)
