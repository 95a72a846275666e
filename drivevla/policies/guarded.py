"""Any policy with the safety layer behind it."""

from drivevla.planner.safety import SafetyLayer
from drivevla.types import Observation, Plan, Policy

__all__ = ["Guarded"]


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
