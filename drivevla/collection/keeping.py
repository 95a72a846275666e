"""Which captures become frames: every n-th, fewer of those in which the car stands and goes on standing."""

from drivevla.types import Plan

__all__ = ["Keeper"]

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
