"""A town of one junction in closed form: the way bends left, goes straight on or bends right, as the sentence says.

What the sensors see never tells which; only the sentence does. A model that hears drives it right, one that does not
is right one time in three.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.training.batches import TrainingSample
from drivevla.types import EgoState, Future, LidarSweep, Observation

__all__ = ["BENDS_PER_M", "DT_S", "STEPS", "branch_of", "junction_sample"]

STEPS, DT_S = 8, 0.5
BENDS_PER_M = {"left": 0.06, "straight": 0.0, "right": -0.06}


def junction_sample(branch: str, sentence: str | None, *, speed_mps: float, seed: int) -> TrainingSample:
    """One approach: kerbs of all three branches in the LiDAR, and what the teacher did.

    Args:
        branch: A key of ``BENDS_PER_M``.
        sentence: What was asked for.
        speed_mps: Of the car, all the way.
        seed: Of the LiDAR's returns.
    """
    rng = np.random.default_rng(seed)
    along_m = rng.uniform(0.0, 30.0, 40)
    kerbs = np.vstack([_arc(bend, along_m, side)[:, :2] for bend in BENDS_PER_M.values() for side in (-2.0, 2.0)])
    points = np.column_stack([kerbs, rng.uniform(0.1, 0.3, len(kerbs))]).astype(np.float32)
    times_s = np.arange(1, STEPS + 1) * DT_S
    return TrainingSample(
        observation=Observation(
            timestamp_s=0.0,
            ego=EgoState(speed_mps=speed_mps),
            lidar=LidarSweep(points_m=points, timestamp_s=0.0),
            instruction=sentence,
        ),
        future=Future(
            times_s=times_s, poses=_arc(BENDS_PER_M[branch], speed_mps * times_s), valid=np.ones(STEPS, np.bool_)
        ),
        refused=False,
        target_speed_mps=speed_mps,
        name=f"{branch}-{seed}",
    )


def branch_of(waypoints: NDArray[np.float64], *, speed_mps: float) -> str:
    """The branch whose way ends nearest to a plan's last waypoint."""
    end_m = np.array([speed_mps * STEPS * DT_S])
    ends = {branch: _arc(bend, end_m)[0, :2] for branch, bend in BENDS_PER_M.items()}
    return min(ends, key=lambda branch: float(np.linalg.norm(ends[branch] - waypoints[-1, :2])))


def _arc(bend_per_m: float, length_m: NDArray[np.float64], aside_m: float = 0.0) -> NDArray[np.float64]:
    """(N, 3) poses along an arc, moved to the left."""
    turn = bend_per_m * length_m
    chord = length_m * np.sinc(turn / (2 * np.pi))
    x, y = chord * np.cos(turn / 2), chord * np.sin(turn / 2)
    return np.column_stack([x - aside_m * np.sin(turn), y + aside_m * np.cos(turn), turn])
