"""Between the simulator and a policy: what it is shown, what it answers, and what the car does about it."""

from dataclasses import replace
from typing import Any

from drivevla import registry
from drivevla.errors import PolicyError
from drivevla.evaluation.closed_loop.way import RouteAhead, TargetsAhead
from drivevla.evaluation.closed_loop.world import ego_pose
from drivevla.sim.session import Session, Snapshot
from drivevla.sim.session.following import HOLD, PlanFollower
from drivevla.types import Plan, Truth

__all__ = ["Driver", "make_policy"]


def make_policy(name: str, options: dict[str, Any]) -> Any:
    """The policy of a name.

    Raises:
        UnknownName: The registry has no such policy.
        PolicyError: It could not be made.
    """
    kind = registry.load("policies", name)
    try:
        return kind(**options)
    except Exception as error:
        raise PolicyError(f"policy {name!r} could not be made: {type(error).__name__}: {error}") from error


class Driver:
    """Asks a policy at every capture, and follows its newest plan in every tick.

    Args:
        policy: A ``Policy`` or a ``PrivilegedPolicy``; only the latter is handed the truth.
        session: The world and the ego.
        ahead: The route, for the truth.
        targets: The route, for every policy.
    """

    def __init__(self, policy: Any, session: Session, ahead: RouteAhead, targets: TargetsAhead) -> None:
        self._policy, self._session = policy, session
        self._ahead, self._targets = ahead, targets
        self._follower = PlanFollower(session.ego_filter, tick_s=session.tick_s)
        self.control = HOLD

    @property
    def privileged(self) -> bool:
        """Whether the policy is told the truth."""
        return getattr(self._policy, "needs_truth", False) is True

    def start(self, seed: int) -> None:
        """Begin an episode.

        Raises:
            PolicyError: The policy raised.
        """
        try:
            self._policy.reset(seed)
        except Exception as error:
            raise PolicyError(f"the policy's reset raised {type(error).__name__}: {error}") from error
        self._follower.reset()

    def after(self, snapshot: Snapshot, *, speed_limit_mps: float) -> Plan | None:
        """Take a tick: ask for a plan when the sensors measured, and set the control for the coming tick.

        Returns:
            The plan, when the policy was asked.

        Raises:
            PolicyError: It raised, or answered with something that is no plan.
        """
        answer = self._ask(snapshot, speed_limit_mps) if snapshot.captured else None
        if answer is not None:
            self._follower.take(answer, time_s=snapshot.time_s)
        self.control = self._follower.control(time_s=snapshot.time_s)
        return answer

    def _ask(self, snapshot: Snapshot, speed_limit_mps: float) -> Plan:
        command, targets = self._targets.seen_from(self._session.ego_filter.world_from_ego)
        observation = replace(self._session.observation(snapshot), command=command, target_points_m=targets)
        arguments: tuple[Any, ...] = (observation,)
        if self.privileged:
            arguments = (observation, self._truth(snapshot, speed_limit_mps))
        try:
            plan = self._policy.act(*arguments)
        except Exception as error:
            raise PolicyError(
                f"the policy raised {type(error).__name__} at {snapshot.time_s:.2f} s: {error}"
            ) from error
        if not isinstance(plan, Plan):
            raise PolicyError(
                f"the policy must answer with a Plan, got {type(plan).__name__} at {snapshot.time_s:.2f} s"
            )
        return plan

    def _truth(self, snapshot: Snapshot, speed_limit_mps: float) -> Truth:
        world_from_ego = ego_pose(self._session)
        return Truth(
            timestamp_s=snapshot.time_s,
            world_from_ego=world_from_ego,
            map_name=self._session.map.name,
            route_m=self._ahead.seen_from(world_from_ego),
            speed_limit_mps=speed_limit_mps,
        )
