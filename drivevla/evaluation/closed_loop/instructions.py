"""What was said on a drive and what became of it: ``instructions.json``."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from drivevla.errors import ConfigError, DataError
from drivevla.language import Goal, goal_of
from drivevla.runs.atomic import write_text_atomically
from drivevla.sim.maps import Landmark
from drivevla.sim.navigator import EgoShape, Event, GoalMonitor, Guidance, Sample, Verdict

if TYPE_CHECKING:
    import carla

__all__ = ["INSTRUCTIONS_FILE", "InstructionCounts", "InstructionLog", "read_instructions"]

INSTRUCTIONS_FILE = "instructions.json"

Outcome = Literal["reached", "failed", "not judged", "said anew"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionCounts:
    """How many instructions a drive gave, and what became of them. What was said anew counts once.

    Attributes:
        given: All that were to be obeyed or refused.
        reached: Whose goal was reached.
        failed: Whose goal was not.
        not_judged: Whose goal a record cannot tell of.
    """

    given: int = 0
    reached: int = 0
    failed: int = 0
    not_judged: int = 0

    def __add__(self, other: InstructionCounts) -> InstructionCounts:
        """Both together."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        given, reached, failed, not_judged = (one + two for one, two in pairs)
        return InstructionCounts(given=given, reached=reached, failed=failed, not_judged=not_judged)


@dataclass
class _Said:
    """One instruction in force."""

    event: Event
    sentence: str | None
    goal: Goal
    monitor: GoalMonitor | None
    reason: str | None = None


class InstructionLog:
    """Follows what the navigator says and judges every goal from the car's true poses.

    Args:
        carla_map: Where.
        landmarks: Of that map.
        shape: Of the car.
    """

    def __init__(self, carla_map: carla.Map, landmarks: Sequence[Landmark], *, shape: EgoShape) -> None:
        self._map, self._landmarks, self._shape = carla_map, landmarks, shape
        self._open: list[_Said] = []
        self._said: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []

    def follow(self, guidance: Guidance, sample: Sample) -> None:
        """Take one tick: what is said in it counts from it."""
        for event in guidance.events:
            self._events.append(_plain_event(event))
            if event.what == "withdraw":
                self._close(event, time_s=event.time_s, distance_m=event.distance_m)
            else:
                self._open.append(self._begin(event, guidance))
        for said in self._open:
            if said.monitor is not None:
                said.monitor.update(sample)

    def finish(self, *, time_s: float, distance_m: float, arrived: bool) -> None:
        """Judge what is still in force at the end of the drive.

        The rules call a car arrived up to 10 m before the end of its route: what was still to come there is not judged.
        """
        for said in tuple(self._open):
            if arrived and _was_cut_short(said.monitor):
                said.monitor, said.reason = None, "the route was over before this could be done"
            self._end(said, time_s=time_s, distance_m=distance_m, said_anew=False)

    @property
    def counts(self) -> InstructionCounts:
        """What has become of the instructions that are closed."""
        found = Counter(said["verdict"] for said in self._said)
        return InstructionCounts(
            given=sum(found.values()) - found["said anew"],
            reached=found["reached"],
            failed=found["failed"],
            not_judged=found["not judged"],
        )

    def write(self, path: Path, *, guidance: Mapping[str, Any]) -> None:
        """Write everything as JSON."""
        content = {"guidance": dict(guidance), "instructions": self._said, "events": self._events}
        write_text_atomically(path, json.dumps(content, indent=2, ensure_ascii=False))

    def _begin(self, event: Event, guidance: Guidance) -> _Said:
        is_notice = event.instruction == guidance.notice and event.instruction != guidance.instruction
        goal = guidance.goal if not is_notice and guidance.goal is not None else goal_of(event.instruction)
        junctions = () if is_notice else guidance.junctions
        said = _Said(event=event, sentence=guidance.text, goal=goal, monitor=None)
        try:
            said.monitor = GoalMonitor(goal, self._map, self._landmarks, junctions=junctions, shape=self._shape)
        except ConfigError as error:
            said.reason = str(error)
        return said

    def _close(self, event: Event, *, time_s: float, distance_m: float) -> None:
        for said in self._open:
            if (said.event.instruction, said.event.misleading) == (event.instruction, event.misleading):
                self._end(said, time_s=time_s, distance_m=distance_m, said_anew=event.said_anew)
                return

    def _end(self, said: _Said, *, time_s: float, distance_m: float, said_anew: bool) -> None:
        self._open.remove(said)
        self._said.append(
            {
                "sentence": said.sentence,
                "kind": said.event.instruction.kind.value,
                "instruction": said.event.instruction.to_dict(),
                "goal": _plain_goal(said.goal),
                "misleading": said.event.misleading,
                "issued_s": said.event.time_s,
                "issued_m": said.event.distance_m,
                "withdrawn_s": time_s,
                "withdrawn_m": distance_m,
                "verdict": _outcome(said.monitor, said_anew=said_anew),
                "reason": said.reason,
            }
        )


def read_instructions(path: Path) -> list[dict[str, Any]]:
    """The instructions of a drive, in the order in which they were withdrawn.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        said: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["instructions"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} holds no instructions of a drive: {type(error).__name__}: {error}") from error
    return said


def _was_cut_short(monitor: GoalMonitor | None) -> bool:
    """Whether a goal was still open, and would have failed for nothing but the end."""
    return monitor is not None and monitor.verdict is Verdict.PENDING and monitor.finish() is Verdict.FAILED


def _outcome(monitor: GoalMonitor | None, *, said_anew: bool) -> Outcome:
    if said_anew and (monitor is None or monitor.verdict is Verdict.PENDING):
        return "said anew"
    if monitor is None:
        return "not judged"
    return "reached" if monitor.finish() is Verdict.REACHED else "failed"


def _plain_event(event: Event) -> dict[str, Any]:
    return {
        "what": event.what,
        "time_s": event.time_s,
        "distance_m": event.distance_m,
        "kind": event.instruction.kind.value,
        "misleading": event.misleading,
        "said_anew": event.said_anew,
    }


def _plain_goal(value: Any) -> Any:
    """A goal as JSON: the name of its kind and its fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain_goal(getattr(value, field.name)) for field in dataclasses.fields(value)}
        name = {"goal": type(value).__name__} if isinstance(value, Goal) else {}
        return {**name, **{key: each for key, each in fields.items() if each is not None}}
    if isinstance(value, tuple):
        return [_plain_goal(each) for each in value]
    return value.value if isinstance(value, Enum) else value
