"""Bench2Drive's driving efficiency: how fast the ego drove compared with the traffic around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from drivevla.errors import DataError
from drivevla.evaluation.driving_score.route_score import RouteRecord

__all__ = ["Efficiency", "score_efficiency"]

_HIGHEST_PERCENT = 1000.0  # traffic that stands still gives any number
_PERCENTAGE = re.compile(r"\b(\d+\.?\d*)%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """Speed in percent of the traffic's; 100 is as fast, and more is possible.

    Attributes:
        by_route: By route id, the routes that have a value.
        without_value: Ids of the routes without minimum-speed messages, which enter nothing.
    """

    by_route: dict[str, float]
    without_value: tuple[str, ...]

    @property
    def mean(self) -> float:
        """The mean over the routes that have a value.

        Raises:
            DataError: There is none.
        """
        if not self.by_route:
            raise DataError("no route has a minimum-speed message, so there is no driving efficiency")
        return sum(self.by_route.values()) / len(self.by_route)


def score_efficiency(records: Sequence[RouteRecord]) -> Efficiency:
    """The mean, by route, of the minimum-speed percentages up to 1000.

    Source: Bench2Drive 7ec25d1, ``tools/efficiency_smoothness_benchmark.py``, ``read_from_json``.

    Raises:
        DataError: A message holds no percentage, or a route has none but above 1000, for which the official script has
            no answer either (it divides by zero).
    """
    by_route, without_value = {}, []
    for record in records:
        messages = record.infractions["min_speed_infractions"]
        if not messages:
            without_value.append(record.route_id)
            continue
        kept = [percent for message in messages if (percent := _percent(message)) <= _HIGHEST_PERCENT]
        if not kept:
            raise DataError(
                f"every minimum-speed percentage of {record.route_id} is above {_HIGHEST_PERCENT:g}: "
                "the driving efficiency is not defined for it; drive the route again"
            )
        by_route[record.route_id] = sum(kept) / len(kept)
    return Efficiency(by_route=by_route, without_value=tuple(without_value))


def _percent(message: str) -> float:
    found = _PERCENTAGE.search(message)
    if found is None:
        raise DataError(f"a minimum-speed message must hold a percentage, got {message!r}")
    return float(found[1])
