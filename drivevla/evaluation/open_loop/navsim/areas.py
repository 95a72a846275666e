"""Where the ego is on the map at every step, and what follows: drivable area, direction, progress, lane, red lights.

Source: autonomousvision/navsim v1.1 and main ``pdm_scorer.py``.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.navsim.scene import DRIVABLE_KINDS, LANE_KINDS, NavsimScene
from drivevla.evaluation.open_loop.navsim.state import ego_centers, ego_corners

__all__ = ["EgoAreas", "direction_compliance", "ego_areas", "inside_layer", "keeps_lane", "obeys_lights", "progress_m"]

_WRONG_WAY_STEPS = 11  # ten steps before and the present one
_WRONG_WAY_M = (2.0, 6.0)
_OFF_LANE_M = 0.5
_OFF_LANE_STEPS = 20


@dataclass(frozen=True, slots=True)
class EgoAreas:
    """Where P simulated drives are at each of their T steps; all (P, T).

    Attributes:
        multiple_lanes: Corners in more than one lane, and no lane with all four.
        non_drivable: A corner in no drivable polygon.
        oncoming: The centre in no lane of the route.
    """

    multiple_lanes: NDArray[np.bool_]
    non_drivable: NDArray[np.bool_]
    oncoming: NDArray[np.bool_]


def ego_areas(states: NDArray[np.float64], scene: NavsimScene) -> EgoAreas:
    """Place simulated states (P, T, 11) on the map; a border belongs to no polygon."""
    corners = _inside(scene.map_polygons, ego_corners(states))  # (M, P, T, 4)
    lanes, drivable = scene.of_kind(LANE_KINDS), scene.of_kind(DRIVABLE_KINDS)
    in_lane = corners[lanes].sum(axis=-1)
    on_route = _inside(scene.map_polygons[lanes & scene.on_route], ego_centers(states))
    return EgoAreas(
        multiple_lanes=((in_lane > 0).sum(axis=0) > 1) & (in_lane != 4).all(axis=0),
        non_drivable=~corners[drivable].any(axis=0).all(axis=-1),
        oncoming=~on_route.any(axis=0),
    )


def inside_layer(points_m: NDArray[np.float64], scene: NavsimScene, kind: str) -> NDArray[np.bool_]:
    """(...) whether points (..., 2) are inside a polygon of one map layer."""
    inside: NDArray[np.bool_] = _inside(scene.map_polygons[scene.of_kind((kind,))], points_m).any(axis=0)
    return inside


def direction_compliance(states: NDArray[np.float64], wrong_way: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(P,) 1, 0.5 or 0 by the most that the centre moves the wrong way (P, T) within a second."""
    moved = np.linalg.norm(np.diff(ego_centers(states), axis=1, prepend=ego_centers(states[:, :1])), axis=-1)
    total = np.cumsum(np.where(wrong_way, moved, 0.0), axis=1)
    before = np.zeros_like(total)
    before[:, _WRONG_WAY_STEPS:] = total[:, :-_WRONG_WAY_STEPS]
    most = (total - before).max(axis=1)
    return np.select([most < _WRONG_WAY_M[0], most < _WRONG_WAY_M[1]], [1.0, 0.5], 0.0)


def progress_m(states: NDArray[np.float64], scene: NavsimScene) -> NDArray[np.float64]:
    """(P,) how far the centre gets along the centerline, at least 0."""
    line = shapely.linestrings(scene.centerline_m)
    along = np.asarray(shapely.line_locate_point(line, shapely.points(ego_centers(states[:, [0, -1]]))))
    return np.maximum(along[:, 1] - along[:, 0], 0.0)


def keeps_lane(states: NDArray[np.float64], scene: NavsimScene) -> NDArray[np.float64]:
    """(P,) 0 where the centre is over half a metre off the centerline for 2 s, steps in intersections not counted."""
    centers = ego_centers(states)
    apart_m = np.asarray(shapely.distance(shapely.points(centers), shapely.linestrings(scene.centerline_m)))
    off = apart_m > _OFF_LANE_M
    skipped = inside_layer(centers, scene, "INTERSECTION")
    keeps = np.ones(len(states))
    for drive, (wide, passed) in enumerate(zip(off, skipped, strict=True)):
        counted = wide[~passed]
        runs = np.cumsum(counted)
        reset = np.maximum.accumulate(np.where(counted, 0, runs))
        keeps[drive] = float((runs - reset).max(initial=0) < _OFF_LANE_STEPS)
    return keeps


def obeys_lights(states: NDArray[np.float64], scene: NavsimScene) -> NDArray[np.float64]:
    """(P,) 0 where the ego's box touches a red connector of the route."""
    boxes = np.asarray(shapely.polygons(ego_corners(states)))
    touches = shapely.intersects(boxes[None], scene.red_lights[:, None, None])
    red = scene.red_steps[:, None, : states.shape[1]]
    return 1.0 - (touches & red).any(axis=(0, 2)).astype(np.float64)


def _inside(polygons: NDArray[np.object_], points_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    shapely.prepare(polygons)
    x, y = points_m[..., 0], points_m[..., 1]
    found = [shapely.contains_xy(polygon, x, y) for polygon in polygons]
    return np.array(found, dtype=np.bool_).reshape(len(polygons), *x.shape)
