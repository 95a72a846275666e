"""CoVLA's sampling: what happens seldom is drawn more often."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError

__all__ = ["inverse_frequency_weights"]

_STEERING_EDGES_DEG = (15.0, 45.0, 90.0, 180.0)
_ACCELERATION_EDGES_MPS2 = (0.5, 1.0, 2.0)


def inverse_frequency_weights(
    steering_angle_deg: ArrayLike, acceleration_mps2: ArrayLike, signals: Sequence[Hashable]
) -> NDArray[np.float64]:
    """How often to draw each clip: in inverse proportion to how many clips drive alike.

    Clips are alike whose largest steering angle and acceleration fall into the same steps and whose turn signals are
    the same. The features are the paper's; it does not state their steps, which are ours.

    Args:
        steering_angle_deg: (N,) largest angle of the steering wheel within the clip.
        acceleration_mps2: (N,) largest acceleration or deceleration.
        signals: N descriptions of the turn signals that were on ("left", "right", "", ...).

    Returns:
        (N,) probabilities; each kind of driving has the same sum.

    Raises:
        ContractError: The lengths differ, or there is no clip, or a number is not finite.
    """
    steering = np.abs(np.asarray(steering_angle_deg, dtype=np.float64))
    acceleration = np.abs(np.asarray(acceleration_mps2, dtype=np.float64))
    if steering.ndim != 1 or not (len(steering) == len(acceleration) == len(signals) > 0):
        raise ContractError(
            f"one steering angle, acceleration and signal a clip, got {steering.shape}, {acceleration.shape}, "
            f"{len(signals)}"
        )
    if not (np.isfinite(steering).all() and np.isfinite(acceleration).all()):
        raise ContractError("steering angles and accelerations must be finite")
    steps = zip(
        np.digitize(steering, _STEERING_EDGES_DEG).tolist(),
        np.digitize(acceleration, _ACCELERATION_EDGES_MPS2).tolist(),
        signals,
        strict=True,
    )
    kinds = list(steps)
    counts = Counter(kinds)
    return np.array([1.0 / (counts[kind] * len(counts)) for kind in kinds])
