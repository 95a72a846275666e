"""Between the simulator and a policy: what it is shown, what it answers, and what the car does about it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from drivevla.errors import PolicyError, UnknownName
from drivevla.evaluation.closed_loop.guidance import Guide
from drivevla.evaluation.closed_loop.town import Town
from drivevla.planner.control import VehicleControl
from drivevla.policies.asking import ask_policy
from drivevla.policies.loading import load_policy
from drivevla.sim.navigator import Guidance
from drivevla.sim.routes import DensePlan
from drivevla.sim.session import Session, Snapshot
from drivevla.sim.session.following import HOLD, PlanFollower
from drivevla.sim.truth import TruthMaker
from drivevla.types import LightState, Observation, Plan, Truth

__all__ = ["Driver", "Moment", "make_policy"]


def make_policy(name: str, options: dict[str, Any]) -> Any:
    """The policy of a name, or of a checkpoint's folder.

    Raises:
        UnknownName: The registry has no such policy.
        PolicyError: It could not be made.
    """
    try:
        return load_policy(name, options=options)
    except UnknownName:
        raise
    except Exception as error:
        raise PolicyError(f"policy {name!r} could not be made: {type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """What passed between the navigator, the policy and the car in one tick.

    Attributes:
        guidance: What might be heard.
        observation: What the policy was shown; None where it was not asked.
        truth: What it was told besides, where it is privileged.
        plan: What it answered.
    """

    guidance: Guidance
    observation: Observation | None = None
    truth: Truth | None = None
    plan: Plan | None = None


class Driver:
    """Guides a policy, asks it at every capture, and follows its newest plan in every tick.

    Args:
        policy: A ``Policy`` or a ``PrivilegedPolicy``; only the latter is handed the truth.
        session: The world and the ego.
        plan: The route.
        town: Its map.
        guide: What may be heard.
    """

    def __init__(self, policy: Any, session: Session, plan: DensePlan, town: Town, guide: Guide) -> None:
        self._policy, self._session, self._guide = policy, session, guide
        self._follower = PlanFollower(session.ego_filter, tick_s=session.tick_s)
        self._truth = (
            TruthMaker(session.world, session.ego, town.carla_map, plan, actor_from_ego=session.actor_from_ego)
            if self.privileged
            else None
        )
        self.control: VehicleControl = HOLD

    @property
    def privileged(self) -> bool:
        """Whether the policy is told the truth."""
        return getattr(self._policy, "needs_truth", False) is True

    @property
    def tells_lights(self) -> bool:
        """Whether what the light ahead shows is part of what may be heard."""
        return self._guide.tells_lights

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

    def after(self, snapshot: Snapshot, *, light: LightState | None = None, open_doors: Collection[int] = ()) -> Moment:
        """Take a tick: ask for a plan when the sensors measured, and set the control for the coming tick.

        Args:
            snapshot: The tick.
            light: What the light ahead shows, where that may be heard.
            open_doors: Ids of vehicles with a door open, for a policy that is told the truth.

        Raises:
            PolicyError: The policy raised, or answered with something that is no plan.
        """
        guidance = self._guide.navigator.update(
            self._session.ego_filter.world_from_ego, time_s=snapshot.time_s, light=light
        )
        moment = self._ask(snapshot, guidance, open_doors) if snapshot.captured else Moment(guidance=guidance)
        if moment.plan is not None:
            self._follower.take(moment.plan, time_s=snapshot.time_s)
        self.control = self._follower.control(time_s=snapshot.time_s)
        return moment

    def _ask(self, snapshot: Snapshot, guidance: Guidance, open_doors: Collection[int]) -> Moment:
        observation = replace(
            self._session.observation(snapshot, instruction=guidance.text),
            command=guidance.command,
            target_points_m=guidance.target_points_m,
        )
        truth: Truth | None = None
        if self._truth is not None:
            truth = self._truth.read(
                timestamp_s=snapshot.time_s,
                instruction=guidance.instruction,
                goal=guidance.goal,
                open_doors=open_doors,
            )
        plan = ask_policy(self._policy, observation, truth)
        return Moment(guidance=guidance, observation=observation, truth=truth, plan=plan)
