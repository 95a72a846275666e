"""A stream of vehicles from one place to another.

Sources: scenario_runner, ``ActorFlow``, ``OppositeActorFlow``, ``InvadingActorFlow``, ``BicycleFlow``: the next vehicle
comes when the last one is a drawn distance away, and each leaves at the end of the way. There vehicles of a flow drive
on whatever happens; here they keep off those ahead of them and, after it has merged, off the ego, so that a merge that
leaves room is never punished from behind.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from drivevla.errors import DataError
from drivevla.sim.scenarios.casting import CAR_WITH_LIGHTS
from drivevla.sim.scenarios.movers import Car
from drivevla.sim.scenarios.path import Path

if TYPE_CHECKING:
    from drivevla.sim.scenarios.scenario import Play, Scenario

__all__ = ["Flow"]

_AROUND_EGO_M = 15.0
_ASIDE_M, _BRAKES_MPS2 = 3.0, 5.0
"""Nobody begins so close behind an ego in its lane that it cannot stop any more."""


class Flow:
    """Vehicles along a path, one after the other.

    Args:
        scenario: Whose they are.
        path: From source to sink.
        speed_mps: On a free road.
        spacing_m: Between two vehicles; drawn anew for each.
        filled: Begin with vehicles all along the path instead of an empty road.
        bicycles: Cyclists instead of cars.
        right_m: How far to the right of the path they keep.
        stops_for_oncoming: Brake for the ego also when it comes towards them in their lane.
    """

    def __init__(
        self,
        scenario: Scenario,
        path: Path,
        *,
        speed_mps: float,
        spacing_m: tuple[float, float],
        filled: bool = False,
        bicycles: bool = False,
        right_m: float = 0.0,
        stops_for_oncoming: bool = False,
    ) -> None:
        self._scenario, self._path, self._speed_mps = scenario, path, speed_mps
        self._spacing, self._bicycles, self._right_m = spacing_m, bicycles, right_m
        self._stops_for_oncoming = stops_for_oncoming
        self.cars: deque[Car] = deque()
        self._next_m = self._draw()
        if filled:
            self._fill()

    def run(self) -> Play:
        """Flow for ever."""
        while True:
            self.step()
            yield

    def step(self) -> None:
        """One tick: those at the end leave, the others drive, and another one comes when there is room."""
        while self.cars and self.cars[0].at_end:
            self._scenario.dismiss(self.cars.popleft().actor)
        lead: Car | None = None
        for car in self.cars:
            self._drive(car, lead)
            lead = car
        if lead is None or lead.along_m > self._next_m:
            self._enter(0.5)

    def _drive(self, car: Car, lead: Car | None) -> None:
        gap, lead_mps = car.gap_to_ego_m(along=not self._stops_for_oncoming), self._scenario.stage.ego.speed_mps
        if self._stops_for_oncoming and gap < 40.0 and self._facing(car):
            gap, lead_mps = gap - 12.0, 0.0
        if lead is not None:
            behind = lead.along_m - car.along_m - lead.half_length_m - car.half_length_m
            if behind < gap:
                gap, lead_mps = behind, lead.speed_mps
        car.drive_behind(self._speed_mps, gap, lead_mps)

    def _facing(self, car: Car) -> bool:
        state = car.state
        turned = 0.0 if state is None else abs((state.yaw_deg - self._scenario.stage.ego.yaw_deg) % 360.0 - 180.0)
        return turned < 60.0

    def _fill(self) -> None:
        along = self._path.length_m - 4.0
        places = []
        while along > self._next_m:
            places.append(along)
            along -= self._draw()
        ego = self._scenario.stage.ego
        ego_m, right_m = self._path.project(ego.location_m)
        in_the_way = abs(right_m - self._right_m) < _ASIDE_M
        stopping_m = self._speed_mps**2 / (2.0 * _BRAKES_MPS2)
        for each in places:
            near = ego.distance_m(self._path.place(each).location_m) <= _AROUND_EGO_M
            runs_into = in_the_way and 0.0 <= ego_m - each < _AROUND_EGO_M + stopping_m
            if not near and not runs_into:
                self._enter(each)

    def _enter(self, along_m: float) -> None:
        scenario = self._scenario
        place = self._path.place(along_m, right_m=self._right_m)
        if scenario.stage.ego.distance_m(place.location_m) < 8.0:
            return
        try:
            if self._bicycles:
                car = scenario.bicycle(self._path, along_m, right_m=self._right_m, speed_mps=self._speed_mps)
            else:
                car = scenario.car(
                    CAR_WITH_LIGHTS, self._path, along_m, right_m=self._right_m, speed_mps=self._speed_mps
                )
        except DataError:
            return  # somebody stands at the source: the next tick tries again, as scenario_runner does
        self.cars.append(car)
        self._next_m = self._draw()

    def _draw(self) -> float:
        return float(self._scenario.rng.uniform(*self._spacing))
