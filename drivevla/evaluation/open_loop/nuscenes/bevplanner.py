"""BEV-Planner's metric: errors up to t, and whether the car collided or crossed the road's boundary **by** t.

A collision up to t is 1 when any step until then hits, not the share of steps that do: by the other protocols' rule the
same plan has up to a sixth of the value. Steps at which the driven box itself hits never count.

Source: NVlabs/BEV-Planner 01c28d6: ``planner_head/metric_stp3.py``, ``planner_head/naive_planner.py``,
``pipelines/loading.py``.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.nuscenes.categories import is_driven
from drivevla.evaluation.open_loop.nuscenes.fine_raster import boundary_cells, box_hits, object_cells, point_hits
from drivevla.evaluation.open_loop.nuscenes.objects import OBJECT_DETAILS, ObjectsAhead, within_reach
from drivevla.evaluation.open_loop.nuscenes.steps import (
    HORIZON_S,
    STEP_TIMES_S,
    columns_by_second,
    in_chunks,
    step_errors_m,
)
from drivevla.geometry import rotate_points

__all__ = ["BEVPlanner", "any_until", "first_hits"]

_CHUNK = 8


def any_until(name: str, hits: NDArray[np.bool_]) -> Mapping[str, NDArray[np.float64]]:
    """Values for 1, 2 and 3 s and their mean: 1 where any of the steps (N, 6) until then hits."""
    seconds = {f"{name}_{t}s": hits[:, : 2 * t].any(axis=1).astype(np.float64) for t in (1, 2, 3)}
    return {**seconds, f"{name}_avg": np.mean(list(seconds.values()), axis=0)}


def first_hits(
    planned_m: NDArray[np.float64], driven_m: NDArray[np.float64], grids: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Steps (N, T) at which box and point hit and the driven box does not.

    Args:
        planned_m: (N, T, 2) x forward, y left.
        driven_m: (N, T, 2).
        grids: (N, T, 1000, 1000), or (N, 1, 1000, 1000) for all steps.
    """
    free = ~box_hits(driven_m, grids)
    return box_hits(planned_m, grids) & free, point_hits(planned_m, grids) & free


class BEVPlanner:
    """Errors, collisions and boundary crossings up to t, over the samples with a full future."""

    definition = Definition(
        name="bevplanner",
        version="1",
        summary="L2 up to, collision and road-boundary crossing by 1, 2, 3 s; samples with a full future alone",
        source="NVlabs/BEV-Planner 01c28d6, planner_head/metric_stp3.py, pipelines/loading.py",
        horizon_s=HORIZON_S,
        details=("ego_from_lidar", *OBJECT_DETAILS, "boundary", "boundary_present"),
    )

    def score(self, samples: Samples) -> Scores:
        """L2, collision and boundary crossing ("intersection") of box and point.

        Raises:
            DataError: The truth lacks boxes, boundary or calibration, or no sample has a full future.
        """
        name = self.definition.name
        planned, driven, known = self._places(samples)
        ahead = ObjectsAhead.of(samples.truth, needed_by=name)
        boundary = samples.truth.detail("boundary", ("B", "P", 2), needed_by=name)
        has_line = samples.truth.detail("boundary_present", boundary.shape[1:2], needed_by=name)
        if has_line.dtype != np.bool_ or boundary.shape[2] < 2:
            raise DataError("boundary_present must be bool, and every polyline of boundary have two points or more")
        drawn = ahead.present & is_driven(ahead.category)[:, None]
        drawn[:, 1:] &= known[..., None]
        hits = {
            key: np.zeros(known.shape, dtype=np.bool_)
            for key in ("collision", "point_collision", "intersection", "point_intersection")
        }
        for chunk in in_chunks(len(samples), _CHUNK):
            near = within_reach(ahead.boxes[chunk, 1:], planned[chunk], driven[chunk])
            grids = object_cells(ahead.boxes[chunk, 1:], drawn[chunk, 1:] & near)
            lines = boundary_cells(boundary[chunk], has_line[chunk])[:, None]
            for kind, board in (("collision", grids), ("intersection", lines)):
                box, point = first_hits(planned[chunk], driven[chunk], board)
                hits[kind][chunk], hits[f"point_{kind}"][chunk] = box, point
        columns = dict(columns_by_second("L2", step_errors_m(planned, driven, known), "up_to", unit="m"))
        for kind, steps in hits.items():
            columns |= any_until(kind, steps)
        return mean_scores(columns, counted=known.all(axis=1))

    def _places(self, samples: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Displacements of the LiDAR's origin along the ego's axes, planned and driven, and whether they are known."""
        calibration = samples.truth.detail("ego_from_lidar", (4, 4), needed_by=self.definition.name)
        lever = calibration[:, None, :2, 3]
        poses, known = samples.truth.poses_at(STEP_TIMES_S)
        planned, driven = (
            each[..., :2] + rotate_points(lever, each[..., 2]) - lever
            for each in (samples.predictions.chosen_poses_at(STEP_TIMES_S), poses)
        )
        return planned, np.where(known[..., None], driven, 0.0), known
