"""What a director reports."""

from dataclasses import dataclass
from enum import Enum

__all__ = ["LeftOut", "ScenarioEvent", "ScenarioPhase"]


class ScenarioPhase(Enum):
    """What became of a scenario."""

    BUILT = "built"
    STARTED = "started"
    ENDED = "ended"
    TIMED_OUT = "timed out"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioEvent:
    """One step in a scenario's life.

    Attributes:
        time_s: Simulated time.
        name: The scenario's name in its file.
        type: Its type.
        phase: What happened.
        reason: For a failure, why.
    """

    time_s: float
    name: str
    type: str
    phase: ScenarioPhase
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A scenario of the route that is not played.

    Attributes:
        name: Its name in the file.
        type: Its type.
        reason: Why.
    """

    name: str
    type: str
    reason: str
