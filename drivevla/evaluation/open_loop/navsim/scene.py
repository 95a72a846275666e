"""One scene as NAVSIM judges plans in it: map, route, traffic lights and recorded traffic."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.evaluation.open_loop.navsim.state import box_corners, ego_corners

__all__ = ["AGENT_KINDS", "DRIVABLE_KINDS", "LANE_KINDS", "NavsimScene", "boxes_of", "without_overlap"]

AGENT_KINDS = ("VEHICLE", "PEDESTRIAN", "BICYCLE")
"""What a collision with is worth 0; with anything else 0.5."""

DRIVABLE_KINDS = ("ROADBLOCK", "INTERSECTION", "DRIVABLE_AREA", "CARPARK_AREA")
LANE_KINDS = ("LANE", "LANE_CONNECTOR")


@dataclass(frozen=True, slots=True, kw_only=True)
class NavsimScene:
    """Everything in one frame of the plane, metres and radians.

    Attributes:
        map_polygons: M polygons.
        map_kinds: (M,) nuPlan's layers: those of ``DRIVABLE_KINDS`` and ``LANE_KINDS``.
        on_route: (M,) bool, whether a lane or connector is on the route.
        centerline_m: (C, 2) of the route.
        red_lights: L polygons of the route's connectors while their light is red.
        red_steps: (L, 41) bool, when.
        object_poses: (A, T, 3) centre and yaw every 0.1 s; T at least 51 for version 1.1, 41 for version 2.
        object_sizes_m: (A, 2) length, width.
        object_exists: (A, T) bool.
        object_kinds: (A,) nuPlan's names.
        object_speeds_mps: (A,) when it is first seen: the official code looks at no later speed.
    """

    map_polygons: NDArray[np.object_]
    map_kinds: NDArray[np.str_]
    on_route: NDArray[np.bool_]
    centerline_m: NDArray[np.float64]
    red_lights: NDArray[np.object_]
    red_steps: NDArray[np.bool_]
    object_poses: NDArray[np.float64]
    object_sizes_m: NDArray[np.float64]
    object_exists: NDArray[np.bool_]
    object_kinds: NDArray[np.str_]
    object_speeds_mps: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ContractError: A map layer is unknown, or the centerline has less than two points.
        """
        unknown = sorted(set(self.map_kinds.tolist()) - {*DRIVABLE_KINDS, *LANE_KINDS})
        if unknown:
            raise ContractError(f"map layers are {', '.join((*DRIVABLE_KINDS, *LANE_KINDS))}, got {unknown}")
        if len(self.centerline_m) < 2:
            raise ContractError("the centerline needs at least two points")

    def of_kind(self, kinds: tuple[str, ...]) -> NDArray[np.bool_]:
        """(M,) which map polygons are of one of these layers."""
        return np.isin(self.map_kinds, kinds)


def boxes_of(scene: NavsimScene, steps: int) -> NDArray[np.object_]:
    """(A, steps) polygons of the objects."""
    corners = box_corners(scene.object_poses[:, :steps], scene.object_sizes_m[:, None])
    polygons: NDArray[np.object_] = np.asarray(shapely.polygons(corners), dtype=np.object_)
    return polygons


def without_overlap(scene: NavsimScene, start: NDArray[np.float64]) -> NavsimScene:
    """Version 2's log replay: objects that touch the ego's box now, in the state ``start`` (11,), are taken out."""
    if not len(scene.object_kinds):
        return scene
    ego = shapely.polygons(ego_corners(start))
    kept = ~(scene.object_exists[:, 0] & shapely.intersects(boxes_of(scene, 1)[:, 0], ego))
    return NavsimScene(
        map_polygons=scene.map_polygons,
        map_kinds=scene.map_kinds,
        on_route=scene.on_route,
        centerline_m=scene.centerline_m,
        red_lights=scene.red_lights,
        red_steps=scene.red_steps,
        object_poses=scene.object_poses[kept],
        object_sizes_m=scene.object_sizes_m[kept],
        object_exists=scene.object_exists[kept],
        object_kinds=scene.object_kinds[kept],
        object_speeds_mps=scene.object_speeds_mps[kept],
    )
