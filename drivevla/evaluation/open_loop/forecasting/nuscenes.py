"""The nuScenes prediction challenge: minADE, minFDE and miss rate over the k likeliest modes, and the off-road rate.

Source: nutonomy/nuscenes-devkit d9de17a (1.2.0), ``python-sdk/nuscenes/eval/prediction/metrics.py``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import splev, splprep

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.forecasting.modes import future_points, likeliest_first, point_errors_m
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.geometry import transform_points_se2

__all__ = ["NuScenesPrediction", "best_of_likeliest", "off_road_share"]

_KS = (1, 5, 10)
_MOST_MODES = 25
_MISS_M = 2.0
_SPLINE_POINTS = 200
_SPLINE_SMOOTHING = 0.1
_PIXELS_PER_M = 10


def best_of_likeliest(
    per_mode: NDArray[np.float64], probabilities: NDArray[np.float64], ks: Sequence[int]
) -> NDArray[np.float64]:
    """The lowest of the k likeliest modes' values, for every k.

    Args:
        per_mode: (N, K) one value a mode.
        probabilities: (N, K).
        ks: How many modes may guess; where there are fewer, all do.

    Returns:
        (N, len(ks)).
    """
    ordered = np.take_along_axis(per_mode, likeliest_first(probabilities), axis=1)
    lowest = np.minimum.accumulate(ordered, axis=1)
    return lowest[:, [min(k, per_mode.shape[1]) - 1 for k in ks]]


def off_road_share(forecasts_m: NDArray[np.float64], drivable: NDArray[np.bool_]) -> float:
    """Share of one agent's modes that leave the drivable area.

    A mode of more than three different points is drawn as a smoothed cubic spline of 200 points. Places are cut down to
    whole pixels towards zero; outside the raster nothing is drivable.

    Args:
        forecasts_m: (K, T, 2) from the raster's corner, x along its columns and y along its rows.
        drivable: (H, W) at 10 pixels a metre.
    """
    return float(np.mean([not _stays_on(mode, drivable) for mode in forecasts_m]))


class NuScenesPrediction:
    """6 s at 2 Hz. A sample is one agent's forecast in any frame that its future shares; cut short, it is left out."""

    definition = Definition(
        name="nuscenes-prediction",
        version="1",
        summary="minADE, minFDE, miss rate (any point 2 m off) of the 1, 5, 10 likeliest modes; mean over samples",
        source="nutonomy/nuscenes-devkit d9de17a, eval/prediction/metrics.py",
        horizon_s=6.0,
    )

    def score(self, samples: Samples) -> Scores:
        """minADE_k, minFDE_k and the miss rate; also the off-road rate where the truth has ``drivable``.

        Raises:
            DataError: There are more than 25 modes, or ``drivable`` has no ``raster_from_ego``.
        """
        times_s = np.arange(1, 13) * 0.5
        forecasts = samples.predictions.positions_at(times_s)
        if forecasts.shape[1] > _MOST_MODES:
            raise DataError(
                f"{self.definition.name} takes {_MOST_MODES} modes at most, got {forecasts.shape[1]}; drop the rest"
            )
        future, known = future_points(samples, times_s)
        errors, shares = point_errors_m(forecasts, future), samples.predictions.scores
        by_mode = {
            "minADE_{}_m": errors.mean(axis=-1),
            "minFDE_{}_m": errors[..., -1],
            "miss_rate_2m_{}": (errors.max(axis=-1) >= _MISS_M).astype(np.float64),
        }
        columns = {
            name.format(k): column
            for name, values in by_mode.items()
            for k, column in zip(_KS, best_of_likeliest(values, shares, _KS).T, strict=True)
        }
        if "drivable" in samples.truth.details:
            columns["off_road_rate"] = self._off_road(samples, forecasts)
        return mean_scores(columns, counted=known, counts={"modes": forecasts.shape[1]})

    def _off_road(self, samples: Samples, forecasts_m: NDArray[np.float64]) -> NDArray[np.float64]:
        drivable = samples.truth.detail("drivable", ("H", "W"), needed_by="the off-road rate")
        origin = samples.truth.detail("raster_from_ego", (3,), needed_by="the off-road rate")
        placed = transform_points_se2(origin[:, None, None], forecasts_m)
        return np.array([off_road_share(modes, area > 0) for modes, area in zip(placed, drivable, strict=True)])


def _stays_on(points_m: NDArray[np.float64], drivable: NDArray[np.bool_]) -> bool:
    _, first = np.unique(points_m, axis=0, return_index=True)
    path = points_m[np.sort(first)].T
    if path.shape[1] > 3:
        curve: Any = splprep(list(path), k=3, s=_SPLINE_SMOOTHING)[0]
        path = np.array(splev(np.linspace(0.0, 1.0, _SPLINE_POINTS), curve))
    column, row = (path * _PIXELS_PER_M).astype(np.int64)
    inside = (row >= 0) & (row < drivable.shape[0]) & (column >= 0) & (column < drivable.shape[1])
    return bool(inside.all() and drivable[row, column].all())
