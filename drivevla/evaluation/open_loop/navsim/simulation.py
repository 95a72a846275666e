"""NAVSIM's simulator: a linear-quadratic tracker steers a kinematic bicycle along the plan for 4 s.

Source: autonomousvision/navsim (both versions) ``batch_lqr.py``, ``batch_kinematic_bicycle.py``, ``pdm_simulator.py``.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.navsim.reference import Profiles, fit_profiles
from drivevla.evaluation.open_loop.navsim.state import STATES, STEP_S, WHEELBASE_M, S
from drivevla.geometry import wrap_angle

__all__ = ["simulate"]

_LOOK_AHEAD = 10  # steps
_SPEED_WEIGHT, _ACCELERATION_WEIGHT = 10.0, 1.0
_LATERAL_WEIGHTS = np.array([1.0, 10.0, 0.0])  # lateral error, heading error, steering
_STEERING_RATE_WEIGHT = 1.0
_STOPPING_SPEED_MPS, _STOPPING_GAIN_PER_S = 0.2, 0.5
_ACCELERATION_LAG_S, _STEERING_LAG_S = 0.2, 0.05
_MOST_STEERING_RAD = np.pi / 3


def simulate(references: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drive B references from their starts.

    Args:
        references: (B, 41, 3) poses of the rear axle every 0.1 s, the present first.
        start: (B, 11) states now, in the same frames.

    Returns:
        (B, 41, 11) simulated states, the start first.
    """
    profiles = fit_profiles(references)
    states = np.zeros((len(references), STATES, len(S)))
    states[:, 0] = start
    for step in range(STATES - 1):
        acceleration, steering_rate = _commands(states[:, step], references[:, step], profiles, step)
        states[:, step + 1] = _moved(states[:, step], acceleration, steering_rate)
    return states


def _commands(
    states: NDArray[np.float64], wanted: NDArray[np.float64], profiles: Profiles, step: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    last = profiles.speed_mps.shape[1] - 1
    ahead = min(step + _LOOK_AHEAD, last)
    speed, wanted_speed = states[:, S.VX], profiles.speed_mps[:, ahead]
    horizon_s = _LOOK_AHEAD * STEP_S
    gain = _SPEED_WEIGHT * horizon_s / (_SPEED_WEIGHT * horizon_s**2 + _ACCELERATION_WEIGHT)
    stopping = (wanted_speed <= _STOPPING_SPEED_MPS) & (speed <= _STOPPING_SPEED_MPS)
    gains: NDArray[np.float64] = np.full(len(states), gain)
    gains[stopping] = _STOPPING_GAIN_PER_S
    acceleration = gains * (wanted_speed - speed)
    speeds = speed[:, None] + acceleration[:, None] * STEP_S * np.arange(_LOOK_AHEAD)
    curvatures = profiles.curvature_per_m[:, np.minimum(np.arange(step, step + _LOOK_AHEAD), ahead)]
    steering_rate = _steering_rate(_lateral_errors(states, wanted), speeds, curvatures)
    steering_rate[stopping] = 0.0
    return acceleration, steering_rate


def _lateral_errors(states: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    offset, yaw = states[:, :2] - wanted[:, :2], wanted[:, 2]
    aside = -offset[:, 0] * np.sin(yaw) + offset[:, 1] * np.cos(yaw)
    return np.stack([aside, wrap_angle(states[:, S.YAW] - yaw), states[:, S.STEERING]], axis=-1)


def _steering_rate(
    errors: NDArray[np.float64], speeds_mps: NDArray[np.float64], curvatures_per_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The constant steering rate that makes the errors at the end of the look-ahead, and itself, least."""
    aside, heading, steering = errors.T
    by_aside, by_heading, by_steering = np.zeros((3, len(errors)))
    for step in range(speeds_mps.shape[1]):
        moved = speeds_mps[:, step] * STEP_S
        aside, by_aside = aside + moved * heading, by_aside + moved * by_heading
        heading = heading + moved * (steering / WHEELBASE_M - curvatures_per_m[:, step])
        by_heading = by_heading + moved * by_steering / WHEELBASE_M
        by_steering = by_steering + STEP_S
    free = np.stack([aside, wrap_angle(heading), wrap_angle(steering)], axis=-1)
    effect = np.stack([by_aside, by_heading, by_steering], axis=-1)
    weighted = effect * _LATERAL_WEIGHTS
    return -(weighted * free).sum(axis=-1) / ((weighted * effect).sum(axis=-1) + _STEERING_RATE_WEIGHT)


def _moved(
    states: NDArray[np.float64], acceleration: NDArray[np.float64], steering_rate: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One Euler step; both commands pass a first-order lag, and the position moves by speed and steering of before."""
    speed, yaw, steering = states[:, S.VX], states[:, S.YAW], states[:, S.STEERING]
    lagged_acceleration = states[:, S.AX] + STEP_S / (STEP_S + _ACCELERATION_LAG_S) * (acceleration - states[:, S.AX])
    lagged_rate = STEP_S / (STEP_S + _STEERING_LAG_S) * steering_rate
    after = np.zeros_like(states)
    after[:, S.X] = states[:, S.X] + speed * np.cos(yaw) * STEP_S
    after[:, S.Y] = states[:, S.Y] + speed * np.sin(yaw) * STEP_S
    after[:, S.YAW] = wrap_angle(yaw + speed * np.tan(steering) / WHEELBASE_M * STEP_S)
    after[:, S.VX] = speed + lagged_acceleration * STEP_S
    after[:, S.AX] = lagged_acceleration
    after[:, S.STEERING] = np.clip(steering + lagged_rate * STEP_S, -_MOST_STEERING_RAD, _MOST_STEERING_RAD)
    after[:, S.STEERING_RATE] = lagged_rate
    after[:, S.YAW_RATE] = after[:, S.VX] * np.tan(after[:, S.STEERING]) / WHEELBASE_M
    after[:, S.YAW_ACCELERATION] = (after[:, S.YAW_RATE] - states[:, S.YAW_RATE]) / STEP_S
    return after
