"""Scenarios on the embedded server: the situation arises, twice the same, and nobody is left behind."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from drivevla import registry
from drivevla.sim.maps import find_map
from drivevla.sim.routes import Route
from drivevla.sim.scenarios import ScenarioPhase, place_scenarios
from drivevla.sim.server import RunningServer, start_server
from drivevla.testing import check_scenario, drive_past

carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with start_server("Gen_grid_1") as running:
        yield running


@pytest.fixture(scope="module")
def grid() -> Any:
    source = find_map("Gen_grid_1")
    return carla.Map(source.name, source.opendrive)


def _placed(grid: Any, kind: str) -> Route:
    return place_scenarios(grid, [kind], seed=1)[0]


def test_a_leader_brakes_at_six_metres_per_second_squared_and_stands(server: RunningServer, grid: Any) -> None:
    seen = check_scenario(server.host, server.port, grid, _placed(grid, "HardBreakRoute"), seconds=9.0)
    leader = [(moment.time_s, moment.actors[0].speed_mps) for moment in seen.trace if 0 in moment.actors]
    speed = np.array([each for _, each in leader])
    fastest = int(speed.argmax())
    braking = (speed[fastest:] < 7.0) & (speed[fastest:] > 3.5)
    slowing = -np.diff(speed[fastest:])[braking[:-1]] / 0.05
    assert len(slowing) > 5
    assert slowing == pytest.approx([6.0] * len(slowing), abs=0.6)
    assert speed[-1] == pytest.approx(0.0, abs=0.05)
    assert any(each.startswith("vehicle.") for each in seen.touched)  # who does not brake runs into it
    assert seen.events[1].phase is ScenarioPhase.STARTED


def test_a_pedestrian_steps_in_front_of_the_ego(server: RunningServer, grid: Any) -> None:
    seen = drive_past(
        server.host, server.port, grid, _placed(grid, "DynamicObjectCrossing"), seed=0, speed_mps=8.0, seconds=14.0
    )
    walker = {moment.time_s: moment.actors[1] for moment in seen.trace if 1 in moment.actors}
    begun = next(time for time, state in walker.items() if state.speed_mps > 0.5)
    ego = next(moment.ego for moment in seen.trace if moment.time_s == begun)
    assert max(state.speed_mps for state in walker.values()) == pytest.approx(2.0, abs=0.05)
    # 2.1 s at 8 m/s are 16.8 m to where it crosses; the pedestrian stands a car's width to the side of that.
    assert ego.distance_m(walker[begun].location_m) == pytest.approx(16.8, abs=2.5)
    walked = math.dist(next(iter(walker.values())).location_m, list(walker.values())[-1].location_m)
    assert walked > 5.0
    assert not seen.remaining


def test_no_scenario_starts_before_the_ego_comes(server: RunningServer, grid: Any) -> None:
    route = _placed(grid, "NonSignalizedJunctionLeftTurn")
    seen = drive_past(server.host, server.port, grid, route, seed=0, speed_mps=0.0, seconds=6.0)
    assert [event.phase for event in seen.events] == [ScenarioPhase.BUILT]
    assert not any(moment.actors for moment in seen.trace)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(registry.names("scenarios")))
def test_every_type_plays_twice_the_same_on_a_generated_town(kind: str) -> None:
    for town in ("Gen_grid_1", "Gen_multilane_1", "Gen_highway_1"):
        source = find_map(town)
        carla_map = carla.Map(source.name, source.opendrive)
        routes = place_scenarios(carla_map, [kind], seed=1)
        if routes:
            with start_server(town) as running:
                check_scenario(running.host, running.port, carla_map, routes[0], seconds=20.0)
            return
    pytest.fail(f"no place for {kind} on any of three towns")
