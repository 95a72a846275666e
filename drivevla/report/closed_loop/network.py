"""The lanes of a map, for drawing."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import UserError, require
from drivevla.evaluation.closed_loop.setting import SETTING_FILE, read_setting
from drivevla.evaluation.closed_loop.town import MAP_FILE
from drivevla.geometry.carla import points_from_carla
from drivevla.report.closed_loop.run import ROUTES_FILE, EvaluatedDrive
from drivevla.report.road_map import Roads
from drivevla.sim.maps import find_map
from drivevla.sim.routes import load_routes
from drivevla.sim.routes.lanes import Lane, LaneGraph, lane_graph

if TYPE_CHECKING:
    import carla

__all__ = ["roads_of", "roads_on", "route_of"]

_USUAL_WIDTH_M = 3.5


def route_of(drive: EvaluatedDrive) -> NDArray[np.float64]:
    """(N, 2) the route as it was planned, world frame; its key points where the drive never got so far."""
    if (drive.folder / SETTING_FILE).is_file():
        points = np.array(read_setting(drive.folder / SETTING_FILE).route_points_m)
    else:
        route = load_routes(str(drive.folder.parent / ROUTES_FILE))[drive.index]
        points = points_from_carla(np.array(route.key_points_m))
    return points[:, :2]


def roads_of(drive: EvaluatedDrive) -> tuple[Roads | None, str]:
    """The driving lanes of a drive's map, world frame; and where they cannot be had, why, in words."""
    kept = drive.folder / MAP_FILE
    return _roads(str(kept if kept.is_file() else drive.summary.town))


@lru_cache(maxsize=8)
def _roads(name_or_path: str) -> tuple[Roads | None, str]:
    try:
        carla = require("carla", "sim")
        source = find_map(name_or_path)
    except UserError as error:
        return None, f"The roads are not drawn: {error}"
    return roads_on(carla.Map(source.name, source.opendrive)), ""


def roads_on(carla_map: "carla.Map") -> Roads:
    """The driving lanes of a map, world frame."""
    graph = lane_graph(carla_map)
    lines = tuple(points_from_carla(graph.location_m[_points(graph, lane)])[:, :2] for lane in graph.lanes)
    return Roads(lines_m=lines, widths_m=tuple(_width_m(carla_map, graph, lane) for lane in graph.lanes))


def _points(graph: LaneGraph, lane: Lane) -> NDArray[np.int64]:
    """The lane's points and the first of the lane behind it, so that no gap is left."""
    onward = [graph.lanes[each].first for each in lane.successors[:1]]
    return np.array([*range(lane.first, lane.end), *onward])


def _width_m(carla_map: "carla.Map", graph: LaneGraph, lane: Lane) -> float:
    middle = (lane.first + lane.end) // 2
    road, _, number = lane.key
    waypoint = carla_map.get_waypoint_xodr(road, number, float(graph.s_m[min(middle, lane.end - 1)]))
    return _USUAL_WIDTH_M if waypoint is None else max(float(waypoint.lane_width), 1.0)
