import logging
import math
from collections import Counter
from functools import cache

import carla
import pytest

from drivevla.errors import ConfigError, DataError, UnknownName
from drivevla.sim.maps import find_map
from drivevla.sim.routes import Route, generate_routes, manoeuvres_on, plan_route, routes_to_xml
from drivevla.sim.routes.junctions import junction_controls, roundabout_lanes
from drivevla.sim.routes.lanes import lane_graph
from drivevla.sim.routes.route_xml import read_routes

TOWNS = ("Gen_grid_1", "Gen_multilane_1", "Gen_roundabout_1", "Gen_highway_1")


@cache
def town(name: str) -> carla.Map:
    return carla.Map(name, find_map(name).opendrive)


@cache
def routes_of(name: str) -> tuple[Route, ...]:
    return generate_routes(town(name), count=18, seed=3, length_m=(120.0, 400.0))


def wanted(route: Route) -> str:
    return route.origin.rpartition(" ")[2]


@pytest.mark.parametrize("name", TOWNS)
def test_every_route_has_its_manoeuvre_and_length(name: str) -> None:
    for route in routes_of(name):
        plan = plan_route(town(name), route)
        assert 120.0 <= plan.length_m <= 400.0
        assert wanted(route) in {site.manoeuvre for site in manoeuvres_on(town(name), plan)}
        assert plan.junction[0] == plan.junction[-1] == -1
        for point, place in zip(route.key_points_m, plan.key.tolist(), strict=True):
            assert math.dist(point, plan.location_m[place]) < 1.0


@pytest.mark.parametrize("name", TOWNS)
def test_manoeuvres_take_turns(name: str) -> None:
    counts = Counter(map(wanted, routes_of(name)))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_what_a_map_is_special_for_is_among_its_routes() -> None:
    assert "roundabout" in map(wanted, routes_of("Gen_roundabout_1"))
    assert "merge" in map(wanted, routes_of("Gen_highway_1"))
    assert {"lane_change_left", "lane_change_right"} <= set(map(wanted, routes_of("Gen_multilane_1")))
    assert {"left_signs", "left_lights"} <= set(map(wanted, routes_of("Gen_grid_1")))


def test_the_seed_decides() -> None:
    again = generate_routes(town("Gen_grid_1"), count=18, seed=3, length_m=(120.0, 400.0))
    assert again == routes_of("Gen_grid_1")
    other = generate_routes(town("Gen_grid_1"), count=18, seed=4, length_m=(120.0, 400.0))
    assert other != again
    assert len({route.key_points_m for route in again}) == 18


def test_generated_routes_are_written_and_read_back_equal() -> None:
    routes = routes_of("Gen_highway_1")
    assert read_routes(routes_to_xml(routes).encode(), origin="test") == routes
    assert [route.id for route in routes] == [str(number) for number in range(18)]


def test_only_what_is_asked_for_is_generated() -> None:
    routes = generate_routes(town("Gen_grid_1"), count=3, seed=1, manoeuvres=["right_lights"])
    assert set(map(wanted, routes)) == {"right_lights"}


def test_following_meets_no_junction() -> None:
    (route,) = generate_routes(town("Gen_grid_1"), count=1, seed=1, manoeuvres=["follow"], length_m=(60.0, 200.0))
    plan = plan_route(town("Gen_grid_1"), route)
    assert (plan.junction == -1).all()
    assert [site.manoeuvre for site in manoeuvres_on(town("Gen_grid_1"), plan)] == ["follow"]


def test_what_a_map_lacks_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"Gen_grid_1 has no route of 150 to 500 m with the manoeuvre roundabout"):
        generate_routes(town("Gen_grid_1"), count=1, seed=1, manoeuvres=["roundabout"])
    with pytest.raises(DataError, match=r"gives \d+ routes"):
        generate_routes(town("Gen_grid_1"), count=5, seed=1, length_m=(5000.0, 5001.0))


def test_senseless_arguments_are_refused() -> None:
    with pytest.raises(ConfigError, match="count"):
        generate_routes(town("Gen_grid_1"), count=0, seed=1)
    with pytest.raises(ConfigError, match="length_m"):
        generate_routes(town("Gen_grid_1"), count=1, seed=1, length_m=(100.0, 50.0))
    with pytest.raises(UnknownName, match="did you mean 'merge'"):
        generate_routes(town("Gen_grid_1"), count=1, seed=1, manoeuvres=["merg"])  # type: ignore[list-item]


def test_controls_of_junctions_are_told_from_their_signals() -> None:
    assert set(junction_controls(town("Gen_multilane_1")).values()) == {"lights"}
    assert set(junction_controls(town("Gen_grid_1")).values()) == {"lights", "signs"}


def test_rings_are_roundabouts_and_blocks_are_not() -> None:
    assert not roundabout_lanes(lane_graph(town("Gen_grid_1")))
    graph = lane_graph(town("Gen_roundabout_1"))
    assert len({graph.lanes[number].junction for number in roundabout_lanes(graph)}) >= 12


def test_a_manoeuvre_that_runs_out_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="drivevla.sim.routes.generate"):
        generate_routes(town("Gen_grid_1"), count=7, seed=1, length_m=(600.0, 700.0))
    assert "no further route with follow" in caplog.text
