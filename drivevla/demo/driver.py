"""Between the simulator, a sentence and a policy: what the policy is shown, and what the car does about its plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivevla.demo.route import GrowingRoute
from drivevla.errors import DataError
from drivevla.policies.asking import ask_policy
from drivevla.sim.session.following import HOLD, PlanFollower
from drivevla.sim.truth import TruthMaker

if TYPE_CHECKING:
    from drivevla.demo.hearing import Hearing
    from drivevla.demo.town import DemoTown
    from drivevla.demo.ways import Way
    from drivevla.planner.control import VehicleControl
    from drivevla.sim.routes import DensePlan
    from drivevla.sim.session import Session, Snapshot
    from drivevla.types import Observation, Plan, Truth

__all__ = ["Asked", "DemoDriver", "is_told_the_truth"]

_GROW_WITHIN_M = 120.0


def is_told_the_truth(policy: Any) -> bool:
    """Whether a policy is privileged."""
    return getattr(policy, "needs_truth", False) is True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """One question to the policy.

    Attributes:
        observation: What it was shown.
        plan: What it answered.
    """

    observation: Observation
    plan: Plan


class DemoDriver:
    """Tells a policy the sentence in force, asks it at every capture, and follows its newest plan in every tick.

    A policy gets its sensors and the sentence as plain text. Only a privileged one, which cannot hear, is given what
    the sentence means as a route, an instruction and a goal.

    Args:
        policy: A ``Policy`` or a ``PrivilegedPolicy``.
        session: The world and the ego.
        town: Its map.
    """

    def __init__(self, policy: Any, session: Session, town: DemoTown) -> None:
        self._policy, self._session, self._finder = policy, session, town.finder
        self._follower = PlanFollower(session.ego_filter, tick_s=session.tick_s)
        self._route: GrowingRoute | None = None
        self._truth: TruthMaker | None = None
        self._ends = False
        self._hearing: Hearing | None = None
        self.control: VehicleControl = HOLD

    def start(self, seed: int) -> None:
        """Begin.

        Raises:
            DataError: There is no road ahead to lead a privileged policy along.
        """
        self._policy.reset(seed)
        self._follower.reset()
        if is_told_the_truth(self._policy):
            point = self.point
            if point is None:
                raise DataError("the car does not stand on a lane: a privileged policy has no route from here")
            plan = self._finder.onward(point).plan
            self._route, self._truth = GrowingRoute(plan), self._truth_of(plan)

    @property
    def point(self) -> int | None:
        """Where on the lane graph a way from here begins; None off the lanes."""
        if self._route is not None and (fork := self._route.fork()) is not None:
            x, y, _ = self._route.plan.location_m[fork].tolist()
            return self._finder.point_near(x, y, yaw_deg=float(self._route.plan.yaw_deg[fork]))
        here = self._session.ego.get_transform()
        return self._finder.point_near(here.location.x, here.location.y, yaw_deg=here.rotation.yaw)

    def hear(self, hearing: Hearing | None) -> None:
        """Put a sentence into the policy's ears; None for silence."""
        self._hearing = hearing
        if self._route is not None:
            self._lead(None if hearing is None else hearing.meaning.way)

    def after(self, snapshot: Snapshot) -> Asked | None:
        """Take a tick: ask for a plan when the sensors measured, and set the control for the coming tick.

        Raises:
            PolicyError: The policy raised, or answered with something that is no plan.
        """
        if self._route is not None:
            here = self._session.ego.get_location()
            self._route.follow(here.x, here.y)
            if self._route.left_m < _GROW_WITHIN_M and not self._ends:
                self._grow()
        asked = self._ask(snapshot) if snapshot.captured else None
        if asked is not None:
            self._follower.take(asked.plan, time_s=snapshot.time_s)
        self.control = self._follower.control(time_s=snapshot.time_s)
        return asked

    def _ask(self, snapshot: Snapshot) -> Asked:
        hearing = self._hearing
        observation = self._session.observation(
            snapshot, instruction=None if hearing is None else hearing.meaning.sentence
        )
        truth: Truth | None = None
        if self._truth is not None:
            truth = self._truth.read(
                timestamp_s=snapshot.time_s,
                instruction=None if hearing is None else hearing.meaning.instruction,
                goal=None if hearing is None else hearing.goal_now,
            )
        return Asked(observation=observation, plan=ask_policy(self._policy, observation, truth))

    def _lead(self, way: Way | None) -> None:
        """Lead a privileged policy along the way of a sentence, or straight on."""
        assert self._route is not None
        point, fork = self.point, self._route.fork()
        if way is None:
            if point is None:
                return
            try:
                way = self._finder.onward(point)
            except DataError:
                return  # the road ends here, and so does the route
        self._take(way.plan, fork=fork)

    def _grow(self) -> None:
        """Lead on straight behind the route's end, where the road goes on there."""
        assert self._route is not None
        last = len(self._route.plan.location_m) - 1
        x, y, _ = self._route.plan.location_m[last].tolist()
        point = self._finder.point_near(x, y, yaw_deg=float(self._route.plan.yaw_deg[last]))
        try:
            if point is not None:
                self._take(self._finder.onward(point).plan, fork=last)
                return
        except DataError:
            pass
        self._ends = True

    def _take(self, onward: DensePlan, *, fork: int | None) -> None:
        assert self._route is not None
        self._route.turn_to(onward, fork=fork)
        self._ends = False
        self._truth = self._truth_of(self._route.plan)

    def _truth_of(self, plan: DensePlan) -> TruthMaker:
        session = self._session
        return TruthMaker(
            session.world, session.ego, self._finder.carla_map, plan, actor_from_ego=session.actor_from_ego
        )
