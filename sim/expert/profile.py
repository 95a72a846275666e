"""All that limits the speed, rolled out over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.expert.following import FollowingModel, Leader
from drivevla.sim.expert.way import SPACING_M

__all__ = ["LATERAL_MPS2", "Profile", "Stop", "drive_profile", "speed_envelope"]

LATERAL_MPS2 = 2.5
"""Bends are taken with so much acceleration to the side: half of what is comfortable at most (AASHTO's design values
for low speeds lie between 1.5 and 3.3 m/s2)."""
_SLOWING_MPS2 = 2.0
"""Before bends and lower limits."""
_STOPPING_MPS2 = 2.5
"""Before lines."""
_STOP_IN_VIEW_S = 4.0
"""A stop that is this near in time is what the car drives for, also while it does not brake yet."""
_STEP_S = 0.125
_HORIZON_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A place where the front bumper must not pass.

    Attributes:
        distance_m: From the front bumper, along the path.
        key: What asks for it, for the narration.
        index: Whose row in the scene, or -1.
    """

    distance_m: float
    key: str
    index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """A speed rolled out.

    Attributes:
        times_s: (T,) from 0.
        along_m: (T,) of the ego's origin along the path.
        speed_mps: (T,).
        binding: Which of what was given limits the first second most: a ``Stop``, a ``Leader`` or None for the road.
    """

    times_s: NDArray[np.float64]
    along_m: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    binding: Stop | Leader | None

    def when(self, along_m: float) -> float:
        """When the ego's origin is there; beyond the horizon at the last speed, infinite when it stands."""
        if along_m <= self.along_m[-1]:
            return float(np.interp(along_m, self.along_m, self.times_s))
        last = float(self.speed_mps[-1])
        return float(self.times_s[-1] + (along_m - self.along_m[-1]) / last) if last > 0.3 else np.inf


def speed_envelope(
    bends_per_m: NDArray[np.float64], cruise_mps: float, lateral_mps2: float = LATERAL_MPS2
) -> NDArray[np.float64]:
    """(P,) what the road itself allows at each metre: the cruising speed, bends, and slowing down in time for them."""
    allowed = np.minimum(cruise_mps, np.sqrt(lateral_mps2 / np.maximum(np.abs(bends_per_m), 1e-4)))
    # Slow enough already to be slow enough later: v(i)^2 <= v(j)^2 + 2 a (j - i) for all j behind i.
    slope = 2.0 * _SLOWING_MPS2 * SPACING_M * np.arange(len(allowed))
    energy = np.minimum.accumulate((allowed**2 + slope)[::-1])[::-1] - slope
    return np.sqrt(np.maximum(energy, 0.0))


def drive_profile(
    speed_mps: float,
    envelope_mps: NDArray[np.float64],
    *,
    leaders: Sequence[Leader],
    stops: Sequence[Stop],
    model: FollowingModel,
    horizon_s: float = _HORIZON_S,
) -> Profile:
    """Roll the ego's speed out along its path.

    Args:
        speed_mps: Now.
        envelope_mps: (P,) what the road allows at each metre.
        leaders: Whom to stay behind.
        stops: Where to stand.
        model: How.
        horizon_s: How far.
    """
    stop = min(stops, key=lambda each: each.distance_m, default=None)
    steps = round(horizon_s / _STEP_S)
    allowed, last = envelope_mps.tolist(), len(envelope_mps) - 1
    along, speed, travelled = [0.0], [max(speed_mps, 0.0)], 0.0
    v = speed[0]
    for step in range(steps):
        place = min(travelled / SPACING_M, last - 1e-6)
        low = int(place)
        limit = allowed[low] + (place - low) * (allowed[low + 1] - allowed[low])
        a = model.free(v, limit) if v <= limit else max(-_SLOWING_MPS2 * 2.0, (limit - v) / _STEP_S)
        if stop is not None:
            a = min(a, _towards_stop(v, stop.distance_m - travelled, model))
        for leader in leaders:
            moved, leader_mps = leader.moved(step * _STEP_S)
            a = min(a, model.behind(v, leader.gap_m + moved - travelled, leader_mps, leader.least_gap_m))
        after = max(v + max(a, -model.hardest_mps2) * _STEP_S, 0.0)
        travelled += 0.5 * (v + after) * _STEP_S
        v = after
        along.append(travelled)
        speed.append(v)
    return Profile(
        times_s=np.arange(steps + 1) * _STEP_S,
        along_m=np.array(along),
        speed_mps=np.array(speed),
        binding=_binding(speed[0], allowed[0], leaders, stop, model),
    )


def _towards_stop(v: float, left_m: float, model: FollowingModel) -> float:
    """Full freedom while far, comfortable braking, then whatever it takes."""
    if left_m <= 0.05:
        return -model.hardest_mps2 if v > 0.0 else 0.0
    needed = v * v / (2.0 * left_m)
    if needed > _STOPPING_MPS2:
        return -needed
    allowed = float(np.sqrt(2.0 * _STOPPING_MPS2 * left_m))
    ahead = max(left_m - v * _STEP_S, 0.0)
    return (float(np.sqrt(2.0 * _STOPPING_MPS2 * ahead)) - v) / _STEP_S if v < allowed else -needed


def _binding(
    v: float, limit: float, leaders: Sequence[Leader], stop: Stop | None, model: FollowingModel
) -> Stop | Leader | None:
    """What holds the car back now, if anything does more than the road."""
    strongest: Stop | Leader | None = None
    least = min(model.free(v, limit), 0.5)
    if stop is not None and (
        _towards_stop(v, stop.distance_m, model) < least or stop.distance_m < v * _STOP_IN_VIEW_S + 1.0
    ):
        strongest, least = stop, min(_towards_stop(v, stop.distance_m, model), least)
    for leader in leaders:
        a = model.behind(v, leader.gap_m, leader.speed_mps, leader.least_gap_m)
        if a < least:
            strongest, least = leader, a
    return strongest
