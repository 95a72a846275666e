"""The driving command that planners on nuScenes are given, in each of the conventions.

It is read off the future: how far to the side the last keyframe known within 3 s lies. UniAD, VAD and ST-P3 look at the
LiDAR's origin in the current LiDAR frame (right positive); BEV-Planner looks along the ego frame's axes (left positive)
and calls its entries by swapped names, with the same grouping.

Source: the data loaders of UniAD (commit dd161b2), VAD (1688c4b), ST-P3 (6b11e13) and BEV-Planner (01c28d6).
"""

import math

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.types import Command

__all__ = ["bevplanner_entry", "command_from_lateral_m", "stp3_word", "uniad_index", "vad_one_hot"]

_ASIDE_M = 2.0
_INDEX = {Command.RIGHT: 0, Command.LEFT: 1, Command.STRAIGHT: 2}
_STP3_WORDS = {Command.RIGHT: "RIGHT", Command.LEFT: "LEFT", Command.STRAIGHT: "FORWARD"}


def command_from_lateral_m(right_m: float | None) -> Command:
    """The command for a last future point.

    Args:
        right_m: How far to the right it lies; None where there is no future.

    Returns:
        RIGHT from 2 m, LEFT from -2 m, else STRAIGHT.

    Raises:
        ContractError: The number is not finite.
    """
    if right_m is None:
        return Command.STRAIGHT
    if not math.isfinite(right_m):
        raise ContractError(f"right_m must be finite, got {right_m}")
    if right_m >= _ASIDE_M:
        return Command.RIGHT
    return Command.LEFT if right_m <= -_ASIDE_M else Command.STRAIGHT


def uniad_index(command: Command) -> int:
    """UniAD's: right 0, left 1, straight 2.

    Raises:
        ContractError: nuScenes' planners know no such command.
    """
    if command not in _INDEX:
        raise ContractError(f"nuScenes' planners know right, left and straight, got {command.value!r}")
    return _INDEX[command]


def vad_one_hot(command: Command) -> NDArray[np.float32]:
    """VAD's (3,): right, left, straight."""
    return np.eye(3, dtype=np.float32)[uniad_index(command)]


def stp3_word(command: Command) -> str:
    """ST-P3's: "RIGHT", "LEFT" or "FORWARD"."""
    uniad_index(command)
    return _STP3_WORDS[command]


def bevplanner_entry(command: Command) -> int:
    """BEV-Planner's index. It calls entry 0 "Turn Right" and fills it where the way leads to the left, and vice versa.

    The classes are VAD's under swapped names, so that a model trained there reads left as 0 and right as 1.
    """
    return {0: 1, 1: 0, 2: 2}[uniad_index(command)]
