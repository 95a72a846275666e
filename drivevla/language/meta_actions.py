"""What the car does, in two closed vocabularies: with its speed and with its steering.

They serve as classes (for language objectives, and for questions in the manner of DriveLM and CoVLA, whose captions
likewise combine a speed class with a steering class) and as slots of a commentary.
"""

from dataclasses import dataclass
from enum import StrEnum

from drivevla.errors import ContractError

__all__ = ["Lateral", "Longitudinal", "MetaAction"]


class Longitudinal(StrEnum):
    """What the car does with its speed."""

    KEEP_SPEED = "keep_speed"
    ACCELERATE = "accelerate"
    SLOW_DOWN = "slow_down"
    BRAKE_HARD = "brake_hard"
    STOP = "stop"
    """Braking to a standstill."""
    WAIT = "wait"
    """Standing still."""
    START = "start"
    """Moving off."""


class Lateral(StrEnum):
    """What the car does with its steering."""

    KEEP_LANE = "keep_lane"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    CHANGE_LANE_LEFT = "change_lane_left"
    CHANGE_LANE_RIGHT = "change_lane_right"
    NUDGE_LEFT = "nudge_left"
    """Making room without leaving the lane for good."""
    NUDGE_RIGHT = "nudge_right"


@dataclass(frozen=True, slots=True)
class MetaAction:
    """One longitudinal and one lateral action; 7 x 7 classes."""

    longitudinal: Longitudinal
    lateral: Lateral = Lateral.KEEP_LANE

    @property
    def index(self) -> int:
        """The class number, 0 to 48."""
        return list(Longitudinal).index(self.longitudinal) * len(Lateral) + list(Lateral).index(self.lateral)

    @classmethod
    def from_index(cls, index: int) -> "MetaAction":
        """The meta-action of a class number.

        Raises:
            ContractError: The number is not one of the 49.
        """
        count = len(Longitudinal) * len(Lateral)
        if not 0 <= index < count:
            raise ContractError(f"a meta-action's index lies in 0..{count - 1}, got {index}")
        longitudinal, lateral = divmod(index, len(Lateral))
        return cls(list(Longitudinal)[longitudinal], list(Lateral)[lateral])
