"""Not letting an emergency vehicle pass."""

from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent
from drivevla.evaluation.driving_score.tick import Tick, along

__all__ = ["EmergencyVehicle"]


class EmergencyVehicle(Criterion):
    """One event where an emergency vehicle is still behind the ego when its scenario ends.

    Behind is judged along the emergency vehicle's own heading. Source: scenario_runner d7bcaf0,
    ``YieldToEmergencyVehicleTest``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._running = False
        self._held_up = False
        self._tick_index = 0

    def observe(self, tick: Tick) -> None:
        """Remember who is ahead, and judge when the scenario ends."""
        self._tick_index = tick.index
        vehicle = tick.emergency_vehicle
        if vehicle is None:
            self._judge()
            return
        ego, behind = tick.ego.position_m, vehicle.position_m
        to_ego = (ego[0] - behind[0], ego[1] - behind[1], ego[2] - behind[2])
        self._running = True
        self._held_up = along(to_ego, vehicle.forward) > 0.0

    def finish(self) -> None:
        """Judge a scenario that was still running."""
        self._judge()

    def _judge(self) -> None:
        if self._running and self._held_up:
            self._events.append(
                TrafficEvent(
                    kind=EventKind.YIELD_TO_EMERGENCY_VEHICLE,
                    message="Agent failed to yield to an emergency vehicle",
                    tick=self._tick_index,
                )
            )
        self._running = False
