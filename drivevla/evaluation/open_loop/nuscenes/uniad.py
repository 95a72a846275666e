"""UniAD's planning metric: errors and collisions at 1, 2 and 3 s.

Objects are the vehicles annotated at each keyframe to come, without pedestrians and without any filter of visibility or
range. Every sample is in the denominator: a step beyond the end of the log adds no error and no collision, so late
values are diluted.

Source: OpenDriveLab/UniAD dd161b2: ``planning_metrics.py``, ``occflow_label.py``, ``nuscenes_e2e_dataset.py``
(``planning_evaluation_strategy``).
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.nuscenes.categories import is_driven
from drivevla.evaluation.open_loop.nuscenes.objects import OBJECT_DETAILS, ObjectsAhead, boxes_in_lidar, within_reach
from drivevla.evaluation.open_loop.nuscenes.raster import box_hits, count_hits, occupancy, point_hits
from drivevla.evaluation.open_loop.nuscenes.steps import (
    HORIZON_S,
    Average,
    columns_by_second,
    in_chunks,
    lidar_places_m,
    step_errors_m,
)

__all__ = ["UniAD", "collisions", "judged_on_vehicles", "uniad_up_to", "vehicle_occupancy"]

_CHUNK = 64


def vehicle_occupancy(objects: ObjectsAhead, keyframe_exists: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Vehicles on the grid at every keyframe; a keyframe outside the scene is occupied everywhere.

    Args:
        objects: In the LiDAR's frame.
        keyframe_exists: (N, 7).

    Returns:
        (N, 7, 200, 200).
    """
    grids = occupancy(objects.boxes, objects.present & is_driven(objects.category)[:, None])
    grids[~keyframe_exists] = True
    return grids


def collisions(
    planned_m: NDArray[np.float64], driven_m: NDArray[np.float64], grids: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Collisions of the ego's box and of its reference point, each (N, T) of 0 and 1.

    A step at which the driven box itself touches something never counts.

    Args:
        planned_m: (N, T, 2) x right, y forward.
        driven_m: (N, T, 2).
        grids: (N, T, 200, 200).
    """
    driven_hits = box_hits(driven_m, grids)
    return (
        count_hits(box_hits(planned_m, grids), driven_hits),
        count_hits(point_hits(planned_m, grids), driven_hits),
    )


class UniAD:
    """Errors and collisions at t (as published), or up to t (its switch "stp3", which changes the average alone).

    Args:
        average: "at" or "up_to".
    """

    def __init__(self, average: Average = "at") -> None:
        self.average = average
        when = "at" if average == "at" else "up to"
        self.definition = Definition(
            name="nuscenes-uniad" if average == "at" else "nuscenes-uniad-upto",
            version="1",
            summary=f"L2 and collision with vehicles {when} 1, 2, 3 s; every sample in the denominator",
            source="OpenDriveLab/UniAD dd161b2, planning_metrics.py, occflow_label.py",
            horizon_s=HORIZON_S,
            details=("ego_from_lidar", *OBJECT_DETAILS),
        )

    def score(self, samples: Samples) -> Scores:
        """L2, collision of the box and of the point.

        Raises:
            DataError: The truth lacks boxes or calibration, or ends before 3 s.
        """
        name = self.definition.name
        planned, driven, known = lidar_places_m(samples, needed_by=name)
        hits, point = judged_on_vehicles(samples, planned, driven, known, needed_by=name)
        return mean_scores(
            {
                **columns_by_second("L2", step_errors_m(planned, driven, known), self.average, unit="m"),
                **columns_by_second("collision", hits, self.average),
                **columns_by_second("point_collision", point, self.average),
            },
            counts={"samples_without_full_future": int((~known.all(axis=1)).sum())},
        )


def uniad_up_to() -> UniAD:
    """With the average of its switch "stp3"."""
    return UniAD(average="up_to")


def judged_on_vehicles(
    samples: Samples,
    planned_m: NDArray[np.float64],
    driven_m: NDArray[np.float64],
    known: NDArray[np.bool_],
    *,
    needed_by: str,
    columns_left: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Collisions (N, 6) of box and point with vehicles, on rasters made a few samples at a time.

    Args:
        samples: Whose objects are drawn.
        planned_m: (N, 6, 2) x right, y forward.
        driven_m: (N, 6, 2).
        known: (N, 6) which keyframes exist.
        needed_by: The protocol, for messages.
        columns_left: Judge on the mirrored raster with mirrored places. Cutting down to whole cells is not symmetric,
            so this can change a hit.
    """
    ahead = ObjectsAhead.of(samples.truth, needed_by=needed_by)
    calibration = samples.truth.detail("ego_from_lidar", (4, 4), needed_by=needed_by)
    exists = np.concatenate([np.ones((len(known), 1), dtype=np.bool_), known], axis=1)
    mirror = np.array([-1.0, 1.0]) if columns_left else np.ones(2)
    box, point = np.zeros(known.shape), np.zeros(known.shape)
    for chunk in in_chunks(len(known), _CHUNK):
        boxes = boxes_in_lidar(ahead.boxes[chunk, 1:], calibration[chunk])
        near = ahead.present[chunk, 1:] & within_reach(boxes, planned_m[chunk], driven_m[chunk])
        objects = ObjectsAhead(boxes, near, ahead.category[chunk])
        grids = vehicle_occupancy(objects, exists[chunk, 1:])
        grids = grids[..., ::-1] if columns_left else grids
        box[chunk], point[chunk] = collisions(planned_m[chunk] * mirror, driven_m[chunk] * mirror, grids)
    return box, point
