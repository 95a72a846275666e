"""An emergency vehicle that wants to pass.

Source: scenario_runner (94ff3b8a), ``yield_to_emergency_vehicle.py``, ``YieldToEmergencyVehicle``.
"""

from __future__ import annotations

from typing import ClassVar

from drivevla.sim.routes import Parameter
from drivevla.sim.scenarios.casting import EMERGENCY
from drivevla.sim.scenarios.movers import Car
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.path import Path
from drivevla.sim.scenarios.scenario import Play, Scenario, race

__all__ = ["YieldToEmergencyVehicle"]

FASTER_MPS = 25.0
TOP_MPS = 33.0
NEAR_M = 50.0
PATIENCE_S = 10.0
AHEAD_M = 50.0
REACH_M = 600.0


class YieldToEmergencyVehicle(Scenario):
    """An emergency vehicle comes from behind on the ego's lane, much faster, and waits behind whoever is there.

    Parameter: ``distance`` 140 m behind the trigger. It ends 10 s after it has come within 50 m, or when it is ahead of
    the ego and has driven 50 m.
    """

    needs: ClassVar[Needs] = Needs(room_m=200.0, lead_in_m=150.0, turn_deg=60.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """From so far behind."""
        spot.check_way_round(oncoming=False, side="right")
        return {"distance": between(140.0, 100.0, spot.difficulty)}

    def find_places(self) -> None:
        """Its way: the trigger's lane from behind, and the road ahead."""
        behind = self.roads.behind(self.trigger, self.number("distance", 140.0), stop_at_junction=False)
        ahead = [self.trigger]
        while len(ahead) < REACH_M:
            following = ahead[-1].next(1.0)
            if not following:
                break
            yaw = ahead[-1].transform.rotation.yaw
            ahead.append(min(following, key=lambda each: abs((each.transform.rotation.yaw - yaw + 180) % 360 - 180)))
        self.path = Path.through([*reversed(behind), *ahead[1:]])

    def play(self) -> Play:
        """Come, wait behind or pass, and go."""
        import carla

        yield from self.until_triggered()
        self.keep_free(self.path)
        car = self.car(EMERGENCY, self.path, 0.5, speed_mps=self.stage.ego.speed_mps + 5.0)
        car.show(carla.VehicleLightState.Special1, carla.VehicleLightState.Special2)
        self.emergency = car
        yield from race(self.come(car), self.held_up(car), self.passed(car))
        self.emergency = None

    def come(self, car: Car) -> Play:
        """25 m/s faster than the ego, but never into it."""
        while not car.at_end:
            ego = self.stage.ego
            car.drive_behind(min(ego.speed_mps + FASTER_MPS, TOP_MPS), car.gap_to_ego_m(), ego.speed_mps)
            yield

    def held_up(self, car: Car) -> Play:
        """Near for ten seconds."""
        yield from self.until(lambda: car.distance_to_ego_m() < NEAR_M)
        yield from self.wait(PATIENCE_S)

    def passed(self, car: Car) -> Play:
        """Ahead of the ego, and 50 m further."""
        yield from self.until(lambda: car.distance_to_ego_m() < 10.0 and self.is_ahead(car))
        begin_m = car.along_m
        yield from self.until(lambda: car.along_m > begin_m + AHEAD_M)

    def is_ahead(self, car: Car) -> bool:
        """Whether it is further along its way than the ego."""
        ego_m, _ = self.path.project(self.stage.ego.location_m, near_m=car.along_m)
        return car.along_m > ego_m + car.half_length_m + self.stage.ego_half_length_m
