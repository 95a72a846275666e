"""Whole LiDAR sweeps from the leaderboard's, whose LiDAR measures half a turn in every tick."""

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import transform_points_se2
from drivevla.sim.session.ego_filter import EgoFilter
from drivevla.sim.session.readings import lidar_sweep
from drivevla.types import LidarSpec, LidarSweep

__all__ = ["SweepJoiner"]


class SweepJoiner:
    """Joins this tick's half turn and the one before, brought to this tick by odometry.

    Source of the rate: ``leaderboard/autoagents/agent_wrapper.py``, ``rotation_frequency`` 10 at 20 ticks a second.

    Args:
        spec: Where the LiDAR sits.
        ego_filter: How far the car has moved since.
        tick_s: Length of a tick.
    """

    def __init__(self, spec: LidarSpec, ego_filter: EgoFilter, *, tick_s: float) -> None:
        self._spec, self._filter, self._tick_s = spec, ego_filter, tick_s
        self._before: tuple[int, LidarSweep] | None = None

    def take(self, frame: int, points: NDArray[np.float32], time_s: float) -> LidarSweep | None:
        """A tick's returns, as CARLA gives them; the filter has that tick's readings already.

        Returns:
            The whole sweep, or None where the tick before is not there.
        """
        now = lidar_sweep(self._spec, points, time_s)
        before, self._before = self._before, (frame, now)
        if before is None or before[0] != frame - 1:
            return None
        then = before[1]
        moved = then.points_m.copy()
        now_from_then = self._filter.past(step_s=self._tick_s).poses[-2]
        moved[:, :2] = transform_points_se2(now_from_then, then.points_m[:, :2])
        assert then.intensity is not None  # CARLA's LiDAR always gives it
        assert now.intensity is not None
        return LidarSweep(
            points_m=np.concatenate([moved, now.points_m]),
            intensity=np.concatenate([then.intensity, now.intensity]),
            timestamp_s=time_s,
        )
