"""A construction site on the ego's lane.

Source: scenario_runner (94ff3b8a), ``construction_crash_vehicle.py``, ``ConstructionObstacle`` and
``ConstructionObstacleTwoWays``.
"""

from __future__ import annotations

from typing import ClassVar

from drivevla.sim.routes import Place
from drivevla.sim.scenarios.obstacles import Obstacle
from drivevla.sim.scenarios.path import place_of, turned_deg
from drivevla.sim.scenarios.scenario import beside_lane, moved, raised

__all__ = ["ConstructionObstacle", "ConstructionObstacleTwoWays"]

CONE_ROWS = ((4, 2.0), (3, 1.0))
"""Cones and metres between them: first along the lane, then across it at the far end."""
EDGE_SHARE = 0.85
SIGN_BEFORE_M, DEBRIS_BEHIND_M = 5.0, 2.0


class ConstructionObstacle(Obstacle):
    """A warning board, debris and two rows of cones. Parameters: ``distance`` 100 m, ``direction`` right."""

    default_m: ClassVar[float] = 100.0
    sign: ClassVar[str] = "static.prop.warningconstruction"
    near_m: ClassVar[float] = 30.0

    def set_up(self) -> None:
        """The board 5 m before the site, debris in it, cones from the side that traffic passes on to its far end."""
        middle = place_of(self.standing[0].transform)
        yaw = middle.yaw_deg or 0.0
        board = moved(Place(middle.location_m, yaw + 180.0), SIGN_BEFORE_M)
        self.prop("static.prop.trafficwarning", Place(board.location_m, turned_deg(yaw + 270.0)))
        debris = moved(middle, DEBRIS_BEHIND_M)
        self.prop("static.prop.dirtdebris02", Place(debris.location_m, turned_deg(yaw + 90.0)))
        for place in self.cones():
            self.prop("static.prop.constructioncone", raised(place, 0.1))

    def cones(self) -> list[Place]:
        """Where the cones stand."""
        waypoint = self.standing[0]
        edge_m = EDGE_SHARE * waypoint.lane_width / 2
        passing = -1.0 if self.side == "right" else 1.0
        at = beside_lane(waypoint, passing * edge_m)
        across = Place(at.location_m, (at.yaw_deg or 0.0) - 90.0 * passing)
        (along_count, along_m), (across_count, across_m) = CONE_ROWS
        row = [moved(at, (number + 1) * along_m) for number in range(along_count)]
        corner = Place(row[-1].location_m, across.yaw_deg)
        return [*row, *(moved(corner, (number + 1) * across_m) for number in range(across_count))]


class ConstructionObstacleTwoWays(ConstructionObstacle):
    """A site that can only be passed on the oncoming lane. Also: ``frequency`` 20 to 100 m between oncoming cars."""

    two_ways = True
