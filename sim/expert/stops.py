"""Lights, stop and yield signs."""

from drivevla.sim.expert.body import FRONT_M
from drivevla.sim.expert.profile import Stop
from drivevla.types import LightState, LightTruth, SignKind, SignTruth, Truth

__all__ = ["StopLines"]

_BEFORE_LINE_M = 1.0
_OVER_LINE_M = 1.5
"""Whose front is farther over the line when it turns red drives on: its tail has not crossed yet, but soon will."""
_STANDS_OVER_LINE_M = 4.4
"""Who stands there, waiting for a gap, stays as long as the tail has not crossed."""
_YELLOW_MPS2 = 3.0
"""For yellow one stops where this is enough to (ITE's kinematic model of the yellow interval reckons with 10 ft/s2)."""
_BEFORE_SIGN_M = 0.4
"""A stop counts where the car's middle is within 4 m of the middle of the sign's box (scenario_runner,
``RunningStopTest``), to which the truth's distance leads."""
_STOOD_NEAR_M = 1.0
_STOOD_MPS = 0.1
_STAND_S = 0.4


class StopLines:
    """Where lights and signs make the ego stand; remembers the signs that it has stopped for."""

    def __init__(self) -> None:
        self._stood_since_s: dict[str, float] = {}
        self._obeyed: set[str] = set()

    def find(self, truth: Truth, speed_mps: float) -> list[Stop]:
        """The stops of lights and stop signs ahead.

        Args:
            truth: Now.
            speed_mps: The ego's.
        """
        stops = [stop for light in truth.lights or () if (stop := _for_light(light, speed_mps)) is not None]
        for sign in truth.signs or ():
            stop = self._for_sign(sign, speed_mps, truth.timestamp_s)
            if stop is not None:
                stops.append(stop)
        return stops

    def _for_sign(self, sign: SignTruth, speed_mps: float, now_s: float) -> Stop | None:
        if sign.kind is not SignKind.STOP or not sign.affects_ego or sign.stop_distance_m is None:
            self._obeyed.discard(sign.sign_id)
            return None
        left_m = sign.stop_distance_m - FRONT_M - _BEFORE_SIGN_M
        if sign.sign_id in self._obeyed or left_m < -2.0 * _STOOD_NEAR_M:
            return None
        if left_m < _STOOD_NEAR_M and abs(speed_mps) < _STOOD_MPS:
            since_s = self._stood_since_s.setdefault(sign.sign_id, now_s)
            if now_s - since_s >= _STAND_S:
                self._obeyed.add(sign.sign_id)
                del self._stood_since_s[sign.sign_id]
                return None
        return Stop(distance_m=left_m, key="stop_sign")


def _for_light(light: LightTruth, speed_mps: float) -> Stop | None:
    if not light.affects_ego or light.stop_distance_m is None:
        return None
    to_line_m = light.stop_distance_m - FRONT_M
    if to_line_m < -(_STANDS_OVER_LINE_M if speed_mps < _STOOD_MPS else _OVER_LINE_M):
        return None
    left_m = max(to_line_m - _BEFORE_LINE_M, 0.0)
    if light.state is LightState.RED:
        return Stop(distance_m=left_m, key="red_light")
    if light.state is LightState.YELLOW and to_line_m > 0 and speed_mps**2 <= 2.0 * _YELLOW_MPS2 * max(to_line_m, 0.1):
        return Stop(distance_m=left_m, key="yellow_light")
    return None
