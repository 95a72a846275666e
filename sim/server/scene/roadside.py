"""The two edges of every street, and which footprints beside them are still free."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from drivevla.sim.server.scene.footprints import LaneFootprints
from drivevla.sim.server.scene.lane_grid import DRIVABLE_KINDS, LaneGrid
from drivevla.sim.server.scene.surface import built_span, lane_role

__all__ = ["Claims", "RoadEdge", "rectangles", "road_edges"]


@dataclass(frozen=True, slots=True)
class RoadEdge:
    """The outer edge of a street outside junctions.

    Attributes:
        grid: Its sampled lanes.
        border: Index of the outermost border of what is built.
        outwards: 1 when outside is to the right (seen along growing s), -1 when it is to the left.
        is_urban: Whether the outermost lane is a sidewalk.
        kerb_border: Index of the border between sidewalk and road, ``border`` where there is no sidewalk.
    """

    grid: LaneGrid
    border: int
    outwards: int
    is_urban: bool
    kerb_border: int

    @property
    def length_m(self) -> float:
        """Length along the reference line."""
        return float(self.grid.s_m[-1] - self.grid.s_m[0])

    def points_m(self, s_m: NDArray[np.float64], beyond_m: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 3) ``beyond_m`` outside of the edge at stations counted from the start of the section."""
        heading = self.heading_rad(s_m)
        points = self.grid.at(self.grid.s_m[0] + s_m, self.border)
        points[:, 0] -= self.outwards * beyond_m * np.sin(heading)
        points[:, 1] += self.outwards * beyond_m * np.cos(heading)
        return points

    def heading_rad(self, s_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heading of the road at such stations."""
        return np.interp(self.grid.s_m[0] + s_m, self.grid.s_m, self.grid.heading_rad)


def road_edges(grids: Sequence[LaneGrid]) -> Iterator[RoadEdge]:
    """Both edges of every section that carries traffic outside junctions."""
    for grid in grids:
        span = built_span(grid)
        if grid.in_junction or span is None or not any(lane.kind in DRIVABLE_KINDS for lane in grid.lanes):
            continue
        for border, outwards in ((span[0], -1), (span[1], 1)):
            lane = border if outwards < 0 else border - 1
            is_urban = lane_role(grid, lane) == "sidewalk"
            kerb = border - outwards if is_urban else border
            yield RoadEdge(grid, border, outwards, is_urban, kerb)


def rectangles(
    center_xy_m: NDArray[np.float64], half_extent_m: NDArray[np.float64], yaw_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Corners (N, 4, 2) of turned rectangles with half sizes (N, 2)."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    along, across = (signs[None] * half_extent_m[:, None]).transpose(2, 0, 1)
    x = center_xy_m[:, 0, None] + cos[:, None] * along - sin[:, None] * across
    y = center_xy_m[:, 1, None] + sin[:, None] * along + cos[:, None] * across
    return np.stack([x, y], axis=-1)


@dataclass(slots=True)
class Claims:
    """Ground that is taken: all lanes, and what has been placed so far."""

    lanes: LaneFootprints
    _taken: list[NDArray[np.object_]] = field(default_factory=list)

    def take(self, corners_m: NDArray[np.float64]) -> None:
        """Take (N, k, 2) polygons whether they are free or not."""
        self._taken.append(np.asarray(shapely.polygons(corners_m), dtype=object).reshape(-1))

    def claim(self, corners_m: NDArray[np.float64], *, margin_m: float) -> NDArray[np.bool_]:
        """Take those of the (N, k, 2) polygons that are free, first come first served.

        Args:
            corners_m: Polygons in the order in which they may choose.
            margin_m: Distance to keep from lanes and from other claims.

        Returns:
            (N,) which of them were free and are taken now.
        """
        if not len(corners_m):
            return np.zeros(0, dtype=bool)
        shapes = np.asarray(shapely.polygons(corners_m), dtype=object).reshape(-1)
        free = ~self.lanes.meets(shapes, margin_m=margin_m)
        for taken in self._taken:
            hit, _ = shapely.STRtree(taken).query(shapes, predicate="dwithin", distance=margin_m)
            free[hit] = False
        first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=margin_m)
        for later, earlier in zip(first, second, strict=True):
            if earlier < later and free[earlier]:
                free[later] = False
        if free.any():
            self._taken.append(shapes[free])
        return free
