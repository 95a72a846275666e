"""From the expert's plan to what is learnt: where the car should go, how fast, and why.

The label of a frame is what the expert wants there, not where the car came later on: a push at the wheel, a light that
changes in between and frames that were left out do not reach it.
"""

import numpy as np

from drivevla.language import Commentary
from drivevla.types import Future, Plan

__all__ = ["explanation_of", "future_of", "is_drivable"]

_SLOTS = ("longitudinal", "lateral", "cause", "actor", "colour", "side", "reason")
_TIGHTEST_PER_M = 0.25
_HARDEST_ACROSS_MPS2 = 5.0
_STILL_M = 0.3


def future_of(plan: Plan) -> Future:
    """The plan's waypoints as a future."""
    count = len(plan.waypoints)
    times_s = plan.dt_s * np.arange(1, count + 1)
    return Future(times_s=times_s, poses=plan.waypoints, valid=np.ones(count, dtype=np.bool_))


def explanation_of(plan: Plan) -> Commentary:
    """What the expert does and why, from its diagnostics.

    Raises:
        ContractError: The plan is not the expert's.
    """
    slots = {name: plan.diagnostics[name] for name in _SLOTS if name in plan.diagnostics}
    if "speed_kmh" in plan.diagnostics:
        slots["speed_kmh"] = int(str(plan.diagnostics["speed_kmh"]))
    return Commentary.from_dict(slots)


def is_drivable(plan: Plan) -> bool:
    """Whether a car can follow the plan: an instruction that comes too late for a bend is no example."""
    poses = np.concatenate([np.zeros((1, 3)), plan.waypoints])
    steps_m = np.hypot(*np.diff(poses[:, :2], axis=0).T)
    turns_rad = np.abs(np.angle(np.exp(1j * np.diff(poses[:, 2]))))
    moves = steps_m > _STILL_M
    bends_per_m = turns_rad[moves] / steps_m[moves]
    across_mps2 = bends_per_m * (steps_m[moves] / plan.dt_s) ** 2
    return bool((bends_per_m < _TIGHTEST_PER_M).all() and (across_mps2 < _HARDEST_ACROSS_MPS2).all())
