"""An emergency vehicle that crosses the ego's junction without regard for anybody.

Source: scenario_runner (94ff3b8a), ``opposite_vehicle_taking_priority.py``, ``OppositeVehicleRunningRedLight`` and
``OppositeVehicleTakingPriority``.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import ClassVar

from drivevla.errors import DataError
from drivevla.sim.routes import Parameter, Place
from drivevla.sim.scenarios.casting import EMERGENCY
from drivevla.sim.scenarios.junction_lights import ego_green
from drivevla.sim.scenarios.movers import Car
from drivevla.sim.scenarios.needs import Needs, Spot
from drivevla.sim.scenarios.path import Path
from drivevla.sim.scenarios.roads import Entry
from drivevla.sim.scenarios.scenario import Play, Scenario

__all__ = ["OppositeVehicleRunningRedLight", "OppositeVehicleTakingPriority"]

BEFORE_M, AFTER_M = 30.0, 10.0
SPEED_MPS = 60.0 / 3.6
SYNC_S = 2.2
LEAST_M = 12.0


class OppositeVehicleTakingPriority(Scenario):
    """It comes from a side and takes the ego's right of way. Parameter: ``direction`` right (or left, or opposite)."""

    signalised = False

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("straight_signs", "straight_none", "left_signs", "left_none"),
        before_junction_m=(30.0, 50.0),
        room_m=30.0,
    )

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """From either side."""
        return {"direction": str(spot.rng.choice(["left", "right"]))}

    def find_places(self) -> None:
        """Its way straight through the junction, and where it crosses the ego's.

        Raises:
            DataError: Nobody can come from that side and go straight on.
        """
        direction = self.word("direction", "right", ("right", "left", "opposite"))
        self.ego_way = self.crossing()
        entries = [each for each in self.roads.entries(self.ego_way, self.plan) if each.coming_from == direction]
        if not entries:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}): no lane comes from the {direction}")
        self.path, self.junction_m = self.first_straight(entries)
        self.collision = self.meeting_place()

    def first_straight(self, entries: list[Entry]) -> tuple[Path, float]:
        """The first of the entries that leads straight on."""
        problems = []
        for entry in entries:
            try:
                return self.roads.straight_through(entry, self.ego_way, before_m=BEFORE_M, after_m=AFTER_M)
            except DataError as error:
                problems.append(str(error))
        raise DataError(f"scenario {self.spec.name} ({self.spec.type}): {problems[0]}")

    def meeting_place(self) -> Place:
        """Where the two ways come nearest to each other."""
        nearest = min(
            range(self.ego_way.enter, self.ego_way.leave + 1),
            key=lambda index: abs(self.path.project(self.plan.location_m[index])[1]),
        )
        along, _ = self.path.project(self.plan.location_m[nearest])
        self.meeting_m = along
        x, y, z = self.plan.location_m[nearest].tolist()
        return Place((x, y, z), float(self.plan.yaw_deg[nearest]))

    def play(self) -> Play:
        """Wait at the roadside; go when the ego is about to arrive; vanish behind the junction."""
        yield from self.until_triggered()
        self.keep_free(self.path)
        with ExitStack() as lights:
            if self.signalised:
                lights.enter_context(ego_green(self, self.ego_way))
            car = self.waiting_car()
            for _ in self.until_ego_arrives(self.collision, time_s=SYNC_S, distance_m=LEAST_M):
                car.hold()
                yield
            car.begin_at(SPEED_MPS)
            end_s = self.stage.time_s + self.path.length_m / SPEED_MPS + 1.0
            while not car.at_end and self.stage.time_s < end_s:
                car.drive(SPEED_MPS)
                yield
            self.dismiss(car.actor)
            yield from self.until_ego_left(self.ego_way)

    def waiting_car(self) -> Car:
        """It stands where its way begins, its lights flashing."""
        import carla

        car = self.car(EMERGENCY, self.path, 0.5)
        car.show(carla.VehicleLightState.Special1, carla.VehicleLightState.Special2)
        return car


class OppositeVehicleRunningRedLight(OppositeVehicleTakingPriority):
    """It runs a red light while the ego has green. Parameter: ``direction`` right (or left, or opposite)."""

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("straight_lights", "left_lights"), before_junction_m=(30.0, 50.0), room_m=30.0
    )
    signalised = True
