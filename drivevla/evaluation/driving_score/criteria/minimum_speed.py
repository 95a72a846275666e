"""The ego's mean speed over a part of the route, compared with that of the traffic around it."""

from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent
from drivevla.evaluation.driving_score.scored_route import ScoredRoute
from drivevla.evaluation.driving_score.tick import Tick

__all__ = ["MinimumSpeed"]

_LOOK_AHEAD = 2  # route points
_LAST_PART_COUNTS_ABOVE = 0.95  # share of the route: routes end a little before their last point


class MinimumSpeed(Criterion):
    """One percentage for every part of the route, an event where it is below 100 (Bench2Drive: always).

    Ticks without background vehicles say nothing; a part without any such tick is 100.
    Source: scenario_runner d7bcaf0 and Bench2Drive 7ec25d1, ``MinimumSpeedRouteTest``.
    """

    def __init__(self, route: ScoredRoute, *, checkpoints: int, every_speed_is_an_event: bool) -> None:
        super().__init__()
        self._route = route
        self._part_m = route.length_m / checkpoints
        self._every_speed_is_an_event = every_speed_is_an_event
        self._index = 0
        self._part_begins_m = 0.0
        self._percentages: list[float] = []
        self._tick_index = 0
        self._clear()

    @property
    def percentages(self) -> tuple[float, ...]:
        """The value of every part finished so far, rounded to two digits."""
        return tuple(self._percentages)

    def observe(self, tick: Tick) -> None:
        """Finish a part where its end was passed, then add the tick's speeds."""
        self._tick_index = tick.index
        index = self._route.last_passed(tick.ego.position_m, start=self._index, look_ahead=_LOOK_AHEAD)
        self._index = self._index if index is None else index
        if self._route.travelled_m[self._index] - self._part_begins_m > self._part_m:
            self._close_part()
            self._part_begins_m = self._route.travelled_m[self._index]
            self._clear()
        if tick.background_speeds_mps:
            self._traffic_mps += sum(tick.background_speeds_mps) / len(tick.background_speeds_mps)
            self._ego_mps += tick.speed_mps
            self._ticks += 1

    def finish(self) -> None:
        """Close the last part, unless the drive ended well before the goal."""
        if self._route.travelled_m[self._index] / self._route.length_m > _LAST_PART_COUNTS_ABOVE:
            self._close_part()

    def _clear(self) -> None:
        self._traffic_mps = 0.0
        self._ego_mps = 0.0
        self._ticks = 0

    def _close_part(self) -> None:
        # A whole 100 where nothing can be compared: messages then say "100%", not "100.0%".
        percentage: float = 100
        if self._ticks and self._traffic_mps:
            percentage = round((self._ego_mps / self._ticks) / (self._traffic_mps / self._ticks) * 100, 2)
        self._percentages.append(percentage)
        if percentage < 100 or self._every_speed_is_an_event:
            self._events.append(
                TrafficEvent(
                    kind=EventKind.MIN_SPEED_INFRACTION,
                    message=f"Average speed is {percentage}% of the surrounding traffic's one",
                    tick=self._tick_index,
                    percentage=percentage,
                )
            )
