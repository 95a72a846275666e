"""Bench2Drive's comfort ("smoothness"): the share of two-second windows that stay within six limits, as coded there."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import savgol_filter

from drivevla.errors import DataError
from drivevla.types.checks import real_array

__all__ = ["comfort_share"]

_WINDOW_STEPS = 20
_FILTER_STEPS = 7
_FILTER_ORDER = 2
_STEP_S = 0.1  # taken for granted by the official script, although its agents record every 0.05 s

_LONGITUDINAL_MPS2 = (-4.05, 2.40)
_LATERAL_MPS2 = (-4.89, 4.89)
_JERK_MPS3 = (-8.37, 8.37)
_LONGITUDINAL_JERK_MPS3 = (-4.13, 4.13)
_YAW_ACCELERATION = (-1.93, 1.93)
_YAW_RATE = (-0.95, 0.95)


def comfort_share(acceleration_mps2: ArrayLike, yaw_rate_dps: ArrayLike, forward: ArrayLike, right: ArrayLike) -> float:
    """Share of comfortable windows of 20 steps in one route, 0 to 1.

    An incomplete last window is left out; a route of at most 20 steps is one window. The measurements are CARLA's, in
    its own axes: the world's for accelerations and the two directions.

    What the official script calls yaw acceleration is the smoothed yaw rate once more, and both are compared, in
    degrees per second, with limits meant for radians, after whole turns of 2 pi between steps were taken out of them.

    Source: Bench2Drive 7ec25d1, ``tools/efficiency_smoothness_benchmark.py``, ``seg_compute_comfort_metric``.

    Args:
        acceleration_mps2: (T, 2 or 3) of the ego; z is not used.
        yaw_rate_dps: (T,) about z, degrees per second.
        forward: (T, 2 or 3) the ego's forward vector.
        right: (T, 2 or 3) the ego's right vector.

    Raises:
        DataError: There are fewer than three steps.
        ContractError: The shapes disagree or a number is not finite.
    """
    rate = real_array("yaw_rate_dps", yaw_rate_dps, ("T",))
    acceleration, ahead, aside = (
        _planar(name, value, len(rate))
        for name, value in (("acceleration_mps2", acceleration_mps2), ("forward", forward), ("right", right))
    )
    if len(rate) <= _FILTER_ORDER:
        raise DataError(f"comfort needs at least {_FILTER_ORDER + 1} recorded steps, got {len(rate)}")
    if len(rate) <= _WINDOW_STEPS:
        return float(_is_comfortable(acceleration, rate, ahead, aside))
    windows = [slice(start, start + _WINDOW_STEPS) for start in range(0, len(rate) - _WINDOW_STEPS + 1, _WINDOW_STEPS)]
    return sum(_is_comfortable(acceleration[w], rate[w], ahead[w], aside[w]) for w in windows) / len(windows)


def _is_comfortable(
    acceleration: NDArray[np.float64],
    yaw_rate_dps: NDArray[np.float64],
    forward: NDArray[np.float64],
    right: NDArray[np.float64],
) -> bool:
    longitudinal = _smooth((acceleration * forward).sum(axis=1))
    lateral = _smooth((acceleration * right).sum(axis=1))
    magnitude = _smooth(np.hypot(acceleration[:, 0], acceleration[:, 1]))
    yaw_rate = _smooth(_without_turns(yaw_rate_dps))
    return all(
        bool(((signal > low) & (signal < high)).all())
        for signal, (low, high) in (
            (longitudinal, _LONGITUDINAL_MPS2),
            (lateral, _LATERAL_MPS2),
            (_derived(magnitude), _JERK_MPS3),
            (_derived(longitudinal), _LONGITUDINAL_JERK_MPS3),
            (yaw_rate, _YAW_ACCELERATION),
            (yaw_rate, _YAW_RATE),
        )
    )


def _smooth(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    return savgol_filter(signal, window_length=min(_FILTER_STEPS, len(signal)), polyorder=_FILTER_ORDER)


def _derived(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    window = min(_FILTER_STEPS, len(signal))
    return savgol_filter(signal, window_length=window, polyorder=_FILTER_ORDER, deriv=1, delta=_STEP_S)


def _without_turns(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    turns = np.round(np.diff(signal) / (2 * np.pi)).cumsum()
    return signal - 2 * np.pi * np.concatenate([[0.0], turns])


def _planar(name: str, value: ArrayLike, steps: int) -> NDArray[np.float64]:
    array = real_array(name, value, ("T", "axes"))
    if array.shape[0] != steps or array.shape[1] not in (2, 3):
        raise DataError(f"{name} must be ({steps}, 2 or 3) like the yaw rate, got {array.shape}")
    return array[:, :2]
