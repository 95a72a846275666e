"""Truth files: an npz without objects, one row a sample.

``token`` (N,) texts; ``t_s`` (T,), ``x``, ``y``, ``yaw`` (N, T) and ``valid`` (N, T) bool for the future, which may be
left out together; every other array is a detail with N rows.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError, DataError
from drivevla.evaluation.open_loop.prediction_file import read_columns
from drivevla.evaluation.open_loop.truth import OpenLoopTruth

__all__ = ["read_truth", "write_truth"]

_FUTURE = ("t_s", "x", "y", "yaw", "valid")


def read_truth(path: Path) -> OpenLoopTruth:
    """Read a truth file.

    Raises:
        DataError: The file cannot be read, lacks an array, or an array is of another shape or type.
    """
    if path.suffix != ".npz":
        raise DataError(f"a truth file ends in .npz, got {path}")
    arrays = read_columns(path)
    given = [name for name in _FUTURE if name in arrays]
    if "token" not in arrays or (given and len(given) < len(_FUTURE)):
        raise DataError(f"{path} must hold token, and {', '.join(_FUTURE)} all or none; it holds {sorted(arrays)}")
    token = arrays.pop("token")
    if token.ndim != 1 or not np.issubdtype(token.dtype, np.str_):
        raise DataError(f"{path}: token must be texts (N,), got {token.dtype} {token.shape}")
    times, x, y, yaw, valid = (arrays.pop(name) for name in _FUTURE) if given else _no_future(len(token))
    try:
        return OpenLoopTruth(
            tokens=tuple(token.tolist()),
            times_s=times,
            poses=np.stack([x, y, yaw], axis=-1),
            valid=valid,
            details=arrays,
        )
    except (ContractError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error


def write_truth(path: Path, truth: OpenLoopTruth) -> None:
    """Write a truth file; ``read_truth`` gives the same truth back.

    Raises:
        DataError: The name does not end in .npz.
    """
    if path.suffix != ".npz":
        raise DataError(f"a truth file ends in .npz, got {path}")
    future = {name: truth.poses[..., axis] for axis, name in enumerate(("x", "y", "yaw"))}
    arrays = {"token": np.array(truth.tokens, dtype=np.str_), **truth.details}
    if len(truth.times_s):
        arrays |= {"t_s": truth.times_s, **future, "valid": truth.valid}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _no_future(count: int) -> tuple[NDArray[Any], ...]:
    empty = np.zeros((count, 0))
    return np.zeros(0), empty, empty, empty, np.zeros((count, 0), dtype=np.bool_)
