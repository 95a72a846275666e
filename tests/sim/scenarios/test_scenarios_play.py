"""Scenarios on the embedded server: the situation arises, twice the same, and nobody is left behind."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from drivevla import registry
from drivevla.config.sensor_rig import load_rig
from drivevla.errors import DataError
from drivevla.sim.maps import available_maps, find_map
from drivevla.sim.routes import Place, Route, plan_route
from drivevla.sim.scenarios import ScenarioPhase, open_scenarios, place_scenarios
from drivevla.sim.scenarios.lights import held, light_of
from drivevla.sim.scenarios.stage import Reserve, transform_at
from drivevla.sim.server import RunningServer, start_server
from drivevla.sim.session import open_session
from drivevla.sim.session.traffic import background_traffic
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
    leader = [moment.actors[0].speed_mps for moment in seen.trace if 0 in moment.actors]
    speed = np.array(leader)
    begin = int(np.flatnonzero(speed > 7.0)[-1])
    stands = begin + int(np.flatnonzero(speed[begin:] < 0.05)[0])  # before the ego, who is blind, runs into it
    assert (speed[begin] - speed[stands]) / ((stands - begin) * 0.05) == pytest.approx(6.0, abs=0.3)
    assert speed[stands : stands + 10] == pytest.approx([0.0] * 10, abs=0.05)
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


def test_lights_that_were_held_take_turns_again(server: RunningServer) -> None:
    with open_session(load_rig("blind"), host=server.host, port=server.port) as session:
        lights = session.world.get_actors().filter("traffic.traffic_light")
        group = max((light.get_group_traffic_lights() for light in lights), key=len)
        with held(dict.fromkeys(group, carla.TrafficLightState.Red)):
            for _ in range(400):  # 20 s, in which a turn of 10 s would have passed
                session.world.tick()
            assert {light.state for light in group} == {carla.TrafficLightState.Red}
        green = set()
        for _ in range(1200):  # four turns of 15 s
            session.world.tick()
            green |= {light.id for light in group if light.state == carla.TrafficLightState.Green}
    assert green == {light.id for light in group}


@pytest.mark.slow
@pytest.mark.real_data
def test_a_light_is_found_by_the_lane_that_stops_before_it() -> None:
    """Town01's signals govern the lanes inside the junction, not those that traffic comes by."""
    if "Town01" not in available_maps():
        pytest.skip("CARLA's maps are not here")
    with start_server("Town01") as running:
        client = carla.Client(running.host, running.port)
        client.set_timeout(60.0)
        lights = client.get_world().get_traffic_lights_in_junction(332)
        assert light_of(lights, (9, -1)).get_opendrive_id() == "393"
        assert light_of(lights, (10, 1)).get_opendrive_id() == "395"
        with pytest.raises(DataError, match="none of 3 lights of the junction is for lane 1 of road 7"):
            light_of(lights, (7, 1))


@pytest.fixture(scope="module")
def towns() -> Iterator[dict[str, tuple[Any, RunningServer]]]:
    names = ("Gen_highway_1", "Gen_grid_1")
    with ExitStack() as stack:
        maps = {name: find_map(name) for name in names}
        yield {
            name: (carla.Map(source.name, source.opendrive), stack.enter_context(start_server(name)))
            for name, source in maps.items()
        }


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(registry.names("scenarios")))
def test_every_type_plays_twice_the_same_on_a_generated_town(
    kind: str, towns: dict[str, tuple[Any, RunningServer]]
) -> None:
    for carla_map, server in towns.values():
        routes = place_scenarios(carla_map, [kind], seed=1)
        if routes:
            check_scenario(server.host, server.port, carla_map, routes[0], seconds=15.0)
            return
    pytest.fail(f"no place for {kind} on either town")


def test_background_traffic_stays_round_the_ego_and_off_reserved_road(server: RunningServer, grid: Any) -> None:
    route = _placed(grid, "AccidentTwoWays")
    plan = plan_route(grid, route)
    x, y, z = plan.location_m[0].tolist()
    start = transform_at(Place((x, y, z + 0.3), float(plan.yaw_deg[0])))
    with ExitStack() as stack:
        session = stack.enter_context(open_session(load_rig("blind"), host=server.host, port=server.port, start=start))
        stack.enter_context(background_traffic(session, vehicles=12, seed=0))
        session.tick()
        director = stack.enter_context(open_scenarios(session, plan, route, seed=0, carla_map=grid))
        stage = director.stage
        vehicles = stage.traffic_within(stage.ego.location_m, math.inf)
        assert len(vehicles) == 12
        far_off = max(session.map.get_spawn_points(), key=lambda each: each.location.distance(start.location))
        assert far_off.location.distance(start.location) > 210.0
        stray = next(each for each in session.world.get_actors() if each.attributes.get("role_name") == "background")
        stray.set_transform(far_off)
        stage.reserves.append(Reserve(path=stage.route))
        for _ in range(22):
            director.before_tick(session.tick().time_s)
        session.tick()
        director.stage.observe(stage.time_s + 0.05)
        vehicles = stage.traffic_within(stage.ego.location_m, math.inf)
        assert max(stage.ego.distance_m(each.location_m) for each in vehicles) < 210.0
        assert not any(Reserve(path=stage.route).holds(each.location_m) for each in vehicles)
