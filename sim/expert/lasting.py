"""What one drives around instead of waiting for it to move on."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.expert.scene import Others
from drivevla.sim.expert.way import Places
from drivevla.types import LightState, LightTruth, SignTruth, Truth

__all__ = ["Lasting"]

_STANDING_LONG_S = 15.0
"""Traffic that has just braked hard drives on within this time (``HardBreakRoute``: 10 s)."""
_WAITS_MPS, _WAITS_M = 1.0, 25.0
"""The time counts from when the ego waits behind it: who stands for a reason goes on when that is over."""
_QUEUE_M = 60.0
_SLOW_MPS, _SLOW_SHARE = 5.0, 0.6
_ALIGNED_RAD = float(np.radians(30.0))


class Lasting:
    """Tells obstacles from traffic; remembers how long everybody has been waited for."""

    def __init__(self) -> None:
        self._since_s: dict[str, float] = {}

    def update(
        self, truth: Truth, others: Others, places: Places, *, cruise_mps: float, speed_mps: float
    ) -> NDArray[np.bool_]:
        """(N,) who will be in the way for long.

        Things, what shows that it stays, vehicles that the ego has waited behind for long with no light or sign to
        explain it, and slow cyclists.

        Args:
            truth: Now.
            others: Everybody.
            places: Where they are along the route.
            cruise_mps: How fast the ego would drive.
            speed_mps: How fast it is.
        """
        now_s, long = truth.timestamp_s, np.zeros(len(others), dtype=np.bool_)
        standing = {}
        waits_for = (speed_mps < _WAITS_MPS) & (places.along_m > 0.0) & (places.along_m < _WAITS_M)
        for row in np.flatnonzero(others.stands & others.is_vehicle).tolist():
            name = others.truths[row].track_id
            if name in self._since_s or waits_for[row]:
                standing[name] = self._since_s.get(name, now_s)
                long[row] = now_s - standing[name] > _STANDING_LONG_S
        self._since_s = standing
        slow = others.is_pedalled & (others.speed_mps < min(_SLOW_MPS, _SLOW_SHARE * cruise_mps))
        long |= slow & (np.abs(places.turned_rad) < _ALIGNED_RAD)
        lines: tuple[LightTruth | SignTruth, ...] = (*(truth.lights or ()), *(truth.signs or ()))
        for line_m in [each.stop_distance_m for each in lines if _holds_traffic(each)]:
            assert line_m is not None
            long &= (places.along_m > line_m + 5.0) | (places.along_m < line_m - _QUEUE_M)
        return others.will_stay | long


def _holds_traffic(each: LightTruth | SignTruth) -> bool:
    """Whether vehicles may stand before this line for a while: a light that is not green, or any sign."""
    if not each.affects_ego or each.stop_distance_m is None:
        return False
    return isinstance(each, SignTruth) or each.state is not LightState.GREEN
