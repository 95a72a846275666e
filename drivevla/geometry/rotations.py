"""Rotation matrices from and to yaw, Euler angles and quaternions. Right-handed, radians.

Quaternions are (w, x, y, z), as nuScenes and comma2k19 write them; SciPy's order (x, y, z, w) never leaves this module.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from drivevla.errors import ContractError

__all__ = ["matrix_from_euler", "matrix_from_quaternion", "matrix_from_yaw", "quaternion_from_matrix"]


def matrix_from_yaw(yaw_rad: ArrayLike) -> NDArray[np.float64]:
    """Rotation about the z axis.

    Args:
        yaw_rad: (...) counter-clockwise seen from above.

    Returns:
        (..., 3, 3) target_from_body.
    """
    yaw = np.asarray(yaw_rad, dtype=np.float64)
    c, s, zero, one = np.cos(yaw), np.sin(yaw), np.zeros_like(yaw), np.ones_like(yaw)
    rows = [[c, -s, zero], [s, c, zero], [zero, zero, one]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_from_euler(
    *, yaw_rad: ArrayLike, pitch_rad: ArrayLike = 0.0, roll_rad: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """Rotation by yaw, then pitch, then roll about the body's own axes (z-y'-x'').

    With z up, positive pitch lowers the nose and positive roll lowers the right side.

    Args:
        yaw_rad: (...) about z, counter-clockwise.
        pitch_rad: (...) about y.
        roll_rad: (...) about x.

    Returns:
        (..., 3, 3) target_from_body.
    """
    yaw, pitch, roll = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (yaw_rad, pitch_rad, roll_rad)))
    flat = Rotation.from_euler("ZYX", np.stack([yaw, pitch, roll], axis=-1).reshape(-1, 3))
    return np.asarray(flat.as_matrix(), dtype=np.float64).reshape(*yaw.shape, 3, 3)


def matrix_from_quaternion(quaternion_wxyz: ArrayLike) -> NDArray[np.float64]:
    """Rotation of a unit quaternion.

    Args:
        quaternion_wxyz: (..., 4) w, x, y, z; normalised here when within 1 % of unit length.

    Returns:
        (..., 3, 3) matrices.

    Raises:
        ContractError: The last axis is not 4 long, or a quaternion is not of unit length.
    """
    quaternion = np.asarray(quaternion_wxyz, dtype=np.float64)
    if quaternion.shape[-1:] != (4,):
        raise ContractError(f"a quaternion has 4 numbers (w, x, y, z), got shape {quaternion.shape}")
    norm = np.linalg.norm(quaternion, axis=-1)
    if not np.all(np.abs(norm - 1.0) < 0.01):
        worst = norm.flat[int(np.argmax(np.abs(norm - 1.0)))] if norm.size else norm
        raise ContractError(f"a rotation quaternion has length 1, got length {float(worst):.6g}")
    xyzw = np.roll(quaternion, -1, axis=-1).reshape(-1, 4)
    return np.asarray(Rotation.from_quat(xyzw).as_matrix(), dtype=np.float64).reshape(*quaternion.shape[:-1], 3, 3)


def quaternion_from_matrix(rotation: ArrayLike) -> NDArray[np.float64]:
    """Unit quaternion (w, x, y, z) with w >= 0 of a rotation matrix.

    Args:
        rotation: (..., 3, 3) orthonormal, right-handed.

    Returns:
        (..., 4).

    Raises:
        ContractError: A matrix is not a rotation.
    """
    matrix = np.asarray(rotation, dtype=np.float64)
    if matrix.shape[-2:] != (3, 3):
        raise ContractError(f"a rotation is 3 x 3, got shape {matrix.shape}")
    defect = np.abs(matrix @ np.swapaxes(matrix, -1, -2) - np.eye(3)).max(initial=0.0)
    if not defect < 1e-4 or not np.all(np.linalg.det(matrix) > 0):
        raise ContractError(
            f"not a rotation: the rows are off orthonormal by {defect:.3g} or the handedness is wrong; "
            "a reflection here usually means that a left-handed frame was not converted"
        )
    xyzw = np.asarray(Rotation.from_matrix(matrix.reshape(-1, 3, 3)).as_quat(), dtype=np.float64)
    wxyz = np.roll(xyzw, 1, axis=-1)
    wxyz = np.where(wxyz[:, :1] < 0, -wxyz, wxyz)
    return wxyz.reshape(*matrix.shape[:-2], 4)
