"""What stands in the way, and how to get around it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.expert.body import FRONT_M, HALF_WIDTH_M, REAR_M
from drivevla.sim.expert.gaps import in_band, oncoming_lane_is_free, room_beside
from drivevla.sim.expert.profile import Stop
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.shifts import Shift
from drivevla.sim.expert.way import Places, Way
from drivevla.types import LaneTruth

__all__ = ["Block", "Bypass", "Detours", "find_block", "ways_around"]

_LOOK_M = 60.0
_TOGETHER_M = 20.0
"""What stands so near behind one obstacle belongs to it: nobody changes back in between."""
_CLEARANCE_M = 0.6
_DOOR_CLEARANCE_M = 0.9
_TOUCHES_M = 0.35
"""An obstacle that leaves less room than this beside the ego is in its way."""
_WAIT_BEFORE_M = 8.0
"""Room to swing out from a standstill: ``max_distance_to_overtake_two_way_scnearios`` of PDM-Lite."""
_TURN_OUT_S, _TURN_OUT_LEAST_M, _TURN_OUT_MOST_M = 2.2, 8.0, 30.0
_OVER_EDGE_M = 0.2
_NEAR_M, _NEAR_S = 28.0, 5.5
"""Before the oncoming lane is used the car has been near for so long: from 5 s after it came within 30 m the rules
excuse the wrong lane (scenario_runner, ``ConstructionObstacleTwoWays``; the other types ask for 50 m)."""
_SWING_M = 4.0
_MOVES_MPS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Things that stand in the way, taken together.

    Attributes:
        rows: Which, in the scene.
        from_m: Where it begins, along the route from the ego's origin.
        left_to_m: Where it ends for who passes it on the left.
        right_to_m: Likewise on the right.
        right_edge_m: Its right edge, to the left of the route's middle.
        left_edge_m: Its left edge.
    """

    rows: tuple[int, ...]
    from_m: float
    left_to_m: float
    right_to_m: float
    right_edge_m: float
    left_edge_m: float

    def to_m(self, left_m: float) -> float:
        """Where it ends for who passes it so far to the left."""
        return self.left_to_m if left_m > 0.0 else self.right_to_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Bypass:
    """One way around a block.

    Attributes:
        left_m: How far to the left of the route.
        kind: ``nudge`` within the own lane, ``lane`` on a lane of the same direction, ``oncoming`` on the other.
    """

    left_m: float
    kind: str


def find_block(others: Others, places: Places, blocks: NDArray[np.bool_], left_m: float = 0.0) -> Block | None:
    """The first block on the route, with all that stands so near behind it that one passes them together.

    Args:
        others: Everybody.
        places: Where they are along the route.
        blocks: (N,) who will stay where it is.
        left_m: Where beside the route the ego would drive.
    """
    clearance = np.where(others.door_open, _DOOR_CLEARANCE_M, _TOUCHES_M)
    in_way = blocks & (np.abs(places.left_m - left_m) < places.half_across_m + HALF_WIDTH_M + clearance)
    ahead = (places.along_m + places.half_along_m > -REAR_M) & (places.along_m - places.half_along_m < _LOOK_M)
    rows = np.flatnonzero(in_way & ahead)
    if not len(rows):
        return None
    rows = rows[np.argsort((places.along_m - places.half_along_m)[rows], kind="stable")]
    begin, end = places.along_m - places.half_along_m, places.along_m + places.half_along_m
    chosen = [int(rows[0])]
    reach = float(end[rows[0]])
    for row in rows[1:].tolist():
        if begin[row] > reach + _TOGETHER_M:
            break
        chosen.append(row)
        reach = max(reach, float(end[row]))
    picked = np.array(chosen)
    extra_m = _DOOR_CLEARANCE_M - _CLEARANCE_M if others.door_open[picked].any() else 0.0
    from_m = float(begin[picked].min())
    near = blocks & (end > from_m - _SWING_M)
    low, high = places.left_m - places.half_across_m, places.left_m + places.half_across_m
    spans = np.stack([low, high, begin, end], axis=-1)[near]
    mirrored = np.stack([-high, -low, begin, end], axis=-1)[near]
    left_edge_m, left_to_m = _around_edge(spans, float(high[picked].max()), reach)
    right_edge_m, right_to_m = _around_edge(mirrored, float(-low[picked].min()), reach)
    return Block(
        rows=tuple(chosen),
        from_m=from_m,
        left_to_m=left_to_m,
        right_to_m=right_to_m,
        right_edge_m=-right_edge_m - extra_m,
        left_edge_m=left_edge_m + extra_m,
    )


def _around_edge(spans: NDArray[np.float64], edge_m: float, reach_m: float) -> tuple[float, float]:
    """The edge past which the ego fits, and how far along it must stay there.

    What leaves no room between itself and the block, or stands where the ego would come back, belongs to the block.

    Args:
        spans: (K, 4) where things begin and end across the way, and along it.
        edge_m: Of the block so far, on the side of the larger values.
        reach_m: Its end so far.
    """
    needed_m = 2.0 * (HALF_WIDTH_M + _CLEARANCE_M)
    low, high, begin, end = spans.T
    while True:
        belong = (begin < reach_m + _TOGETHER_M) & (low < edge_m + needed_m) & (high > -HALF_WIDTH_M - _TOUCHES_M)
        grown = (
            max(edge_m, float(high[belong].max(initial=edge_m))),
            max(reach_m, float(end[belong].max(initial=reach_m))),
        )
        if grown == (edge_m, reach_m):
            return grown
        edge_m, reach_m = grown


def ways_around(
    block: Block, lane: LaneTruth, *, width_left_m: float | None, width_right_m: float | None
) -> list[Bypass]:
    """How one could pass a block, the best first.

    Args:
        block: What stands there.
        lane: The route's lane beside it.
        width_left_m: Width of the lane on the left, None where there is none to drive on.
        width_right_m: Of the one on the right, in the same direction.
    """
    left_m = block.left_edge_m + _CLEARANCE_M + HALF_WIDTH_M
    right_m = block.right_edge_m - _CLEARANCE_M - HALF_WIDTH_M
    edge_m = lane.width_m / 2 - HALF_WIDTH_M + _OVER_EDGE_M
    around = []
    if left_m <= edge_m:
        around.append(Bypass(left_m=max(left_m, 0.0), kind="nudge"))
    if right_m >= -edge_m:
        around.append(Bypass(left_m=min(right_m, 0.0), kind="nudge"))
    if width_left_m is not None and lane.left_same_direction:
        over_m = (lane.width_m + width_left_m) / 2
        if left_m <= over_m + edge_m:
            around.append(Bypass(left_m=max(over_m, left_m), kind="lane"))
    if width_right_m is not None:
        over_m = -(lane.width_m + width_right_m) / 2
        if right_m >= over_m - edge_m:
            around.append(Bypass(left_m=min(over_m, right_m), kind="lane"))
    if width_left_m is not None and lane.left_same_direction is False:
        most_m = lane.width_m / 2 + width_left_m - HALF_WIDTH_M
        if left_m <= most_m + _OVER_EDGE_M:
            around.append(Bypass(left_m=left_m, kind="oncoming"))
    return around


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
        if lane is None:
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
        stuck = in_band(places, around.left_m, _CLEARANCE_M / 2) & others.stands
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
        if block is None or block.from_m > self.shift.end_m - way.distance_m + _TOGETHER_M / 2:
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
