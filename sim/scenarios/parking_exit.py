"""Leaving a parking place.

Source: scenario_runner (94ff3b8a), ``parking_exit.py``, ``ParkingExit``. There the ego is moved beside the road when
the route begins; here it begins there (``drivevla.sim.scenarios.start``). The parameter ``flow_distance`` sets how far
apart scenario_runner's own background traffic is and has no effect here.
"""

from __future__ import annotations

from typing import ClassVar

from drivevla.errors import DataError
from drivevla.sim.routes import Parameter
from drivevla.sim.scenarios.casting import PARKED_CAR
from drivevla.sim.scenarios.flow import Flow
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.path import Path
from drivevla.sim.scenarios.roads import Side
from drivevla.sim.scenarios.scenario import Play, Scenario, beside_lane, race

__all__ = ["ParkingExit"]

PASSES_M = 50.0
BEYOND_M = 15.0
EGO_HALF_WIDTH_M = 0.92
CAR_HALF_WIDTH_M = 0.95
FLOW_SPACING_M = (25.0, 40.0)


class ParkingExit(Scenario):
    """The ego stands between two parked cars and has to find a gap in the traffic beside it.

    Parameters: ``front_vehicle_distance`` 20 m, ``behind_vehicle_distance`` 10 m, ``direction`` right: the side of the
    lane that is parked on.
    """

    blocks_the_way: ClassVar[bool] = True

    needs: ClassVar[Needs] = Needs(room_m=32.0, lead_in_m=0.0, lead_out_m=60.0, turn_deg=20.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the tighter; on a lane to park on, though route files may say another one, such as a shoulder.

        Raises:
            DataError: There is none on the right that is long enough.
        """
        import carla

        front_m, behind_m = between(14.0, 9.0, spot.difficulty), between(12.0, 9.0, spot.difficulty)
        x, y, z = spot.plan.location_m[spot.index].tolist()
        slot = spot.roads.beside(spot.roads.waypoint((x, y, z)), "right")
        row = [] if slot is None else [slot, *slot.next(front_m)[:1], *slot.previous(behind_m)[:1]]
        if len(row) < 3 or any(each.lane_type is not carla.LaneType.Parking for each in row):
            raise DataError("no row of parking places lies on the right")
        return {"direction": "right", "front_vehicle_distance": front_m, "behind_vehicle_distance": behind_m}

    def find_places(self) -> None:
        """Three parking places.

        Raises:
            DataError: Nothing lies beside the lane.
        """
        self.side: Side = "left" if self.word("direction", "right", ("left", "right")) == "left" else "right"
        front_m = self.number("front_vehicle_distance", 20.0)
        behind_m = self.number("behind_vehicle_distance", 10.0)
        slot = self.roads.beside(self.trigger, self.side)
        if slot is None:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}) needs a lane to park on to the {self.side}")
        front, behind = slot.next(front_m), slot.previous(behind_m)
        if not front or not behind:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}): the parking lane is too short")
        for each in (slot, front[0], behind[0]):
            self.roads.check_free(each)
        self.ego_starts_at = beside_lane(slot, self.aside(slot.lane_width, EGO_HALF_WIDTH_M))
        self.parked_at = [
            beside_lane(each, self.aside(each.lane_width, CAR_HALF_WIDTH_M)) for each in (front[0], behind[0])
        ]
        self.end_m = front_m + BEYOND_M
        back = self.roads.behind(self.trigger, 60.0)
        self.lane = Path.through([*reversed(back), *self.roads.ahead(self.trigger, PASSES_M, plan=self.plan)[1:]])

    def aside(self, width_m: float, half_car_m: float) -> float:
        """Towards the kerb, a quarter of what the lane leaves."""
        return (width_m - half_car_m) / 4 * (-1.0 if self.side == "left" else 1.0)

    def play(self) -> Play:
        """Cars pass from the trigger on until the ego has driven 15 m beyond the parked one."""
        for place in self.parked_at:
            self.parked(PARKED_CAR, place)
        yield from self.until_triggered()
        self.keep_free(self.lane)
        flow = Flow(
            self,
            self.lane,
            speed_mps=0.6 * self.stage.ego.speed_limit_mps,
            spacing_m=FLOW_SPACING_M,
            filled=True,
        )
        yield from race(self.until_ego_drove(self.end_m), flow.run())
