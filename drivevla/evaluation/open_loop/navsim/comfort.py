"""Is a simulated drive comfortable, and does it agree with the plan of half a second before?

Source: autonomousvision/navsim v1.1 and main ``pdm_comfort_metrics.py``. The two versions smooth differently, and
version 2 takes longitudinal acceleration at the box's centre, with the shift as coded there: the distance times (yaw
rate squared plus yaw acceleration) is added along the vehicle, which is not the motion of a rigid body.
"""

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from drivevla.evaluation.open_loop.navsim.state import STEP_S, S
from drivevla.geometry.nuplan import REAR_AXLE_TO_CENTER_M

__all__ = ["Version", "agrees_with_previous", "comfort_flags"]

Version = Literal["1.1", "2"]

_LONGITUDINAL_MPS2 = (-4.05, 2.40)
_LATERAL_MPS2 = 4.89
_JERK_MPS3, _LONGITUDINAL_JERK_MPS3 = 8.37, 4.13
_YAW_RATE_RADPS, _YAW_ACCELERATION_RADPS2 = 0.95, 1.93
_DECIMALS = 8
_SMOOTHING, _JERK_WINDOW, _YAW_WINDOW = 8, 15, 5

Signal = NDArray[np.float64]


def comfort_flags(states: NDArray[np.float64], version: Version) -> NDArray[np.bool_]:
    """Which bounds hold at every step.

    Args:
        states: (B, T, 11) every 0.1 s.
        version: Of NAVSIM.

    Returns:
        (B, 6): longitudinal and lateral acceleration, jerk, longitudinal jerk, yaw acceleration, yaw rate.
    """
    count = states.shape[1]
    whole = count if version == "1.1" else _SMOOTHING
    jerk_window = count if version == "1.1" else _JERK_WINDOW
    along, aside = states[..., S.AX], states[..., S.AY]
    if version == "2":
        along = along + REAR_AXLE_TO_CENTER_M * (states[..., S.YAW_RATE] ** 2 + states[..., S.YAW_ACCELERATION])
    smooth = _smoothed(along, whole)
    flags = [
        (smooth > _LONGITUDINAL_MPS2[0]) & (smooth < _LONGITUDINAL_MPS2[1]),
        np.abs(_smoothed(aside, whole)) < _LATERAL_MPS2,
        np.abs(_jerk(_magnitude(states), jerk_window)) < _JERK_MPS3,
        np.abs(_jerk(along, jerk_window)) < _LONGITUDINAL_JERK_MPS3,
        np.abs(_yaw_derivative(states, 2, polynomial=3)) < _YAW_ACCELERATION_RADPS2,
        np.abs(_yaw_derivative(states, 1, polynomial=2)) < _YAW_RATE_RADPS,
    ]
    return np.stack([flag.all(axis=-1) for flag in flags], axis=-1)


def agrees_with_previous(
    states: NDArray[np.float64], previous: NDArray[np.float64], *, apart_s: float = 0.5
) -> NDArray[np.bool_]:
    """Version 2's extended comfort.

    Args:
        states: (B, T, 11) simulated from now.
        previous: (B, T, 11) simulated from ``apart_s`` before.
        apart_s: Time between both.

    Returns:
        (B,) whether acceleration, jerk, yaw rate and yaw acceleration differ little, root mean square over the time
        that both cover.
    """
    shift = round(apart_s / STEP_S)
    features = [_features(part) for part in (states[:, :-shift], previous[:, shift:])]
    most = (0.7, 0.5, 0.1, 0.1)
    agrees = [
        np.sqrt(np.mean((now - before) ** 2, axis=-1)) <= limit
        for now, before, limit in zip(*features, most, strict=True)
    ]
    return np.logical_and.reduce(agrees)


def _features(states: NDArray[np.float64]) -> tuple[Signal, Signal, Signal, Signal]:
    acceleration = _magnitude(states)
    return (
        _smoothed(acceleration, _SMOOTHING),
        _jerk(acceleration, _JERK_WINDOW),
        _yaw_derivative(states, 1, polynomial=2),
        _yaw_derivative(states, 2, polynomial=2),
    )


def _magnitude(states: NDArray[np.float64]) -> Signal:
    return np.hypot(states[..., S.AX], states[..., S.AY])


def _smoothed(signal: Signal, window: int) -> Signal:
    return _filtered(signal, min(window, signal.shape[-1]), polynomial=2)


def _jerk(acceleration: Signal, window: int) -> Signal:
    window = min(window, acceleration.shape[-1])
    smooth = _smoothed(acceleration, _SMOOTHING)
    return _filtered(smooth, window, polynomial=2, order=1)


def _yaw_derivative(states: NDArray[np.float64], order: int, *, polynomial: int) -> Signal:
    yaw = np.unwrap(states[..., S.YAW], axis=-1)
    return _filtered(yaw, _YAW_WINDOW, polynomial=polynomial, order=order)


def _filtered(signal: Signal, window: int, *, polynomial: int, order: int = 0) -> Signal:
    """Savitzky and Golay's filter of (..., T) signals or its derivative, rounded as in the source."""
    rounded: Signal = np.round(signal @ _filter(signal.shape[-1], window, polynomial, order).T, _DECIMALS)
    return rounded


@lru_cache(maxsize=64)
def _filter(steps: int, window: int, polynomial: int, order: int) -> Signal:
    """(T, T) the filter as a matrix: it is linear, and fitting its ends anew for every drive takes most of a score."""
    matrix: Any = savgol_filter(
        np.eye(steps), polyorder=polynomial, window_length=window, deriv=order, delta=STEP_S, axis=0
    )
    return np.asarray(matrix, dtype=np.float64)
