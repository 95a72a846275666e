"""Somebody crosses the road that the ego has just turned into.

Source: scenario_runner (94ff3b8a), ``object_crash_intersection.py``, ``VehicleTurningRoute`` (a cyclist) and
``VehicleTurningRoutePedestrian``.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from drivevla.sim.routes import Place
from drivevla.sim.scenarios.needs import ANY_TURN, Needs
from drivevla.sim.scenarios.path import Path, place_of, turned_deg
from drivevla.sim.scenarios.scenario import Play, Scenario, beside_lane, moved

__all__ = ["VehicleTurningRoute", "VehicleTurningRoutePedestrian"]

SPEED_MPS = 1.8
LEAST_M = 6.0
END_M = 40.0
BICYCLE = "vehicle.diamondback.century"


class VehicleTurningRoute(Scenario):
    """A cyclist crosses from the right, 11 m behind the next junction."""

    behind_m = 11.0
    reaction_s = 1.8

    needs: ClassVar[Needs] = Needs(manoeuvres=ANY_TURN, before_junction_m=(15.0, 40.0), room_m=30.0, lead_out_m=60.0)

    def find_places(self) -> None:
        """The lane behind the junction and its kerb."""
        import carla

        crossing = self.crossing()
        along = float(np.interp(crossing.leave, range(len(self.plan.distance_m)), self.plan.distance_m))
        index = min(int(np.searchsorted(self.plan.distance_m, along + self.behind_m)), len(self.plan.distance_m) - 1)
        x, y, z = self.plan.location_m[index].tolist()
        lane = self.roads.waypoint((x, y, z))
        self.collision = place_of(lane.transform)
        kerb = self.roads.kerb(lane, "right")
        right = 0.0 if kerb.lane_type == carla.LaneType.Sidewalk else 1.5
        self.start = beside_lane(kerb, right, turned_by_deg=270.0)

    def play(self) -> Play:
        """Wait at the kerb, cross when the ego comes round."""
        reach = math.dist(self.start.location_m[:2], self.collision.location_m[:2])
        across = Path([self.start.location_m, moved(self.start, 2.0 * reach + 6.0).location_m])
        rider = self.car(BICYCLE, across, 0.0)
        for _ in self.until_triggered():
            rider.hold()
            yield
        for _ in self.until_ego_arrives(self.collision, time_s=self.reaction_s, distance_m=LEAST_M):
            rider.hold()
            yield
        end_s = self.stage.time_s + 2.0 * reach / SPEED_MPS + 1.0
        while rider.along_m < 2.0 * reach and self.stage.time_s < end_s:
            rider.drive(SPEED_MPS, faster_mps2=10.0)
            yield
        self.dismiss(rider.actor)
        yield from self.until_ego_drove(END_M)


class VehicleTurningRoutePedestrian(Scenario):
    """A pedestrian crosses right behind the next junction, from the side that the ego turns away from."""

    needs: ClassVar[Needs] = Needs(manoeuvres=ANY_TURN, before_junction_m=(15.0, 40.0), room_m=30.0, lead_out_m=60.0)

    def find_places(self) -> None:
        """Both kerbs of the road behind the junction."""
        import carla

        crossing = self.crossing()
        x, y, z = self.plan.location_m[min(crossing.leave + 1, len(self.plan.location_m) - 1)].tolist()
        lane = self.roads.waypoint((x, y, z))
        self.collision = place_of(lane.transform)
        right = self.roads.kerb(lane, "right")
        left = self.roads.far_kerb(lane)
        self.width_m = right.transform.location.distance(left.transform.location)
        entry = float(self.plan.yaw_deg[max(crossing.enter - 1, 0)])
        turns_left = turned_deg(float(lane.transform.rotation.yaw) - entry) < 0.0
        kerb = right if turns_left else left
        # The far kerb's lane leads the other way where the road has two, so that its right is the road's outside too.
        outside = -1.0 if kerb is left and left.lane_id * lane.lane_id > 0 else 1.0
        shift = 0.0 if kerb.lane_type == carla.LaneType.Sidewalk else 1.5 * outside
        place = beside_lane(kerb, shift)
        heading = math.degrees(
            math.atan2(
                self.collision.location_m[1] - place.location_m[1], self.collision.location_m[0] - place.location_m[0]
            )
        )
        across = float(kerb.transform.rotation.yaw) - 90.0 * outside
        self.start = Place(place.location_m, across if self.width_m > 1.0 else heading)

    def play(self) -> Play:
        """Wait at the kerb, cross when the ego comes round."""
        walker = self.walker(self.start)
        yield from self.until_triggered()
        yield from self.until_ego_arrives(self.collision, time_s=2.2, distance_m=LEAST_M)
        end_s = self.stage.time_s + self.width_m / SPEED_MPS + 0.5
        while walker.walked_m < self.width_m and self.stage.time_s < end_s:
            walker.walk(SPEED_MPS)
            yield
        self.dismiss(walker.actor)
        yield from self.until_ego_drove(END_M)
