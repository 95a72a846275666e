"""Every real route file at hand: counts, and a plan on every map that we have."""

import math
from functools import cache
from pathlib import Path

import carla
import numpy as np
import pytest

from drivevla.errors import UnknownName
from drivevla.sim.maps import find_map
from drivevla.sim.routes import DensePlan, Route, load_suite, plan_route, read_triggers, scenarios_along, survey_routes

ROUTES = Path(__file__).resolve().parents[3] / ".." / "shared" / "real" / "carla_routes"
HAVE_TOWNS = {f"Town{number:02}" for number in range(1, 8)} | {"Town10HD"}  # Town11 is large, Town15 is a test town

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not ROUTES.is_dir(), reason="../shared/real/carla_routes is not here"),
]


@cache
def town(name: str) -> carla.Map:
    try:
        return carla.Map(name, find_map(name).opendrive)
    except UnknownName:
        pytest.skip(f"the map {name} is not here")


def assert_sound(route: Route, plan: DensePlan) -> None:
    steps = np.diff(plan.distance_m)
    assert steps.max() <= 1.5, route
    assert steps.min() > 0.0, route
    assert (np.diff(plan.key) >= 0).all(), route
    for point, place in zip(route.key_points_m, plan.key.tolist(), strict=True):
        assert math.dist(point[:2], plan.location_m[place][:2]) < 50.0, route


@pytest.mark.parametrize(
    ("file", "routes", "scenarios", "points", "layout"),
    [
        ("leaderboard_1/routes_training.xml", 50, 0, 1673, "leaderboard_1"),
        ("leaderboard_1/routes_testing.xml", 26, 0, 1008, "leaderboard_1"),
        ("leaderboard_1/routes_devtest.xml", 4, 0, 98, "leaderboard_1"),
        ("leaderboard_2/routes_training.xml", 90, 4629, 2298, "leaderboard_2"),
        ("leaderboard_2/routes_validation.xml", 20, 1786, 602, "leaderboard_2"),
        ("leaderboard_2/routes_devtest.xml", 2, 119, 62, "leaderboard_2"),
        ("carla_garage/longest6.xml", 36, 0, 1466, "leaderboard_1"),
        ("carla_garage/lav.xml", 16, 0, 572, "leaderboard_1"),
        ("lead/longest6.xml", 36, 429, 1466, "leaderboard_2"),
        ("langauto/benchmark_tiny.xml", 16, 0, 32, "leaderboard_1"),
        ("langauto/benchmark_short.xml", 16, 0, 32, "leaderboard_1"),
        ("langauto/benchmark_long.xml", 32, 0, 81, "leaderboard_1"),
    ],
)
def test_official_files_hold_what_they_are_known_to_hold(
    file: str, routes: int, scenarios: int, points: int, layout: str
) -> None:
    survey = survey_routes(ROUTES / file)
    assert len(survey.routes) == routes
    assert sum(len(route.scenarios) for route in survey.routes) == scenarios
    assert sum(len(route.key_points_m) for route in survey.routes) == points
    assert {route.format for route in survey.routes} == {layout}


def test_leads_archive_holds_6143_files_of_which_38_have_no_route() -> None:
    survey = survey_routes(ROUTES / "lead" / "data_routes_lead_leaderboard1.tar.gz")
    assert (len(survey.routes), len(survey.unusable)) == (6105, 38)
    assert all("at least two are needed" in str(each) for each in survey.unusable)
    assert len({route.id for route in survey.routes}) == 6105


def test_both_copies_of_longest6_are_the_same_routes() -> None:
    old, new = (
        {route.id: route.key_points_m for route in survey_routes(ROUTES / file).routes}
        for file in ("carla_garage/longest6.xml", "lead/longest6.xml")
    )
    assert old == new


def test_langauto_tiny_is_planned_within_its_bounds() -> None:
    for route in load_suite("langauto_tiny"):
        if route.town not in {"Town01", "Town03", "Town10HD"}:
            continue  # the others are planned by the slow test
        plan = plan_route(town(route.town), route)
        assert_sound(route, plan)
        assert plan.length_m < 250.0  # the paper says 150; the shortest way along the lanes may be longer


def test_a_leaderboard_1_route_meets_its_scenarios() -> None:
    triggers = read_triggers(ROUTES / "leaderboard_1" / "all_towns_traffic_scenarios_public.json")
    assert sorted(triggers) == [f"Town{number:02}" for number in range(1, 7)]
    assert sum(map(len, triggers.values())) == 2441
    route = survey_routes(ROUTES / "leaderboard_1" / "routes_training.xml").routes[0]
    found = scenarios_along(plan_route(town(route.town), route), triggers[route.town])
    assert {each.type for each in found} >= {"Scenario1", "Scenario3"}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("layout", ["leaderboard_1", "carla_garage", "langauto", "lead"])
def test_every_route_on_a_map_at_hand_can_be_planned(layout: str) -> None:
    planned = 0
    for file in sorted([*(ROUTES / layout).glob("*.xml"), *(ROUTES / layout).glob("*.tar.gz")]):
        for route in survey_routes(file).routes:
            if route.town in HAVE_TOWNS:
                assert_sound(route, plan_route(town(route.town), route))
                planned += 1
    assert planned >= 50
