"""What is said when: one sentence after the other, the next as soon as there is nothing more to wait for."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from drivevla.demo.diary import Told
from drivevla.demo.hearing import Hearing, Outcome
from drivevla.demo.meaning import interpret
from drivevla.demo.ways import WayFinder
from drivevla.language import Goal, InOrder, ReachObject, ReachPoint
from drivevla.language.goals import AvoidExit, ChangeLane, TakeExit, TakeRoundaboutExit, TakeTurning
from drivevla.sim.navigator import EgoShape, Sample, Verdict

__all__ = ["Conversation", "Inbox"]

_PASSED = (AvoidExit, ChangeLane, ReachObject, ReachPoint, TakeExit, TakeRoundaboutExit, TakeTurning)
"""Goals that are over once they are reached: said any longer they would be taken for something new."""


class Inbox:
    """Sentences from outside while the car drives: from a terminal, from a page; any thread may put them in.

    Args:
        interrupts: Whether a new sentence takes the place of the one in force, as when somebody speaks; else they wait
            for their turn, as when they come from a file.

    Attributes:
        is_ended: Whether the drive is to end now.
        is_closed: Whether it is to end once everything is said and done.
    """

    def __init__(self, *, interrupts: bool = True) -> None:
        self._waiting: SimpleQueue[str] = SimpleQueue()
        self.interrupts, self.is_ended, self.is_closed = interrupts, False, False

    def say(self, sentence: str) -> bool:
        """Put a sentence in; False, and nothing happens, where it is empty."""
        text = " ".join(sentence.split())
        if text:
            self._waiting.put(text)
        return bool(text)

    def end(self) -> None:
        """End the drive."""
        self.is_ended = True

    def close(self) -> None:
        """Nothing more will be said."""
        self.is_closed = True

    @property
    def is_done(self) -> bool:
        """Whether nothing waits, and nothing will come."""
        return self.is_closed and self._waiting.empty()

    def take(self) -> str | None:
        """The next sentence; where they interrupt, the newest: who spoke earlier in the same moment is not heard."""
        taken = None
        try:
            while True:
                taken = self._waiting.get_nowait()
                if not self.interrupts:
                    return taken
        except Empty:
            return taken


class Conversation:
    """Decides which sentence is in the policy's ears, and collects the verdicts.

    Args:
        sentences: Said one after the other.
        finder: Of the map.
        shape: Of the car.
        limit_s: How long a sentence may take.
        idle: What is said where nothing else is in force, and is not judged; empty for silence.
        inbox: Further sentences; each takes the place of the one in force.

    Attributes:
        now: What is in the policy's ears.
        told: Verdicts so far.
    """

    def __init__(
        self,
        sentences: Sequence[str],
        finder: WayFinder,
        *,
        shape: EgoShape,
        limit_s: float,
        idle: str = "",
        inbox: Inbox | None = None,
    ) -> None:
        self._waiting = deque(sentences)
        self._finder, self._shape, self._limit_s, self._idle, self._inbox = finder, shape, limit_s, idle, inbox
        self.now: Hearing | None = None
        self.told: list[Told] = []
        self._is_open = False
        self._place_m = (0.0, 0.0)
        self._settled_s: float | None = None

    @property
    def unsaid(self) -> tuple[str, ...]:
        """Sentences that are still to come."""
        return tuple(self._waiting)

    @property
    def number(self) -> int:
        """Of the sentence that is being judged; 0 where none is."""
        return len(self.told) + 1 if self._is_open else 0

    def idle_s(self, time_s: float) -> float:
        """For how long there has been nothing to wait for; 0 while there is, or while something may still be said."""
        if self._is_open or self._waiting or self._settled_s is None:
            return 0.0
        return time_s - self._settled_s

    def due(self, sample: Sample) -> str | None:
        """Follow the drive by a step; the sentence that is to be said now, if any."""
        if self.now is not None and self._is_open:
            self.now.follow(sample)
            if self.now.is_settled(sample.time_s):
                self._close(sample.time_s)
                if self._waiting:
                    return self._waiting.popleft()
                return self._afterwards()
        if (said := self._from_outside()) is not None:
            self._close(sample.time_s)
            return said
        if self.now is None:
            return self._waiting.popleft() if self._waiting else self._idle or None
        return None

    def say(self, sentence: str, sample: Sample, point: int | None) -> Hearing:
        """Say a sentence here and now.

        Args:
            sentence: What is said.
            sample: The step at which it is said.
            point: Where on the lane graph a way from here begins.
        """
        meaning = interpret(sentence, self._finder, point, speed_limit_mps=sample.speed_limit_mps)
        hearing = Hearing(meaning, self._finder, shape=self._shape, issued_s=sample.time_s, limit_s=self._limit_s)
        self.now, self._is_open = hearing, sentence != self._idle
        self._place_m = sample.pose[:2]
        if self._is_open:
            self._settled_s = None
        elif self._settled_s is None:
            self._settled_s = sample.time_s
        return hearing

    def finish(self, time_s: float) -> None:
        """The drive is over: what could still have been done is not judged."""
        self._close(time_s, is_cut_short=True)

    def _from_outside(self) -> str | None:
        if self._inbox is None or (self._is_open and not self._inbox.interrupts):
            return None
        return self._inbox.take()

    def _close(self, time_s: float, *, is_cut_short: bool = False) -> None:
        if self.now is None or not self._is_open:
            return
        reason = ""
        pending = self.now.verdict is Verdict.PENDING and not self.now.is_settled(time_s)
        outcome = self.now.end(time_s)
        if is_cut_short and pending and not outcome.is_right:
            outcome, reason = Outcome.NOT_JUDGED, "the drive was over before it could be done"
        self.told.append(Told.of(self.now, outcome, number=len(self.told) + 1, place_m=self._place_m, reason=reason))
        self._is_open, self._settled_s = False, time_s

    def _afterwards(self) -> str | None:
        """Once done, a turn is no longer asked for; where to stand or how fast to drive still is."""
        if self.now is None or not _is_over(self.now.meaning.goal):
            return None
        self.now = None
        return self._idle or None


def _is_over(goal: Goal | None) -> bool:
    if isinstance(goal, InOrder):
        return _is_over(goal.goals[-1])
    return isinstance(goal, _PASSED)
