"""ST-P3's planning metric, and AD-MLP's copy of it: errors and collisions up to 1, 2 and 3 s.

Objects are vehicles and humans that were seen (visibility above 1) now or at one of the two keyframes before; they are
drawn with columns to the left around the **ego** frame while plans are in the LiDAR's frame: the metre between the two
is ignored, as in the official code. A sample counts when two keyframes before it and six behind it exist.

One thing differs: boxes are drawn in the present frame at once, where ST-P3 draws each keyframe in its own frame and
resamples the raster; a border cell can differ.

Source: OpenDriveLab/ST-P3 6b11e13: ``stp3/metrics.py``, ``evaluate.py``; E2E-AD/AD-MLP 4b93ba0:
``deps/stp3/stp3/planning_metrics.py``, ``pytorch/admlp/stp3/planning_metrics.py``.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.nuscenes.categories import is_human, is_vehicle
from drivevla.evaluation.open_loop.nuscenes.objects import OBJECT_DETAILS, ObjectsAhead, within_reach
from drivevla.evaluation.open_loop.nuscenes.raster import box_hits, count_hits, occupancy
from drivevla.evaluation.open_loop.nuscenes.steps import (
    HORIZON_S,
    columns_by_second,
    in_chunks,
    lidar_places_m,
    step_errors_m,
)

__all__ = ["ADMLP", "STP3", "boxes_leftwards", "seen_occupancy", "without_jitter"]

_CHUNK = 64
_PAST_KEYFRAMES = 2
_JITTER_M = 0.1
_LEFT = np.array([-1.0, 1.0])


def seen_occupancy(
    boxes: NDArray[np.float64], drawn: NDArray[np.bool_], category: NDArray[np.str_]
) -> NDArray[np.bool_]:
    """(N, 6, 200, 200) vehicles and humans; columns run to the left.

    Args:
        boxes: (N, 6, M, 7) as ``boxes_leftwards`` gives them.
        drawn: (N, 6, M) which of them were seen and are there.
        category: (N, M).
    """
    return occupancy(boxes, drawn & (is_vehicle(category) | is_human(category))[:, None])


def boxes_leftwards(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (..., 7) of the ego frame with x to the left and y forward: what columns and rows are made from."""
    mirrored = boxes.copy()
    mirrored[..., :2] = boxes[..., 1::-1]
    mirrored[..., 6] = 0.5 * np.pi - boxes[..., 6]
    return mirrored


def without_jitter(planned_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Plans (N, T, 2) with those that never leave 0.1 m put to standing still."""
    still = np.abs(planned_m).max(axis=(1, 2)) < _JITTER_M
    return np.where(still[:, None, None], 0.0, planned_m)


class STP3:
    """Errors and collisions up to t over samples with two keyframes before and six behind."""

    definition = Definition(
        name="nuscenes-stp3",
        version="1",
        summary="L2 and collision with seen vehicles and humans up to 1, 2, 3 s; samples with past and future alone",
        source="OpenDriveLab/ST-P3 6b11e13, stp3/metrics.py",
        horizon_s=HORIZON_S,
        details=("ego_from_lidar", *OBJECT_DETAILS, "past_keyframes"),
    )

    def score(self, samples: Samples) -> Scores:
        """L2 and collision of the box.

        Where the truth does not know which boxes were seen, there are no collisions, and ``collisions_not_scored``
        counts the samples.

        Raises:
            DataError: The truth lacks another array, or no sample has both past and future.
        """
        return self._score(samples, jitter=True, columns_left=True)

    def _score(self, samples: Samples, *, jitter: bool, columns_left: bool) -> Scores:
        name = self.definition.name
        planned, driven, known = lidar_places_m(samples, needed_by=name)
        planned = planned if jitter else without_jitter(planned)
        past = samples.truth.detail("past_keyframes", (), needed_by=name) >= _PAST_KEYFRAMES
        counted = known.all(axis=1) & past
        columns = columns_by_second("L2", step_errors_m(planned, driven, known), "up_to", unit="m")
        if "boxes_seen" not in samples.truth.details:
            return mean_scores(columns, counted=counted, counts={"collisions_not_scored": int(counted.sum())})
        ahead = ObjectsAhead.of(samples.truth, needed_by=name)
        seen = samples.truth.detail("boxes_seen", ahead.category.shape[1:], needed_by=name)
        mirror = _LEFT if columns_left else np.ones(2)
        hits = np.zeros(known.shape)
        for chunk in in_chunks(len(samples), _CHUNK):
            boxes = boxes_leftwards(ahead.boxes[chunk, 1:])
            near = within_reach(boxes, planned[chunk] * _LEFT, driven[chunk] * _LEFT)
            drawn = ahead.present[chunk, 1:] & seen[chunk, None] & near
            grids = seen_occupancy(boxes, drawn, ahead.category[chunk])
            grids = grids if columns_left else grids[..., ::-1]
            driven_hits = box_hits(driven[chunk] * mirror, grids)
            hits[chunk] = count_hits(box_hits(planned[chunk] * mirror, grids), driven_hits)
        return mean_scores({**columns, **columns_by_second("collision", hits, "up_to")}, counted=counted)


class ADMLP(STP3):
    """As ST-P3, with plans that stay within 0.1 m taken for standing still, and columns to the right."""

    definition = Definition(
        name="admlp",
        version="1",
        summary="as nuscenes-stp3, plans within 0.1 m taken for standing still",
        source="E2E-AD/AD-MLP 4b93ba0, pytorch/admlp/stp3/planning_metrics.py (PlanningMetric_3)",
        horizon_s=HORIZON_S,
        details=STP3.definition.details,
    )

    def score(self, samples: Samples) -> Scores:
        """L2 and collision of the box; see ``STP3.score``."""
        return self._score(samples, jitter=False, columns_left=False)
