"""How far the plan's rear axle is from the driven one: the one protocol that any recording with a future can be put to.

Ours, for data sets without a protocol of their own and for drive logs. Both averages that the field mixes up are given,
under their own names.
"""

import numpy as np

from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.positions import point_distances_m
from drivevla.geometry import wrap_angle

__all__ = ["Displacement"]

_STEP_S, _SECONDS = 0.5, (1, 2, 3)
_TIMES_S = np.arange(1, 7) * _STEP_S


class Displacement:
    """Distance of the rear axle in the plane at, and averaged up to, 1, 2 and 3 s; final error of yaw at 3 s.

    Points lie half a second apart. A sample whose future is not known up to 3 s is left out.
    """

    definition = Definition(
        name="displacement",
        version="1",
        summary="distance of the rear axle at and up to 1, 2, 3 s (points 0.5 s apart), mean over samples",
        source="DriveVLA",
        horizon_s=3.0,
    )

    def score(self, samples: Samples) -> Scores:
        """``L2_at_1s_m`` … and ``L2_upto_1s_m`` …, and ``yaw_at_3s_rad``.

        Raises:
            DataError: The truth knows no future up to 3 s for any sample.
        """
        driven_m, known = samples.truth.positions_at(_TIMES_S)
        apart_m = point_distances_m(samples.predictions.chosen_positions_at(_TIMES_S), driven_m)
        planned_yaw, driven_yaw = (
            poses[:, 0, 2]
            for poses in (
                samples.predictions.chosen_poses_at(_TIMES_S[-1:]),
                samples.truth.poses_at(_TIMES_S[-1:])[0],
            )
        )
        columns = {}
        for second in _SECONDS:
            step = round(second / _STEP_S)
            columns[f"L2_upto_{second}s_m"] = apart_m[:, :step].mean(axis=1)
            columns[f"L2_at_{second}s_m"] = apart_m[:, step - 1]
        columns["yaw_at_3s_rad"] = np.abs(wrap_angle(planned_yaw - driven_yaw))
        return mean_scores(columns, counted=known.all(axis=1))
