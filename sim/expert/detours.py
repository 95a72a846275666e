"""Around what stands in the way: when to begin, how long to keep to it, when to give it up."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.expert.body import FRONT_M, REAR_M
from drivevla.sim.expert.gaps import in_band, oncoming_lane_is_free, room_beside
from drivevla.sim.expert.obstacles import CLEARANCE_M, TOGETHER_M, Block, Bypass, find_block, ways_around
from drivevla.sim.expert.profile import Stop
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.shifts import Shift
from drivevla.sim.expert.way import Places, Way
from drivevla.types import LaneTruth

__all__ = ["Detours"]

_WAIT_BEFORE_M = 8.0
"""Room to swing out from a standstill: ``max_distance_to_overtake_two_way_scnearios`` of PDM-Lite."""
_TURN_OUT_S, _TURN_OUT_LEAST_M, _TURN_OUT_MOST_M = 2.2, 8.0, 30.0
_NEAR_M, _NEAR_S = 28.0, 5.5
"""Before the oncoming lane is used the car has been near for so long: from 5 s after it came within 30 m the rules
excuse the wrong lane (scenario_runner, ``ConstructionObstacleTwoWays``; the other types ask for 50 m)."""
_MOVES_MPS = 0.5


@dataclass(slots=True)
class Detours:
    """Decides how to pass what stands in the way, and keeps to it until it is passed.

    Attributes:
        shift: The way around that is being driven.
        bypass: Its kind.
        rows: Ids of what is being passed.
    """

    shift: Shift | None = None
    bypass: Bypass | None = None
    ids: frozenset[str] = field(default_factory=frozenset)
    _near_since_s: float | None = None

    def update(
        self,
        way: Way,
        others: Others,
        places: Places,
        blocks: NDArray[np.bool_],
        lanes: dict[str, LaneTruth],
        *,
        now_s: float,
        speed_mps: float,
        cruise_mps: float,
        base_left_m: float,
    ) -> Stop | None:
        """Begin, keep or end a way around.

        Args:
            way: The route.
            others: Everybody.
            places: Where they are along the route.
            blocks: (N,) who will stay where it is.
            lanes: By id.
            now_s: Simulated time.
            speed_mps: The ego's.
            cruise_mps: What the road allows.
            base_left_m: Where beside the route the ego drives without this.

        Returns:
            Where to wait, when there is something to be passed and no room yet.
        """
        here_m = way.distance_m
        if self.shift is not None:
            if here_m > self.shift.end_m:
                self.shift = self.bypass = None
                self.ids = frozenset()
            elif self._still_free(way, others, places, speed_mps, cruise_mps):
                self._stretch(way, others, places, blocks)
                return None
            else:  # somebody has come meanwhile: back behind the block
                self.shift = self.bypass = None
                self.ids = frozenset()
        block = find_block(others, places, blocks, base_left_m)
        if block is None or block.from_m < FRONT_M - 1.0:
            self._near_since_s = None
            return None
        if block.from_m < _NEAR_M and self._near_since_s is None:
            self._near_since_s = now_s
        looked = self._near_since_s is not None and now_s - self._near_since_s > _NEAR_S
        lane = lanes.get(way.lane_ids[min(max(int(block.from_m), 0), len(way) - 1)])
        wait: Stop | None = Stop(
            distance_m=block.from_m - FRONT_M - _WAIT_BEFORE_M, key="obstacle", index=block.rows[0]
        )
        pace_mps = float(max(others.speed_mps[list(block.rows)].max(), 0.0))
        if pace_mps > _MOVES_MPS:
            wait = None  # whoever moves is followed, not stopped behind
        if lane is None or cruise_mps <= 0.0:  # nobody who is told to stand goes around anything
            return wait
        room_m = float(np.clip(_TURN_OUT_S * speed_mps, _TURN_OUT_LEAST_M, _TURN_OUT_MOST_M))
        full_m = block.from_m - FRONT_M - 0.5
        if full_m > room_m + 2.0 * speed_mps + 5.0:
            return wait  # too early to decide: the gap that is there now will be gone
        for around in ways_around(
            block, lane, width_left_m=_width(lanes, lane.left_id), width_right_m=_width(lanes, lane.right_id)
        ):
            if around.kind == "oncoming" and not looked:
                continue
            back_m = block.to_m(around.left_m - base_left_m) + REAR_M + 1.0
            # Who moves on meanwhile is passed by the difference of the speeds.
            until_m = (back_m + room_m) * cruise_mps / max(cruise_mps - pace_mps, 0.3 * cruise_mps)
            if self._free(around, others, places, until_m, speed_mps, cruise_mps, block):
                self.shift = Shift(
                    left_m=around.left_m - base_left_m,
                    begin_m=here_m + max(full_m - room_m, 0.0),
                    full_m=here_m + max(full_m, 4.0),
                    back_m=here_m + back_m,
                    end_m=here_m + back_m + room_m,
                )
                self.bypass = around
                self.ids = frozenset(others.truths[row].track_id for row in block.rows)
                return None
        return wait

    def _still_free(self, way: Way, others: Others, places: Places, speed_mps: float, cruise_mps: float) -> bool:
        """Whether to go on onto the oncoming lane; once the car is half on it the way out is forward."""
        assert self.shift is not None
        assert self.bypass is not None
        here_m = way.distance_m
        if self.bypass.kind != "oncoming" or here_m > self.shift.full_m or way.ego_left_m > self.shift.left_m / 2:
            return True
        return oncoming_lane_is_free(
            places,
            others,
            self.bypass.left_m,
            until_m=self.shift.back_m - here_m,
            speed_mps=speed_mps,
            cruise_mps=cruise_mps,
        )

    def _free(
        self,
        around: Bypass,
        others: Others,
        places: Places,
        until_m: float,
        speed_mps: float,
        cruise_mps: float,
        block: Block,
    ) -> bool:
        stuck = in_band(places, around.left_m, CLEARANCE_M / 2) & others.stands
        stuck &= (places.along_m > 0) & (places.along_m < block.to_m(around.left_m))
        stuck[list(block.rows)] = False
        if stuck.any():
            return False
        if around.kind == "nudge":
            return True
        if around.kind == "lane":
            return room_beside(places, others, around.left_m, speed_mps)
        return oncoming_lane_is_free(
            places, others, around.left_m, until_m=until_m, speed_mps=speed_mps, cruise_mps=cruise_mps
        )

    def _stretch(self, way: Way, others: Others, places: Places, blocks: NDArray[np.bool_]) -> None:
        """What only now turns out to stand behind the block is passed together with it."""
        assert self.shift is not None
        block = find_block(others, places, blocks)
        if block is None or block.from_m > self.shift.end_m - way.distance_m + TOGETHER_M / 2:
            return
        back_m = way.distance_m + block.to_m(self.shift.left_m) + REAR_M + 1.0
        if back_m > self.shift.back_m:
            self.shift = Shift(
                left_m=self.shift.left_m,
                begin_m=self.shift.begin_m,
                full_m=self.shift.full_m,
                back_m=back_m,
                end_m=back_m + (self.shift.end_m - self.shift.back_m),
            )


def _width(lanes: dict[str, LaneTruth], lane_id: str | None) -> float | None:
    return lanes[lane_id].width_m if lane_id and lane_id in lanes else None
