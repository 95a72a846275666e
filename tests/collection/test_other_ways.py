"""The ways that a route does not take, on generated towns and without a simulator."""

import functools

import carla
import numpy as np
import pytest

from drivevla.collection.other_ways import OtherWays
from drivevla.evaluation.closed_loop.town import Town
from drivevla.sim.maps import find_map
from drivevla.sim.navigator.passages import Sort
from drivevla.sim.routes import generate_routes, plan_route


@functools.cache
def town(name: str) -> Town:
    source = find_map(name)
    return Town(name=name, carla_map=carla.Map(source.name, source.opendrive), opendrive=source.opendrive)


@functools.cache
def ways_of_a_town(name: str) -> tuple[OtherWays, ...]:
    place = town(name)
    routes = generate_routes(place.carla_map, count=6, seed=3, length_m=(100.0, 250.0))
    return tuple(OtherWays(place, plan_route(place.carla_map, route), []) for route in routes)


@pytest.mark.parametrize("name", ["Gen_grid_1", "Gen_multilane_1"])
def test_before_a_junction_every_other_exit_has_a_way_that_leaves_the_route_there(name: str) -> None:
    found = 0
    for ways in ways_of_a_town(name):
        for crossing in ways.book.crossings:
            if crossing.passage.sort is not Sort.PLAIN or crossing.begin_m < 57.0:
                continue
            position_m = crossing.begin_m - 55.0
            if any(position_m < each.begin_m < crossing.begin_m for each in ways.book.crossings):
                continue
            for way in ways.at(position_m):
                first = way.book.crossings[0].passage
                assert first.taken.arm in {each.arm for each in crossing.passage.exits}
                assert first.taken.arm != crossing.passage.taken.arm
                found += 1
    assert found >= 3


def test_a_way_begins_on_the_route_where_the_car_is() -> None:
    for ways in ways_of_a_town("Gen_grid_1"):
        for crossing in ways.book.crossings[:1]:
            position_m = max(crossing.begin_m - 20.0, 0.0)
            for way in ways.at(position_m):
                start = way.book.plan.location_m[0]
                on_route = ways.book.plan.location_m[ways.book.point_at(way.begin_m)]
                assert np.linalg.norm(start - on_route) < 2.0
                assert way.begin_m <= position_m


def test_there_is_no_other_way_in_a_junction_nor_far_before_it() -> None:
    for ways in ways_of_a_town("Gen_grid_1"):
        first = ways.book.crossings[0]
        if first.begin_m > 70.0:
            assert ways.at(first.begin_m - 65.0) == ()
        following = [each.begin_m for each in ways.book.crossings[1:2]]
        if not following or following[0] - first.begin_m > 65.0:
            assert ways.at(0.5 * (first.begin_m + first.end_m)) == ()
