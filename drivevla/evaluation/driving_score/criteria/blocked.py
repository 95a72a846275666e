"""Standing still for too long."""

from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent, carla_place
from drivevla.evaluation.driving_score.tick import Tick

__all__ = ["Blocked"]

_MOVING_FROM_MPS = 0.1


class Blocked(Criterion):
    """Ends the route when the ego has not moved for too long; suspended while a scenario blocks the way.

    Source: scenario_runner d7bcaf0, ``ActorBlockedTest``, and b9c342e, ``ActorSpeedAboveThresholdTest``.
    """

    def __init__(self, *, limit_s: float) -> None:
        super().__init__()
        self._limit_s = limit_s
        self._moved_at_s: float | None = None
        self._suspended = False

    @property
    def ends_route(self) -> bool:
        """True once the ego was blocked."""
        return bool(self._events)

    def observe(self, tick: Tick) -> None:
        """Remember when the ego moved, and end the route when that is too long ago."""
        if self._events:
            return
        suspended = bool(tick.blocking_scenarios)
        if suspended != self._suspended:
            self._suspended = suspended
            self._moved_at_s = tick.time_s
        if self._suspended:
            return
        # Official code tests the time itself for truth, so that a clock at 0 counts as one that never started.
        if tick.speed_mps < _MOVING_FROM_MPS and self._moved_at_s:
            if tick.time_s - self._moved_at_s > self._limit_s:
                self._events.append(
                    TrafficEvent(
                        kind=EventKind.VEHICLE_BLOCKED,
                        message=f"Agent got blocked at {carla_place(tick.ego.position_m)}",
                        tick=tick.index,
                        position_m=tick.ego.position_m,
                    )
                )
        else:
            self._moved_at_s = tick.time_s
