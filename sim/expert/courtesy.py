"""Room for emergency vehicles and for oncoming traffic on our side."""

from dataclasses import dataclass

import numpy as np

from drivevla.sim.expert.body import HALF_WIDTH_M, REAR_M
from drivevla.sim.expert.gaps import room_beside
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.way import Places, Way
from drivevla.types import LaneTruth

__all__ = ["Courtesy"]

_SIREN_M = 70.0
_PASSED_M = 15.0
_OWN_LANE_M = 1.8
_ONCOMING_RAD = float(np.radians(110.0))
_ONCOMING_M = 60.0
_CLEARANCE_M = 0.5
_OVER_EDGE_M = 0.5
_LANE_M = 3.5


@dataclass(slots=True)
class Courtesy:
    """Moves the car aside for those who need room.

    Attributes:
        left_m: How far beside the route it drives for them.
        row: For whom, in the scene, or -1.
        oncoming: Whether that is somebody who comes towards us on our side.
    """

    left_m: float = 0.0
    row: int = -1
    oncoming: bool = False

    def update(
        self, way: Way, others: Others, places: Places, lanes: dict[str, LaneTruth], *, speed_mps: float
    ) -> None:
        """See who needs room now."""
        lane = lanes.get(way.lane_ids[0])
        self._for_siren(way, others, places, lane, lanes, speed_mps)
        if self.row < 0:
            self._for_oncoming(way, others, places, lane)

    def _for_siren(
        self,
        way: Way,
        others: Others,
        places: Places,
        lane: LaneTruth | None,
        lanes: dict[str, LaneTruth],
        speed_mps: float,
    ) -> None:
        comes = others.emergency & (others.speed_mps > 1.0) & (np.abs(places.turned_rad) < np.radians(60.0))
        comes &= (places.along_m > -_SIREN_M) & (places.along_m < _PASSED_M)
        aside = self.left_m != 0.0 and not self.oncoming
        if not aside:
            comes &= (np.abs(places.left_m) < _OWN_LANE_M) & (places.along_m < -REAR_M)
        rows = np.flatnonzero(comes)
        if not len(rows):
            if aside and room_beside(places, others, 0.0, speed_mps):
                self.left_m = 0.0
            self.row = -1
            return
        self.row, self.oncoming = int(rows[0]), False
        if aside or lane is None or way.in_junction[0]:
            return
        for side, lane_id, same in ((-1.0, lane.right_id, True), (1.0, lane.left_id, lane.left_same_direction)):
            if lane_id and same:
                width_m = lanes[lane_id].width_m if lane_id in lanes else _LANE_M
                target_m = side * (lane.width_m + width_m) / 2
                if room_beside(places, others, target_m, speed_mps):
                    self.left_m = target_m
                    return

    def _for_oncoming(self, way: Way, others: Others, places: Places, lane: LaneTruth | None) -> None:
        comes = others.is_vehicle & (np.abs(places.turned_rad) > _ONCOMING_RAD) & (others.speed_mps > 0.5)
        comes &= (places.along_m > 0.0) & (places.along_m < _ONCOMING_M) & (places.left_m > 0.3)
        edge_m = places.left_m - places.half_across_m
        rows = np.flatnonzero(comes & (edge_m < HALF_WIDTH_M + _CLEARANCE_M))
        if not len(rows) or lane is None or way.in_junction[: int(places.along_m[rows].min()) + 1].any():
            if self.oncoming:
                self.left_m, self.oncoming, self.row = 0.0, False, -1
            return
        most_m = lane.width_m / 2 - HALF_WIDTH_M + _OVER_EDGE_M
        row = int(rows[np.argmin(edge_m[rows])])
        wanted_m = float(edge_m[row]) - _CLEARANCE_M - HALF_WIDTH_M
        self.left_m, self.oncoming, self.row = float(np.clip(wanted_m, -most_m, 0.0)), True, row
