"""VAD's planning metric ("ST-P3 style"): errors and collisions up to 1, 2 and 3 s over complete futures.

Objects are vehicles and humans that are annotated now, are hit by the LiDAR, are of a detection class and stand within
15 m to the sides and 30 m ahead or behind; each is followed until its annotations have a gap. The lookup of the centre
point alone reads the wrong half of the grid in the official code and is not reported.

Source: hustvl/VAD 1688c4b: ``planner/metric_stp3.py``, ``VAD.py``, ``nuscenes_vad_dataset.py``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.nuscenes.categories import is_detected, is_human, is_vehicle
from drivevla.evaluation.open_loop.nuscenes.objects import OBJECT_DETAILS, ObjectsAhead, boxes_in_lidar, within_reach
from drivevla.evaluation.open_loop.nuscenes.raster import (
    CELL_M,
    EGO_COLUMNS,
    EGO_ROWS,
    GRID_SIZE,
    count_hits,
    hits_on,
    occupancy,
    within_grid,
)
from drivevla.evaluation.open_loop.nuscenes.steps import (
    HORIZON_S,
    columns_by_second,
    in_chunks,
    lidar_places_m,
    step_errors_m,
)

__all__ = ["VAD", "box_hits_far_to_near", "followed", "objects_in_reach", "road_user_occupancy"]

_CHUNK = 64
_REACH_SIDE_M = 15.0
_REACH_AHEAD_M = 30.0


def followed(present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N, 6, M): objects there now and at every keyframe up to this one, of ``present`` (N, 7, M)."""
    return np.logical_and.accumulate(present, axis=1)[:, 1:]


def objects_in_reach(objects: ObjectsAhead, lidar_points: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """(N, M): of a detection class, hit by the LiDAR now, and within 15 m x 30 m now.

    Args:
        objects: In the LiDAR's frame.
        lidar_points: (N, M) returns on each now.
    """
    now = np.abs(objects.boxes[:, 0, :, :2])
    near = (now[..., 0] <= _REACH_SIDE_M) & (now[..., 1] <= _REACH_AHEAD_M)
    return near & (lidar_points > 0) & is_detected(objects.category)


def road_user_occupancy(objects: ObjectsAhead, *, near: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """(N, 6, 200, 200) vehicles and humans followed from now on; rows run from far to near.

    Args:
        objects: In the LiDAR's frame, all seven keyframes, one column the same object throughout.
        near: (N, 6, M) those worth drawing; all of them when left out.
    """
    counts = is_vehicle(objects.category) | is_human(objects.category)
    drawn = followed(objects.present) & counts[:, None]
    drawn = drawn if near is None else drawn & near
    return occupancy(objects.boxes[:, 1:], drawn, far_to_near=True)


def box_hits_far_to_near(places_m: NDArray[np.float64], grids: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the ego's box touches an occupied cell, (N, T), on grids whose rows run from far to near."""
    rows = within_grid(GRID_SIZE - (places_m[..., 1, None] / CELL_M + EGO_ROWS))
    columns = within_grid(places_m[..., 0, None] / CELL_M + EGO_COLUMNS)
    return hits_on(grids, rows, columns)


class VAD:
    """Errors and collisions up to t, over the samples whose six future keyframes all exist."""

    definition = Definition(
        name="nuscenes-vad",
        version="1",
        summary="L2 and collision with vehicles and humans up to 1, 2, 3 s; samples with a full future alone",
        source="hustvl/VAD 1688c4b, metric_stp3.py, nuscenes_vad_dataset.py",
        horizon_s=HORIZON_S,
        details=("ego_from_lidar", *OBJECT_DETAILS, "boxes_lidar_points", "boxes_tracked"),
    )

    def score(self, samples: Samples) -> Scores:
        """L2 and collision of the box.

        Where the truth says that boxes have no tracks, no object can be followed: then there are no collisions, and
        ``collisions_not_scored`` counts the samples.

        Raises:
            DataError: The truth lacks boxes, LiDAR counts or calibration, or no sample has a full future.
        """
        name = self.definition.name
        planned, driven, known = lidar_places_m(samples, needed_by=name)
        columns = columns_by_second("L2", step_errors_m(planned, driven, known), "up_to", unit="m")
        counted = known.all(axis=1)
        if not samples.truth.detail("boxes_tracked", (), needed_by=name).all():
            return mean_scores(columns, counted=counted, counts={"collisions_not_scored": int(counted.sum())})
        hits = self._hits(samples, planned, driven)
        return mean_scores({**columns, **columns_by_second("collision", hits, "up_to")}, counted=counted)

    def _hits(self, samples: Samples, planned: NDArray[np.float64], driven: NDArray[np.float64]) -> NDArray[np.float64]:
        name = self.definition.name
        ahead = ObjectsAhead.of(samples.truth, needed_by=name)
        points = samples.truth.detail("boxes_lidar_points", ahead.category.shape[1:], needed_by=name)
        calibration = samples.truth.detail("ego_from_lidar", (4, 4), needed_by=name)
        hits = np.zeros(planned.shape[:2])
        for chunk in in_chunks(len(samples), _CHUNK):
            boxes = boxes_in_lidar(ahead.boxes[chunk], calibration[chunk])
            objects = ObjectsAhead(boxes, ahead.present[chunk], ahead.category[chunk])
            chosen = ahead.present[chunk] & objects_in_reach(objects, points[chunk])[:, None]
            near = within_reach(boxes[:, 1:], planned[chunk], driven[chunk])
            grids = road_user_occupancy(ObjectsAhead(boxes, chosen, ahead.category[chunk]), near=near)
            hits[chunk] = count_hits(
                box_hits_far_to_near(planned[chunk], grids), box_hits_far_to_near(driven[chunk], grids)
            )
        return hits
