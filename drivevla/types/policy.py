"""Whoever drives."""

from typing import Literal, Protocol, runtime_checkable

from drivevla.types.observation import Observation
from drivevla.types.plan import Plan
from drivevla.types.truth import Truth

__all__ = ["Policy", "PrivilegedPolicy"]


@runtime_checkable
class Policy(Protocol):
    """Drives from what it sees: a network, a remote model, a baseline.

    Timing, recording, delay and safety are added by wrapping a policy in another.
    """

    def reset(self, seed: int) -> None:
        """Forget everything and start an episode whose randomness follows from ``seed``."""
        ...

    def act(self, observation: Observation) -> Plan:
        """Answer one observation. The observation is read-only and must not be kept beyond the policy's own history."""
        ...


@runtime_checkable
class PrivilegedPolicy(Protocol):
    """Drives knowing the truth: the expert. Runners label its results as privileged.

    Attributes:
        needs_truth: What tells it from a ``Policy``; runners hand the truth to these alone.
    """

    needs_truth: Literal[True]

    def reset(self, seed: int) -> None:
        """Forget everything and start an episode whose randomness follows from ``seed``."""
        ...

    def act(self, observation: Observation, truth: Truth) -> Plan:
        """Answer one observation and the truth at the same instant."""
        ...
