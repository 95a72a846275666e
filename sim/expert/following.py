"""IDM: the speed behind whoever is ahead.

Source: Treiber, Hennecke, Helbing, "Congested traffic states in empirical observations and microscopic simulations"
(Phys. Rev. E 62, 2000); PDM-Lite (DriveLM repository, ``pdm_lite/team_code/config.py``) drives with the same model.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["FollowingModel", "Leader"]


_EASING_MPS2, _EASING_PER_S, _EASES_WITHIN_S, _EASES_FROM_M, _EASES_S = 1.5, 0.75, 1.0, 2.0, 0.25
"""After a merge (Kesting, Treiber, Helbing, "Enhanced intelligent driver model", Phil. Trans. R. Soc. A 368, 2010: IDM
overreacts there); 0.25 s is PDM-Lite's headway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """Somebody to stay behind.

    Attributes:
        gap_m: From our front bumper to their rear, along the path.
        speed_mps: Along the path; negative when it comes towards us.
        acceleration_mps2: Along the path.
        index: Whose row in the scene, or -1.
        least_gap_m: Standing gap to keep; the model's own when None.
    """

    gap_m: float
    speed_mps: float
    acceleration_mps2: float = 0.0
    index: int = -1
    least_gap_m: float | None = None

    def moved(self, time_s: float) -> tuple[float, float]:
        """How far it will have come by then and how fast it is: braking goes on to a standstill."""
        a = self.acceleration_mps2
        if a < -0.5 and self.speed_mps > 0.0:
            stops_s = self.speed_mps / -a
            t = min(time_s, stops_s)
            return self.speed_mps * t + 0.5 * a * t * t, max(self.speed_mps + a * t, 0.0)
        return self.speed_mps * time_s, self.speed_mps


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowingModel:
    """The intelligent driver model.

    Attributes:
        least_gap_m: Standing gap; 4 m in PDM-Lite (``idm_leading_vehicle_minimum_distance``).
        headway_s: 1.0 s, city traffic in Treiber & Kesting, "Traffic Flow Dynamics" (2013), table 11.2; the 0.25 s of
            PDM-Lite rely on braking at the limit.
        acceleration_mps2: Comfortable, from the car's own 5 at full throttle.
        braking_mps2: Comfortable.
        exponent: 4 in both sources.
        hardest_mps2: What the brakes can do.
    """

    least_gap_m: float = 4.0
    headway_s: float = 1.0
    acceleration_mps2: float = 2.5
    braking_mps2: float = 3.0
    exponent: float = 4.0
    hardest_mps2: float = 8.0

    def free(self, speed_mps: float, wanted_mps: float) -> float:
        """Acceleration on a free road."""
        if wanted_mps < 0.1:
            return -self.braking_mps2
        return self.acceleration_mps2 * (1.0 - min((speed_mps / wanted_mps) ** self.exponent, 4.0))

    def behind(self, speed_mps: float, gap_m: float, leader_mps: float, least_gap_m: float | None = None) -> float:
        """What a leader takes off the free acceleration, as the acceleration that is left of the full one."""
        still = self.least_gap_m if least_gap_m is None else least_gap_m
        if gap_m <= 0.1:
            return -self.hardest_mps2
        approach = speed_mps * (speed_mps - leader_mps) / (2.0 * np.sqrt(self.acceleration_mps2 * self.braking_mps2))
        wanted_m = still + max(speed_mps * self.headway_s + approach, 0.0)
        a = float(self.acceleration_mps2 * (1.0 - (wanted_m / gap_m) ** 2))
        # A gap that is only too small, and does not close, is opened gently: IDM alone would brake as in an emergency.
        opens_mps = leader_mps - speed_mps
        if opens_mps < 0.0 or gap_m + opens_mps * _EASES_WITHIN_S < _EASES_FROM_M + _EASES_S * speed_mps:
            return a
        return max(a, min(-_EASING_MPS2 + _EASING_PER_S * opens_mps, self.acceleration_mps2))

    def equilibrium_gap_m(self, speed_mps: float, wanted_mps: float) -> float:
        """The gap at which a leader of the same speed is followed at that speed."""
        return float(
            (self.least_gap_m + speed_mps * self.headway_s) / np.sqrt(1.0 - (speed_mps / wanted_mps) ** self.exponent)
        )
