"""What stands in the way, and which ways lead around it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.expert.body import HALF_WIDTH_M, REAR_M
from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.way import Places
from drivevla.types import LaneTruth

__all__ = ["CLEARANCE_M", "TOGETHER_M", "Block", "Bypass", "find_block", "ways_around"]

_LOOK_M = 60.0
TOGETHER_M = 20.0
"""What stands so near behind one obstacle belongs to it: nobody changes back in between."""
CLEARANCE_M = 0.6
_DOOR_CLEARANCE_M = 0.9
_TOUCHES_M = 0.35
"""An obstacle that leaves less room than this beside the ego is in its way."""
_OVER_EDGE_M = 0.2
_SWING_M = 4.0


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
        if begin[row] > reach + TOGETHER_M:
            break
        chosen.append(row)
        reach = max(reach, float(end[row]))
    picked = np.array(chosen)
    extra_m = _DOOR_CLEARANCE_M - CLEARANCE_M if others.door_open[picked].any() else 0.0
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
    needed_m = 2.0 * (HALF_WIDTH_M + CLEARANCE_M)
    low, high, begin, end = spans.T
    while True:
        belong = (begin < reach_m + TOGETHER_M) & (low < edge_m + needed_m) & (high > -HALF_WIDTH_M - _TOUCHES_M)
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
    left_m = block.left_edge_m + CLEARANCE_M + HALF_WIDTH_M
    right_m = block.right_edge_m - CLEARANCE_M - HALF_WIDTH_M
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
