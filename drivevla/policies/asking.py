"""One question to a policy, and only a plan for an answer."""

from typing import Any

from drivevla.errors import PolicyError
from drivevla.types import Observation, Plan, Truth

__all__ = ["ask_policy"]


def ask_policy(policy: Any, observation: Observation, truth: Truth | None) -> Plan:
    """The policy's plan.

    Args:
        policy: A ``Policy``, or a ``PrivilegedPolicy``.
        observation: What it sees.
        truth: What is true, for a privileged policy; None for any other.

    Raises:
        PolicyError: It raised, or answered with something that is no plan.
    """
    arguments = (observation,) if truth is None else (observation, truth)
    try:
        plan = policy.act(*arguments)
    except Exception as error:
        raise PolicyError(
            f"the policy raised {type(error).__name__} at {observation.timestamp_s:.2f} s: {error}"
        ) from error
    if not isinstance(plan, Plan):
        raise PolicyError(
            f"the policy must answer with a Plan, got {type(plan).__name__} at {observation.timestamp_s:.2f} s"
        )
    return plan
