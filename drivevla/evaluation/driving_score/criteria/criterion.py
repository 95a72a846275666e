"""What every criterion is: fed tick by tick, it collects events and may end the route."""

from abc import ABC, abstractmethod

from drivevla.evaluation.driving_score.events import TrafficEvent
from drivevla.evaluation.driving_score.tick import Tick

__all__ = ["Criterion"]


class Criterion(ABC):
    """Watches a drive for one thing. Ticks come in order; after the last one ``finish`` is called once."""

    def __init__(self) -> None:
        self._events: list[TrafficEvent] = []

    @property
    def events(self) -> tuple[TrafficEvent, ...]:
        """What has been noted so far."""
        return tuple(self._events)

    @property
    def ends_route(self) -> bool:
        """Whether the tick observed last ended the route."""
        return False

    @abstractmethod
    def observe(self, tick: Tick) -> None:
        """Judge one tick."""

    def finish(self) -> None:  # noqa: B027 - most criteria have nothing left to say at the end
        """Judge what can only be judged when the drive is over."""
