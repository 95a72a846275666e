"""The simulated vehicle: nuPlan's Pacifica, what a state holds, and when states stand.

Source: motional/nuplan-devkit v1.2 ``vehicle_parameters.py``; autonomousvision/navsim ``pdm_enums.py``.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import transform_points_se2
from drivevla.geometry.nuplan import REAR_AXLE_TO_CENTER_M

__all__ = ["STATES", "STEP_S", "WHEELBASE_M", "S", "box_corners", "ego_centers", "ego_corners", "speed_mps"]

STEP_S = 0.1
STATES = 41
"""The present and 4 s to come."""

WHEELBASE_M = 3.089
_HALF_LENGTH_M = (4.049 + 1.127) / 2
_HALF_WIDTH_M = 2.297 / 2


class S(IntEnum):
    """Columns of a state (..., 11): rear axle, SI units; velocity and acceleration along the vehicle's axes."""

    X, Y, YAW, VX, VY, AX, AY, STEERING, STEERING_RATE, YAW_RATE, YAW_ACCELERATION = range(11)


def speed_mps(states: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...) speed of states (..., 11)."""
    return np.hypot(states[..., S.VX], states[..., S.VY])


def ego_centers(states: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 2) centre of the ego's box."""
    return transform_points_se2(states[..., :3], np.array([REAR_AXLE_TO_CENTER_M, 0.0]))


def ego_corners(states: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 4, 2) corners of the ego's box: front left, rear left, rear right, front right."""
    poses = np.concatenate([ego_centers(states), states[..., [S.YAW]]], axis=-1)
    return box_corners(poses, np.array([2 * _HALF_LENGTH_M, 2 * _HALF_WIDTH_M]))


def box_corners(poses: NDArray[np.float64], size_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners of boxes in the same order.

    Args:
        poses: (..., 3) centre and yaw.
        size_m: (..., 2) length and width, broadcasting with the poses' prefix.
    """
    signs = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])
    return transform_points_se2(poses[..., None, :], signs * size_m[..., None, :])
