"""From the poses of a recorded drive to what a sample holds: the way come, the way to go, the speed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError, DataError
from drivevla.geometry import interpolate_poses, invert_rigid, yaw_from_matrix
from drivevla.types import EgoState, Future, PastPoses
from drivevla.types.checks import real_array

__all__ = ["DrivenPoses", "Sampling"]

_SPEED_WINDOW_S = 0.25  # long against the noise of a step, short against how fast a car changes its speed
_LONGEST_GAP_S = 1.0  # beyond it, a straight line between two poses says little about what was driven


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """At which times the past and the future are given.

    Attributes:
        future_s: How far the future reaches.
        past_s: How far the past reaches back.
        rate_hz: Poses a second, in both.
    """

    future_s: float = 4.0
    past_s: float = 2.0
    rate_hz: float = 10.0

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ContractError: The future holds no pose, or a number is negative.
        """
        if not (self.rate_hz > 0 and self.past_s >= 0 and self.future_s * self.rate_hz >= 1):
            raise ContractError(f"a sampling needs a positive rate and at least one future pose, got {self}")

    @property
    def future_times_s(self) -> NDArray[np.float64]:
        """(T,) seconds from now."""
        return np.arange(1, round(self.future_s * self.rate_hz) + 1) / self.rate_hz

    @property
    def past_times_s(self) -> NDArray[np.float64]:
        """(T,) seconds from now, the oldest first, now last."""
        return np.arange(-round(self.past_s * self.rate_hz), 1) / self.rate_hz


class DrivenPoses:
    """Poses of one drive.

    Args:
        times_s: (N,) strictly increasing.
        world_from_ego: (N, 4, 4).

    Raises:
        DataError: The times do not increase: records are out of order or double.
    """

    def __init__(self, times_s: NDArray[np.float64], world_from_ego: NDArray[np.float64]) -> None:
        self.times_s = real_array("times_s", times_s, ("N",))
        self.world_from_ego = real_array("world_from_ego", world_from_ego, (len(self.times_s), 4, 4))
        if not len(self.times_s) or not np.all(np.diff(self.times_s) > 0):
            raise DataError("the poses of a drive must be at least one, and their times must increase strictly")

    def planar_from(self, now_s: float) -> NDArray[np.float64]:
        """(N, 3) x, y, yaw of every pose in the ego frame of the pose at ``now_s``.

        Raises:
            DataError: There is no pose at that time.
        """
        now = int(np.argmin(np.abs(self.times_s - now_s)))
        if abs(self.times_s[now] - now_s) > 1e-6:
            raise DataError(f"no pose at {now_s:.6f} s; the nearest is at {self.times_s[now]:.6f} s")
        relative = invert_rigid(self.world_from_ego[now]) @ self.world_from_ego
        return np.concatenate([relative[:, :2, 3], yaw_from_matrix(relative[:, :3, :3])[:, None]], axis=1)

    def future(self, now_s: float, sampling: Sampling) -> Future:
        """Where the car went after ``now_s``; not valid past the end of the drive or past a gap of a second."""
        times_s, poses = self.times_s - now_s, self.planar_from(now_s)
        wanted_s = sampling.future_times_s
        valid = wanted_s <= self._known_until(now_s) - now_s + 1e-6
        values = np.zeros((len(wanted_s), 3))
        if valid.any():
            values[valid] = interpolate_poses(times_s, poses, wanted_s[valid])
        return Future(times_s=wanted_s, poses=values, valid=valid)

    def past(self, now_s: float, sampling: Sampling) -> PastPoses | None:
        """Where the car was up to ``now_s``, as far back as the drive goes; None at its first pose."""
        wanted_s = sampling.past_times_s
        wanted_s = wanted_s[wanted_s >= self._known_since(now_s) - now_s - 1e-6]
        if len(wanted_s) < 2:
            return None
        poses = interpolate_poses(self.times_s - now_s, self.planar_from(now_s), wanted_s)
        return PastPoses(times_s=wanted_s, poses=poses)

    def ego_state(self, now_s: float) -> EgoState:
        """Speed and yaw rate from the poses of the last quarter of a second; acceleration from the one before.

        At the beginning of a drive the first quarter of a second is taken instead, since the speedometer of the car
        would have known.

        Raises:
            DataError: The drive has a single pose: nothing says how fast it was.
        """
        poses = self.planar_from(now_s)
        offset_s = self.times_s - now_s
        latest = np.flatnonzero((offset_s <= 1e-6) & (offset_s >= -_SPEED_WINDOW_S - 1e-6))
        if len(latest) < 2:
            latest = self._pair_around(offset_s)
        speed_mps, yaw_rate_radps = _rates(offset_s[latest], poses[latest])
        before = np.flatnonzero((offset_s <= offset_s[latest[0]] + 1e-6) & (offset_s >= -2 * _SPEED_WINDOW_S - 1e-6))
        if len(before) < 2:
            return EgoState(speed_mps=speed_mps, yaw_rate_radps=yaw_rate_radps)
        earlier_mps, _ = _rates(offset_s[before], poses[before])
        apart_s = float(offset_s[latest].mean() - offset_s[before].mean())
        return EgoState(
            speed_mps=speed_mps, yaw_rate_radps=yaw_rate_radps, acceleration_mps2=(speed_mps - earlier_mps) / apart_s
        )

    def _pair_around(self, offset_s: NDArray[np.float64]) -> NDArray[np.intp]:
        """The present pose and those of the quarter second after it; else the nearest one before, else after."""
        if len(offset_s) < 2:
            raise DataError("the drive has a single pose: nothing says how fast the car was")
        soon = np.flatnonzero((offset_s >= -1e-6) & (offset_s <= _SPEED_WINDOW_S + 1e-6))
        if len(soon) >= 2:
            return soon
        now = int(np.argmin(np.abs(offset_s)))
        pair = [now - 1, now] if now else [now, now + 1]
        return np.array(pair)

    def _known_until(self, now_s: float) -> float:
        """The last time before the drive ends or has a gap."""
        later = self.times_s[self.times_s >= now_s - 1e-6]
        gaps = np.flatnonzero(np.diff(later) > _LONGEST_GAP_S)
        return float(later[gaps[0]] if len(gaps) else later[-1])

    def _known_since(self, now_s: float) -> float:
        earlier = self.times_s[self.times_s <= now_s + 1e-6]
        gaps = np.flatnonzero(np.diff(earlier) > _LONGEST_GAP_S)
        return float(earlier[gaps[-1] + 1] if len(gaps) else earlier[0])


def _rates(times_s: NDArray[np.float64], poses: NDArray[np.float64]) -> tuple[float, float]:
    """Speed along the car's axis and yaw rate, from the first pose to the last."""
    lasts_s = times_s[-1] - times_s[0]
    (x, y, turned), half = poses[-1] - poses[0], (poses[-1, 2] + poses[0, 2]) / 2
    return float((x * np.cos(half) + y * np.sin(half)) / lasts_s), float(turned / lasts_s)
