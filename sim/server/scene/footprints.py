"""Where roads lie, seen from above: what may not be built on, and what clips sidewalks that cross a road."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from drivevla.sim.server.scene.lane_grid import DRIVABLE_KINDS, LaneGrid

__all__ = ["LaneFootprints", "lane_footprints"]


@dataclass(frozen=True, slots=True)
class LaneFootprints:
    """Quadrilaterals of lanes, indexed.

    Attributes:
        polygons: (P,) shapely polygons.
        z_m: (P,) mean heights.
        tree: Index over the polygons.
    """

    polygons: NDArray[np.object_]
    z_m: NDArray[np.float64]
    tree: shapely.STRtree

    def covers(self, points_m: NDArray[np.float64], *, z_tolerance_m: float = 2.0) -> NDArray[np.bool_]:
        """Which of (N, 3) points lie on a lane at about their own height."""
        point, polygon = self.tree.query(shapely.points(points_m[:, :2]), predicate="intersects")
        near = np.abs(self.z_m[polygon] - points_m[point, 2]) < z_tolerance_m
        covered = np.zeros(len(points_m), dtype=bool)
        covered[point[near]] = True
        return covered

    def meets(self, shapes: NDArray[np.object_], *, margin_m: float = 0.0) -> NDArray[np.bool_]:
        """Which shapes come within ``margin_m`` of any lane, at whatever height."""
        if margin_m > 0:
            shape, _ = self.tree.query(shapes, predicate="dwithin", distance=margin_m)
        else:
            shape, _ = self.tree.query(shapes, predicate="intersects")
        touched = np.zeros(len(shapes), dtype=bool)
        touched[shape] = True
        return touched

    def meets_near(
        self, shapes: NDArray[np.object_], z_m: NDArray[np.float64], *, z_tolerance_m: float = 2.0
    ) -> NDArray[np.bool_]:
        """Which shapes intersect a lane at about their own height ``z_m`` (N,)."""
        shape, polygon = self.tree.query(shapes, predicate="intersects")
        near = np.abs(self.z_m[polygon] - z_m[shape]) < z_tolerance_m
        touched = np.zeros(len(shapes), dtype=bool)
        touched[shape[near]] = True
        return touched


def lane_footprints(grids: Iterable[LaneGrid], *, kinds: frozenset[str] = DRIVABLE_KINDS) -> LaneFootprints:
    """Footprints of all lanes whose OpenDRIVE type is one of ``kinds``."""
    rings, heights = [np.empty((0, 5, 2))], [np.empty(0)]
    for grid in grids:
        for k, lane in enumerate(grid.lanes):
            if lane.kind in kinds:
                left, right = grid.borders_m[grid.keep, k], grid.borders_m[grid.keep, k + 1]
                corners = np.stack([left[:-1], left[1:], right[1:], right[:-1], left[:-1]], axis=1)
                rings.append(corners[..., :2])
                heights.append(corners[:, :4, 2].mean(axis=1))
    ring, z_m = np.concatenate(rings), np.concatenate(heights)
    polygons = np.asarray(shapely.polygons(ring), dtype=object).reshape(-1)
    solid = shapely.is_valid(polygons) & (shapely.area(polygons) > 1e-3)
    return LaneFootprints(polygons[solid], z_m[solid], shapely.STRtree(polygons[solid]))
