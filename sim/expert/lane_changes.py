"""When to make the lane changes of the route."""

from dataclasses import replace

import numpy as np

from drivevla.sim.expert.body import FRONT_M
from drivevla.sim.expert.gaps import room_beside
from drivevla.sim.expert.profile import Stop
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.shifts import Hold
from drivevla.sim.expert.way import Places, Way
from drivevla.types import Command, LaneTruth

__all__ = ["LaneChanges"]

_LOOK_S, _LOOK_M = 1.0, 8.0
_CHANGE_S, _LEAST_M, _MOST_M = 2.5, 10.0, 50.0
_SIDES = {Command.CHANGE_LANE_LEFT: -1.0, Command.CHANGE_LANE_RIGHT: 1.0}
"""On which side of the new lane the old one is."""


class LaneChanges:
    """Makes the route's lane changes when there is room, later than the route does where there is not."""

    def __init__(self) -> None:
        self._holds: list[Hold] = []
        self._seen_m: list[float] = []

    @property
    def holds(self) -> tuple[Hold, ...]:
        """Lane changes of the route that are not made yet."""
        return tuple(self._holds)

    @property
    def waiting(self) -> Hold | None:
        """The change that waits for room."""
        return next((hold for hold in self._holds if hold.released_m is None), None)

    def update(
        self, way: Way, others: Others, places: Places, lanes: dict[str, LaneTruth], *, speed_mps: float
    ) -> Stop | None:
        """Look at the changes ahead, and release those that there is room for.

        Returns:
            Where the old lane ends for a change that still waits.
        """
        here_m = way.distance_m
        self._holds = [hold for hold in self._holds if hold.settled_m is None or here_m < hold.settled_m]
        self._meet(way, lanes, speed_mps)
        stop = None
        for number, hold in enumerate(self._holds):
            if hold.released_m is not None:
                continue
            # Everything is seen from the route, so the new lane is where the route and the holds behind it are.
            target_m = sum(float(other.at(np.array(here_m))) for other in self._holds[number + 1 :])
            if hold.change_m - here_m <= 0.5 and room_beside(places, others, target_m, speed_mps):
                length_m = float(np.clip(_CHANGE_S * speed_mps, _LEAST_M, _MOST_M))
                self._holds[number] = replace(hold, released_m=here_m, settled_m=here_m + length_m)
            else:
                end_m = self._lane_end(way, hold, lanes)
                if end_m is not None:
                    stop = Stop(distance_m=end_m - FRONT_M - 2.0, key="lane_end")
            break  # the next change begins when this one is made
        return stop

    def _meet(self, way: Way, lanes: dict[str, LaneTruth], speed_mps: float) -> None:
        """Hold every change that the ego comes to, until there is room for it."""
        index, reach = 0, int(_LOOK_S * speed_mps + _LOOK_M)
        while index < min(reach, len(way)):
            side = _SIDES.get(way.commands[index])
            if side is None:
                index += 1
                continue
            end = index
            while end < len(way) - 1 and way.commands[end] is way.commands[index]:
                end += 1
            begin_m, changed_m = way.distance_m + index, way.distance_m + end
            if index > 0 and not any(abs(seen - begin_m) < 5.0 for seen in self._seen_m):
                lane = lanes.get(way.lane_ids[min(end + 1, len(way) - 1)])
                width_m = lane.width_m if lane is not None else 3.5
                self._seen_m.append(begin_m)
                self._holds.append(Hold(left_m=side * width_m, change_m=begin_m, changed_m=changed_m))
            index = end

    @staticmethod
    def _lane_end(way: Way, hold: Hold, lanes: dict[str, LaneTruth]) -> float | None:
        """Where one cannot stay on the old lane any longer, along the route from the ego."""
        for index in range(max(int(hold.changed_m - way.distance_m), 0), len(way)):
            lane = lanes.get(way.lane_ids[index])
            if lane is None:
                return None
            beside = lane.right_id if hold.left_m < 0 else (lane.left_id if lane.left_same_direction else "")
            if way.in_junction[index] or not beside:
                return float(index)
        return None
