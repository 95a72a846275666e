"""The ways that a route does not take, on generated towns and without a simulator."""

import functools

import carla
import numpy as np
import pytest

from drivevla.collection.other_ways import OtherWays
from drivevla.evaluation.closed_loop.town import Town
from drivevla.language import Direction
from drivevla.sim.maps import find_map
from drivevla.sim.navigator.decisions import Crossing, Roadbook
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


def ahead(book: Roadbook, position_m: float) -> list[Crossing]:
    return [each for each in book.crossings if each.begin_m > position_m]


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
            arms = [ahead(way.book, way.from_m - way.begin_m)[0].passage.taken.arm for way in ways.at(position_m)]
            assert set(arms) <= {each.arm for each in crossing.passage.exits}
            found += len(set(arms) - {crossing.passage.taken.arm})
    assert found >= 3


@pytest.mark.parametrize("name", ["Gen_grid_1", "Gen_mixed_4"])
def test_straight_on_there_are_ways_that_turn_at_the_junction_after(name: str) -> None:
    """Where "turn left in 30 m" and "turn left in 100 m" begin alike and go apart at the first junction."""
    later = 0
    for ways in ways_of_a_town(name):
        for crossing in ways.book.crossings:
            for way in ways.at(max(crossing.begin_m - 55.0, 0.0)):
                first, *following = ahead(way.book, way.from_m - way.begin_m)
                if first.passage.taken.direction is Direction.STRAIGHT and following:
                    turns = following[0].passage.taken.direction is not Direction.STRAIGHT
                    later += turns
                    assert way.leaves_m <= way.begin_m + first.begin_m
    assert later >= 2


def test_a_way_begins_on_the_route_where_the_car_is() -> None:
    for ways in ways_of_a_town("Gen_grid_1"):
        for crossing in ways.book.crossings[:1]:
            position_m = max(crossing.begin_m - 20.0, 0.0)
            for way in ways.at(position_m):
                for along_m in (way.begin_m, way.from_m):
                    there = way.book.plan.location_m[way.book.point_at(along_m - way.begin_m)]
                    on_route = ways.book.plan.location_m[ways.book.point_at(along_m)]
                    assert np.linalg.norm(there - on_route) < 2.0
                assert way.begin_m <= way.from_m <= position_m


def test_there_is_no_other_way_in_a_junction_nor_far_before_it() -> None:
    for ways in ways_of_a_town("Gen_grid_1"):
        first = ways.book.crossings[0]
        if first.begin_m > 70.0:
            assert ways.at(first.begin_m - 65.0) == ()
        following = [each.begin_m for each in ways.book.crossings[1:2]]
        if not following or following[0] - first.begin_m > 65.0:
            assert ways.at(0.5 * (first.begin_m + first.end_m)) == ()
