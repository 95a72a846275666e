"""Means over samples, with the rule about samples that are left out in one place."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.metric import Scores

__all__ = ["mean_scores"]


def mean_scores(
    per_sample: Mapping[str, NDArray[np.float64]],
    *,
    counted: NDArray[np.bool_] | None = None,
    counts: Mapping[str, int] | None = None,
) -> Scores:
    """Scores that are all means over the same samples.

    Args:
        per_sample: (N,) contributions by name of the value.
        counted: (N,) the samples in numerator and denominator; all of them when left out.
        counts: Further counts; "samples", the denominator, is added.

    Raises:
        DataError: No sample counts: a mean over nothing is no number.
    """
    size = len(next(iter(per_sample.values())))
    kept = np.ones(size, dtype=np.bool_) if counted is None else counted
    if not kept.any():
        raise DataError(
            f"none of the {size} samples counts under this protocol's rule about complete futures; nothing is averaged"
        )
    columns = {name: np.where(kept, column, np.nan).astype(np.float64) for name, column in per_sample.items()}
    return Scores(
        values={name: float(column[kept].mean()) for name, column in columns.items()},
        per_sample=columns,
        counts={"samples": int(kept.sum()), "left_out": int((~kept).sum()), **(counts or {})},
    )
