"""Any policy with the safety layer behind it."""

from drivevla.errors import UserError
from drivevla.planner.safety import SafetyLayer
from drivevla.policies.loading import is_privileged, load_policy
from drivevla.types import Observation, Plan, Policy

__all__ = ["Guarded", "guarded_policy"]


class Guarded:
    """Hands every plan of a policy through the safety layer.

    Args:
        policy: Whose plans.
        layer: The layer; one with the default limits when None.
    """

    def __init__(self, policy: Policy, layer: SafetyLayer | None = None) -> None:
        self.policy, self.layer = policy, layer or SafetyLayer()

    def reset(self, seed: int) -> None:
        """Reset the policy; the layer remembers nothing."""
        self.policy.reset(seed)

    def act(self, observation: Observation) -> Plan:
        """The policy's plan, changed where it has to be; its diagnostics say so."""
        return self.layer.guard(self.policy.act(observation), observation)


def guarded_policy(*, policy: str) -> Guarded:
    """A policy of the registry or a checkpoint behind the layer, for command lines: ``guarded`` in the registry.

    Raises:
        UserError: The policy is told the truth, which the layer does not hand on.
        UnknownName: There is no such policy.
    """
    if is_privileged(policy):
        raise UserError(f"{policy} is told the truth; the safety layer guards policies that only see")
    return Guarded(load_policy(policy))
