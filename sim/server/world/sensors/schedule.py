"""When a sensor is due."""

from dataclasses import dataclass

__all__ = ["Schedule"]

TOLERANCE_S = 1e-6
"""Sums of binary fractions of a second miss the exact time by less than this."""


@dataclass(slots=True)
class Schedule:
    """Measures at once, then every ``interval_s`` of simulated time; 0 is every tick.

    Attributes:
        interval_s: The blueprint's ``sensor_tick``.
        last_s: When it measured last; None before the first time.
    """

    interval_s: float
    last_s: float | None = None
    _next_s: float = 0.0

    def due(self, now_s: float) -> bool:
        """Whether to measure now; if so the next time is set, on the grid that the first time began."""
        if self.interval_s <= 0.0 or self.last_s is None:
            self._next_s = now_s + self.interval_s
            return True
        if now_s + TOLERANCE_S < self._next_s:
            return False
        missed = int((now_s + TOLERANCE_S - self._next_s) / self.interval_s)
        self._next_s += (missed + 1) * self.interval_s
        return True

    def measured(self, now_s: float) -> float:
        """Note a measurement; gives the simulated time since the one before, 0 at first."""
        passed_s = 0.0 if self.last_s is None else now_s - self.last_s
        self.last_s = now_s
        return passed_s
