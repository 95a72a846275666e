"""One sentence in force: followed from the moment it is said, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from drivevla.demo.meaning import Meaning
from drivevla.language import (
    FollowRoad,
    Goal,
    HeedNotice,
    HoldSpeed,
    KeepLane,
    MatchSpeedLimit,
    SpeedAtMost,
    SpeedTrend,
    StayBehind,
)
from drivevla.sim.navigator import EgoShape, GoalMonitor, Sample, Verdict

if TYPE_CHECKING:
    from drivevla.demo.ways import WayFinder
    from drivevla.types import Plan

__all__ = ["Hearing", "Outcome"]

_KEPT = (HeedNotice, HoldSpeed, KeepLane, MatchSpeedLimit, SpeedAtMost, SpeedTrend, StayBehind)
"""Goals that are kept rather than reached: they are judged when their time is over."""
_KEEP_S = 8.0
_REFUSE_S = 5.0
"""A sentence that is refused for so long without a break is refused; one that must be has so long to be."""


class Outcome(StrEnum):
    """What came of a sentence."""

    OBEYED = "obeyed"
    NOT_OBEYED = "not obeyed"
    RIGHTLY_REFUSED = "rightly refused"
    WRONGLY_REFUSED = "wrongly refused"
    NOT_REFUSED = "should have been refused"
    NOT_JUDGED = "not judged"

    @property
    def is_right(self) -> bool | None:
        """Whether that is as it should be; None where nobody can tell."""
        if self is Outcome.NOT_JUDGED:
            return None
        return self in {Outcome.OBEYED, Outcome.RIGHTLY_REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """How plans answered so far."""

    plans: int = 0
    refused: int = 0
    since_s: float | None = None


class Hearing:
    """Follows one sentence.

    Args:
        meaning: The sentence, as the judge understands it.
        finder: Of the map.
        shape: Of the car.
        issued_s: When it was said.
        limit_s: How long it may take.
    """

    def __init__(
        self, meaning: Meaning, finder: WayFinder, *, shape: EgoShape, issued_s: float, limit_s: float
    ) -> None:
        self.meaning, self.issued_s, self._limit_s = meaning, issued_s, limit_s
        self.ended_s: float | None = None
        self._refusal = _Refusal()
        self._monitor: GoalMonitor | None = None
        if meaning.goal is not None:
            self._monitor = GoalMonitor(
                meaning.goal, finder.carla_map, finder.landmarks, junctions=meaning.junctions, shape=shape
            )

    @property
    def goal_now(self) -> Goal | None:
        """What must become true next; None where nobody can judge."""
        return None if self._monitor is None else self._monitor.goal_now

    @property
    def verdict(self) -> Verdict:
        """Of its goal, so far."""
        return Verdict.PENDING if self._monitor is None else self._monitor.verdict

    @property
    def refused_share(self) -> float:
        """Of the plans that were made while it was in force, those that refused it."""
        return self._refusal.refused / self._refusal.plans if self._refusal.plans else 0.0

    @property
    def needs_vehicles(self) -> bool:
        """Whether samples must know the other vehicles."""
        return isinstance(self.goal_now, StayBehind)

    def follow(self, sample: Sample) -> None:
        """Take one step of the drive; whether it is refused, the answers to this very sentence say."""
        if self._monitor is not None:
            refused = self._refusal.since_s is not None
            self._monitor.update(sample if sample.refused == refused else replace(sample, refused=refused))

    def answer(self, plan: Plan, *, time_s: float) -> None:
        """Take a plan that was made with the sentence in the policy's ears."""
        past = self._refusal
        since_s = (past.since_s if past.since_s is not None else time_s) if plan.refused else None
        self._refusal = _Refusal(plans=past.plans + 1, refused=past.refused + plan.refused, since_s=since_s)

    def is_settled(self, time_s: float) -> bool:
        """Whether there is nothing more to wait for: it is done, refused, or its time is over."""
        heard_s = time_s - self.issued_s
        since_s = self._refusal.since_s
        if since_s is not None and time_s - since_s >= _REFUSE_S:
            return True
        if self._monitor is None:
            return heard_s >= _KEEP_S
        if self.meaning.must_refuse:
            return heard_s >= _REFUSE_S
        if self._monitor.verdict is not Verdict.PENDING:
            return True
        return heard_s >= (_KEEP_S if _is_kept(self._monitor.goal) else self._limit_s)

    def end(self, time_s: float) -> Outcome:
        """Withdraw the sentence; its verdict is final."""
        self.ended_s = time_s
        if self._monitor is None:
            return Outcome.NOT_JUDGED
        reached = self._monitor.finish() is Verdict.REACHED
        if self.meaning.must_refuse:
            return Outcome.RIGHTLY_REFUSED if reached else Outcome.NOT_REFUSED
        if reached:
            return Outcome.OBEYED
        return Outcome.WRONGLY_REFUSED if self.refused_share >= 0.5 else Outcome.NOT_OBEYED


def _is_kept(goal: Goal) -> bool:
    return isinstance(goal, _KEPT) or (isinstance(goal, FollowRoad) and goal.distance_m is None)
