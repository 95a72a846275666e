"""Which captures become frames: every n-th, fewer of those in which the car stands and goes on standing.

Nor do the last seconds before a collision, unless the student caused it: frames are written so much later.
"""

from drivevla.types import Plan

__all__ = ["LAG_S", "Keeper", "lag_at_the_end_s"]

LAG_S = 2.0
"""Frames are written so much later: where the expert collides, those of the seconds before are no examples."""
_TOUCHING_S = 0.5
"""Where the student does, the expert shows how it would have braked, up to so shortly before."""

_STANDING_MPS = 0.2
_STAYING_M = 1.0


class Keeper:
    """Counts captures.

    Args:
        every: Every so manieth is kept.
        standing_every: The same of those in which the car stands and stays.
    """

    def __init__(self, *, every: int, standing_every: int) -> None:
        self._every, self._standing_every = every, standing_every
        self._moving, self._standing = 0, 0

    def keeps(self, plan: Plan, *, speed_mps: float) -> bool:
        """Whether the newest capture becomes a frame."""
        travels_m = float(abs(plan.waypoints[-1, 0]) + abs(plan.waypoints[-1, 1]))
        if abs(speed_mps) < _STANDING_MPS and travels_m < _STAYING_M:
            self._standing += 1
            return self._standing % (self._every * self._standing_every) == 1 or self._every * self._standing_every == 1
        self._standing = 0
        self._moving += 1
        return self._moving % self._every == 0


def lag_at_the_end_s(how: str, *, student_drives: bool) -> float:
    """How long before the end of a route the last frame lies that is written.

    Args:
        how: The route ended, as in ``Ending``.
        student_drives: Whether the student has the wheel.
    """
    if how != "collided":
        return 0.0
    return _TOUCHING_S if student_drives else LAG_S
