"""OpenDriveVLA's evaluation: two tables from one run, both with vehicles alone.

The table "uniad" gives values at t, the table "stp3" up to t. Neither leaves a sample out, and the occupancy of both is
UniAD's (no pedestrians), so that its "stp3" numbers are not those of ST-P3 or VAD. The raster is mirrored (columns to
the left), which moves the cut to whole cells to the other side.

Source: DriveVLA/OpenDriveVLA 10e8095: ``eval_share/metric.py``, ``eval_share/evaluation.py``, after GPT-Driver.
"""

from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.nuscenes.objects import OBJECT_DETAILS
from drivevla.evaluation.open_loop.nuscenes.steps import HORIZON_S, columns_by_second, lidar_places_m, step_errors_m
from drivevla.evaluation.open_loop.nuscenes.uniad import judged_on_vehicles

__all__ = ["OpenDriveVLA"]


class OpenDriveVLA:
    """Both tables over every sample; shares where its printout gives percent."""

    definition = Definition(
        name="opendrivevla",
        version="1",
        summary="L2 and collision with vehicles at (uniad_) and up to (stp3_) 1, 2, 3 s; every sample in both",
        source="DriveVLA/OpenDriveVLA 10e8095, eval_share/metric.py, evaluation.py",
        horizon_s=HORIZON_S,
        details=("ego_from_lidar", *OBJECT_DETAILS),
    )

    def score(self, samples: Samples) -> Scores:
        """Both tables.

        Raises:
            DataError: The truth lacks boxes or calibration, or ends before 3 s.
        """
        name = self.definition.name
        planned, driven, known = lidar_places_m(samples, needed_by=name)
        errors = step_errors_m(planned, driven, known)
        box, point = judged_on_vehicles(samples, planned, driven, known, needed_by=name, columns_left=True)
        return mean_scores(
            {
                **columns_by_second("uniad_L2", errors, "at", unit="m"),
                **columns_by_second("uniad_collision", box, "at"),
                **columns_by_second("uniad_point_collision", point, "at"),
                **columns_by_second("stp3_L2", errors, "up_to", unit="m"),
                **columns_by_second("stp3_collision", box, "up_to"),
                **columns_by_second("stp3_point_collision", point, "up_to"),
            },
            counts={"samples_without_full_future": int((~known.all(axis=1)).sum())},
        )
